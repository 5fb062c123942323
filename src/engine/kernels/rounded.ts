import { type FloatDtype, roundTo } from '../../tensor/dtype.js';
import type { Kernels } from './kernels.js';

/** How results are stored. */
export interface Storage {
  readonly dtype: FloatDtype;
  /** To the nearest if absent; `random` is the same every time. */
  readonly rounding?: 'nearest' | 'up' | 'down' | 'random';
}

/**
 * Kernels that store their results in another dtype: a computation in float16 or bfloat16 accumulates with more bits
 * and rounds what it stores; for F64 the grid is a few bits coarser than double's, so that the two part
 * where two computations in double do.
 */
export function rounded(kernels: Kernels, { dtype, rounding = 'nearest' }: Storage): Kernels {
  const dither = DITHERS[rounding]();
  const store = (value: number) => roundTo(value, dtype, dither());
  return {
    ...kernels,
    store,
    product: (out, x, xAt, rows, weight, columns, bias) => {
      kernels.product(out, x, xAt, rows, weight, columns, bias);
      for (let i = 0; i < rows * columns; i++) out[i] = store(out[i]);
    },
  };
}

// A hair less than half a spacing: what lies on the grid stays there.
const HALF = 0.4999;

const DITHERS = {
  nearest: () => () => 0,
  up: () => () => HALF,
  down: () => () => -HALF,
  // xorshift (Marsaglia 2003)
  random: () => {
    let state = 0x9e3779b9 | 0;
    return () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state / 2 ** 31) * HALF;
    };
  },
};
