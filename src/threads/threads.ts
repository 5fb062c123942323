import { Worker } from 'node:worker_threads';
import { type ForwardOptions, forwardPass, type Outputs } from '../engine/forward.js';
import { chooseKernels, workOf } from '../engine/kernels/choose.js';
import type { Compute, KernelName } from '../engine/options.js';
import type { Network, Sequence } from '../module/bind.js';
import { directionsOf, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import { dividesUnits } from './divide.js';
import { exchangeIn, exchangeMemory, fail, ThreadFailure } from './exchange.js';
import { joinRows, joinUnits, rowsOf, screenOfRows, splitRows } from './rows.js';
import type { Answer, Task } from './task.js';

/** Runs a pass in `count` threads, this one included; in this one alone where others fail. */
export async function inThreads(
  network: Network,
  sequence: Sequence,
  options: ForwardOptions,
  count: number,
): Promise<Outputs> {
  const { compute = 'float64', trace = false, layers = false, screen, speed = {}, onProgress } = options;
  const { module } = network;
  // The choice of kernels depends on the work of the whole pass; all threads use the same ones.
  const { name, notes, release } = chooseKernels(module.kind, compute, workOf(network, sequence), speed);
  release();
  const threadOptions = { compute, trace, layers, screen, speed: { kernels: name }, onProgress };
  try {
    const run = dividesUnits(network, sequence, trace) ? byUnits : byRows;
    const outputs = await run(network, sequence, threadOptions, count);
    return { ...outputs, kernels: { name, notes, threads: count } };
  } catch (error) {
    if (!(error instanceof ThreadFailure)) throw error;
    const outputs = await forwardPass(network, sequence, threadOptions);
    const note = `other threads failed (${error.message}), so one computed`;
    return { ...outputs, kernels: { name, notes: [...notes, note], threads: 1 } };
  }
}

/** The options of a pass in one thread. Only this thread reports progress. */
type ThreadOptions = Required<Pick<ForwardOptions, 'compute' | 'trace' | 'layers'>> &
  Pick<ForwardOptions, 'screen' | 'onProgress'> & { readonly speed: { readonly kernels: KernelName } };
type OutputTensors = Omit<Outputs, 'kernels'>;

async function byRows(
  network: Network,
  sequence: Sequence,
  options: ThreadOptions,
  count: number,
): Promise<OutputTensors> {
  const { module } = network;
  const rows = splitRows(sequence, count);
  const [ours, ...others] = rows.map((ofThread) => rowsOf(sequence, ofThread, module));
  const task = taskOf(network, options);
  const screens = rows.map(
    (ofThread) => options.screen && screenOfRows(options.screen, sequence, ofThread, module),
  );
  const outputs = await runTogether(
    others.map((theirs, i) => ({ ...task, sequence: theirs, screen: screens[i + 1] })),
    () => forwardPass(network, ours, { ...options, screen: screens[0] }),
  );
  return joinRows(outputs, rows, sequence, module);
}

async function byUnits(
  network: Network,
  sequence: Sequence,
  options: ThreadOptions,
  count: number,
): Promise<OutputTensors> {
  const { compute, screen } = options;
  const { module, layers } = network;
  const { input, h0, c0, steps, batch } = sequence;
  const size = outputSize(module);
  const memory = exchangeMemory(compute, batch * Math.max(module.hidden_size, size));
  const length = steps * batch * directionsOf(module).length * size;
  const outputs = layers.map(() => sharedFloats(compute, length));
  const task = {
    ...taskOf(network, options),
    sequence: {
      ...sequence,
      input: inSharedMemory(input),
      h0: h0 && inSharedMemory(h0),
      c0: c0 && inSharedMemory(c0),
    },
    screen: screen && { ...screen, expected: screen.expected && inSharedMemory(screen.expected) },
  };
  const shares = Array.from({ length: count }, (_, index) => ({ index, count, outputs }));
  const [own, ...others] = shares;
  const share = { ...own, exchange: exchangeIn(memory, compute, own, batch) };
  // A thread that fails no longer takes part in exchanges, so that the others must stop waiting for it.
  const onFailure = () => fail(memory);
  const found = await runTogether(
    others.map((theirs) => ({ ...task, share: { ...theirs, memory } })),
    () => forwardPass(network, sequence, { ...options, share }),
    onFailure,
  );
  return joinUnits(found);
}

function taskOf(network: Network, { compute, trace, layers, speed }: ThreadOptions): Omit<Task, 'sequence'> {
  return { network: networkInSharedMemory(network), compute, kernels: speed.kernels, trace, layers };
}

/** Workers without a task. They do not keep the process alive. */
const idle: Worker[] = [];
const MOST_IDLE = 16;

/**
 * Runs this thread's part and the tasks of other threads at the same time. All have ended when it returns or throws.
 * @returns the outputs of this thread, then those of the tasks
 * @throws ThreadFailure where another thread fails
 */
async function runTogether(
  tasks: readonly Task[],
  ourPart: () => Promise<Outputs>,
  onFailure: () => void = () => undefined,
): Promise<Outputs[]> {
  const started = startWorkers(tasks.length);
  // The first failure: later ones are its consequences.
  let cause: unknown;
  const watched = <T>(promise: Promise<T>) =>
    promise.catch((error: unknown) => {
      cause ??= error;
      onFailure();
      throw error;
    });
  const answers = started.map(({ worker }, i) => watched(answerOf(worker, tasks[i])));
  const part = async () => {
    // An exchange blocks this thread, so that it would not notice a worker that cannot start.
    if (tasks.some(({ share }) => share)) await Promise.all(started.map(({ ready }) => ready));
    return ourPart();
  };
  const settled = await Promise.allSettled([watched(part()), ...answers]);
  if (cause !== undefined) throw cause;
  return settled.map((result) => (result as PromiseFulfilledResult<Outputs>).value);
}

interface Started {
  readonly worker: Worker;
  /** Resolved when the worker takes tasks. */
  readonly ready: Promise<unknown>;
}

/**
 * This many workers, idle ones first.
 * @throws ThreadFailure where the system refuses one; the others become idle
 */
function startWorkers(count: number): Started[] {
  const started: Started[] = [];
  try {
    while (started.length < count) {
      const worker = idle.pop();
      started.push(worker ? { worker, ready: Promise.resolve() } : startWorker());
    }
  } catch (error) {
    idle.push(...started.map(({ worker }) => worker));
    throw new ThreadFailure((error as Error).message);
  }
  return started;
}

function startWorker(): Started {
  // The same path from dist/src/threads/ and, in the bundled program, from dist/src/cli/.
  const worker = new Worker(new URL('../threads/worker.js', import.meta.url));
  // A worker keeps the process alive only while it has a task (answerOf).
  worker.unref();
  worker.once('exit', () => {
    const index = idle.indexOf(worker);
    if (index >= 0) idle.splice(index, 1);
  });
  const ready = new Promise((resolve, reject) => {
    const onEnd = (reason: unknown) => reject(failureOf(reason));
    worker.once('message', resolve).once('error', onEnd).once('exit', onEnd);
  });
  // Where nothing awaits `ready`, answerOf reports the error.
  ready.catch(() => undefined);
  return { worker, ready };
}

/** @param reason an error, or the exit code of a thread that has ended */
function failureOf(reason: unknown): ThreadFailure {
  return new ThreadFailure(reason instanceof Error ? reason.message : `one has ended (${reason})`);
}

/** Sends a task to a worker, which becomes idle after it. */
function answerOf(worker: Worker, task: Task): Promise<Outputs> {
  worker.ref();
  return new Promise((resolve, reject) => {
    const onMessage = (answer: Answer) => {
      if (answer === 'ready') return;
      stopListening();
      if (idle.length < MOST_IDLE) idle.push(worker);
      else worker.terminate();
      if ('outputs' in answer) resolve(answer.outputs);
      else reject(new ThreadFailure(answer.problem));
    };
    const onEnd = (reason: unknown) => {
      stopListening();
      worker.terminate();
      reject(failureOf(reason));
    };
    const stopListening = () =>
      worker
        .off('message', onMessage)
        .off('error', onEnd)
        .off('messageerror', onEnd)
        .off('exit', onEnd)
        .unref();
    worker.on('message', onMessage).on('error', onEnd).on('messageerror', onEnd).on('exit', onEnd);
    worker.postMessage(task);
  });
}

/** The network with its parameters in shared memory, so that all threads use one copy. */
function networkInSharedMemory(network: Network): Network {
  return {
    ...network,
    layers: network.layers.map((perDirection) =>
      perDirection.map((parameters) => {
        const entries = Object.entries(parameters).filter(([, values]) => values !== undefined);
        return Object.fromEntries(
          entries.map(([name, values]) => [name, inSharedMemory(values)]),
        ) as unknown as typeof parameters;
      }),
    ),
  };
}

function inSharedMemory(values: Floats): Floats {
  if (values.buffer instanceof SharedArrayBuffer) return values;
  const copy = sharedFloats(values instanceof Float64Array ? 'float64' : 'float32', values.length);
  copy.set(values);
  return copy;
}

function sharedFloats(compute: Compute, length: number): Floats {
  return compute === 'float64'
    ? new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT))
    : new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
}
