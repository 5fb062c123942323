import type { TensorName } from '../kinds.js';
import { DTYPES, type Floats } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import type { Judgement, UnitSpread } from './by-rounding.js';
import { enoughAtol, isClose, type Rule, smallestAtol } from './close.js';
import type { DeviationMap } from './deviation-map.js';
import { count, type Place, placeAt } from './element.js';
import type { Tolerance } from './tolerance.js';

/** A step of `output`, or a layer and direction of `h_n` or `c_n`. */
export interface RowComparison {
  readonly elements: number;
  readonly mismatches: number;
  /** The largest difference among the elements that mismatch, or else among all. */
  readonly worst: Place;
  /** The largest |actual − expected| / |expected|. */
  readonly relative: number;
  /**
   * By the automatic rule: the largest |expected − predicted| in standard deviations, or in bounds where the reference
   * was printed. Undefined where every element is undecided.
   */
  readonly sigmas?: number;
}

/** How the automatic rule judged a tensor. */
export interface AutoSummary {
  /** How the reference was rounded: `generic`, `f16` … */
  readonly profile: string;
  /** Whether every step began from the reference's own h. */
  readonly forced: boolean;
  /** The number of decimals that the case was printed with: then `sigmas` are in bounds, not in standard deviations. */
  readonly decimals?: number;
  /** The largest of all rows; undefined where every element is undecided. */
  readonly sigmas?: number;
  /** An element with more sigmas than this is a fault. */
  readonly limit: number;
  readonly faults: number;
  /** Faults that are beyond the bounds of rounding. */
  readonly proven: number;
  /** Elements beyond the limit that are not faults: among this many values a few exceed it by chance. */
  readonly rare: number;
  /** Elements that the rule cannot judge; they are compared by the tolerance. */
  readonly undecided: number;
  /** Units whose elements may be within the limit, but whose mean square is beyond rounding. */
  readonly units: readonly UnitSpread[];
  /** Units whose mean square is unusually large, but not a fault. */
  readonly suspicious: readonly UnitSpread[];
}

export interface TensorComparison {
  readonly name: TensorName;
  /** PyTorch's name of the reference's dtype. */
  readonly dtype: string;
  readonly tolerance: Tolerance;
  readonly elements: number;
  readonly mismatches: number;
  readonly rows: readonly RowComparison[];
  /** The worst element of all rows. */
  readonly worst: Place;
  /** The smallest atol of two digits that passes at this rtol; undefined where none does. */
  readonly smallestAtol: number | undefined;
  /** Whether zeros instead of the actual values would pass too, for at least half of the expected nonzero values. */
  readonly zerosPass: boolean;
  /** Expected values that are NaN, where NaN equals NaN. */
  readonly nans: number;
  /** Present with the automatic rule: then a mismatch is a fault, or an undecided element that is not close. */
  readonly auto?: AutoSummary;
  /** Of a sequence that fails. */
  readonly map?: DeviationMap;
}

/** The automatic rule's judgement of a tensor, and what it is based on. */
type TensorJudgement = Judgement & Pick<AutoSummary, 'profile' | 'forced' | 'decimals'>;

/** What a screening tells of a tensor: no element and no unit is beyond rounding. */
export interface TensorScreening extends Pick<AutoSummary, 'profile' | 'forced' | 'limit' | 'suspicious'> {
  /** The largest deviation in each row, in standard deviations. */
  readonly farthest: Floats;
  /** By row, where the screening found them. */
  readonly differences?: RowDifferences;
}

/** What `compareRow` tells of each row too, if all values are finite and pass. */
interface RowDifferences {
  /** The largest |actual − expected|. */
  readonly largest: Floats;
  /** The largest |actual − expected| / |expected|. */
  readonly relative: Floats;
  /** The largest atol that an element needs (`enoughAtol`). */
  readonly needed: Floats;
  /** Expected values that are not zero, and those of them that zero is close to. */
  readonly nonzero: Floats;
  readonly nearZero: Floats;
}

/** 1 where an element fails: by the automatic rule if that decides it, else by the tolerance. */
export function failures(
  { data: expected }: Pick<Reference, 'data'>,
  actual: Floats,
  rule: Rule,
  judged: Judgement | undefined,
): Uint8Array {
  const fails = judged ? judged.faults.slice() : new Uint8Array(expected.length);
  if (judged && judged.counts.undecided === 0) return fails;
  for (let i = 0; i < expected.length; i++) {
    if (judged && judged.undecided[i] === 0) continue;
    if (!isClose(actual[i], expected[i], rule)) fails[i] = 1;
  }
  return fails;
}

/**
 * Compares a tensor with its reference, element by element.
 * @param actual [rows or more, batch, units]: a reference may end before the last step
 * @param judged by the automatic rule, unless the tolerance decides everything
 */
export function compareTensor(
  reference: Reference,
  actual: Floats,
  tolerance: Tolerance,
  equal_nan: boolean,
  judged?: TensorJudgement | TensorScreening,
): TensorComparison {
  const { rows, data: expected } = reference;
  const rule = { rtol: tolerance.rtol, atol: tolerance.atol, equal_nan };
  const compared = actual.subarray(0, expected.length);
  const isScreened = judged && 'farthest' in judged;
  const fails = isScreened ? undefined : failures(reference, compared, rule, judged);
  const needed = new Float64Array(rows);
  let [mismatches, nonzero, nearZero] = [0, 0, 0];
  const comparisons: RowComparison[] = [];
  for (let row = 0; row < rows; row++) {
    const sigmas = isScreened ? judged.farthest[row] : judged && largestSigma(reference, judged.sigmas, row);
    const facts =
      isScreened && judged.differences
        ? screenedRow(reference, compared, judged.differences, row, sigmas)
        : compareRow(reference, compared, rule, fails, row, sigmas);
    needed[row] = facts.needed;
    mismatches += facts.comparison.mismatches;
    nonzero += facts.nonzero;
    nearZero += facts.nearZero;
    comparisons.push(facts.comparison);
  }
  return {
    name: reference.name,
    dtype: DTYPES[reference.dtype].torch,
    tolerance,
    elements: expected.length,
    mismatches,
    rows: comparisons,
    worst: worstRow(comparisons).worst,
    smallestAtol: smallestAtol(compared, expected, tolerance.rtol, equal_nan, needed),
    zerosPass: 2 * nearZero >= nonzero,
    nans: equal_nan ? Array.from(expected).filter(Number.isNaN).length : 0,
    auto: judged && autoSummary(isScreened ? { ...judged, ...NO_FAULTS } : judged, comparisons),
  };
}

/** What one pass over a row tells. */
interface RowFacts {
  readonly comparison: RowComparison;
  /** The atol with which every element is close at the rule's rtol, or slightly more. */
  readonly needed: number;
  /** Expected values that are not zero, and those of them that zero is close to. */
  readonly nonzero: number;
  readonly nearZero: number;
}

function compareRow(
  reference: Reference,
  actual: Floats,
  rule: Rule,
  fails: Uint8Array | undefined,
  row: number,
  sigmas: number | undefined,
): RowFacts {
  const { batch, units, data: expected } = reference;
  const { rtol, atol, equal_nan } = rule;
  const elements = batch * units;
  const start = row * elements;
  let mismatches = 0;
  let worst = start;
  let worstDifference = -1;
  let relative = 0;
  let needed = 0;
  let nonzero = 0;
  let nearZero = 0;
  for (let i = start; i < start + elements; i++) {
    const size = Math.abs(expected[i]);
    const own = enoughAtol(actual[i], expected[i], rtol, equal_nan);
    if (own > needed) needed = own;
    // As isClose(0, expected).
    if (size !== 0) {
      nonzero++;
      if (size < Number.POSITIVE_INFINITY && size <= atol + rtol * size) nearZero++;
    }
    const failing = fails ? fails[i] : 0;
    let difference = Math.abs(actual[i] - expected[i]);
    if (difference <= worstDifference && failing === 0 && difference < relative * size) continue;
    if (Number.isNaN(difference)) {
      const equalNans = failing === 0 && Number.isNaN(actual[i]) && Number.isNaN(expected[i]);
      if (equalNans || actual[i] === expected[i]) difference = 0;
    }
    // NaN is worse than any number, and any mismatch is worse than an element that passes.
    const larger = !(difference <= worstDifference) && !Number.isNaN(worstDifference);
    const isFirstMismatch = failing === 1 && mismatches === 0;
    if (isFirstMismatch || (larger && (failing === 1 || mismatches === 0))) {
      worst = i;
      worstDifference = difference;
    }
    mismatches += failing;
    if (difference > 0 && !(difference < relative * size)) relative = Math.max(relative, difference / size);
  }
  return {
    comparison: {
      elements,
      mismatches,
      worst: placeAt(reference, actual, worst, worstDifference),
      relative,
      sigmas,
    },
    needed,
    nonzero,
    nearZero,
  };
}

/** As compareRow, of a row whose differences the screening found. */
function screenedRow(
  reference: Reference,
  actual: Floats,
  { largest, relative, needed, nonzero, nearZero }: RowDifferences,
  row: number,
  sigmas: number | undefined,
): RowFacts {
  const { batch, units, data: expected } = reference;
  const elements = batch * units;
  const worst = indexOfDifference(actual, expected, row * elements, elements, largest[row]);
  return {
    comparison: {
      elements,
      mismatches: 0,
      worst: placeAt(reference, actual, worst, largest[row]),
      relative: relative[row],
      sigmas,
    },
    needed: needed[row],
    nonzero: nonzero[row],
    nearZero: nearZero[row],
  };
}

/** The first of `count` indices from `from` on where the two are so far apart. */
function indexOfDifference(
  actual: Floats,
  expected: Floats,
  from: number,
  count: number,
  difference: number,
): number {
  for (let i = from; i < from + count; i++) if (Math.abs(actual[i] - expected[i]) === difference) return i;
  return from;
}

/** The largest deviation in a row; undefined where every element is undecided. */
function largestSigma({ batch, units }: Reference, sigmas: Floats, row: number): number | undefined {
  let largest = -1;
  for (let i = row * batch * units; i < (row + 1) * batch * units; i++)
    if (sigmas[i] > largest) largest = sigmas[i];
  return largest < 0 ? undefined : largest;
}

const NO_FAULTS = { faults: new Uint8Array(0), counts: { undecided: 0, proven: 0, rare: 0 }, units: [] };

function autoSummary(
  {
    profile,
    forced,
    decimals,
    limit,
    faults,
    counts,
    units,
    suspicious,
  }: Omit<TensorJudgement, 'sigmas' | 'undecided'>,
  rows: readonly RowComparison[],
): AutoSummary {
  let farthest: number | undefined;
  for (const { sigmas } of rows) if ((sigmas ?? -1) > (farthest ?? -1)) farthest = sigmas;
  return {
    profile,
    forced,
    decimals,
    sigmas: farthest,
    limit,
    faults: count(faults),
    ...counts,
    units,
    suspicious,
  };
}

/** The row with the worst element; a row with mismatches is worse than any without. */
function worstRow(rows: readonly RowComparison[]): RowComparison {
  const size = ({ worst: { difference } }: RowComparison) =>
    Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  return rows.reduce((worst, row) => {
    if (row.mismatches > 0 !== worst.mismatches > 0) return row.mismatches > 0 ? row : worst;
    return size(row) > size(worst) ? row : worst;
  });
}
