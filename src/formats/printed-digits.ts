import { DTYPES, type Dtype, type FloatDtype, roundTo, spacing } from '../tensor/dtype.js';
import type { Printed } from '../tensor/tensor.js';

/** The numbers of a tensor as they were written. */
export interface Written {
  readonly values: number[];
  /** Digits after the point. */
  readonly decimals: number[];
  /** Of ten; NaN where a number is written without one. */
  readonly exponents: number[];
  /** Digits from the first that is not zero on. */
  readonly significant: number[];
}

/**
 * How far each number of a printed tensor may be from the one that it was printed of, by its digits. How many decimals
 * there are is one setting for the whole tensor, and most printers leave zeros at the end away, so that the most that any
 * number shows counts for all, each with its own exponent. `%g`, Python and C count significant digits instead: such text
 * is known by numbers that end at the same digit though they have fewer decimals than others.
 *
 * Digits that tell the number of a dtype from its neighbours lose nothing: then the number is the dtype's own.
 * @param dtype that the text says; undefined where it says none
 * @returns the values, and what they lost; nothing of it where they lost nothing, or all of them are whole
 */
export function readDigits(
  { values: written, decimals, exponents, significant }: Written,
  dtype: Dtype | undefined,
): { readonly values: Float64Array; readonly printed?: Printed } {
  const values = Float64Array.from(written);
  let [finite, scientific, places, digits, farthest] = [0, 0, 0, 0, Number.NEGATIVE_INFINITY];
  // Where a number's last digit stands: at 10 ** -last.
  const last = (i: number) => decimals[i] - (exponents[i] || 0);
  for (const [i, value] of values.entries()) {
    if (!Number.isFinite(value)) continue;
    finite++;
    if (!Number.isNaN(exponents[i])) scientific++;
    places = Math.max(places, decimals[i]);
    digits = Math.max(digits, significant[i]);
    farthest = Math.max(farthest, last(i));
  }
  const whole = places === 0 && scientific === 0;
  if (whole || (dtype && !DTYPES[dtype].float)) return { values };

  let [shorter, full] = [0, 0];
  for (const [i, value] of values.entries()) {
    if (!Number.isFinite(value) || value === 0 || last(i) === farthest) continue;
    shorter++;
    if (significant[i] === digits) full++;
  }
  const bySignificant = 2 * full > shorter;
  const halfUnit = (i: number): number => {
    if (scientific === finite) return values[i] === 0 ? 0 : 0.5 * 10 ** (exponents[i] - places);
    const fixed = 0.5 * 10 ** -farthest;
    return bySignificant ? Math.max(fixed, 0.5 * 10 ** (significant[i] - digits - last(i))) : fixed;
  };
  const grid = dtype ?? gridOf(values, digits);
  const halfUnits = Float64Array.from(values, (value, i) => {
    if (!Number.isFinite(value)) return 0;
    const half = halfUnit(i);
    const step = spacing(value, (grid ?? 'F32') as FloatDtype);
    // A quarter, for below a power of two the next number is nearer than above it.
    if (grid === undefined || half >= step / 4) return Math.max(half, step / 2);
    if (grid !== 'F64') values[i] = roundTo(value, grid as FloatDtype);
    return 0;
  });
  if (!halfUnits.some((half) => half > 0)) return { values };
  return {
    values,
    printed: { decimals: scientific === finite ? places : Math.max(0, farthest), halfUnits },
  };
}

/** Of more digits no float32 has need. */
const DIGITS_OF_FLOAT32 = 9;

/**
 * What numbers without a dtype were, where their digits tell: float32's own values written with all of their digits, or
 * others with more digits than float32 has; else float32 is likely, and not sure.
 */
function gridOf(values: Float64Array, digits: number): FloatDtype | undefined {
  if (values.every((value) => !Number.isFinite(value) || Math.fround(value) === value)) return 'F32';
  return digits > DIGITS_OF_FLOAT32 ? 'F64' : undefined;
}
