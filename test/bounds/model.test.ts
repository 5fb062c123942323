import { expect, test } from 'vitest';
import { sigmoidSlope, tanhSlope } from '../../src/bounds/model.js';

const sigmoid = (a: number) => 1 / (1 + Math.exp(-a));

/** The largest slope within ± reach of a, from its definition: at the place nearest to zero. */
const nearest = (a: number, reach: number) => Math.max(0, Math.abs(a) - reach);
const slopes = {
  sigmoid: (a: number, reach: number) => sigmoid(nearest(a, reach)) * (1 - sigmoid(nearest(a, reach))),
  tanh: (a: number, reach: number) => 1 / Math.cosh(nearest(a, reach)) ** 2,
};

const PLACES = [0.02, 0.1, 0.7, 1.5, 3, 4.4, 5.5, 9, 12, -0.3, -2, -6, -11];
const REACHES = [0, 1e-9, 1e-4, 0.003, 0.00499, 0.005, 0.00999, 0.01, 0.015, 0.5, 2];

test.each(PLACES)('the largest slopes near %d are those of the definition, to nearly all digits', (a) => {
  for (const reach of REACHES) {
    expect(sigmoidSlope(a, sigmoid(a), reach) / slopes.sigmoid(a, reach)).toBeCloseTo(1, 10);
    expect(tanhSlope(a, Math.tanh(a), reach) / slopes.tanh(a, reach)).toBeCloseTo(1, 10);
  }
});
