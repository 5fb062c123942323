import { type ForwardOptions, forwardPass, type Outputs } from '../engine/forward.js';
import { chooseKernels, workOf } from '../engine/kernels/choose.js';
import type { KernelName } from '../engine/options.js';
import type { Network, Sequence } from '../module/bind.js';
import { directionsOf, outputSize } from '../module/parameters.js';
import { dividesUnits } from './divide.js';
import { exchangeIn, exchangeMemory, fail, ThreadFailure } from './exchange.js';
import { joinRows, joinUnits, rowsOf, splitRows } from './rows.js';
import {
  inSharedMemory,
  networkInSharedMemory,
  screenInSharedMemory,
  sharedFloats,
} from './shared-memory.js';
import type { PassTask } from './task.js';
import { runTogether } from './workers.js';

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
  const rows = splitRows(sequence, Array(sequence.batch).keys(), count);
  const [ours, ...others] = rows.map((ofThread) => rowsOf(sequence, ofThread, module));
  const task = taskOf(network, options);
  const screen = options.screen && screenInSharedMemory(options.screen);
  const screens = rows.map((ofThread) => screen && { ...screen, rows: ofThread });
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
    screen: screen && screenInSharedMemory(screen),
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

function taskOf(
  network: Network,
  { compute, trace, layers, speed }: ThreadOptions,
): Omit<PassTask, 'sequence'> {
  return { network: networkInSharedMemory(network), compute, kernels: speed.kernels, trace, layers };
}
