import { DTYPES, type Dtype, type Floats } from '../tensor/dtype.js';
import { distance, isClose, type Rule, smallestAtol } from './close.js';
import type { Tolerance } from './tolerance.js';

/** One element, where it is, and what stands there. */
export interface Place {
  /** A step of `output`, or layer·directions + direction of `h_n` and `c_n`. */
  readonly row: number;
  readonly batch: number;
  readonly unit: number;
  readonly expected: number;
  readonly actual: number;
  /** |actual − expected|; NaN where one is NaN. */
  readonly difference: number;
}

/** A step of `output`, or a layer and direction of `h_n` or `c_n`. */
export interface RowComparison {
  readonly elements: number;
  readonly mismatches: number;
  /** The largest difference among the elements that mismatch, or else among all. */
  readonly worst: Place;
  /** The largest |actual − expected| / |expected|. */
  readonly relative: number;
}

export interface TensorComparison {
  readonly name: 'output' | 'h_n' | 'c_n';
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
}

export interface Compared {
  readonly name: TensorComparison['name'];
  readonly dtype: Dtype;
  readonly rows: number;
  readonly batch: number;
  readonly units: number;
  /** [rows, batch, units] */
  readonly data: Floats;
}

/**
 * Holds a tensor against its reference, element by element; every element is visited.
 * @param actual [rows or more, batch, units]: a reference may end early
 */
export function compareTensor(
  reference: Compared,
  actual: Floats,
  tolerance: Tolerance,
  equalNan: boolean,
): TensorComparison {
  const { rows, batch, units, data: expected } = reference;
  const rule = { rtol: tolerance.rtol, atol: tolerance.atol, equalNan };
  const held = actual.subarray(0, expected.length);
  const comparisons = Array.from({ length: rows }, (_, row) => {
    const start = row * batch * units;
    let mismatches = 0;
    let worst = start;
    let worstDifference = -1;
    let worstMismatches = false;
    let relative = 0;
    for (let i = start; i < start + batch * units; i++) {
      const mismatch = !isClose(held[i], expected[i], rule);
      const both = Number.isNaN(held[i]) && Number.isNaN(expected[i]);
      const difference = both && !mismatch ? 0 : distance(held[i], expected[i]);
      // NaN is worse than any number.
      const larger = Number.isNaN(difference) ? !Number.isNaN(worstDifference) : difference > worstDifference;
      if (mismatch) mismatches++;
      if (mismatch === worstMismatches ? larger : mismatch) {
        worst = i;
        worstDifference = difference;
        worstMismatches = mismatch;
      }
      if (difference > 0) relative = Math.max(relative, difference / Math.abs(expected[i]));
    }
    const place: Place = {
      row,
      batch: Math.floor((worst - start) / units),
      unit: (worst - start) % units,
      expected: expected[worst],
      actual: held[worst],
      difference: worstDifference,
    };
    return { elements: batch * units, mismatches, worst: place, relative };
  });
  return {
    name: reference.name,
    dtype: DTYPES[reference.dtype].torch,
    tolerance,
    elements: expected.length,
    mismatches: comparisons.reduce((sum, row) => sum + row.mismatches, 0),
    rows: comparisons,
    worst: worstRow(comparisons).worst,
    smallestAtol: smallestAtol(held, expected, tolerance.rtol, equalNan),
    zerosPass: zerosPass(expected, rule),
    nans: equalNan ? Array.from(expected).filter(Number.isNaN).length : 0,
  };
}

function zerosPass(expected: Floats, rule: Rule): boolean {
  let others = 0;
  let pass = 0;
  for (const value of expected) {
    if (value === 0) continue;
    others++;
    if (isClose(0, value, rule)) pass++;
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
