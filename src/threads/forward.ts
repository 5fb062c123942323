import { type ForwardOptions, forwardPass, type Outputs } from '../engine/forward.js';
import { workOf } from '../engine/kernels/choose.js';
import { checkSpeed } from '../engine/options.js';
import { planTrace } from '../engine/trace.js';
import type { Network, Sequence } from '../module/bind.js';

// Multiplications from which threads pay: about 100 ms of them, where a thread takes 30 to 60 to start. No thread gets
// less than half of that.
const WORTH = 2 ** 30;
// The same where the threads share out the units of one row and wait for each other at every step: of the pass, and of
// one step.
const WORTH_SHARING = { pass: 2 ** 31, step: 2 ** 17 };
// What is waited for at every step is waited for by all.
const MOST_SHARING = 8;

/**
 * Runs a network over a sequence, as engine/forward.ts does, in several threads where that pays: each takes some of the
 * batch rows or, of a single row, some of the hidden units. Every number is the same, whatever their count.
 */
export async function forwardInThreads(
  network: Network,
  sequence: Sequence,
  options: ForwardOptions = {},
): Promise<Outputs> {
  const threads = threadsFor(network, sequence, options);
  if (threads < 2) return forwardPass(network, sequence, options);
  // One thread checks this itself; several would see their own part only.
  checkSpeed(options.speed ?? {});
  if (options.trace) planTrace(network.module, sequence.steps, sequence.batch, options.compute);
  const { inThreads } = await import('./threads.js');
  return inThreads(network, sequence, options, threads);
}

function threadsFor(
  network: Network,
  sequence: Sequence,
  { speed, storage, trace, layers: kept }: ForwardOptions,
): number {
  const { threads = 1, kernels } = speed ?? {};
  const work = workOf(network, sequence);
  // Plain kernels take about five times as long. Rounding at random follows the order of the numbers.
  if (threads < 2 || storage || kept || work * (kernels === 'plain' ? 5 : 1) < WORTH) return 1;
  const { batch, steps } = sequence;
  const most = Math.min(threads, Math.floor((2 * work) / WORTH));
  if (batch > 1) return Math.min(most, batch);
  const { module, layers } = network;
  const perStep = work / (steps * layers.length);
  const worth = work >= WORTH_SHARING.pass && perStep >= WORTH_SHARING.step;
  const grains = Math.floor((2 * perStep) / WORTH_SHARING.step);
  return trace || !worth ? 1 : Math.min(most, grains, MOST_SHARING, module.hidden_size);
}
