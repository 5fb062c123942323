import { Worker } from 'node:worker_threads';
import { type ForwardOptions, forwardPass, type Outputs } from '../engine/forward.js';
import { chooseKernels, workOf } from '../engine/kernels/choose.js';
import type { KernelName } from '../engine/options.js';
import type { Network, Sequence } from '../module/bind.js';
import { outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import { exchangeIn, exchangeMemory, fail, ThreadFailure } from './exchange.js';
import { joinRows, rowsOf, splitRows } from './rows.js';
import type { Answer, Task } from './task.js';

/** The pass in `count` threads, of which this is one; in this one alone where the others fail. */
export async function inThreads(
  network: Network,
  sequence: Sequence,
  options: ForwardOptions,
  count: number,
): Promise<Outputs> {
  const { compute = 'float64', trace = false, speed = {}, onProgress } = options;
  const { module } = network;
  // All threads compute with the same kernels, which depend on all of the work.
  const { name, notes, release } = chooseKernels(module.kind, compute, workOf(network, sequence), speed);
  release();
  const own = { compute, trace, speed: { kernels: name }, onProgress };
  try {
    const outputs = await (sequence.batch > 1 ? byRows : byUnits)(network, sequence, own, count);
    return { ...outputs, kernels: { name, notes, threads: count } };
  } catch (error) {
    if (!(error instanceof ThreadFailure)) throw error;
    const outputs = await forwardPass(network, sequence, own);
    const note = `other threads failed (${error.message}), so one computed`;
    return { ...outputs, kernels: { name, notes: [...notes, note], threads: 1 } };
  }
}

type Own = Required<Pick<ForwardOptions, 'compute' | 'trace'>> &
  Pick<ForwardOptions, 'onProgress'> & { readonly speed: { readonly kernels: KernelName } };
type Parts = Omit<Outputs, 'kernels'>;

async function byRows(network: Network, sequence: Sequence, own: Own, count: number): Promise<Parts> {
  const { module } = network;
  const rows = splitRows(sequence, count);
  const [first, ...others] = rows.map((some) => rowsOf(sequence, some, module));
  const task = taskOf(network, own);
  const outputs = await together(
    others.map((part) => ({ ...task, sequence: part })),
    () => forwardPass(network, first, own),
  );
  return joinRows(outputs, rows, sequence, module);
}

async function byUnits(network: Network, sequence: Sequence, own: Own, count: number): Promise<Parts> {
  const { compute } = own;
  const { hidden_size } = network.module;
  const memory = exchangeMemory(compute, Math.max(hidden_size, outputSize(network.module)));
  const share = (index: number) => ({ index, count, memory });
  const { input, h0, c0 } = sequence;
  const same = {
    ...sequence,
    input: inSharedMemory(input),
    h0: h0 && inSharedMemory(h0),
    c0: c0 && inSharedMemory(c0),
  };
  const task = taskOf(network, own);
  const others = Array.from({ length: count - 1 }, (_, i) => ({
    ...{ ...task, sequence: same },
    share: share(i + 1),
  }));
  const [outputs] = await together(
    others,
    () =>
      forwardPass(network, sequence, {
        ...own,
        share: { ...share(0), exchange: exchangeIn(memory, compute, count) },
      }),
    // Whichever thread it was: the others wait for it no longer.
    () => fail(memory),
  );
  return outputs;
}

function taskOf(network: Network, { compute, trace, speed }: Own): Omit<Task, 'sequence'> {
  return { network: shared(network), compute, kernels: speed.kernels, trace };
}

/** Threads that have nothing to do; they don't keep a process alive. */
const idle: Worker[] = [];
const MOST_IDLE = 16;

/**
 * The outputs of this thread's own part, then of the others' tasks. All have come to their end when it returns.
 * @throws ThreadFailure where another thread fails
 */
async function together(
  tasks: readonly Task[],
  own: () => Promise<Outputs>,
  onFailure: () => void = () => undefined,
): Promise<Outputs[]> {
  const started = tasks.map(() => {
    const known = idle.pop();
    return known ? { worker: known, ready: Promise.resolve() } : start();
  });
  const none = started.find(({ worker }) => worker instanceof Error);
  if (none) {
    for (const { worker } of started) if (worker instanceof Worker) idle.push(worker);
    throw new ThreadFailure((none.worker as Error).message);
  }
  // What failed first: the others fail because of it.
  let cause: unknown;
  const told = <T>(promise: Promise<T>) =>
    promise.catch((error: unknown) => {
      cause ??= error;
      onFailure();
      throw error;
    });
  const answers = started.map(({ worker }, i) => told(answerOf(worker as Worker, tasks[i])));
  const part = async () => {
    // While this thread waits for others in their exchange it hears nothing of one that could not start.
    if (tasks.some(({ share }) => share)) await Promise.all(started.map(({ ready }) => ready));
    return own();
  };
  const settled = await Promise.allSettled([told(part()), ...answers]);
  if (cause !== undefined) throw cause;
  return settled.map((one) => (one as PromiseFulfilledResult<Outputs>).value);
}

interface Started {
  /** Or why the system gives none. */
  readonly worker: Worker | Error;
  readonly ready: Promise<unknown>;
}

function start(): Started {
  let worker: Worker;
  try {
    worker = new Worker(new URL('../threads/worker.js', import.meta.url));
  } catch (error) {
    return { worker: error as Error, ready: Promise.resolve() };
  }
  // Only while it has something to do does it keep the process alive.
  worker.unref();
  // One that ends while it has nothing to do is given no task any more.
  worker.once('exit', () => {
    const at = idle.indexOf(worker);
    if (at >= 0) idle.splice(at, 1);
  });
  const ready = new Promise((resolve, reject) => {
    const failed = (why: unknown) =>
      reject(new ThreadFailure(why instanceof Error ? why.message : `one has ended (${why})`));
    worker.once('message', resolve).once('error', failed).once('exit', failed);
  });
  // Whoever does not wait for it hears of an error through the answer.
  ready.catch(() => undefined);
  return { worker, ready };
}

function answerOf(worker: Worker, task: Task): Promise<Outputs> {
  worker.ref();
  return new Promise((resolve, reject) => {
    const onMessage = (answer: Answer) => {
      if (answer === 'ready') return;
      done();
      if (idle.length < MOST_IDLE) idle.push(worker);
      else worker.terminate();
      if ('outputs' in answer) resolve(answer.outputs);
      else reject(new ThreadFailure(answer.problem));
    };
    const onEnd = (why: unknown) => {
      done();
      worker.terminate();
      reject(new ThreadFailure(why instanceof Error ? why.message : `one has ended (${why})`));
    };
    const done = () =>
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

/** The same network in memory that threads share: one copy for all of them. */
function shared(network: Network): Network {
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
  const memory = new SharedArrayBuffer(values.byteLength);
  const copy = values instanceof Float64Array ? new Float64Array(memory) : new Float32Array(memory);
  copy.set(values);
  return copy;
}
