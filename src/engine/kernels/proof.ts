import { KINDS, type Kind } from '../../kinds.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Compute } from '../options.js';
import type { Kernels } from './kernels.js';

// Sizes with a rest in every loop of every build: of panels (of which there are whole ones as well), of vectors, of
// slices, and tiles of 1 … 6 rows.
const UNITS = 17;
const COLUMNS = 67;
const SIZE = 261;
const ROWS = [1, 2, 3, 4, 5, 6, 11];
const MOST_ROWS = 11;

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
  const found: Record<string, Floats> = {};
  for (const [name, product] of Object.entries(products)) {
    // Weights of both types are the same numbers, and one of them will do for every count of rows.
    for (const rows of name === 'many' ? ROWS : [1]) {
      product(out, x, rows);
      found[`a product of ${rows} rows (${name})`] = out.slice(0, rows * COLUMNS);
    }
  }
  for (const nonlinearity of KINDS[kind].nonlinearities) {
    const work = { rows: MOST_ROWS, hidden_size: UNITS, gates, gatesAt: 0, hidden, h, c, nonlinearity };
    gateStep[kind]({ ...work, store: kernels.store });
    found[`a step of ${kind} (${nonlinearity}, gates)`] = gates.slice();
    found[`a step of ${kind} (${nonlinearity}, h)`] = h.slice();
    found[`a step of ${kind} (${nonlinearity}, c)`] = c.slice();
  }
  return found;
}
