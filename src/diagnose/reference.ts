import { placeAt } from '../compare/element.js';
import type { BoundCase } from '../module/bind.js';
import { outputSize } from '../module/parameters.js';
import type { Reference } from '../tensor/reference.js';
import type { ChangedValue } from '../verdict/cause.js';
import type { Predicted } from './conventions/predicted.js';
import type { Search } from './conventions/search.js';

type OutputReference = Reference<'output' | 'h_n' | 'c_n'>;

/** Without the steps beyond the longest of the lengths, where the reference ends before them. */
export function cutToReference(boundCase: BoundCase): BoundCase {
  const { sequence, references } = boundCase;
  const steps = references.find(({ name }) => name === 'output')?.rows ?? sequence.steps;
  if (steps === sequence.steps) return boundCase;
  const input = sequence.input.subarray(0, (sequence.input.length / sequence.steps) * steps);
  return { ...boundCase, sequence: { ...sequence, steps, input } };
}

/** The first value of the reference that is NaN or infinite, where it should not be. */
export function firstNotFinite({ references }: BoundCase, base: Predicted): ChangedValue | undefined {
  for (const reference of references) {
    const computed = base[reference.name]!;
    const i = reference.data.findIndex((value, k) => !Number.isFinite(value) && Number.isFinite(computed[k]));
    if (i >= 0) return valueAt(reference, base, i);
  }
  return undefined;
}

function valueAt(reference: OutputReference, base: Predicted, i: number): ChangedValue {
  return { tensor: reference.name, ...placeAt(reference, base[reference.name]!, i) };
}

/** Changed values stand out against the others by this factor, and are at most this part of all. */
const STANDS_OUT = 10;
const FEW = 0.02;
const MOST_CHANGED = 20;

/**
 * Values that are off on their own: what is off in a network goes on to the other units, and to the steps after it.
 * Where no step follows, or the same unit is off again, it may be the network.
 */
export function changedValues({ boundCase, allowances: allowed }: Search, base: Predicted): ChangedValue[] {
  const { references, network, sequence } = boundCase;
  const output = references.find(({ name }) => name === 'output');
  if (!output) return [];
  const off: (ChangedValue & { readonly ratio: number })[] = [];
  let usual = 0;
  let total = 0;
  for (const [r, reference] of references.entries()) {
    const { name, data, batch, units } = reference;
    for (const [i, expected] of data.entries()) {
      const allowance = allowed[r].rows[Math.floor(i / (batch * units))];
      if (allowance === Number.POSITIVE_INFINITY) continue;
      total++;
      const actual = base[name]![i];
      const ratio = actual === expected ? 0 : Math.abs(actual - expected) / allowance;
      if (ratio <= 1) usual = Math.max(usual, ratio);
      else
        off.push({
          ...valueAt(reference, base, i),
          ratio: Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio,
        });
      if (off.length > MOST_CHANGED) return [];
    }
  }
  const most = Math.min(MOST_CHANGED, Math.ceil(FEW * total));
  if (off.length === 0 || off.length > most || off.length === total) return [];
  const size = outputSize(network.module);
  const standsOut = (ratio: number) => ratio >= STANDS_OUT * Math.max(usual, 1 / STANDS_OUT);
  const followed = ({ tensor, row, batch, unit }: ChangedValue) => {
    // Where every h is right, no other state is that.
    if (tensor !== 'output') return off.every((one) => one.tensor === tensor);
    const length = sequence.lengths?.[batch] ?? sequence.steps;
    return unit < size ? row + 1 < length : row > 0 && row < length;
  };
  const again = off.some((one, i) =>
    off.slice(0, i).some(({ tensor, unit }) => tensor === one.tensor && unit === one.unit),
  );
  if (again || !off.every((one) => standsOut(one.ratio) && followed(one))) return [];
  return off.map(({ ratio: _, ...value }) => value);
}
