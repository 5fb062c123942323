// Writes the inner loops of the products in AssemblyScript. A tile is so many vectors of outputs × so many rows of x
// that all its sums stay in registers; the compiler needs it written out, since registers have no index.

/** @param {number} count */
const range = (count) => [...Array(count).keys()];

/**
 * `out[row, ·] = start + Σ_k x[row, k] · panel[k, ·]`, where start is the bias or, without one, what stands in out.
 * Every sum runs in ascending k. The panel holds W, which is T or narrower. x is [size, rows] and panel [size, vectors], each without gaps: two pointers, whose
 * offsets are constants, are all that the loop has to move.
 * @param {number} vectors
 * @param {number} rows
 */
function tile(vectors, rows) {
  const places = range(rows).flatMap((row) => range(vectors).map((vector) => ({ row, vector })));
  const lines = (/** @type {string[]} */ text, indent = 2) => text.join(`\n${' '.repeat(indent)}`);
  return `
function tile${vectors}x${rows}<W, T>(out: usize, stride: usize, x: usize, panel: usize, size: i32, bias: usize): void {
  const carried = bias == 0;
  ${lines(range(rows).map((row) => `const out${row} = out + ${row} * stride;`))}
  ${lines(
    places.map(
      ({ row, vector }) => `let s${row}_${vector} = v128.load(carried ? out${row} : bias, ${16 * vector});`,
    ),
  )}
  for (const end = x + size * ${rows} * sizeof<T>(); x < end; ) {
    ${lines(
      range(vectors).map(
        (vector) => `const w${vector} = weights<W, T>(panel, ${vector} * lanes<T>() * sizeof<W>());`,
      ),
      4,
    )}
    ${lines(
      range(rows).flatMap((row) => [
        `const x${row} = v128.load_splat<T>(x, ${row} * sizeof<T>());`,
        ...range(vectors).map(
          (vector) => `s${row}_${vector} = madd<T>(w${vector}, x${row}, s${row}_${vector});`,
        ),
      ]),
      4,
    )}
    x += ${rows} * sizeof<T>();
    panel += ${vectors} * lanes<T>() * sizeof<W>();
  }
  ${lines(places.map(({ row, vector }) => `v128.store(out${row}, s${row}_${vector}, ${16 * vector});`))}
}
`;
}

/**
 * The tiles of one build, as an AssemblyScript module.
 * @param {object} shapes
 * @param {number} shapes.vectors of a panel of the product of many rows
 * @param {number} shapes.rows the most rows of a tile
 * @param {number} shapes.single vectors of a panel of the product of one row
 * @param {number} shapes.widening the same where weights are widened: V8 does not fuse that
 */
export function tiles({ vectors, rows, single, widening }) {
  const all = range(rows).map((row) => row + 1);
  return `// Written by wasm/tiles.js.
import { lanes, madd, weights } from '../vector';

/** Vectors of a panel, and the most rows of a tile. */
export const VECTORS: i32 = ${vectors};
export const ROWS: i32 = ${rows};
/** Vectors of a panel of the product of one row, and of one whose weights are widened. */
export const SINGLE: i32 = ${single};
export const WIDENING: i32 = ${widening};
${all.map((count) => tile(vectors, count)).join('')}${[...new Set([single, widening])].map((count) => tile(count, 1)).join('')}
/** A tile of 1 … ROWS rows. */
export function tile<T>(
  rows: i32, out: usize, stride: usize, x: usize, panel: usize, size: i32, bias: usize,
): void {
  switch (rows) {
${all.map((count) => `    case ${count}: tile${vectors}x${count}<T, T>(out, stride, x, panel, size, bias); break;`).join('\n')}
  }
}

export function singleTile<W, T>(out: usize, x: usize, panel: usize, size: i32, bias: usize): void {
  if (sizeof<W>() < sizeof<T>()) tile${widening}x1<W, T>(out, 0, x, panel, size, bias);
  else tile${single}x1<W, T>(out, 0, x, panel, size, bias);
}
`;
}
