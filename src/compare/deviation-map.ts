import type { Floats } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import { distance } from './close.js';

/** How far a sequence is off over step × unit, in cells of several steps and units where there are many. */
export interface DeviationMap {
  /** The steps and the units of a cell; the last cells may have fewer. */
  readonly steps: number;
  readonly units: number;
  /**
   * [rows of cells, cells]: the largest deviation in a cell, over all batch rows, with two digits: in standard deviations (or
   * bounds) by the rule `auto`, else |actual − expected|. Null where none is decided.
   */
  readonly values: readonly (readonly (number | null)[])[];
}

/** The largest number of cells in either direction. */
const MOST_CELLS = 64;

/**
 * @param actual [rows or more, batch, units]
 * @param sigmas of each element, by the rule `auto`; NaN where undecided
 */
export function deviationMap(
  { rows, batch, units, data: expected }: Reference,
  actual: Floats,
  sigmas?: Floats,
): DeviationMap {
  const cell = { steps: Math.ceil(rows / MOST_CELLS), units: Math.ceil(units / MOST_CELLS) };
  const [height, width] = [Math.ceil(rows / cell.steps), Math.ceil(units / cell.units)];
  const largest = new Float64Array(height * width).fill(Number.NaN);
  for (let i = 0; i < expected.length; i++) {
    const far = sigmas ? sigmas[i] : withoutNan(distance(actual[i], expected[i]));
    const at =
      Math.floor(Math.floor(i / (batch * units)) / cell.steps) * width + Math.floor((i % units) / cell.units);
    if (!(far <= largest[at]) && !Number.isNaN(far)) largest[at] = far;
  }
  const values = Array.from({ length: height }, (_, row) =>
    Array.from(largest.subarray(row * width, (row + 1) * width), (value) =>
      Number.isNaN(value) ? null : Number(value.toPrecision(2)),
    ),
  );
  return { ...cell, values };
}

/** A NaN where a number belongs is as far off as can be. */
function withoutNan(difference: number): number {
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
}
