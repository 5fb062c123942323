import { placeAt } from '../compare/element.js';
import { type BoundCase, firstSteps } from '../module/bind.js';
import { outputSize } from '../module/parameters.js';
import type { Reference } from '../tensor/reference.js';
import type { ChangedValue } from '../verdict/cause.js';
import type { Target } from './conventions/misfit.js';
import type { Predicted } from './conventions/predicted.js';

/** A case without the steps that come after the last one of the reference, which ends at the longest of the lengths. */
export function cutToReference(boundCase: BoundCase): BoundCase {
  const { sequence, references } = boundCase;
  const steps = references.find(({ name }) => name === 'output')?.rows ?? sequence.steps;
  return steps === sequence.steps ? boundCase : { ...boundCase, sequence: firstSteps(sequence, steps) };
}

/** The first value of the reference that is NaN or infinite where the computed one is finite. */
export function firstNotFinite({ references }: BoundCase, base: Predicted): ChangedValue | undefined {
  for (const reference of references) {
    const computed = base[reference.name]!;
    const i = reference.data.findIndex((value, k) => !Number.isFinite(value) && Number.isFinite(computed[k]));
    if (i >= 0) return valueAt(reference, base, i);
  }
  return undefined;
}

function valueAt(reference: Reference<ChangedValue['tensor']>, base: Predicted, i: number): ChangedValue {
  return { tensor: reference.name, ...placeAt(reference, base[reference.name]!, i) };
}

/** A changed value is at least this many times as far off as any value that was not. */
const STANDS_OUT = 10;
/** If more than this share of all values is off, or more than this number, they were not changed one by one. */
const MAX_SHARE = 0.02;
const MAX_CHANGED = 20;

/**
 * Values that were changed after the reference was computed: they are off, but what follows from them is not. A fault
 * in the network would spread to other units and to later steps.
 */
export function changedValues(target: Target): ChangedValue[] {
  const { boundCase } = target;
  const output = boundCase.references.find(({ name }) => name === 'output');
  if (!output) return [];
  const { off, usual, total } = valuesBeyond(target);
  const most = Math.min(MAX_CHANGED, Math.ceil(MAX_SHARE * total));
  if (off.length === 0 || off.length > most || off.length === total) return [];
  const areIsolated =
    off.every(({ ratio, value }) => ratio >= STANDS_OUT * usual && isContradicted(value, off, boundCase)) &&
    !hasRepeatedUnit(off);
  return areIsolated ? off.map(({ value }) => value) : [];
}

/** A value beyond its allowance, and its difference in allowances. */
interface Beyond {
  readonly value: ChangedValue;
  readonly ratio: number;
}

/** The values beyond their allowance, up to the first that is too many; and the largest ratio of the others. */
function valuesBeyond({ boundCase, allowances, base }: Target): {
  readonly off: readonly Beyond[];
  readonly usual: number;
  /** How many values were compared. */
  readonly total: number;
} {
  const off: Beyond[] = [];
  let usual = 0;
  let total = 0;
  for (const [r, reference] of boundCase.references.entries()) {
    const { name, data, rows } = reference;
    const rowSize = data.length / rows;
    const computed = base[name]!;
    for (let row = 0; row < rows; row++) {
      const allowance = allowances[r].rows[row];
      if (allowance === Number.POSITIVE_INFINITY) continue;
      for (let i = row * rowSize; i < (row + 1) * rowSize; i++) {
        total++;
        const ratio = computed[i] === data[i] ? 0 : Math.abs(computed[i] - data[i]) / allowance;
        if (ratio <= 1) usual = Math.max(usual, ratio);
        else
          off.push({
            value: valueAt(reference, base, i),
            ratio: Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio,
          });
        if (off.length > MAX_CHANGED) return { off, usual, total };
      }
    }
  }
  return { off, usual, total };
}

/** Whether other values of the reference show that the network computed another value here. */
function isContradicted(
  { tensor, row, batch, unit }: ChangedValue,
  off: readonly Beyond[],
  { network, sequence }: BoundCase,
): boolean {
  // Nothing follows from a final state; but if the network were at fault, other tensors would be off as well.
  if (tensor !== 'output') return off.every(({ value }) => value.tensor === tensor);
  const length = sequence.lengths?.[batch] ?? sequence.steps;
  const isForward = unit < outputSize(network.module);
  // There must be a later step, in the order of the direction, that began from this value.
  return isForward ? row + 1 < length : row > 0 && row < length;
}

/** Whether a unit is off twice: that may be the network. */
function hasRepeatedUnit(off: readonly Beyond[]): boolean {
  const units = off.map(({ value: { tensor, unit } }) => `${tensor} ${unit}`);
  return new Set(units).size < units.length;
}
