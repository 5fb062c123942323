import type { Floats } from '../../tensor/dtype.js';
import type { Factor, Kernels, Product } from './kernels.js';
import { gateStep } from './plain.js';
import { uniform } from './rounded.js';

/** The rounding errors of a runtime as random numbers: standard deviations, relative to what is rounded unless stated. */
export interface Noise {
  /** Of a sum, for each of its terms. */
  readonly accumulate: number;
  /** Of what is stored: sums, gates, states. */
  readonly store: number;
  /** Of states, absolute. */
  readonly absolute: number;
  /** The same numbers for the same seed. */
  readonly seed: number;
}

/** Kernels whose results are off by random errors of the size of a runtime's. Only the plain cells store through them. */
export function noisy(kernels: Kernels, { accumulate, store, absolute, seed }: Noise): Kernels {
  // Of variance 1.
  const draw = uniform(seed);
  const random = () => draw() * Math.sqrt(12);
  return {
    store: (value) => value + (store * Math.abs(value) + absolute) * random(),
    allocate: kernels.allocate,
    workspace: (factors, lengths, singles) => {
      const { products, buffers, singles: narrow } = kernels.workspace(factors, lengths, singles);
      const withNoise = (name: string, { weight, bias, columns }: Factor): Product => {
        const size = weight.length / columns;
        const norms = Float64Array.from({ length: columns }, (_, j) =>
          Math.hypot(norm(weight, j * size, size), bias?.[j] ?? 0),
        );
        // The error of a random walk of n terms: bounds/variance.ts has the formula.
        const perTerm = accumulate * Math.sqrt((1 + size / 6) / size);
        return (out, x, rows) => {
          products[name](out, x, rows);
          for (let row = 0; row < rows; row++) {
            const ofRow = perTerm * norm(x, row * size, size);
            for (let j = 0; j < columns; j++) {
              const at = row * columns + j;
              out[at] += (ofRow * norms[j] + store * out[at]) * random();
            }
          }
        };
      };
      const entries = Object.entries(factors).map(([name, factor]) => [name, withNoise(name, factor)]);
      return { products: Object.fromEntries(entries), gateStep, buffers, singles: narrow };
    },
  };
}

function norm(values: Floats, from: number, count: number): number {
  let squares = 0;
  for (let i = from; i < from + count; i++) squares += values[i] * values[i];
  return Math.sqrt(squares);
}
