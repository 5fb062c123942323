import { Worker } from 'node:worker_threads';
import { type ForwardOptions, forward, type Outputs } from '../engine/forward.js';
import { chooseKernels, workOf } from '../engine/kernels/choose.js';
import type { Network, Sequence } from '../module/bind.js';
import { outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import { exchangeIn, exchangeMemory, fail } from './exchange.js';
import { joinRows, rowsOf, splitRows } from './rows.js';
import type { Answer, Task } from './task.js';

/** The pass in `count` threads, of which this is one. */
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
  const task = { network: shared(network), compute, kernels: name, trace };
  const kernels = { name, notes, threads: count };

  if (sequence.batch > 1) {
    const rows = splitRows(sequence, count);
    const [own, ...others] = rows.map((some) => ({ ...task, sequence: rowsOf(sequence, some, module) }));
    const outputs = await together(others, () =>
      forward(network, own.sequence, { compute, trace, speed: { kernels: name }, onProgress }),
    );
    return { ...joinRows(outputs, rows, sequence, module), kernels };
  }

  const memory = exchangeMemory(compute, Math.max(module.hiddenSize, outputSize(module)));
  const share = (index: number) => ({ index, count, memory });
  const { input, h0, c0 } = sequence;
  const same = {
    ...sequence,
    input: inSharedMemory(input),
    h0: h0 && inSharedMemory(h0),
    c0: c0 && inSharedMemory(c0),
  };
  const others = Array.from({ length: count - 1 }, (_, i) => ({
    ...{ ...task, sequence: same },
    share: share(i + 1),
  }));
  try {
    const [own] = await together(others, () =>
      forward(network, sequence, {
        compute,
        speed: { kernels: name },
        share: { ...share(0), exchange: exchangeIn(memory, compute, count) },
        onProgress,
      }),
    );
    return { ...own, kernels };
  } catch (error) {
    // Whichever thread it was: the others wait for it no longer.
    fail(memory);
    throw error;
  }
}

/** Threads that have nothing to do; they don't keep a process alive. */
const idle: Worker[] = [];
const MOST_IDLE = 16;

/** The outputs of this thread's own part, then of the others' tasks. */
async function together(tasks: readonly Task[], own: () => Promise<Outputs>): Promise<Outputs[]> {
  const started = tasks.map(() => {
    const known = idle.pop();
    return known ? { worker: known } : start();
  });
  const answers = started.map(({ worker }, i) => answerOf(worker, tasks[i]));
  const parts = async () => {
    // While this thread waits for others in their exchange it hears nothing of one that could not start.
    if (tasks.some(({ share }) => share)) await Promise.all(started.map(({ ready }) => ready));
    return own();
  };
  return Promise.all([parts(), ...answers]);
}

function start(): { worker: Worker; ready?: Promise<unknown> } {
  const worker = new Worker(new URL('../threads/worker.js', import.meta.url));
  // Only while it has something to do does it keep the process alive.
  worker.unref();
  const ready = new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
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
      else reject(new Error(answer.problem));
    };
    const onEnd = (why: unknown) => {
      done();
      worker.terminate();
      reject(why instanceof Error ? why : new Error(`a thread has ended (${why})`));
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
    layers: network.layers.map((ways) =>
      ways.map((parameters) => {
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
