import type { Floats } from '../tensor/dtype.js';

export interface Rule {
  readonly rtol: number;
  readonly atol: number;
  readonly equal_nan: boolean;
}

/**
 * PyTorch's rule for one element: |actual − expected| ≤ atol + rtol·|expected|, finiteness first, because rtol·∞
 * allows any difference and NaN fails no comparison. NaN equals nothing unless `equal_nan`; infinities are equal when
 * their signs are. As torch.isclose (https://docs.pytorch.org/docs/stable/generated/torch.isclose.html).
 */
export function isClose(actual: number, expected: number, { rtol, atol, equal_nan }: Rule): boolean {
  const difference = Math.abs(actual - expected);
  if (Number.isFinite(difference)) return difference <= atol + rtol * Math.abs(expected);
  if (Number.isNaN(actual) || Number.isNaN(expected)) {
    return equal_nan && Number.isNaN(actual) && Number.isNaN(expected);
  }
  return actual === expected;
}

/** Whether all elements are close. */
function allClose(actual: Floats, expected: Floats, rule: Rule): boolean {
  for (let i = 0; i < expected.length; i++) if (!isClose(actual[i], expected[i], rule)) return false;
  return true;
}

/** |actual − expected|; 0 for equal infinities, NaN where one is NaN. */
export function distance(actual: number, expected: number): number {
  return actual === expected ? 0 : Math.abs(actual - expected);
}

/** More than the rounding errors of the rule, in float64. */
export const ROUNDING = 2 ** -40;

/**
 * The atol with which an element is close at this rtol: at least as much as is needed, because the rule rounds. Zero or less
 * where none is needed, infinite where none is enough.
 */
export function enoughAtol(actual: number, expected: number, rtol: number, equal_nan: boolean): number {
  const enough = (1 + ROUNDING) * Math.abs(actual - expected) - (1 - ROUNDING) * rtol * Math.abs(expected);
  // Infinities and NaN are rare.
  if (enough < Number.POSITIVE_INFINITY) return enough;
  const isEver = isClose(actual, expected, { rtol, atol: Number.MAX_VALUE, equal_nan });
  return isEver ? 0 : Number.POSITIVE_INFINITY;
}

/** The significant digits of `smallestAtol`, and of the number in reports. */
const DIGITS = 2;

/**
 * The smallest atol of two significant digits with which every element is close at this rtol; undefined where no atol
 * is large enough (NaN, or infinities that are not equal).
 * @param enough the largest `enoughAtol` of each of as many blocks of elements
 */
export function smallestAtol(
  actual: Floats,
  expected: Floats,
  rtol: number,
  equal_nan: boolean,
  enough: Floats,
): number | undefined {
  if (allClose(actual, expected, { rtol, atol: 0, equal_nan })) return 0;
  const needed = (enough as Float64Array).reduce((a, b) => Math.max(a, b), 0);
  if (needed === Number.POSITIVE_INFINITY) return undefined;
  const own = (i: number) => enoughAtol(actual[i], expected[i], rtol, equal_nan);
  const elements = expected.length / enough.length;
  let at = enough.indexOf(needed) * elements;
  while (own(at) < needed) at++;
  // The rule itself decides which number is the smallest that passes. Elements that need less by more than its rounding pass
  // wherever the one that needs most does.
  const near = needed - 4 * ROUNDING * (Math.abs(actual[at]) + (1 + rtol) * Math.abs(expected[at]));
  const critical: number[] = [];
  for (let block = 0; block < enough.length; block++) {
    if (enough[block] < near) continue;
    for (let i = block * elements; i < (block + 1) * elements; i++) if (own(i) >= near) critical.push(i);
  }
  const passes = (atol: number) =>
    critical.every((i) => isClose(actual[i], expected[i], { rtol, atol, equal_nan }));
  let atol = Number(needed.toExponential(DIGITS - 1));
  while (!passes(atol)) atol = neighbour(atol, 1);
  for (let below = neighbour(atol, -1); below < atol && passes(below); below = neighbour(atol, -1))
    atol = below;
  return Number.isFinite(atol) ? atol : undefined;
}

/** The next number of two significant digits, up or down. */
function neighbour(value: number, step: 1 | -1): number {
  const [digits, exponent] = value.toExponential(DIGITS - 1).split('e');
  const units = Math.round(Number(digits) * 10) + step;
  // Below 1.0 comes 9.9 of the next smaller power of ten.
  return units < 10 ? Number(`9.9e${Number(exponent) - 1}`) : Number(`${units}e${Number(exponent) - 1}`);
}
