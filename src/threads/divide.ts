import { workOf } from '../engine/kernels/choose.js';
import type { SpeedOptions } from '../engine/options.js';
import type { Network, Sequence } from '../module/bind.js';

// Threads pay from this many multiplications on: they take about 100 ms, and a thread takes 30 to 60 ms to start. Each
// thread gets at least half as many.
const LEAST_WORK = 2 ** 30;

/** The largest number of threads that pays for so many multiplications. */
export function threadsThatPay(work: number, { threads = 1, kernels }: SpeedOptions = {}): number {
  // Plain kernels take about five times as long.
  if (work * (kernels === 'plain' ? 5 : 1) < LEAST_WORK) return 1;
  return Math.min(threads, Math.floor((2 * work) / LEAST_WORK));
}

/**
 * The least work from which threads that divide the units pay, in multiplications: of a pass, and of a step, at which they wait
 * for each other.
 */
export const LEAST_WORK_BY_UNITS = { pass: 2 ** 31, step: 2 ** 17 };

// Threads that divide the batch rows need all weights each. The steps of a layer of this many take so long that waiting for
// each other at every one of them costs less.
const MANY_WEIGHTS = 2 ** 20;

/** Whether threads divide the units of a network, as those of a single batch row do; else they divide the batch rows. */
export function dividesUnits(network: Network, sequence: Sequence, trace: boolean): boolean {
  if (sequence.batch === 1) return true;
  // A trace is of all units.
  if (trace || workOf(network, sequence) < LEAST_WORK_BY_UNITS.pass) return false;
  return network.layers.some((directions) =>
    directions.some(({ weightIh, weightHh }) => weightIh.length + weightHh.length >= MANY_WEIGHTS),
  );
}
