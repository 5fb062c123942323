import { DTYPES, type FloatDtype, type Floats, roundTo } from '../tensor/dtype.js';
import { sameShape } from '../tensor/shape.js';
import { permuted, type Tensor } from '../tensor/tensor.js';

/** How the second of two tensors follows from the first. */
export type Relation =
  /** Every value is the same number; NaN is the same as NaN here. */
  | { readonly kind: 'equal' }
  /** One of them holds the values of the other, rounded to a coarser dtype. */
  | { readonly kind: 'rounded'; readonly to: string; readonly rounded: 'first' | 'second' }
  /** The row blocks are in another order: the gates of the first in the order that the second has them. */
  | { readonly kind: 'gates-permuted'; readonly order: readonly string[] }
  /** Every row of one is a row of the other, in another order. */
  | { readonly kind: 'rows-permuted' }
  | { readonly kind: 'transposed' }
  | { readonly kind: 'other-shape' }
  | { readonly kind: 'differs' };

/** How far one part of a tensor changed. */
export interface Change {
  /** The largest |b − a|; NaN where one of the two is not finite and the other is another value. */
  readonly largest: number;
  /** The root mean square of b − a. */
  readonly rms: number;
}

const same = (a: number, b: number) => a === b || (Number.isNaN(a) && Number.isNaN(b));

/** @param gates the names of the row blocks; empty where rows have no gates */
export function relationOf(a: Tensor, b: Tensor, gates: readonly string[]): Relation {
  if (!sameShape(a.shape, b.shape)) {
    const isTransposed = sameShape(a.shape, b.shape.toReversed()) && equal(a.data, transposed(b));
    return { kind: isTransposed ? 'transposed' : 'other-shape' };
  }
  if (equal(a.data, b.data)) return { kind: 'equal' };
  const rounded = roundingOf(a, b);
  if (rounded) return rounded;
  const order = gateOrder(a, b, gates);
  if (order) return { kind: 'gates-permuted', order };
  if (rowsPermuted(a, b)) return { kind: 'rows-permuted' };
  if (a.shape.length === 2 && a.shape[0] === a.shape[1] && equal(a.data, transposed(b)))
    return { kind: 'transposed' };
  return { kind: 'differs' };
}

const equal = (a: Floats, b: Floats) => a.length === b.length && a.every((value, i) => same(value, b[i]));

const transposed = (tensor: Tensor) =>
  tensor.shape.length === 2 ? permuted(tensor, [1, 0]).data : tensor.data;

const COARSER: readonly FloatDtype[] = ['F32', 'F16', 'BF16'];

function roundingOf(a: Tensor, b: Tensor): Relation | undefined {
  for (const [first, second, rounded] of [
    [a, b, 'second'],
    [b, a, 'first'],
  ] as const) {
    for (const dtype of COARSER)
      if (first.data.every((value, i) => same(roundTo(value, dtype), second.data[i])))
        return { kind: 'rounded', to: DTYPES[dtype].torch, rounded };
    const quantised = [
      [a.data.length, 'int8, one scale'],
      [a.shape.length === 2 ? a.shape[1] : a.data.length, 'int8, a scale for each row'],
    ] as const;
    for (const [length, to] of quantised)
      if (isQuantised(first.data, second.data, length)) return { kind: 'rounded', to, rounded };
  }
  return undefined;
}

/** Whether values are those of another tensor as int8 keeps them: s · round(a / s), with s = max |a| / 127. */
function isQuantised(a: Floats, b: Floats, length: number): boolean {
  for (let start = 0; start < a.length; start += length) {
    let largest = 0;
    for (let i = start; i < start + length; i++) largest = Math.max(largest, Math.abs(a[i]));
    const scale = largest / 127;
    for (let i = start; i < start + length; i++) {
      const expected = scale === 0 ? 0 : scale * Math.round(a[i] / scale);
      // Scale and product are rounded to float32; between two steps the quotient may be rounded either way.
      const isHalf = Math.abs(Math.abs((a[i] / scale) % 1) - 0.5) < 1e-5;
      const allowed = 4e-7 * largest + (isHalf ? scale : 0);
      if (!(Math.abs(b[i] - expected) <= allowed)) return false;
    }
  }
  return a.length > 0;
}

/** The gates of the first in the order of the second's blocks; undefined where its blocks are others. */
function gateOrder(a: Tensor, b: Tensor, gates: readonly string[]): readonly string[] | undefined {
  const size = a.data.length / gates.length;
  if (gates.length < 2 || !Number.isInteger(size)) return undefined;
  const block = ({ data }: Tensor, i: number) => data.subarray(i * size, (i + 1) * size);
  const order = gates.map((_, i) => gates.findIndex((_gate, j) => equal(block(b, i), block(a, j))));
  return order.includes(-1) || new Set(order).size < gates.length ? undefined : order.map((i) => gates[i]);
}

function rowsPermuted(a: Tensor, b: Tensor): boolean {
  const [rows] = a.shape;
  const size = a.data.length / rows;
  const keys = ({ data }: Tensor) =>
    Array.from({ length: rows }, (_, row) => data.subarray(row * size, (row + 1) * size).join()).sort();
  const [first, second] = [keys(a), keys(b)];
  return rows > 1 && first.every((key, row) => key === second[row]);
}

/** How far the values from `start` on changed. */
export function changeOf(a: Floats, b: Floats, start = 0, end = a.length): Change {
  let [largest, squares] = [0, 0];
  for (let i = start; i < end; i++) {
    if (same(a[i], b[i])) continue;
    const difference = Math.abs(b[i] - a[i]);
    squares += difference ** 2;
    // NaN stays.
    if (!(difference <= largest)) largest = Number.isNaN(largest) ? largest : difference;
  }
  return { largest, rms: Math.sqrt(squares / Math.max(1, end - start)) };
}
