import { KINDS, type Kind } from '../../kinds.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Compute } from '../options.js';
import type { Factor, Kernels } from './kernels.js';

// Sizes with a rest in every loop of every build: of panels, of vectors, of slices, and tiles of 1 … 5 rows.
const UNITS = 17;
const SIZE = 261;
const ROWS = 11;

// Largest difference from the plain kernels. Sums of 261 products of numbers below one round to about 1e-15 and 1e-6.
const ALLOWED: Readonly<Record<Compute, number>> = { float64: 1e-13, float32: 2e-5 };

/**
 * Holds kernels against others on a small product and some gate steps.
 * @returns what differs, or nothing
 */
export function disagreement(
  kernels: Kernels,
  reference: Kernels,
  kind: Kind,
  compute: Compute,
): string | undefined {
  const expected = results(reference, kind);
  const actual = results(kernels, kind);
  for (const [name, values] of Object.entries(expected)) {
    for (const [i, value] of values.entries()) {
      const difference = Math.abs(actual[name][i] - value);
      if (!(difference <= ALLOWED[compute])) return `${name} is off by ${difference.toExponential(1)}`;
    }
  }
  return undefined;
}

/** Always the same numbers, from −1 to 1. */
function numbers(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233));
}

function results(kernels: Kernels, kind: Kind): Record<string, Floats> {
  const columns = KINDS[kind].gates.length * UNITS;
  const factor: Omit<Factor, 'rows'> = {
    weight: numbers(columns * SIZE, 1).map((value) => value / 8),
    bias: numbers(columns, 2),
    columns,
  };
  const { products, gateStep, buffers } = kernels.workspace(
    { many: { ...factor, rows: 'many' }, one: { ...factor, rows: 'one' } },
    {
      x: ROWS * SIZE,
      gates: ROWS * columns,
      hidden: ROWS * columns,
      h: ROWS * UNITS,
      c: ROWS * UNITS,
    },
  );
  const { x, gates, hidden, h, c } = buffers;
  x.set(numbers(x.length, 3));
  h.set(numbers(h.length, 4));
  c.set(numbers(c.length, 5));
  const found: Record<string, Floats> = {};
  for (const rows of [1, 2, 3, 5, ROWS]) {
    products.many(gates, x, rows);
    found[`a product of ${rows} rows`] = gates.slice(0, rows * columns);
  }
  products.one(hidden, x, 1);
  found['a product of one row'] = hidden.slice(0, columns);
  hidden.set(numbers(hidden.length, 6));
  for (const nonlinearity of kind === 'RNN' ? (['tanh', 'relu'] as const) : (['tanh'] as const)) {
    const work = { rows: ROWS, hiddenSize: UNITS, gates, gatesAt: 0, hidden, h, c, nonlinearity };
    gateStep[kind]({ ...work, store: kernels.store });
    found[`a step of ${kind} (gates)`] = gates.slice();
    found[`a step of ${kind} (h)`] = h.slice();
    found[`a step of ${kind} (c)`] = c.slice();
  }
  return found;
}
