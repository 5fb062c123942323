import { DTYPES, type Dtype, type FloatDtype, roundTo, spacing } from '../tensor/dtype.js';
import type { Printed } from '../tensor/tensor.js';

/** The numbers of a tensor as they were written, each list with an entry for each number. */
export interface Written {
  readonly values: number[];
  /** Digits after the point. */
  readonly decimals: number[];
  /** The power of ten; NaN where a number is written without one. */
  readonly exponents: number[];
  /** Digits from the first nonzero one. */
  readonly significant: number[];
  /** The dtype that the numbers had before they were printed, where it is known. */
  readonly grid?: Dtype;
  /** Whether any of them is written with a point. */
  point: boolean;
  /** Whether whole numbers are exact: PyTorch prints all others with decimals or an exponent. */
  readonly exactWhole?: boolean;
}

/** What the digits of a tensor tell about the print options that it was printed with. */
interface Setting {
  /** The most digits after the point, before an exponent if there is one. */
  readonly places: number;
  /** The most digits from the first nonzero one. */
  readonly digits: number;
  /** The smallest place value of any last digit is 10 ** -farthest. */
  readonly farthest: number;
  /** Whether every number has an exponent. */
  readonly scientific: boolean;
  /** Whether the option was a number of significant digits, not of decimals. */
  readonly bySignificant: boolean;
  /** Whether all numbers are written as whole ones. */
  readonly whole: boolean;
}

/**
 * The print option was a number of significant digits if at least this share of the numbers with fewer than the most
 * decimals have the most significant digits. If it was a number of decimals, only a few large numbers have.
 */
const FULL_SHARE = 0.25;

/** The place value of a number's last digit is 10 ** -lastDigit. */
function lastDigit({ decimals, exponents }: Written, i: number): number {
  return decimals[i] - (exponents[i] || 0);
}

function settingOf(written: Written): Setting {
  const { values, decimals, exponents, significant } = written;
  let [finite, scientific, places, digits, farthest] = [0, 0, 0, 0, Number.NEGATIVE_INFINITY];
  for (const [i, value] of values.entries()) {
    if (!Number.isFinite(value)) continue;
    finite++;
    if (!Number.isNaN(exponents[i])) scientific++;
    places = Math.max(places, decimals[i]);
    digits = Math.max(digits, significant[i]);
    farthest = Math.max(farthest, lastDigit(written, i));
  }
  let [shorter, full] = [0, 0];
  for (const [i, value] of values.entries()) {
    const isWhole = decimals[i] === 0 && Number.isNaN(exponents[i]);
    if (!Number.isFinite(value) || isWhole || lastDigit(written, i) === farthest) continue;
    shorter++;
    if (significant[i] === digits) full++;
  }
  return {
    places,
    digits,
    farthest,
    scientific: finite > 0 && scientific === finite,
    bySignificant: full > 0 && full >= FULL_SHARE * shorter,
    whole: places === 0 && scientific === 0,
  };
}

/** The values of a tensor. */
export interface ReadNumbers {
  readonly values: Float64Array;
  /** What they lost; absent where they lost nothing. */
  readonly printed?: Printed;
}

/**
 * Tells from the digits how far each number may be from the one that was printed. The number of decimals is one print
 * option for a whole tensor, and most printers omit trailing zeros; so the most decimals of any number count for
 * all of them, each with its own exponent. `%g`, Python and C count significant digits instead: then numbers with
 * fewer decimals than others have the same number of digits.
 *
 * Digits that tell a number of a dtype from its neighbours lose nothing: then the value is the dtype's own number.
 */
export function readDigits(tensors: readonly Written[]): ReadNumbers[] {
  const settings = tensors.map(settingOf);
  // A tensor may not show the option that it was printed with, where others of the text do.
  const counted = settings.flatMap(({ bySignificant, digits }) =>
    bySignificant && digits <= DIGITS_OF_FLOAT32 ? [digits] : [],
  );
  const fixed = settings.flatMap(({ whole, scientific, farthest }, i) =>
    whole || scientific || tensors[i].exactWhole ? [] : [farthest],
  );
  const usual = fixed.length ? fixed.reduce((fewest, farthest) => Math.min(fewest, farthest)) : undefined;
  return tensors.map((written, i) => {
    const setting = settings[i];
    if (!setting.whole) {
      const bySignificant = setting.bySignificant || counted.some((digits) => setting.digits <= digits);
      return readOne(written, { ...setting, bySignificant });
    }
    // `1.` may have been 0.98 in text of other printers. It would have shown the decimals that other tensors show.
    const { exactWhole = false, point, values } = written;
    if (exactWhole || !point) return { values: Float64Array.from(values) };
    return readOne(written, { ...setting, farthest: usual ?? 0 });
  });
}

function readOne(written: Written, setting: Setting): ReadNumbers {
  const { exponents, significant, grid: known } = written;
  const { places, digits, scientific, bySignificant } = setting;
  const values = Float64Array.from(written.values);
  if (known && !DTYPES[known].float) return { values };

  const grid = (known as FloatDtype | undefined) ?? gridOf(values, digits);
  const rounded = known === undefined && grid === 'F32' && digits > DIGITS_OF_FLOAT32;
  const farthest = rounded ? (decimalsIn(values) ?? setting.farthest) : setting.farthest;
  const halfAt = (i: number): number => {
    if (scientific) return values[i] === 0 ? 0 : 0.5 * 10 ** (exponents[i] - places);
    const fixed = 0.5 * 10 ** -farthest;
    return bySignificant
      ? Math.max(fixed, 0.5 * 10 ** (significant[i] - digits - lastDigit(written, i)))
      : fixed;
  };
  const halfUnits = Float64Array.from(values, (value, i) => {
    if (!Number.isFinite(value)) return 0;
    const half = halfAt(i);
    const step = spacing(value, grid ?? 'F32');
    // A quarter, because the spacing below a power of two is half of that above it. In float64 this is too small to
    // matter.
    const enough = half < (grid === 'F64' ? step : step / 4);
    if (grid === undefined || !enough) return Math.max(half, step / 2);
    if (grid !== 'F64') values[i] = roundTo(value, grid);
    return 0;
  });
  if (!halfUnits.some((half) => half > 0)) return { values };
  return { values, printed: { decimals: scientific ? places : Math.max(0, farthest), halfUnits } };
}

/** With this many digits every float32 is told from its neighbours. */
const DIGITS_OF_FLOAT32 = 9;

/**
 * The dtype of numbers that came without one, where their digits tell: float32 values written with all of their digits,
 * or more digits than float32 needs. Otherwise float32 is likely, but not sure.
 */
function gridOf(values: Float64Array, digits: number): FloatDtype | undefined {
  if (values.every((value) => !Number.isFinite(value) || Math.fround(value) === value)) return 'F32';
  return digits > DIGITS_OF_FLOAT32 ? 'F64' : undefined;
}

/** Nobody rounds to more decimals than these. */
const MOST_ROUNDED = 6;

/** The decimals that float32 values were rounded to before all of their digits were printed: round(4).tolist(). */
function decimalsIn(values: Float64Array): number | undefined {
  for (let decimals = 1; decimals <= MOST_ROUNDED; decimals++)
    if (
      values.every(
        (value) => !Number.isFinite(value) || Math.fround(Number(value.toFixed(decimals))) === value,
      )
    )
      return decimals;
  return undefined;
}
