import fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { distance, enoughAtol, isClose, smallestAtol } from '../../src/compare/close.js';
import { formatDifference } from '../../src/report/terminal/numbers.js';

const rule = (rtol: number, atol: number, equal_nan = false) => ({ rtol, atol, equal_nan });
const { NaN: nan, POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: minusInf } = Number;

test.each([
  [1, 1, rule(0, 0), true],
  [1, 1.1, rule(0, 0.2), true],
  [1, 1.3, rule(0, 0.2), false],
  [100, 101, rule(0.01, 0), true],
  [101, 99.9, rule(0.01, 0), false],
  [0, -0, rule(0, 0), true],
  [nan, nan, rule(1, 1), false],
  [nan, nan, rule(0, 0, true), true],
  [nan, 1, rule(1, 1, true), false],
  [1, nan, rule(1, 1, true), false],
  [inf, nan, rule(1, 1, true), false],
  [1, nan, rule(inf, inf), false],
  [inf, inf, rule(0, 0), true],
  [inf, minusInf, rule(1, 1), false],
  [1, inf, rule(1, 1), false],
  [inf, 1, rule(1, 1e300), false],
  [-1e308, 1e308, rule(1e300, 1e300), false],
])('%d against %d', (actual, expected, by, close) => {
  expect(isClose(actual, expected, by)).toBe(close);
});

test.each([
  [1, 1, 0],
  [1, 3, 2],
  [-5, 1, 6],
  [inf, inf, 0],
  [minusInf, inf, inf],
  [inf, 1, inf],
  [nan, 1, nan],
])('%d and %d are %d apart', (actual, expected, apart) => {
  expect(distance(actual, expected)).toBe(apart);
});

describe('the smallest atol', () => {
  const floats = (values: readonly number[]) => Float64Array.from(values);
  const smallest = (actual: readonly number[], expected: readonly number[], rtol = 0, equal_nan = false) =>
    smallestAtol(
      floats(actual),
      floats(expected),
      rtol,
      equal_nan,
      // In blocks of one element.
      Float64Array.from(actual, (value, i) => enoughAtol(value, expected[i], rtol, equal_nan)),
    );

  test('is that of the element that needs most, beyond what rtol allows it', () => {
    expect(smallest([1, 2, 3], [1, 2, 3])).toBe(0);
    expect(smallest([0.25, 2, -0.5], [0, 0, 0])).toBe(2);
    expect(smallest([2, 0.25], [0, 0])).toBe(2);
    expect(smallest([12, -13], [8, -8], 0.25)).toBe(3);
    expect(smallest([10, -10], [8, -8], 0.25)).toBe(0);
  });

  test('has two digits, and is never too small', () => {
    expect(smallest([0.251], [0])).toBe(0.26);
    expect(smallest([0.249], [0])).toBe(0.25);
    expect(smallest([0.991], [0])).toBe(1);
    expect(smallest([0.0996], [0])).toBe(0.1);
    expect(smallest([1.01], [0])).toBe(1.1);
    expect(smallest([5e-324], [0])).toBe(5e-324);
    expect(smallest([1.7e308], [0])).toBe(1.7e308);
  });

  test('is smaller than what an element lacks where the sum with rtol·|expected| is rounded up', () => {
    // 2^-39 beyond 2^13, and half of that is rounded up: 9.1e-13 is the next number.
    expect(smallest([2 ** -39], [-(2 ** 13)], 1)).toBe(9.1e-13);
    // Half of 2^94 is 9.904e27.
    expect(smallest([2 ** 94], [-(2 ** 146)], 1)).toBe(1e28);
  });

  test('passes over what is equal without being finite', () => {
    expect(smallest([inf, 1.5], [inf, 1])).toBe(0.5);
    expect(smallest([1.5, minusInf], [1, minusInf], 0.25)).toBe(0.25);
    expect(smallest([nan, 1.5], [nan, 1], 0, true)).toBe(0.5);
    expect(smallest([nan], [nan], 0, true)).toBe(0);
  });

  test('is none where no number is enough', () => {
    expect(smallest([nan], [1])).toBeUndefined();
    expect(smallest([nan], [nan])).toBeUndefined();
    expect(smallest([1], [nan], 0, true)).toBeUndefined();
    expect(smallest([1], [inf])).toBeUndefined();
    expect(smallest([inf], [inf])).toBe(0);
    expect(smallest([-1.7e308], [1.7e308])).toBeUndefined();
    // 1.8e308 is no number.
    expect(smallest([1.79e308], [0])).toBeUndefined();
    expect(smallest([1, nan, 2], [1, 1, 1])).toBeUndefined();
  });
});

type Value = number | 'NaN' | 'Infinity' | '-Infinity';
type Row = [actual: Value, expected: Value, rtol: number, atol: number, equal_nan: boolean, close: boolean];
const ISCLOSE: Row[] = JSON.parse(
  fs.readFileSync(new URL('../data/isclose/isclose.json', import.meta.url), 'utf8'),
);

test('the rule is PyTorch’s: what torch.isclose says at the limit, beside it, and of NaN and infinity', () => {
  const wrong = ISCLOSE.filter(
    ([actual, expected, rtol, atol, equal_nan, close]) =>
      isClose(Number(actual), Number(expected), rule(rtol, atol, equal_nan)) !== close,
  );
  expect(wrong).toEqual([]);
  expect(ISCLOSE.length).toBeGreaterThan(500);
});

test('neither a change of both signs nor of the unit, by a power of two, changes what is close', () => {
  const finite = fc.double({ noNaN: true, min: -1e6, max: 1e6 });
  const small = fc.double({ noNaN: true, min: 0, max: 1 });
  const power = fc.integer({ min: 0, max: 100 });
  fc.assert(
    fc.property(finite, finite, small, small, power, (actual, expected, rtol, atol, exponent) => {
      const close = isClose(actual, expected, rule(rtol, atol));
      expect(isClose(-actual, -expected, rule(rtol, atol))).toBe(close);
      const unit = 2 ** exponent;
      // Below the normal numbers a product is rounded to fewer bits, and another unit is another rounding.
      if (rtol * Math.abs(expected) >= 2 ** -1000)
        expect(isClose(actual * unit, expected * unit, rule(rtol, atol * unit))).toBe(close);
    }),
  );
});

const values = fc.array(
  fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }),
    fc.float({ noNaN: true, noDefaultInfinity: true }),
  ),
  { minLength: 1, maxLength: 20 },
);

test('the smallest atol, as printed and passed back, is close for all; the next smaller one is not', () => {
  fc.assert(
    fc.property(
      values,
      fc.double({ min: 0, max: 1e-3, noNaN: true }),
      fc.integer({ min: -18, max: 3 }),
      fc.nat(),
      (expected, rtol, exponent, seed) => {
        const actual = expected.map((value, i) => value + 10 ** exponent * Math.sin(seed + i));
        const [a, e] = [Float64Array.from(actual), Float64Array.from(expected)];
        const enough = Float64Array.from(actual, (value, i) => enoughAtol(value, expected[i], rtol, false));
        const inOne = Float64Array.of(enough.reduce((one, other) => Math.max(one, other), 0));
        const atol = smallestAtol(a, e, rtol, false, enough)!;
        expect(smallestAtol(a, e, rtol, false, inOne)).toBe(atol);
        const printed = Number(formatDifference(atol));
        expect(printed).toBe(atol);
        const passes = (at: number) =>
          actual.every((value, i) => isClose(value, expected[i], rule(rtol, at)));
        expect(passes(printed)).toBe(true);
        if (printed === 0) return;
        const [digits, power] = printed.toExponential(1).split('e');
        const below =
          digits === '1.0'
            ? Number(`9.9e${Number(power) - 1}`)
            : Number(`${(Number(digits) * 10 - 1).toFixed(0)}e${Number(power) - 1}`);
        expect(below).toBeLessThan(printed);
        expect(passes(below)).toBe(false);
      },
    ),
    { numRuns: 1000 },
  );
});
