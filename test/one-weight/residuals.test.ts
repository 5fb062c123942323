import { expect, test } from 'vitest';
import { largestMagnitude, residuals, sumOfSquares } from '../../src/one-weight/residuals.js';

test('residuals are differences in standard deviations', () => {
  const infinite = Number.POSITIVE_INFINITY;
  const computed = Float64Array.of(1, 1, 1, 1, Number.NaN, 1);
  const expected = Float64Array.of(2, 0.5, 9, Number.NaN, 1, -infinite);
  const sigma = Float64Array.of(0.5, 0.25, 0, 1, 1, 1);
  expect([...residuals(computed, expected, sigma)]).toEqual([2, -2, 0, infinite, infinite, infinite]);
});

test('squares are summed, and magnitudes compared', () => {
  expect(sumOfSquares(Float64Array.of(1, -2, 3))).toBe(14);
  expect(largestMagnitude(Float64Array.of(1, -4, 3))).toBe(4);
  expect(largestMagnitude(new Float64Array(0))).toBe(0);
});
