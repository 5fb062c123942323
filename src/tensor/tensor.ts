import { DTYPES, type Dtype, type Floats } from './dtype.js';
import { elementCount, formatShape } from './shape.js';

/** What a header says of a tensor; its dtype may be one that cellcheck cannot read. */
export interface TensorSpec {
  readonly dtype: string;
  readonly shape: readonly number[];
}

export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Row-major values, widened without loss. */
  readonly data: Floats;
}

/**
 * A tensor from plain numbers.
 * @param shape sizes, outermost first
 * @throws RangeError where the data doesn't fill the shape
 */
export function tensor(shape: readonly number[], data: ArrayLike<number>, dtype: Dtype = 'F32'): Tensor {
  if (elementCount(shape) !== data.length) {
    throw new RangeError(`${data.length} values do not fill the shape ${formatShape(shape)}`);
  }
  const wide = dtype === 'F64' || !DTYPES[dtype].float;
  return { dtype, shape, data: wide ? Float64Array.from(data) : Float32Array.from(data) };
}
