import { expect, test } from 'vitest';
import { rootMeanSquare, standardDeviation } from '../../src/compare/deviation.js';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

test.each([
  [[], 0],
  [[-3], 3],
  [[3, 3, 3], 0],
  [[1, 3], 1],
  [[-1, 1], 1],
  [[0, 0, 4, 4, 2], Math.sqrt(3.2)],
  // One finite value is a single one.
  [[nan, 5, infinity], 5],
  [[nan, 1, -infinity, 3, infinity], 1],
  [[nan, infinity], 0],
])('%j are %d apart', (values, apart) => {
  expect(standardDeviation(Float64Array.from(values))).toBe(apart);
});

test('the root of the mean square is of the finite values', () => {
  expect(rootMeanSquare(Float64Array.of(3, -4, Number.NaN, Number.POSITIVE_INFINITY))).toBeCloseTo(
    Math.sqrt(12.5),
  );
  expect(rootMeanSquare(Float64Array.of())).toBe(0);
});
