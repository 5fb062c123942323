import { elementCount } from '../tensor/shape.js';

/**
 * The elements of a view in row-major order: a view of the bytes where they are in this order already, else a copy.
 * @param start the byte at which the view begins
 * @param strides how many elements lie between neighbours along each axis
 */
export function rowMajor(
  bytes: Uint8Array,
  start: number,
  itemSize: number,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array {
  const length = elementCount(shape) * itemSize;
  if (isRowMajor(shape, strides)) return bytes.subarray(start, start + length);
  const result = new Uint8Array(length);
  const index = new Array<number>(shape.length).fill(0);
  let from = start;
  for (let to = 0; to < length; to += itemSize) {
    for (let byte = 0; byte < itemSize; byte++) result[to + byte] = bytes[from + byte];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis] * itemSize;
      if (++index[axis] < shape[axis]) break;
      from -= shape[axis] * strides[axis] * itemSize;
      index[axis] = 0;
    }
  }
  return result;
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== step) return false;
    step *= shape[axis];
  }
  return true;
}

/** A copy with the bytes of each element in the other order. */
export function swapBytes(bytes: Uint8Array, itemSize: number): Uint8Array {
  const result = bytes.slice();
  for (let i = 0; i < result.length; i += itemSize) result.subarray(i, i + itemSize).reverse();
  return result;
}
