import { type FloatDtype, roundTo } from '../../tensor/dtype.js';
import type { Factor, Kernels, Product } from './kernels.js';
import { gateStep } from './plain.js';

/** The dtype to which intermediate results are rounded. */
export interface Storage {
  readonly dtype: FloatDtype;
  /** Rounds at random to one of the two neighbours (the same way for the same seed); to the nearest one if absent. */
  readonly seed?: number;
}

/**
 * Kernels that round what they store, as a computation in that dtype does: in float16 and bfloat16 it accumulates with
 * more bits and rounds the results. (In most networks this gives PyTorch's results on a CPU bit for bit.) For F64 the
 * grid is a few bits coarser than that of float64, so that chaotic networks diverge as two float64 computations do.
 */
export function rounded(kernels: Kernels, { dtype, seed }: Storage): Kernels {
  const dither = seed === undefined ? () => 0 : uniform(seed);
  const store = (value: number) => roundTo(value, dtype, dither());
  return {
    store,
    allocate: kernels.allocate,
    workspace: (factors, lengths, singles) => {
      const { products, buffers, singles: narrow } = kernels.workspace(factors, lengths, singles);
      const rounding =
        (name: string, { columns }: Factor): Product =>
        (out, x, rows) => {
          products[name](out, x, rows);
          for (let i = 0; i < rows * columns; i++) out[i] = store(out[i]);
        };
      const entries = Object.entries(factors).map(([name, factor]) => [name, rounding(name, factor)]);
      // Only the plain cells call `store`.
      return { products: Object.fromEntries(entries), gateStep, buffers, singles: narrow };
    },
  };
}

/** Numbers strictly between −0.5 and 0.5 (xorshift, Marsaglia 2003), so that values on the grid stay where they are. */
export function uniform(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b9) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / (2 ** 32 + 1);
  };
}
