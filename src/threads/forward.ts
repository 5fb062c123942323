import { type ForwardOptions, forwardPass, type Outputs } from '../engine/forward.js';
import { workOf } from '../engine/kernels/choose.js';
import { checkSpeed } from '../engine/options.js';
import { planTrace } from '../engine/trace.js';
import type { Network, Sequence } from '../module/bind.js';
import { dividesUnits, LEAST_WORK_BY_UNITS, threadsThatPay } from './divide.js';

// More threads would wait longer at every step than they save.
const MOST_THREADS_BY_UNITS = 8;

/**
 * Runs a network over a sequence as engine/forward.ts does, in several threads where that pays: they divide the batch
 * rows or, of a single row, the hidden units. Results are bit for bit the same for any number of threads.
 */
export async function forwardInThreads(
  network: Network,
  sequence: Sequence,
  options: ForwardOptions = {},
): Promise<Outputs> {
  const threads = threadsFor(network, sequence, options);
  if (threads < 2) return forwardPass(network, sequence, options);
  // forwardPass makes these checks too, but would see only one thread's part of the work.
  checkSpeed(options.speed ?? {});
  if (options.trace) planTrace(network.module, sequence.steps, sequence.batch, options.compute);
  const { inThreads } = await import('./threads.js');
  return inThreads(network, sequence, options, threads);
}

function threadsFor(
  network: Network,
  sequence: Sequence,
  { speed, storage, noise, trace = false }: ForwardOptions,
): number {
  // Random rounding depends on the order of operations.
  if (storage || noise) return 1;
  const work = workOf(network, sequence);
  const most = threadsThatPay(work, speed);
  if (most < 2) return 1;
  const { batch, steps } = sequence;
  if (!dividesUnits(network, sequence, trace)) return Math.min(most, batch);
  const { module, layers } = network;
  const perStep = work / (steps * layers.length);
  const pays = work >= LEAST_WORK_BY_UNITS.pass && perStep >= LEAST_WORK_BY_UNITS.step;
  if (trace || !pays) return 1;
  const mostByStep = Math.floor((2 * perStep) / LEAST_WORK_BY_UNITS.step);
  return Math.min(most, mostByStep, MOST_THREADS_BY_UNITS, module.hidden_size);
}
