import type { ErrorStep, Kernels, VarianceTerms } from '../engine/kernels/kernels.js';
import { numbers } from '../engine/kernels/proof.js';
import type { KernelName } from '../engine/options.js';
import { KINDS, type Kind } from '../kinds.js';
import { errorCells } from './cells.js';
import type { ErrorModel } from './model.js';

// Sizes that leave a remainder in every loop.
const UNITS = 7;
const ROWS = 3;
const TERMS = 20;
/** The largest value of sums and states. */
const LARGEST = 4;
/** Largest relative difference from bounds/cells.ts. */
const ALLOWED = 1e-10;

/** Results of the comparison by the names of kernels and kind. */
const agreements = new Map<string, boolean>();

/** Whether the kernels have cells that propagate variances, with the results of bounds/cells.ts. Compared once. */
export function hasFastCells(kernels: Kernels, name: KernelName, model: ErrorModel, kind: Kind): boolean {
  const { kernelTerms } = model;
  if (!kernelTerms) return false;
  const key = `${name} ${kind}`;
  const agreement = agreements.get(key) ?? agrees(kernels, model, kernelTerms(TERMS), kind);
  agreements.set(key, agreement);
  return agreement;
}

function agrees(kernels: Kernels, model: ErrorModel, terms: VarianceTerms, kind: Kind): boolean {
  const columns = KINDS[kind].gates.length * UNITS;
  const { varianceStep, buffers } = kernels.workspace({}, lengthsOf(columns));
  if (!varianceStep) return false;
  for (const nonlinearity of KINDS[kind].nonlinearities) {
    for (const [i, buffer] of Object.values(buffers).entries())
      buffer.set(numbers(buffer.length, i).map((value) => LARGEST * value));
    const { gatesError, hiddenError, biasError, hError, cError } = buffers;
    for (const variances of [gatesError, hiddenError, biasError, hError, cError]) {
      // From the size of roundings to far beyond that of the values.
      for (const [k, value] of variances.entries()) variances[k] = 10 ** (5 * value - 15);
    }
    const step = {
      ...buffers,
      rows: ROWS,
      hidden_size: UNITS,
      gatesAt: 0,
      hiddenAt: 0,
      terms: TERMS,
      nonlinearity,
    };
    const copies = Object.fromEntries(Object.entries(buffers).map(([key, values]) => [key, values.slice()]));
    const expected: ErrorStep = { ...step, ...copies };
    errorCells(model)[kind](expected);
    varianceStep[kind](step, terms);
    for (const key of ['h', 'hError', 'c', 'cError'] as const) {
      // The terms of a value may cancel; those of a variance are never negative.
      const least = key === 'h' || key === 'c' ? 1 : 0;
      const differs = step[key].some((value, i) => {
        const other = expected[key][i];
        return !(Math.abs(value - other) <= ALLOWED * Math.max(least, Math.abs(other)));
      });
      if (differs) return false;
    }
  }
  return true;
}

const lengthsOf = (columns: number) => ({
  gates: ROWS * columns,
  hidden: ROWS * columns,
  gatesError: ROWS * columns,
  hiddenError: ROWS * columns,
  biasError: columns,
  h: ROWS * UNITS,
  hError: ROWS * UNITS,
  c: ROWS * UNITS,
  cError: ROWS * UNITS,
});
