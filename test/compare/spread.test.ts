import { expect, test } from 'vitest';
import { spreadOf } from '../../src/compare/spread.js';

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
  expect(spreadOf(Float64Array.from(values))).toBe(apart);
});
