import { type Dtype, type FloatDtype, type Floats, type Precision, roundTo, spacing } from './dtype.js';

/** Narrower dtypes, the narrowest first; nearly all values of bfloat16 are in float16 too. */
const NARROWER: readonly FloatDtype[] = ['BF16', 'F16', 'F32'];

/** The narrowest float dtype that holds every finite value of a tensor; its own dtype where none does. */
export function gridOf(data: Floats, dtype: FloatDtype): FloatDtype {
  const width = NARROWER.indexOf(dtype);
  const narrower = width < 0 ? NARROWER : NARROWER.slice(0, width);
  return narrower.find((grid) => isOnGrid(data, grid)) ?? dtype;
}

/** Whether every finite value is one of a precision. */
export function isOnGrid(data: Floats, grid: Precision): boolean {
  const isOn =
    grid === 'F32'
      ? (value: number) => Math.fround(value) === value
      : (value: number) => roundTo(value, grid) === value;
  return data.every((value) => isOn(value) || !Number.isFinite(value));
}

/** People print up to this many decimals; with more, a float32 below 1 loses nothing. */
const MOST_DECIMALS = 8;
/** Values with so few decimals are taken for printed if random ones of their dtype have as few with less probability. */
const BY_CHANCE = 1e-6;

/**
 * The decimals that all values of a tensor were rounded to before they were stored; undefined where there is no such
 * number up to MOST_DECIMALS, where the values are whole, and where they could have so few decimals by chance.
 */
export function storedDecimals(data: Floats, dtype: Dtype): number | undefined {
  const inDtype = dtype === 'F64' ? (value: number) => value : Math.fround;
  for (let decimals = 0; decimals <= MOST_DECIMALS; decimals++) {
    const scale = 10 ** decimals;
    const has = (value: number) => {
      const rounded = Math.round(value * scale) / scale;
      return rounded === value || inDtype(rounded) === value || !Number.isFinite(value);
    };
    if (!data.every(has)) continue;
    return decimals > 0 && chance(data, dtype === 'F64' ? 'F64' : 'F32', scale) < BY_CHANCE
      ? decimals
      : undefined;
  }
  return undefined;
}

/** The probability that random values of the same sizes are all within half a spacing of a multiple of 1 / scale. */
function chance(data: Floats, dtype: FloatDtype, scale: number): number {
  let probability = 1;
  for (const value of new Set(data.map(Math.abs))) {
    if (value === 0 || !Number.isFinite(value)) continue;
    probability *= Math.min(1, spacing(value, dtype) * scale);
    if (probability < BY_CHANCE) break;
  }
  return probability;
}
