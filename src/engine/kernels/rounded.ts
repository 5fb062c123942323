import { type FloatDtype, roundTo } from '../../tensor/dtype.js';
import type { Factor, Kernels, Product } from './kernels.js';
import { gateStep } from './plain.js';

/** How results are stored. */
export interface Storage {
  readonly dtype: FloatDtype;
  /** Rounds to either neighbour at random, always the same for the same seed; to the nearest if absent. */
  readonly seed?: number;
}

/**
 * Kernels that store their results in another dtype: a computation in float16 or bfloat16 accumulates with more bits
 * and rounds what it stores (PyTorch's own on a CPU comes out bit for bit in most networks); for F64 the grid is a few
 * bits coarser than double's, so that the two part where two computations in double do.
 */
export function rounded(kernels: Kernels, { dtype, seed }: Storage): Kernels {
  const dither = seed === undefined ? () => 0 : noise(seed);
  const store = (value: number) => roundTo(value, dtype, dither());
  return {
    store,
    allocate: kernels.allocate,
    workspace: (factors, lengths) => {
      const { products, buffers } = kernels.workspace(factors, lengths);
      const rounding =
        (name: string, { columns }: Factor): Product =>
        (out, x, rows) => {
          products[name](out, x, rows);
          for (let i = 0; i < rows * columns; i++) out[i] = store(out[i]);
        };
      const entries = Object.entries(factors).map(([name, factor]) => [name, rounding(name, factor)]);
      // Only the cells themselves round what they store.
      return { products: Object.fromEntries(entries), gateStep, buffers };
    },
  };
}

/** Numbers from -0.5 to 0.5 (xorshift, Marsaglia 2003), none of which moves a value that lies on the grid. */
function noise(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b9) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / (2 ** 32 + 1);
  };
}
