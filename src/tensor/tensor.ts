import { DTYPES, type Dtype, type Floats, isReadable, roundTo } from './dtype.js';
import { elementCount, formatShape } from './shape.js';

/** What a header says about a tensor. Its dtype may be one that cellcheck cannot read. */
export interface TensorSpec {
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** What the numbers of a tensor lost when they were printed. */
export interface Printed {
  /** Digits after the point, and before the exponent where the numbers have one. */
  readonly decimals: number;
  /** For every value, how far the original may be from it; 0 where nothing was lost. */
  readonly halfUnits: Floats;
}

export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Row-major values, widened without loss. */
  readonly data: Floats;
  /** Present where the tensor was read from text with fewer digits than the numbers had. */
  readonly printed?: Printed;
}

/**
 * A tensor from plain numbers, rounded to what its dtype can hold.
 * @param shape sizes, outermost first
 * @param data values in row-major order
 * @param dtype float32 if absent
 * @throws RangeError where the data do not fill the shape, or the dtype is unknown
 */
export function tensor(shape: readonly number[], data: ArrayLike<number>, dtype: Dtype = 'F32'): Tensor {
  if (!isReadable(dtype)) throw new RangeError(`a dtype is one of ${Object.keys(DTYPES).join(', ')}`);
  if (
    !shape.every((size) => Number.isSafeInteger(size) && size >= 0) ||
    elementCount(shape) !== data.length
  ) {
    throw new RangeError(`${data.length} values do not fill the shape ${formatShape(shape)}`);
  }
  if (dtype === 'F16' || dtype === 'BF16')
    return { dtype, shape, data: Float32Array.from(data, (value) => roundTo(value, dtype)) };
  return { dtype, shape, data: dtype === 'F32' ? Float32Array.from(data) : Float64Array.from(data) };
}

/** Values of the shape [a, b, size] in the order of [b, a, size], as torch.transpose(0, 1) has them. */
export function swapFirstAxes(values: Floats, a: number, b: number, size: number): Floats {
  const result = values.slice();
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      const from = (i * b + j) * size;
      result.set(values.subarray(from, from + size), (j * a + i) * size);
    }
  }
  return result;
}
