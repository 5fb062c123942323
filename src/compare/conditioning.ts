import { isSequence } from '../kinds.js';
import type { Floats } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import { distance } from './close.js';
import { type Place, placeAt } from './element.js';

/**
 * Runs of one network that differ in rounding alone. Where they diverge, rounding alone can explain a difference of
 * that size from a reference.
 */
export interface Runs {
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
   * The share of the difference by which the runs must have diverged. It is less than 1, because the errors of two
   * correct computations may differ a lot in size.
   */
  readonly share: number;
  /** The usual rounding difference at a value of this magnitude; divergence is measured in it. */
  readonly allowance: (magnitude: number) => number;
  /** The largest magnitude that an output can have, however it is rounded. */
  readonly largestPossible: number;
}

/** The largest difference that counts, in allowances: runs that are this far apart may end anywhere. */
const LARGEST_DIFFERENCE = 5;

export interface RoundingExplanation {
  /** The first mismatch, in the order of the rows, that rounding alone cannot explain. */
  readonly unexplained?: Place;
  /** The factor by which the runs have diverged too little to explain it. */
  readonly missing?: number;
  /** The first step at which the runs have diverged enough to explain a mismatch. */
  readonly divergesAt?: number;
}

/**
 * Whether rounding alone can explain all of a tensor's mismatches. It explains a mismatch where the runs have diverged
 * enough in the same batch row, at this step or at one that the direction takes before it.
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
  const divergence = divergences(reference, runs, allowance);
  const divergenceAt =
    name === 'output'
      ? outputDivergence(reference, divergence)
      : stateDivergence(reference, runs, divergence, allowance);

  // The least divergence that a mismatch requires, in each direction and batch row.
  const leastRequired = divergence.map((rows) => rows.map(() => Number.POSITIVE_INFINITY));
  for (let i = 0; i < expected.length; i++) {
    if (fails[i] === 0) continue;
    const place = placeAt(reference, actual, i);
    const { batch: b, difference } = place;
    const size = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    const magnitude = [expected[i], actual[i], 0].find(Number.isFinite)!;
    const required = margin.share * Math.min(size / allowance(Math.abs(magnitude)), LARGEST_DIFFERENCE);
    const reached = divergenceAt(place);
    // Rounding leads to NaN only through an overflow: where outputs are unbounded, or where it has led one of the runs.
    const possible = Number.isNaN(expected[i])
      ? margin.largestPossible === Number.POSITIVE_INFINITY || reached === Number.POSITIVE_INFINITY
      : !(Math.abs(expected[i]) > margin.largestPossible + allowance(margin.largestPossible));
    if (!possible || reached < required) {
      return {
        unexplained: place,
        missing: possible && reached > 0 ? required / reached : Number.POSITIVE_INFINITY,
      };
    }
    const d = directionIndex(place);
    leastRequired[d][b] = Math.min(leastRequired[d][b], required);
  }
  const steps = divergence.flatMap((rows, d) =>
    rows.flatMap((inOrder, b) => {
      const order = inOrder.findIndex((reached) => reached >= leastRequired[d][b]);
      return order < 0 ? [] : stepAt(reference, d, order);
    }),
  );
  return { divergesAt: steps.length ? steps.reduce((a, b) => Math.min(a, b)) : undefined };
}

/** The `order`-th step that a direction (0 forward, 1 reverse) takes; it also gives the order of a step. */
function stepAt({ axes: { steps } }: Reference, direction: number, order: number): number {
  return direction === 0 ? order : steps - 1 - order;
}

type Allowance = Margin['allowance'];

/**
 * The largest divergence of the runs' outputs up to each step, in allowances: [directions][batch][steps in the
 * direction's order]. It includes the steps before because the divergence of an earlier, larger state persists.
 */
function divergences(
  reference: Reference,
  { actual, rounded }: Runs,
  allowance: Allowance,
): Float64Array[][] {
  const { batch } = reference;
  const {
    steps,
    directions: { length: directions },
  } = reference.axes;
  const size = actual.output.length / (steps * batch * directions);
  return Array.from({ length: directions }, (_, d) =>
    Array.from({ length: batch }, (_, b) => {
      const inOrder = new Float64Array(steps);
      for (let order = 0; order < steps; order++) {
        const from = ((stepAt(reference, d, order) * batch + b) * directions + d) * size;
        const here = largestDivergence(
          actual.output,
          rounded.map(({ output }) => output),
          from,
          from + size,
          allowance,
        );
        inOrder[order] = Math.max(here, order > 0 ? inOrder[order - 1] : 0);
      }
      return inOrder;
    }),
  );
}

/** The largest difference of other runs from one, in allowances; infinite where a difference is not finite. */
function largestDivergence(
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
      const difference = distance(a[i], b[i]) / allowance(Math.abs(a[i]));
      largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference);
    }
  }
  return largest;
}

type DivergenceAt = (place: Place) => number;

function directionIndex({ direction }: Place): number {
  return direction === 'forward' ? 0 : 1;
}

function outputDivergence(reference: Reference, divergence: readonly Float64Array[][]): DivergenceAt {
  const { lengths } = reference.axes;
  return (place) => {
    const { step, batch } = place;
    // Beyond a row's length the output is zero, without any rounding.
    if (lengths && step >= lengths[batch]) return Number.NEGATIVE_INFINITY;
    const d = directionIndex(place);
    return divergence[d][batch][stepAt(reference, d, step)];
  };
}

/** The divergence of the final states themselves and, in the last layer, of the output at the steps before. */
function stateDivergence(
  { rows, batch, axes }: Reference,
  { actual, rounded }: Runs,
  divergence: readonly Float64Array[][],
  allowance: Allowance,
): DivergenceAt {
  const { steps, directions } = axes;
  const ofState = (state: 'h_n' | 'c_n', row: number, batchRow: number) => {
    const a = actual[state];
    if (!a) return 0;
    const size = a.length / (rows * batch);
    const from = (row * batch + batchRow) * size;
    return largestDivergence(
      a,
      rounded.map((run) => run[state]!),
      from,
      from + size,
      allowance,
    );
  };
  return (place) => {
    const { row, layer, batch } = place;
    const isLast = layer === rows / directions.length - 1;
    const ofOutput = isLast ? divergence[directionIndex(place)][batch][steps - 1] : 0;
    return Math.max(ofOutput, ofState('h_n', row, batch), ofState('c_n', row, batch));
  };
}
