// Matrix products: out [rows, columns] = bias + x [rows, size] · weightᵀ. The weight [columns, size] is packed into
// panels of R columns [columns / R, size, R]. The last panel and the bias are padded with zeros.

import { ROWS, SINGLE, singleTile, tile, VECTORS, WIDENING } from './build/tiles';
import { lanes, weights } from './vector';

// A slice of SLICE values of k of a panel stays in the first-level cache, a block of BLOCK rows of x in the
// second-level cache.
const SLICE: i32 = 256;
const BLOCK: i32 = 96;

// Scratch memory: a block of x, in tiles [slice, rows]; then outputs of the last panel, of which only the columns
// before the padding are copied to the result. It lies behind the heap base because static data would enlarge the
// binary.
const xTiles: usize = (__heap_base + 15) & ~15;
const padded: usize = xTiles + BLOCK * SLICE * 8;
const paddedSingle: usize = padded + BLOCK * VECTORS * 16;

/** Where the memory that products do not use themselves begins. */
export const FREE: usize = paddedSingle + SINGLE * 16;

/** Columns of a panel for products of many rows. */
export function panelColumns<T>(): i32 {
  return VECTORS * lanes<T>();
}

/** Columns of a panel of type W for products of one row. */
export function singleColumns<W, T>(): i32 {
  return (sizeof<W>() < sizeof<T>() ? WIDENING : SINGLE) * lanes<T>();
}

/** Copies the weights of a panel from [columns, size] of type S to [size, width] of type T. */
export function pack<S, T>(to: usize, from: usize, columns: i32, size: i32, width: i32): void {
  const stride = <usize>width * sizeof<T>();
  const row = <usize>size * sizeof<S>();
  const step = lanes<T>();
  let column = 0;
  // Whole squares of lanes × lanes values first: vectors are read along rows and written along columns.
  if (sizeof<S>() <= sizeof<T>()) {
    for (; column + step <= columns; column += step) {
      const source = from + <usize>column * row;
      const target = to + <usize>column * sizeof<T>();
      let k = 0;
      for (; k + step <= size; k += step) {
        transpose<S, T>(target + <usize>k * stride, stride, source + <usize>k * sizeof<S>(), row);
      }
      for (; k < size; k++) {
        for (let i = 0; i < step; i++) {
          const value = <T>load<S>(source + <usize>i * row + <usize>k * sizeof<S>());
          store<T>(target + <usize>k * stride + <usize>i * sizeof<T>(), value);
        }
      }
    }
  }
  for (; column < width; column++) {
    for (let k = 0; k < size; k++) {
      const value = column < columns ? <T>load<S>(from + <usize>column * row + <usize>k * sizeof<S>()) : <T>0;
      store<T>(to + <usize>k * stride + <usize>column * sizeof<T>(), value);
    }
  }
}

/** Transposes a square of lanes × lanes values. */
// @ts-ignore: decorator
@inline
function transpose<S, T>(to: usize, toStride: usize, from: usize, fromStride: usize): void {
  const a = weights<S, T>(from, 0);
  const b = weights<S, T>(from + fromStride, 0);
  if (sizeof<T>() == 8) {
    v128.store(to, v128.shuffle<f64>(a, b, 0, 2));
    v128.store(to + toStride, v128.shuffle<f64>(a, b, 1, 3));
  } else {
    const c = v128.load(from + 2 * fromStride);
    const d = v128.load(from + 3 * fromStride);
    const lowAB = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const highAB = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const lowCD = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    const highCD = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f64>(lowAB, lowCD, 0, 2));
    v128.store(to + toStride, v128.shuffle<f64>(lowAB, lowCD, 1, 3));
    v128.store(to + 2 * toStride, v128.shuffle<f64>(highAB, highCD, 0, 2));
    v128.store(to + 3 * toStride, v128.shuffle<f64>(highAB, highCD, 1, 3));
  }
}

/** The number of rows of the tile that begins at `row`: `rows` rows are divided into tiles of nearly equal size. */
// @ts-ignore: decorator
@inline
function tileRows(row: i32, rows: i32): i32 {
  const left = rows - row;
  const tiles = (left + ROWS - 1) / ROWS;
  return (left + tiles - 1) / tiles;
}

/** Copies a slice of x [rows, slice] into consecutive tiles [slice, tile rows]. */
function packX<T>(from: usize, rows: i32, size: i32, slice: i32): void {
  let to = xTiles;
  for (let row = 0; row < rows; ) {
    const count = tileRows(row, rows);
    for (let i = 0; i < count; i++) {
      let target = to + <usize>i * sizeof<T>();
      let source = from + <usize>(row + i) * size * sizeof<T>();
      for (let k = 0; k < slice; k++, source += sizeof<T>(), target += <usize>count * sizeof<T>()) {
        store<T>(target, load<T>(source));
      }
    }
    to += <usize>count * slice * sizeof<T>();
    row += count;
  }
}

/** The product of many rows. */
export function product<T>(
  out: usize, x: usize, rows: i32, size: i32, panels: usize, columns: i32, bias: usize,
): void {
  const width = panelColumns<T>();
  const stride = <usize>columns * sizeof<T>();
  for (let first = 0; first < rows; first += BLOCK) {
    const block = min(BLOCK, rows - first);
    // With size = 0 the result is the bias: one slice of length 0 writes it.
    for (let k = 0; k == 0 || k < size; k += SLICE) {
      const slice = min(SLICE, size - k);
      packX<T>(x + (<usize>first * size + k) * sizeof<T>(), block, size, slice);
      for (let column = 0; column < columns; column += width) {
        const panel = panels + (<usize>column * size + <usize>k * width) * sizeof<T>();
        const isFull = column + width <= columns;
        const outStride = isFull ? stride : <usize>width * sizeof<T>();
        let to = isFull ? out + <usize>first * stride + <usize>column * sizeof<T>() : padded;
        let tiles = xTiles;
        const start = k == 0 ? bias + <usize>column * sizeof<T>() : 0;
        for (let row = 0; row < block; ) {
          const count = tileRows(row, block);
          tile<T>(count, to, outStride, tiles, panel, slice, start);
          to += <usize>count * outStride;
          tiles += <usize>count * slice * sizeof<T>();
          row += count;
        }
      }
    }
    const left = columns % width;
    if (left) {
      const to = out + <usize>first * stride + <usize>(columns - left) * sizeof<T>();
      for (let row = 0; row < block; row++) {
        memory.copy(to + <usize>row * stride, padded + <usize>row * width * sizeof<T>(), <usize>left * sizeof<T>());
      }
    }
  }
}

/** The product of one row; its panels are wider. */
export function singleProduct<W, T>(out: usize, x: usize, size: i32, panels: usize, columns: i32, bias: usize): void {
  const width = singleColumns<W, T>();
  let column = 0;
  for (; column + width <= columns; column += width) {
    singleTile<W, T>(out, x, panels, size, bias);
    panels += <usize>width * size * sizeof<W>();
    bias += <usize>width * sizeof<T>();
    out += <usize>width * sizeof<T>();
  }
  if (column < columns) {
    singleTile<W, T>(paddedSingle, x, panels, size, bias);
    memory.copy(out, paddedSingle, <usize>(columns - column) * sizeof<T>());
  }
}
