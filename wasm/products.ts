// Matrix products: out [rows, columns] = bias + x [rows, size] · weightᵀ, weight [columns, size] packed into panels
// [columns / R, size, R] of R columns, the last one filled up with zeros; so is the bias.

import { ROWS, SINGLE, singleTile, tile, VECTORS } from './build/tiles';
import { lanes } from './vector';

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

/** Columns of a panel, for a product of one row or of many. */
export function panelColumns<T>(single: bool): i32 {
  return (single ? SINGLE : VECTORS) * lanes<T>();
}

/** One panel's weights from [columns, size] into [size, width]. */
export function pack<S, T>(to: usize, from: usize, columns: i32, size: i32, width: i32): void {
  for (let column = 0; column < width; column++) {
    let at = to + <usize>column * sizeof<T>();
    if (column < columns) {
      for (let k = 0; k < size; k++, from += sizeof<S>(), at += <usize>width * sizeof<T>()) {
        store<T>(at, <T>load<S>(from));
      }
    } else {
      for (let k = 0; k < size; k++, at += <usize>width * sizeof<T>()) store<T>(at, <T>0);
    }
  }
}

/** Rows of the tile that begins at `row`, of `rows` rows: as even as they can be. */
// @ts-expect-error: decorator
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
  const width = panelColumns<T>(false);
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
  const width = panelColumns<T>(true);
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
