import type { Floats } from '../tensor/dtype.js';
import { type Position, positionOf, type Reference } from '../tensor/reference.js';
import { distance } from './close.js';

/** One element: its position, and its expected and actual value. */
export interface Place extends Position {
  readonly expected: number;
  readonly actual: number;
  /** |actual − expected|; NaN where one of them is NaN. */
  readonly difference: number;
}

/**
 * The `i`-th element of a reference and of what was computed.
 * @param actual [rows or more, batch, units]
 * @param difference where it is another than |actual − expected|
 */
export function placeAt(
  reference: Reference,
  actual: Floats,
  i: number,
  difference = distance(actual[i], reference.data[i]),
): Place {
  const { row, step, layer, direction, batch, unit } = positionOf(reference, i);
  // Not by spreading: a report of many steps keeps one of these for each, and this way they are half as large.
  return {
    row,
    step,
    layer,
    direction,
    batch,
    unit,
    expected: reference.data[i],
    actual: actual[i],
    difference,
  };
}

/** The number of flags that are 1. */
export function count(flags: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < flags.length; i++) sum += flags[i];
  return sum;
}
