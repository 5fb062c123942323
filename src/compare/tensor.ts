import type { TensorName } from '../kinds.js';
import { DTYPES, type Floats } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import type { Judgement, UnitSpread } from './by-rounding.js';
import { isClose, type Rule, smallestAtol } from './close.js';
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
  /** By the automatic rule, the largest |expected − predicted| in standard deviations (of printed numbers in bounds); undefined where undecided. */
  readonly sigmas?: number;
}

/** What a tensor's elements were judged by. */
export interface AutoSummary {
  /** How the reference was rounded: `generic`, `f16` … */
  readonly profile: string;
  /** Whether every step began from the reference's own h. */
  readonly forced: boolean;
  /** With how many decimals the case was printed; then `sigmas` are in bounds of what the missing ones can do. */
  readonly decimals?: number;
  /** The largest of the rows'; undefined where nothing is decided. */
  readonly sigmas?: number;
  /** Above so many an element is a fault. */
  readonly limit: number;
  readonly faults: number;
  /** Faults that are beyond what rounding can do at all. */
  readonly proven: number;
  /** Elements beyond the limit that are no faults: so few of so many are. */
  readonly rare: number;
  /** Elements of which it says nothing; they are close, or not, by the tolerance. */
  readonly undecided: number;
  /** Units whose mean square over the steps is a fault, in variances. */
  readonly units: readonly UnitSpread[];
  /** Units whose mean square is larger than is usual, which is no fault. */
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
  /** Of the row that is worst. */
  readonly worst: Place;
  /** The smallest atol of two digits that passes at this rtol; undefined where none does. */
  readonly smallestAtol: number | undefined;
  /** Whether zeros in the place of the actual values would pass too, for most of what is not zero itself. */
  readonly zerosPass: boolean;
  /** Expected values that are NaN, where NaN equals NaN. */
  readonly nans: number;
  /** By the automatic rule only: then a mismatch is a fault, or undecided and not close by the tolerance. */
  readonly auto?: AutoSummary;
}

/** The judgement of a tensor by the automatic rule, and what it rests on. */
type Judged = Judgement & Pick<AutoSummary, 'profile' | 'forced' | 'decimals'>;

/** 1 where an element fails: by the automatic rule where that decides, else by the tolerance. */
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
 * Holds a tensor against its reference, element by element; every element is visited.
 * @param actual [rows or more, batch, units]: a reference may end early
 * @param judged by the automatic rule, where that is the one
 */
export function compareTensor(
  reference: Reference,
  actual: Floats,
  tolerance: Tolerance,
  equal_nan: boolean,
  judged?: Judged,
): TensorComparison {
  const { rows, data: expected } = reference;
  const rule = { rtol: tolerance.rtol, atol: tolerance.atol, equal_nan };
  const held = actual.subarray(0, expected.length);
  const fails = failures(reference, held, rule, judged);
  const comparisons = Array.from({ length: rows }, (_, row) =>
    compareRow(reference, held, fails, judged, row),
  );
  return {
    name: reference.name,
    dtype: DTYPES[reference.dtype].torch,
    tolerance,
    elements: expected.length,
    mismatches: comparisons.reduce((sum, row) => sum + row.mismatches, 0),
    rows: comparisons,
    worst: worstRow(comparisons).worst,
    smallestAtol: smallestAtol(held, expected, tolerance.rtol, equal_nan),
    zerosPass: zerosPass(expected, rule),
    nans: equal_nan ? Array.from(expected).filter(Number.isNaN).length : 0,
    auto: judged && autoSummary(judged, comparisons),
  };
}

function compareRow(
  reference: Reference,
  actual: Floats,
  fails: Uint8Array,
  judged: Judged | undefined,
  row: number,
): RowComparison {
  const { batch, units, data: expected } = reference;
  const deviations = judged?.sigmas;
  const elements = batch * units;
  const start = row * elements;
  let mismatches = 0;
  let worst = start;
  let worstDifference = -1;
  let relative = 0;
  let sigmas = -1;
  for (let i = start; i < start + elements; i++) {
    let difference = Math.abs(actual[i] - expected[i]);
    if (Number.isNaN(difference)) {
      const nans = fails[i] === 0 && Number.isNaN(actual[i]) && Number.isNaN(expected[i]);
      if (nans || actual[i] === expected[i]) difference = 0;
    }
    // NaN is worse than any number, and a mismatch than what is none.
    const larger = !(difference <= worstDifference) && !Number.isNaN(worstDifference);
    const first = fails[i] === 1 && mismatches === 0;
    if (first || (larger && (fails[i] === 1 || mismatches === 0))) {
      worst = i;
      worstDifference = difference;
    }
    mismatches += fails[i];
    const size = Math.abs(expected[i]);
    if (difference > 0 && !(difference < relative * size)) relative = Math.max(relative, difference / size);
    if (deviations && deviations[i] > sigmas) sigmas = deviations[i];
  }
  const place = { ...placeAt(reference, actual, worst), difference: worstDifference };
  return { elements, mismatches, worst: place, relative, sigmas: sigmas < 0 ? undefined : sigmas };
}

function autoSummary(
  { profile, forced, decimals, limit, faults, counts, units, suspicious }: Judged,
  rows: readonly RowComparison[],
): AutoSummary {
  const decided = rows.flatMap(({ sigmas }) => (sigmas === undefined ? [] : [sigmas]));
  return {
    profile,
    forced,
    decimals,
    sigmas: decided.length ? decided.reduce((a, b) => Math.max(a, b)) : undefined,
    limit,
    faults: count(faults),
    ...counts,
    units,
    suspicious,
  };
}

function zerosPass(expected: Floats, rule: Rule): boolean {
  let others = 0;
  let pass = 0;
  for (let i = 0; i < expected.length; i++) {
    if (expected[i] === 0) continue;
    others++;
    if (isClose(0, expected[i], rule)) pass++;
  }
  return 2 * pass >= others;
}

/** The row whose worst element is the worst of all; rows that mismatch before those that don't. */
function worstRow(rows: readonly RowComparison[]): RowComparison {
  const size = ({ worst: { difference } }: RowComparison) =>
    Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  return rows.reduce((worst, row) => {
    if (row.mismatches > 0 !== worst.mismatches > 0) return row.mismatches > 0 ? row : worst;
    return size(row) > size(worst) ? row : worst;
  });
}
