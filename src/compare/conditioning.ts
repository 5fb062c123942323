import type { Floats } from '../tensor/dtype.js';
import { distance, isClose } from './close.js';
import type { Compared, Place } from './compare.js';
import type { Tolerance } from './tolerance.js';

/**
 * Two runs of one network that differ in rounding alone. Where they part, rounding alone could explain as large a
 * difference from a reference.
 */
export interface Runs {
  readonly steps: number;
  readonly batch: number;
  readonly directions: number;
  /** Valid steps of every batch row. */
  readonly lengths?: readonly number[];
  readonly actual: RunOutputs;
  readonly rounded: RunOutputs;
}

interface RunOutputs {
  /** [steps, batch, directions·size] */
  readonly output: Floats;
  /** [layers·directions, batch, size] */
  readonly h_n: Floats;
  readonly c_n?: Floats;
}

/** How far two runs must be from each other to count as parted: a share of a tolerance. */
export interface Threshold {
  readonly tolerance: Tolerance;
  readonly share: number;
}

export interface Explanation {
  /** The first mismatch, in the order of the rows, that stands before rounding alone could explain it. */
  readonly unexplained?: Place;
  /** The first step at which the runs part, in any direction and batch row. */
  readonly partsAt?: number;
}

/**
 * Which of a tensor's mismatches rounding alone could explain: those at or after the step where the runs have
 * parted, in the order in which their direction takes the steps, in their own batch row.
 */
export function explain(
  reference: Compared,
  runs: Runs,
  threshold: Threshold,
  equalNan: boolean,
): Explanation {
  const { name, batch, units, data: expected } = reference;
  const actual = runs.actual[name]!;
  const parted = partings(runs, threshold);
  const explained =
    name === 'output'
      ? outputExplained(reference, runs, parted)
      : stateExplained(reference, runs, parted, threshold);
  const rule = { ...threshold.tolerance, equalNan };

  let unexplained: Place | undefined;
  for (let i = 0; i < expected.length && !unexplained; i++) {
    if (isClose(actual[i], expected[i], rule)) continue;
    const row = Math.floor(i / (batch * units));
    const b = Math.floor(i / units) % batch;
    const unit = i % units;
    if (explained(row, b, unit)) continue;
    unexplained = {
      row,
      batch: b,
      unit,
      expected: expected[i],
      actual: actual[i],
      difference: distance(actual[i], expected[i]),
    };
  }
  const steps = parted.flatMap((rows, d) =>
    rows.filter(Number.isFinite).map((order) => stepAt(runs, d, order)),
  );
  return { unexplained, partsAt: steps.length ? Math.min(...steps) : undefined };
}

/** The step that a direction (0 forward, 1 reverse) takes as its `order`-th; the same the other way round. */
function stepAt({ steps }: Runs, direction: number, order: number): number {
  return direction === 0 ? order : steps - 1 - order;
}

/** For each direction and batch row, after how many of its steps the runs part; infinity if they never do. */
function partings(runs: Runs, threshold: Threshold): number[][] {
  const { steps, batch, directions, actual, rounded } = runs;
  const size = actual.output.length / (steps * batch * directions);
  return Array.from({ length: directions }, (_, d) =>
    Array.from({ length: batch }, (_, b) => {
      for (let order = 0; order < steps; order++) {
        const from = ((stepAt(runs, d, order) * batch + b) * directions + d) * size;
        if (isParted(actual.output, rounded.output, from, from + size, threshold)) return order;
      }
      return Number.POSITIVE_INFINITY;
    }),
  );
}

function isParted(a: Floats, b: Floats, from: number, to: number, { tolerance, share }: Threshold): boolean {
  const rule = { rtol: share * tolerance.rtol, atol: share * tolerance.atol, equalNan: true };
  for (let i = from; i < to; i++) if (!isClose(b[i], a[i], rule)) return true;
  return false;
}

type Explained = (row: number, batchRow: number, unit: number) => boolean;

function outputExplained({ units }: Compared, runs: Runs, parted: readonly number[][]): Explained {
  const size = units / runs.directions;
  return (step, b, unit) => {
    // Beyond a row's length the output is zero, and no rounding is in it.
    if (runs.lengths && step >= runs.lengths[b]) return false;
    const direction = Math.floor(unit / size);
    return stepAt(runs, direction, step) >= parted[direction][b];
  };
}

/** A last state is explained where it has parted itself or, in the top layer, the output on the way to it. */
function stateExplained(
  { rows }: Compared,
  runs: Runs,
  parted: readonly number[][],
  threshold: Threshold,
): Explained {
  const { batch, directions, actual, rounded } = runs;
  const has = (a: Floats | undefined, b: Floats | undefined, row: number, batchRow: number) => {
    if (!a || !b) return false;
    const size = a.length / (rows * batch);
    const from = (row * batch + batchRow) * size;
    return isParted(a, b, from, from + size, threshold);
  };
  return (row, b) => {
    const top = row - (rows - directions);
    if (top >= 0 && Number.isFinite(parted[top][b])) return true;
    return has(actual.h_n, rounded.h_n, row, b) || has(actual.c_n, rounded.c_n, row, b);
  };
}
