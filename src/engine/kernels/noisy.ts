import type { Floats } from '../../tensor/dtype.js';
import { type Factor, type Kernels, type Product, sizeOf } from './kernels.js';
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
      const squares = Object.entries(factors).map(([name, factor]): [string, Factor] => [
        squaresOf(name),
        { ...factor, bias: undefined, squared: true },
      ]);
      // What a product reads and writes lies in buffers of the workspace: these are as long as any of them.
      const longest = Math.max(...Object.values<number>(lengths));
      const workspace = kernels.workspace(
        { ...factors, ...Object.fromEntries(squares) },
        { ...lengths, ofSquares: longest, squared: longest },
        singles,
      );
      const products: Readonly<Record<string, Product>> = workspace.products;
      const { ofSquares, squared }: Readonly<Record<string, Floats>> = workspace.buffers;
      const withNoise = (name: string, factor: Factor): Product => {
        const size = sizeOf(factor);
        // The error of a random walk of n terms: bounds/variance.ts has the formula.
        const perTerm = accumulate * Math.sqrt(1 + size / 6);
        return (out, x, rows) => {
          products[name](out, x, rows);
          for (let i = 0; i < rows * size; i++) squared[i] = x[i] * x[i];
          products[squaresOf(name)](ofSquares, squared, rows);
          for (let i = 0; i < rows * factor.columns; i++)
            out[i] += (perTerm * Math.sqrt(ofSquares[i]) + store * out[i]) * random();
        };
      };
      const entries = Object.entries(factors).map(([name, factor]) => [name, withNoise(name, factor)]);
      const { buffers, singles: narrow } = workspace;
      return { products: Object.fromEntries(entries), gateStep, buffers, singles: narrow };
    },
  };
}

const squaresOf = (name: string) => `squares of ${name}`;
