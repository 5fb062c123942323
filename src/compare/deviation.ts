import type { Floats } from '../tensor/dtype.js';

/** The standard deviation of the finite values; the magnitude of a single one. */
export function standardDeviation(values: Floats): number {
  let [count, sum] = [0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    count++;
    sum += value;
  }
  return rootMeanSquare(values, count > 1 ? sum / count : 0);
}

/** The root mean square of the finite values, taken from the number `about`. */
export function rootMeanSquare(values: Floats, about = 0): number {
  let [count, squares] = [0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    count++;
    squares += (value - about) ** 2;
  }
  return Math.sqrt(squares / Math.max(1, count));
}
