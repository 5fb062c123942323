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
  /** The dtype whose values the numbers were, where that is known. */
  readonly grid?: Dtype;
  /** Whether one of them is written with a point. */
  point: boolean;
  /** Whether whole numbers are exactly that: PyTorch prints others with decimals, or an exponent. */
  readonly exactWhole?: boolean;
}

/** What the digits of a tensor say of the setting that it was printed with. */
interface Setting {
  /** The most digits after a point, before an exponent where there is one. */
  readonly places: number;
  /** The most digits from the first that is not zero on. */
  readonly digits: number;
  /** Where the farthest of the last digits stands: at 10 ** -farthest. */
  readonly farthest: number;
  /** Whether every number has an exponent. */
  readonly scientific: boolean;
  /** Whether significant digits were counted, and not decimals. */
  readonly bySignificant: boolean;
  /** Whether all numbers are whole, and written so. */
  readonly whole: boolean;
}

/**
 * Of the numbers with fewer decimals than others, those that have all the digits of a setting that counts digits: of a
 * setting that counts decimals only numbers larger than all the others would look like that.
 */
const FULL = 0.25;

/** Where a number's last digit stands: at 10 ** -last. */
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
    bySignificant: full > 0 && full >= FULL * shorter,
    whole: places === 0 && scientific === 0,
  };
}

/** The values of a tensor, and what they lost; nothing where they lost nothing, or all of them are whole. */
export interface Read {
  readonly values: Float64Array;
  readonly printed?: Printed;
}

/**
 * How far each number of a text's tensors may be from the one that it was printed of, by its digits. How many decimals
 * there are is one setting for a whole tensor, and most printers leave zeros at the end away, so that the most that any
 * number shows counts for all, each with its own exponent. `%g`, Python and C count significant digits instead: such text
 * is known by numbers that end at the same digit though they have fewer decimals than others.
 *
 * Digits that tell the number of a dtype from its neighbours lose nothing: then the number is the dtype's own.
 */
export function readDigits(tensors: readonly Written[]): Read[] {
  const settings = tensors.map(settingOf);
  // What one of them cannot show by itself the others do.
  const counted = settings.flatMap(({ bySignificant, digits }) =>
    bySignificant && digits <= DIGITS_OF_FLOAT32 ? [digits] : [],
  );
  const fixed = settings.flatMap(({ whole, scientific, farthest }, i) =>
    whole || scientific || tensors[i].exactWhole ? [] : [farthest],
  );
  const usual = fixed.length ? fixed.reduce((fewest, one) => Math.min(fewest, one)) : undefined;
  return tensors.map((written, i) => {
    const setting = settings[i];
    if (!setting.whole) {
      const bySignificant = setting.bySignificant || counted.some((digits) => setting.digits <= digits);
      return readOne(written, { ...setting, bySignificant });
    }
    // 1. of another printer may have been 0.98; as many decimals as the others show it would have shown.
    const { exactWhole = false, point, values } = written;
    if (exactWhole || !point) return { values: Float64Array.from(values) };
    return readOne(written, { ...setting, farthest: usual ?? 0 });
  });
}

function readOne(written: Written, setting: Setting): Read {
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
    // A quarter, for below a power of two the next number is nearer than above it; float64 is exact enough.
    const enough = half < (grid === 'F64' ? step : step / 4);
    if (grid === undefined || !enough) return Math.max(half, step / 2);
    if (grid !== 'F64') values[i] = roundTo(value, grid);
    return 0;
  });
  if (!halfUnits.some((half) => half > 0)) return { values };
  return { values, printed: { decimals: scientific ? places : Math.max(0, farthest), halfUnits } };
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

/** More decimals than these were hardly rounded to. */
const MOST_ROUNDED = 6;

/** With how many decimals float32's values were rounded before all of their digits were printed: round(4).tolist(). */
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
