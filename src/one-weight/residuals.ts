import type { Floats } from '../tensor/dtype.js';

/**
 * Expected minus computed values, in standard deviations of rounding. A residual is 0 where the deviation is 0, so that
 * the value does not count, and infinite where one of the two values is not finite.
 */
export function residuals(computed: Floats, expected: Floats, sigma: Floats): Float64Array {
  const result = new Float64Array(computed.length);
  for (let i = 0; i < computed.length; i++) {
    if (!(sigma[i] > 0)) continue;
    const residual = (expected[i] - computed[i]) / sigma[i];
    result[i] = Number.isFinite(residual) ? residual : Number.POSITIVE_INFINITY;
  }
  return result;
}

export function sumOfSquares(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

export function largestMagnitude(values: Float64Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}
