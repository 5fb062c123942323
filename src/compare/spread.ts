import type { Floats } from '../tensor/dtype.js';

/** How far values are apart: the root of their mean square about their mean; of a single one its magnitude. */
export function spreadOf(values: Floats): number {
  let [count, sum] = [0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    count++;
    sum += value;
  }
  const mean = count > 1 ? sum / count : 0;
  let squares = 0;
  for (const value of values) if (Number.isFinite(value)) squares += (value - mean) ** 2;
  return Math.sqrt(squares / Math.max(1, count));
}

/** The root of the mean square of those that are finite. */
export function rootMeanSquare(values: Floats): number {
  let [count, squares] = [0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    count++;
    squares += value * value;
  }
  return Math.sqrt(squares / Math.max(1, count));
}
