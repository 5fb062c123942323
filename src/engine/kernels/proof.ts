import { KINDS, type Kind } from '../../kinds.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Compute } from '../options.js';
import type { Kernels } from './kernels.js';

// Sizes that leave a remainder in every loop of every build (wasm/tiles.js): panels (after whole ones), vectors and slices; and all
// tiles, which have 1 … 6 rows.
const UNITS = 17;
const COLUMNS = 67;
const SIZE = 261;
const ROWS = [1, 2, 3, 4, 5, 6, 11];
const MOST_ROWS = 11;

// Largest difference from the plain kernels. Sums of 261 products of numbers below one round by about 1e-15 (float64)
// and 1e-6 (float32).
const ALLOWED: Readonly<Record<Compute, number>> = { float64: 1e-13, float32: 2e-5 };

/**
 * Compares kernels with a reference on small products and gate steps.
 * @returns the first difference in words, or undefined
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

/** Pseudo-random numbers from −1 to 1. */
export function numbers(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => {
    const wave = 43_758.5453 * Math.sin(i * 12.9898 + seed * 78.233);
    return 2 * (wave - Math.floor(wave)) - 1;
  });
}

function results(kernels: Kernels, kind: Kind): Record<string, Floats> {
  const gateRows = KINDS[kind].gates.length * UNITS;
  const weight = numbers(COLUMNS * SIZE, 1).map((value) => value / 8);
  const factor = { weight, bias: numbers(COLUMNS, 2), columns: COLUMNS };
  const doubled = { ...factor, weight: Float64Array.from(weight) };
  const { products, gateStep, buffers } = kernels.workspace(
    {
      many: { ...factor, rows: 'many' },
      one: { ...factor, rows: 'one' },
      'many, of float64': { ...doubled, rows: 'many' },
      'one, of float64': { ...doubled, rows: 'one' },
    },
    {
      x: MOST_ROWS * SIZE,
      out: MOST_ROWS * COLUMNS,
      gates: MOST_ROWS * gateRows,
      hidden: MOST_ROWS * gateRows,
      h: MOST_ROWS * UNITS,
      c: MOST_ROWS * UNITS,
    },
  );
  const { x, out, gates, hidden, h, c } = buffers;
  for (const [i, buffer] of [x, gates, hidden, h, c].entries()) buffer.set(numbers(buffer.length, i + 3));
  const outputs: Record<string, Floats> = {};
  for (const [name, product] of Object.entries(products)) {
    // Only products of many rows have tiles of several sizes, and float64 weights go through the same tiles.
    for (const rows of name === 'many' ? ROWS : [1]) {
      product(out, x, rows);
      outputs[`a product of ${rows} rows (${name})`] = out.slice(0, rows * COLUMNS);
    }
  }
  for (const nonlinearity of KINDS[kind].nonlinearities) {
    const step = { rows: MOST_ROWS, hidden_size: UNITS, gates, gatesAt: 0, hidden, h, c, nonlinearity };
    gateStep[kind]({ ...step, store: kernels.store });
    outputs[`a step of ${kind} (${nonlinearity}, gates)`] = gates.slice();
    outputs[`a step of ${kind} (${nonlinearity}, h)`] = h.slice();
    outputs[`a step of ${kind} (${nonlinearity}, c)`] = c.slice();
  }
  return outputs;
}
