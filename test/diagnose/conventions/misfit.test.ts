import { expect, test } from 'vitest';
import { distanceBetween, misfit, type Target } from '../../../src/diagnose/conventions/misfit.js';
import type { Predicted } from '../../../src/diagnose/conventions/predicted.js';
import { moduleOf } from '../../engine/module.js';
import { networkOf } from '../../engine/random-network.js';
import { boundOf } from '../bound.js';

const none = Number.NaN;
const infinite = Number.POSITIVE_INFINITY;
const NETWORK = networkOf(moduleOf('RNN', { hidden_size: 2 }), 1);
const SEQUENCE = { steps: 3, batch: 1, input: new Float64Array(3) };
const OUTPUT = Float64Array.of(1, 2, 3, 4, 5, 6);
const H_N = Float64Array.of(5, 6);

/** References of an output, whose three steps have these allowances, and of an h_n with one of 1. */
function targetOf(allowed: readonly number[], base: Predicted = { output: OUTPUT, h_n: H_N }): Target {
  const finite = allowed.filter(Number.isFinite);
  return {
    boundCase: boundOf(NETWORK, SEQUENCE, { output: OUTPUT, h_n: H_N }),
    allowances: [
      { rows: Float64Array.from(allowed), largest: Math.max(...finite) },
      { rows: Float64Array.of(1), largest: 1 },
    ],
    base,
  };
}

const off = (by: readonly number[]): Predicted => ({
  output: OUTPUT.map((value, i) => value + by[i]),
  h_n: H_N,
});

test('a misfit has the largest difference, in allowances and as it is, and the root mean square', () => {
  const by = [0.5, 0, 0, -2, 0, 0];
  expect(misfit(targetOf([0.25, 4, 1]), off(by), {}, false)).toEqual({
    ratio: 2,
    largest: 2,
    rms: Math.sqrt(4.25 / 8),
    values: 8,
    of: 8,
  });
});

test('steps that may be anything are left out', () => {
  expect(misfit(targetOf([infinite, 4, 1]), off([9, 9, 0, -2, 0, 0]), {}, false)).toMatchObject({
    ratio: 0.5,
    largest: 2,
    values: 6,
    of: 8,
  });
});

test('nothing compared is no difference', () => {
  const target = targetOf([infinite, infinite, infinite]);
  const [output, h_n] = target.allowances;
  const blind = { ...target, allowances: [output, { ...h_n, rows: Float64Array.of(infinite) }] };
  expect(misfit(blind, off([9, 9, 9, 9, 9, 9]), {}, false)).toMatchObject({ ratio: 0, rms: 0, values: 0 });
});

test('values that are moved in time have the largest allowance', () => {
  const by = [0.5, 0, 0, 0, 0, 0];
  expect(misfit(targetOf([0.25, 4, infinite]), off(by), { outputShift: 'early' }, false).ratio).toBe(0.125);
});

test('NaN is infinitely far, unless it was not computed', () => {
  const values = { output: Float64Array.of(1, 2.5, none, none, none, 7), h_n: H_N };
  const whole = misfit(targetOf([1, 1, 1]), values, {}, false);
  expect(whole.ratio).toBe(infinite);
  expect(whole.values).toBe(8);
  expect(misfit(targetOf([1, 1, 1]), values, {}, true)).toEqual({
    ratio: 1,
    largest: 1,
    rms: Math.sqrt(1.25 / 5),
    values: 5,
    of: 8,
  });
});

test("where a variant has no such output, PyTorch's must agree", () => {
  const target = targetOf([1, 1, 1], { output: OUTPUT, h_n: Float64Array.of(5, 6.5) });
  expect(misfit(target, { output: OUTPUT }, {}, false)).toMatchObject({ ratio: 0.5, largest: 0.5 });
});

test('predictions are as far apart as their farthest values, in allowances', () => {
  const target = targetOf([0.25, 4, infinite]);
  const distance = (a: Predicted, b: Predicted) => distanceBetween(target, a, b);
  const base = off([0, 0, 0, 0, 0, 0]);
  expect(distance(base, base)).toBe(0);
  expect(distance(base, off([0.5, 0, 0, 2, 0, 9]))).toBe(2);
  expect(distance(off([0, 0, 0, 2, 9, 0]), base)).toBe(0.5);
  // What one of the two lacks, or what neither of them has.
  expect(distance(base, { output: OUTPUT })).toBe(0);
  expect(distance(off([none, 0, 0, 0, 0, 0]), off([none, 0, 0, 0, 0, 0]))).toBe(0);
  // What only one has, whatever rounding may have done.
  expect(distance(off([none, 0, 0, 0, 0, 0]), base)).toBe(infinite);
  expect(distance(base, off([0, 0, 0, 0, 0, none]))).toBe(infinite);
  expect(distance(base, { output: OUTPUT, h_n: Float64Array.of(5, 9) })).toBe(3);
});
