import type { Nonlinearity } from '../kinds.js';
import { DTYPES, type Dtype, type Floats, isReadable, roundTo } from './dtype.js';
import { elementCount, formatShape } from './shape.js';

/** What a header says about a tensor. Its dtype may be one that cellcheck cannot read. */
export interface TensorSpec {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Of the RNN that the tensor is a weight of, where the file says so. */
  readonly nonlinearity?: Nonlinearity;
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
  /** Set for rows of text: of three axes the first is the batch, of two the steps. */
  readonly batchFirst?: true;
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

/** A tensor with its axes in another order, as torch.permute gives it. */
export function permuted(source: Tensor, order: readonly number[]): Tensor {
  const { shape, data, printed } = source;
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const newShape = order.map((axis) => shape[axis]);
  const newStrides = order.map((axis) => strides[axis]);
  const inOrder = (values: Floats): Floats => {
    const result = values.slice();
    const index = new Array<number>(newShape.length).fill(0);
    let from = 0;
    for (let to = 0; to < result.length; to++) {
      result[to] = values[from];
      for (let axis = newShape.length - 1; axis >= 0; axis--) {
        from += newStrides[axis];
        if (++index[axis] < newShape[axis]) break;
        from -= newShape[axis] * newStrides[axis];
        index[axis] = 0;
      }
    }
    return result;
  };
  return {
    ...source,
    shape: newShape,
    data: inOrder(data),
    ...(printed && { printed: { ...printed, halfUnits: inOrder(printed.halfUnits) } }),
  };
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
