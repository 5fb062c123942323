import type { BoundCase } from '../../module/bind.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Allowance } from './allowance.js';
import type { Predicted } from './predicted.js';
import { movesInTime, type Variant } from './variant.js';

/** What predictions are compared with. */
export interface Target {
  readonly boundCase: BoundCase;
  /** One of each reference. */
  readonly allowances: readonly Allowance[];
  /** The outputs as PyTorch computes them. */
  readonly base: Predicted;
}

/** How far a prediction is from the references. */
export interface Misfit {
  /** The largest difference, in allowances. */
  readonly ratio: number;
  /** The largest difference. */
  readonly largest: number;
  /** The root mean square of the differences. */
  readonly rms: number;
  /** How many values were compared: not those for which rounding may give any number. */
  readonly values: number;
  /** How many values the references have. */
  readonly of: number;
}

/** @param partial whether NaN stands for what was not computed, and is left out of the comparison */
export function misfit(target: Target, predicted: Predicted, variant: Variant, partial: boolean): Misfit {
  const { boundCase, allowances, base } = target;
  const sums: Sums = { ratio: 0, largest: 0, squares: 0, values: 0 };
  const anyStep = movesInTime(variant);
  for (const [r, { name, rows, batch, units, data }] of boundCase.references.entries()) {
    // If a variant has no such output, PyTorch's must agree.
    const values = predicted[name] ?? base[name]!;
    const allowance = allowances[r];
    for (let row = 0; row < rows; row++) {
      if (allowance.rows[row] === Number.POSITIVE_INFINITY) continue;
      const allowed = anyStep ? allowance.largest : allowance.rows[row];
      for (let start = row * batch * units; start < (row + 1) * batch * units; start += units) {
        // A limited run computes few steps: this skips the others quickly.
        if (partial && Number.isNaN(values[start]) && Number.isNaN(values[start + units - 1])) continue;
        addDifferences(sums, values, data, start, start + units, allowed, partial);
      }
    }
  }
  const { ratio, largest, squares, values } = sums;
  const of = boundCase.references.reduce((sum, { data }) => sum + data.length, 0);
  return { ratio, largest, rms: Math.sqrt(squares / Math.max(values, 1)), values, of };
}

interface Sums {
  ratio: number;
  largest: number;
  squares: number;
  values: number;
}

function addDifferences(
  sums: Sums,
  predicted: Floats,
  expected: Floats,
  from: number,
  to: number,
  allowed: number,
  partial: boolean,
): void {
  for (let i = from; i < to; i++) {
    if (partial && Number.isNaN(predicted[i])) continue;
    sums.values++;
    if (predicted[i] === expected[i]) continue;
    const difference = Math.abs(predicted[i] - expected[i]);
    // Also true if the difference is NaN.
    if (!(difference / allowed <= sums.ratio))
      sums.ratio = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference / allowed;
    sums.largest = Math.max(sums.largest, difference);
    sums.squares += difference * difference;
  }
}

/** The largest difference of two predictions, in allowances, of outputs that both have. */
export function distanceBetween({ boundCase, allowances }: Target, a: Predicted, b: Predicted): number {
  let ratio = 0;
  for (const [r, { name, rows, batch, units }] of boundCase.references.entries()) {
    const [valuesA, valuesB] = [a[name], b[name]];
    if (!valuesA || !valuesB) continue;
    for (let row = 0; row < rows; row++) {
      const allowed = allowances[r].rows[row];
      for (let i = row * batch * units; i < (row + 1) * batch * units; i++) {
        if (valuesA[i] === valuesB[i] || (Number.isNaN(valuesA[i]) && Number.isNaN(valuesB[i]))) continue;
        const difference = Math.abs(valuesA[i] - valuesB[i]);
        if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
        if (allowed !== Number.POSITIVE_INFINITY) ratio = Math.max(ratio, difference / allowed);
      }
    }
  }
  return ratio;
}
