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
 */
export function placeAt(reference: Reference, actual: Floats, i: number): Place {
  const expected = reference.data[i];
  return {
    ...positionOf(reference, i),
    expected,
    actual: actual[i],
    difference: distance(actual[i], expected),
  };
}

/** The number of flags that are 1. */
export function count(flags: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < flags.length; i++) sum += flags[i];
  return sum;
}
