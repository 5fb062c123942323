// Matrix products: out [rows, columns] = bias + x [rows, size] · weightᵀ, weight [columns, size] packed into panels
// [columns / R, size, R] of R columns, the last one filled up with zeros; so is the bias.

import { ROWS, SINGLE, singleTile, tile, VECTORS, WIDENING } from './build/tiles';
import { lanes, weights } from './vector';

// What is worked on at once: a panel's slice stays in the first cache, a block of x in the second.
const SLICE: i32 = 256;
const BLOCK: i32 = 96;

// A block of x, in tiles [slice, rows]; then the last panel's outputs, some of which are nobody's. Static data would
// come along in the binary.
const xTiles: usize = (__heap_base + 15) & ~15;
const rest: usize = xTiles + BLOCK * SLICE * 8;
const restSingle: usize = rest + BLOCK * VECTORS * 16;

/** Where memory begins that no product works in. */
export const FREE: usize = restSingle + SINGLE * 16;

/** Columns of a panel for products of many rows. */
export function panelColumns<T>(): i32 {
  return VECTORS * lanes<T>();
}

/** Columns of a panel of type W for products of one row. */
export function singleColumns<W, T>(): i32 {
  return (sizeof<W>() < sizeof<T>() ? WIDENING : SINGLE) * lanes<T>();
}

/** One panel's weights from [columns, size] into [size, width], widened from S to T on the way. */
export function pack<S, T>(to: usize, from: usize, columns: i32, size: i32, width: i32): void {
  const stride = <usize>width * sizeof<T>();
  const row = <usize>size * sizeof<S>();
  const step = lanes<T>();
  let column = 0;
  // Squares of vectors first: read along the rows, written along the columns.
  if (sizeof<S>() <= sizeof<T>()) {
    for (; column + step <= columns; column += step) {
      const source = from + <usize>column * row;
      const at = to + <usize>column * sizeof<T>();
      let k = 0;
      for (; k + step <= size; k += step) {
        transpose<S, T>(at + <usize>k * stride, stride, source + <usize>k * sizeof<S>(), row);
      }
      for (; k < size; k++) {
        for (let i = 0; i < step; i++) {
          const value = <T>load<S>(source + <usize>i * row + <usize>k * sizeof<S>());
          store<T>(at + <usize>k * stride + <usize>i * sizeof<T>(), value);
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

/** A square of as many rows and columns as a vector has lanes. */
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

/** Rows of the tile that begins at `row`, of `rows` rows: as even as they can be. */
// @ts-ignore: decorator
@inline
function tileRows(row: i32, rows: i32): i32 {
  const left = rows - row;
  const tiles = (left + ROWS - 1) / ROWS;
  return (left + tiles - 1) / tiles;
}

/** [rows, slice] into tiles [slice, tile rows], one behind the other. */
function packX<T>(from: usize, rows: i32, size: i32, slice: i32): void {
  let to = xTiles;
  for (let row = 0; row < rows; ) {
    const count = tileRows(row, rows);
    for (let i = 0; i < count; i++) {
      let at = to + <usize>i * sizeof<T>();
      let source = from + <usize>(row + i) * size * sizeof<T>();
      for (let k = 0; k < slice; k++, source += sizeof<T>(), at += <usize>count * sizeof<T>()) {
        store<T>(at, load<T>(source));
      }
    }
    to += <usize>count * slice * sizeof<T>();
    row += count;
  }
}

export function product<T>(
  out: usize, x: usize, rows: i32, size: i32, panels: usize, columns: i32, bias: usize,
): void {
  const width = panelColumns<T>();
  const stride = <usize>columns * sizeof<T>();
  for (let first = 0; first < rows; first += BLOCK) {
    const block = min(BLOCK, rows - first);
    // A product of nothing is its bias: one slice, of no length.
    for (let k = 0; k == 0 || k < size; k += SLICE) {
      const slice = min(SLICE, size - k);
      packX<T>(x + (<usize>first * size + k) * sizeof<T>(), block, size, slice);
      for (let column = 0; column < columns; column += width) {
        const panel = panels + (<usize>column * size + <usize>k * width) * sizeof<T>();
        const whole = column + width <= columns;
        const outStride = whole ? stride : <usize>width * sizeof<T>();
        let to = whole ? out + <usize>first * stride + <usize>column * sizeof<T>() : rest;
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
        memory.copy(to + <usize>row * stride, rest + <usize>row * width * sizeof<T>(), <usize>left * sizeof<T>());
      }
    }
  }
}

/** The product of one row, whose panels are wider. */
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
    singleTile<W, T>(restSingle, x, panels, size, bias);
    memory.copy(out, restSingle, <usize>(columns - column) * sizeof<T>());
  }
}
