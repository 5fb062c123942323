import type { Floats } from '../tensor/dtype.js';

/** How far values are apart: the root of their mean square about their mean; of a single one its magnitude. */
export function spreadOf(values: Floats): number {
  let [count, sum] = [0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    count++;
    sum += value;
  }
  return rootMeanSquare(values, count > 1 ? sum / count : 0);
}

/** The root of the mean square of those that are finite, about a number. */
export function rootMeanSquare(values: Floats, about = 0): number {
  let [count, squares] = [0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    count++;
    squares += (value - about) ** 2;
  }
  return Math.sqrt(squares / Math.max(1, count));
}
