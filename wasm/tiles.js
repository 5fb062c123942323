// Generates the inner loops of the products in AssemblyScript. A tile computes `vectors` vectors of outputs for each of
// `rows` rows of x, few enough that all sums stay in registers. Its loops over them are unrolled here, because an array
// of sums would lie in memory.

/** @param {number} count */
const range = (count) => [...Array(count).keys()];

/**
 * `out[row, ·] = start + Σ_k x[row, k] · panel[k, ·]`, where start is the bias or, if that is 0, the previous out: the
 * sum of the slices before. Every sum runs in ascending k. The panel's elements of type W are as wide as T or narrower.
 * x [size, rows] and panel [size, vectors] have no gaps, so that the loop only advances two pointers.
 * @param {number} vectors
 * @param {number} rows
 */
function tile(vectors, rows) {
  const sums = range(rows).flatMap((row) => range(vectors).map((vector) => ({ row, vector })));
  const lines = (/** @type {string[]} */ text, indent = 2) => text.join(`\n${' '.repeat(indent)}`);
  return `
function tile${vectors}x${rows}<W, T>(out: usize, stride: usize, x: usize, panel: usize, size: i32, bias: usize): void {
  const continues = bias == 0;
  ${lines(range(rows).map((row) => `const out${row} = out + ${row} * stride;`))}
  ${lines(
    sums.map(
      ({ row, vector }) => `let s${row}_${vector} = v128.load(continues ? out${row} : bias, ${16 * vector});`,
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
  ${lines(sums.map(({ row, vector }) => `v128.store(out${row}, s${row}_${vector}, ${16 * vector});`))}
}
`;
}

/**
 * The tiles of one build, as an AssemblyScript module.
 * @param {object} shapes
 * @param {number} shapes.vectors vectors of a panel for products of many rows
 * @param {number} shapes.rows the largest number of rows of a tile
 * @param {number} shapes.single vectors of a panel for products of one row
 * @param {number} shapes.widening the same where float32 weights are widened to float64, which V8 does not fuse to 256
 *   bits
 */
export function tiles({ vectors, rows, single, widening }) {
  const rowCounts = range(rows).map((row) => row + 1);
  return `// Written by wasm/tiles.js.
import { lanes, madd, weights } from '../vector';

/** Vectors of a panel for products of many rows. */
export const VECTORS: i32 = ${vectors};
/** The largest number of rows of a tile. */
export const ROWS: i32 = ${rows};
/** Vectors of a panel for products of one row. */
export const SINGLE: i32 = ${single};
/** The same where weights are widened. */
export const WIDENING: i32 = ${widening};
${rowCounts.map((count) => tile(vectors, count)).join('')}${[...new Set([single, widening])].map((count) => tile(count, 1)).join('')}
/** The tile of \`rows\` rows, 1 … ROWS. */
export function tile<T>(
  rows: i32, out: usize, stride: usize, x: usize, panel: usize, size: i32, bias: usize,
): void {
  switch (rows) {
${rowCounts.map((count) => `    case ${count}: tile${vectors}x${count}<T, T>(out, stride, x, panel, size, bias); break;`).join('\n')}
  }
}

/** The tile of one row. */
export function singleTile<W, T>(out: usize, x: usize, panel: usize, size: i32, bias: usize): void {
  if (sizeof<W>() < sizeof<T>()) tile${widening}x1<W, T>(out, 0, x, panel, size, bias);
  else tile${single}x1<W, T>(out, 0, x, panel, size, bias);
}
`;
}
