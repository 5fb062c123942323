import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isClose, smallestAtol } from '../../src/compare/close.js';
import { formatDifference } from '../../src/report/numbers.js';

const rule = (rtol: number, atol: number, equalNan = false) => ({ rtol, atol, equalNan });
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

test('the rule is PyTorch’s, on any finite numbers', () => {
  const finite = fc.double({ noNaN: true, min: -1e6, max: 1e6 });
  const small = fc.double({ noNaN: true, min: 0, max: 1 });
  fc.assert(
    fc.property(finite, finite, small, small, (actual, expected, rtol, atol) => {
      expect(isClose(actual, expected, rule(rtol, atol))).toBe(
        Math.abs(actual - expected) <= atol + rtol * Math.abs(expected),
      );
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
        const atol = smallestAtol(a, e, rtol, false)!;
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

test('where no atol is enough there is none', () => {
  const one = (value: number) => Float64Array.of(value);
  expect(smallestAtol(one(nan), one(1), 0, false)).toBeUndefined();
  expect(smallestAtol(one(nan), one(nan), 0, false)).toBeUndefined();
  expect(smallestAtol(one(nan), one(nan), 0, true)).toBe(0);
  expect(smallestAtol(one(1), one(nan), 0, true)).toBeUndefined();
  expect(smallestAtol(one(1), one(inf), 0, false)).toBeUndefined();
  expect(smallestAtol(one(inf), one(inf), 0, false)).toBe(0);
  expect(smallestAtol(one(-1.7e308), one(1.7e308), 0, false)).toBeUndefined();
  expect(smallestAtol(one(5e-324), one(0), 0, false)).toBe(5e-324);
});
