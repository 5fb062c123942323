import { isSequence } from '../kinds.js';
import type { Floats } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import { distance } from './close.js';
import { type Place, placeAt } from './element.js';

/**
 * Runs of one network that differ in rounding alone. Where they part, rounding alone could explain as large a
 * difference from a reference.
 */
export interface Runs {
  readonly steps: number;
  readonly batch: number;
  readonly directions: number;
  /** Valid steps of every batch row. */
  readonly lengths?: readonly number[];
  readonly actual: RunOutputs;
  readonly rounded: readonly RunOutputs[];
}

interface RunOutputs {
  /** [steps, batch, directions·size] */
  readonly output: Floats;
  /** [layers·directions, batch, size] */
  readonly h_n: Floats;
  readonly c_n?: Floats;
}

/** When rounding counts as an explanation of a difference. */
export interface Margin {
  /**
   * The part of the difference by which the runs must have parted: a margin for luck, since two honest computations
   * may err by very different amounts.
   */
  readonly share: number;
  /** |actual − expected| that is usual at a value of this size; the unit in which runs part. */
  readonly allowance: (magnitude: number) => number;
  /** The largest magnitude that the outputs can have, whatever the rounding. */
  readonly largestPossible: number;
}

/** A run that has left the other's path may end anywhere: beyond so many allowances no more is asked for. */
const ALLOWANCES = 5;

export interface RoundingExplanation {
  /** The first mismatch, in the order of the rows, that stands before rounding alone could explain it. */
  readonly unexplained?: Place;
  /** By what factor the runs have parted too little for it. */
  readonly missing?: number;
  /** The first step at which the runs have parted enough to explain a mismatch. */
  readonly partsAt?: number;
}

/**
 * Which of a tensor's mismatches rounding alone could explain: those that stand where the runs have parted far
 * enough, at that step or before it in the order in which the direction takes them, in the same batch row.
 * @param fails 1 where an element is a mismatch
 */
export function explainByRounding(
  reference: Reference,
  runs: Runs,
  fails: Uint8Array,
  margin: Margin,
): RoundingExplanation {
  const { data: expected } = reference;
  // A layer's output is the output of the layers up to it.
  const name = isSequence(reference.name) ? 'output' : reference.name;
  const actual = runs.actual[name]!;
  const { allowance } = margin;
  const spread = spreads(runs, allowance);
  const spreadAt =
    name === 'output' ? outputSpread(runs, spread) : stateSpread(reference, runs, spread, allowance);

  // The least that was enough, for each direction and batch row, in allowances.
  const least = spread.map((rows) => rows.map(() => Number.POSITIVE_INFINITY));
  for (let i = 0; i < expected.length; i++) {
    if (fails[i] === 0) continue;
    const place = placeAt(reference, actual, i);
    const { batch: b, difference } = place;
    const size = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    const magnitude = [expected[i], actual[i], 0].find(Number.isFinite)!;
    const enough = margin.share * Math.min(size / allowance(Math.abs(magnitude)), ALLOWANCES);
    const parted = spreadAt(place);
    // Beyond the bound no rounding leads; to NaN it does only where it led a run of ours there, or to infinity.
    const possible = Number.isNaN(expected[i])
      ? margin.largestPossible === Number.POSITIVE_INFINITY || parted === Number.POSITIVE_INFINITY
      : !(Math.abs(expected[i]) > margin.largestPossible + allowance(margin.largestPossible));
    if (!possible || parted < enough) {
      return {
        unexplained: place,
        missing: possible && parted > 0 ? enough / parted : Number.POSITIVE_INFINITY,
      };
    }
    const d = directionIndex(place);
    least[d][b] = Math.min(least[d][b], enough);
  }
  const steps = spread.flatMap((rows, d) =>
    rows.flatMap((parted, b) => {
      const order = parted.findIndex((far) => far >= least[d][b]);
      return order < 0 ? [] : stepAt(runs, d, order);
    }),
  );
  return { partsAt: steps.length ? steps.reduce((a, b) => Math.min(a, b)) : undefined };
}

/** The step that a direction (0 forward, 1 reverse) takes as its `order`-th; the same the other way round. */
function stepAt({ steps }: Runs, direction: number, order: number): number {
  return direction === 0 ? order : steps - 1 - order;
}

type Allowance = Margin['allowance'];

/**
 * How far the runs' outputs have parted by then, in allowances, as a state may have been far larger before:
 * [directions][batch][steps in the direction's order].
 */
function spreads(runs: Runs, allowance: Allowance): Float64Array[][] {
  const { steps, batch, directions, actual, rounded } = runs;
  const size = actual.output.length / (steps * batch * directions);
  return Array.from({ length: directions }, (_, d) =>
    Array.from({ length: batch }, (_, b) => {
      const parted = new Float64Array(steps);
      for (let order = 0; order < steps; order++) {
        const from = ((stepAt(runs, d, order) * batch + b) * directions + d) * size;
        const here = spreadOf(
          actual.output,
          rounded.map(({ output }) => output),
          from,
          from + size,
          allowance,
        );
        parted[order] = Math.max(here, order > 0 ? parted[order - 1] : 0);
      }
      return parted;
    }),
  );
}

/** The largest difference of the runs from the first, in allowances; infinite where only one of two is finite. */
function spreadOf(
  a: Floats,
  others: readonly Floats[],
  from: number,
  to: number,
  allowance: Allowance,
): number {
  let largest = 0;
  for (const b of others) {
    for (let i = from; i < to; i++) {
      if (a[i] === b[i] || (Number.isNaN(a[i]) && Number.isNaN(b[i]))) continue;
      const parted = distance(a[i], b[i]) / allowance(Math.abs(a[i]));
      largest = Number.isNaN(parted) ? Number.POSITIVE_INFINITY : Math.max(largest, parted);
    }
  }
  return largest;
}

type SpreadAt = (place: Place) => number;

function directionIndex({ direction }: Place): number {
  return direction === 'forward' ? 0 : 1;
}

function outputSpread(runs: Runs, spread: readonly Float64Array[][]): SpreadAt {
  return (place) => {
    const { step, batch } = place;
    // Beyond a row's length the output is zero, and no rounding is in it.
    if (runs.lengths && step >= runs.lengths[batch]) return Number.NEGATIVE_INFINITY;
    const d = directionIndex(place);
    return spread[d][batch][stepAt(runs, d, step)];
  };
}

/** A last state has the spread it ends with and, in the top layer, that of the output on the way to it. */
function stateSpread(
  { rows }: Reference,
  runs: Runs,
  spread: readonly Float64Array[][],
  allowance: Allowance,
): SpreadAt {
  const { steps, batch, directions, actual, rounded } = runs;
  const ends = (state: 'h_n' | 'c_n', row: number, batchRow: number) => {
    const a = actual[state];
    if (!a) return 0;
    const size = a.length / (rows * batch);
    const from = (row * batch + batchRow) * size;
    return spreadOf(
      a,
      rounded.map((run) => run[state]!),
      from,
      from + size,
      allowance,
    );
  };
  return (place) => {
    const { row, layer, batch } = place;
    const isTop = layer === rows / directions - 1;
    const onTheWay = isTop ? spread[directionIndex(place)][batch][steps - 1] : 0;
    return Math.max(onTheWay, ends('h_n', row, batch), ends('c_n', row, batch));
  };
}
