import type { BoundCase } from '../module/bind.js';
import type { Floats } from '../tensor/dtype.js';
import { isPadding, positionOf, type Reference } from '../tensor/reference.js';
import type { Finding } from '../verdict/cause.js';
import type { Target } from './conventions/misfit.js';
import { ranges } from './pattern.js';

type Degenerate = Extract<Finding, { readonly kind: 'degenerate' }>;

/**
 * An output that no network computed from its input: the same value everywhere, the same step again and again, or values
 * that were dropped.
 */
export function degenerate({ boundCase, base, allowances }: Target): Degenerate | undefined {
  const at = boundCase.references.findIndex(({ name }) => name === 'output');
  if (at < 0) return undefined;
  const output = boundCase.references[at];
  const computed = base.output.subarray(0, output.data.length);
  if (isConstant(output.data) && !isConstant(computed)) return constant(output);
  const allowed = allowances[at].largest;
  return repeated(output, computed, allowed) ?? dropped(output, computed, allowed);
}

/** A difference of so many allowances cannot be gone a step later if the next state was computed from it. */
const LARGE = 1000;

/**
 * Values of the output that the next steps were not computed from: run from the beginning, those steps agree. So the
 * values were changed after they were computed. A few single ones are found by changedValues (reference.ts) before.
 */
export function overwritten({ boundCase, base, allowances }: Target): Degenerate | undefined {
  const at = boundCase.references.findIndex(({ name }) => name === 'output');
  if (at < 0) return undefined;
  const { data, batch, units, rows: steps, axes } = boundCase.references[at];
  const allowed = allowances[at].largest;
  const ways = axes.directions.length;
  const size = units / ways;
  const off: { step: number; row: number; unit: number }[] = [];
  let [valid, witnesses] = [0, 0];
  for (let row = 0; row < batch; row++)
    for (let way = 0; way < ways; way++) {
      const length = axes.lengths?.[row] ?? steps;
      let largest = 0;
      for (let i = 0; i < length; i++) {
        const step = way === 1 ? length - 1 - i : i;
        const from = (step * batch + row) * units + way * size;
        const differences = Array.from({ length: size }, (_, k) =>
          Math.abs(data[from + k] - base.output[from + k]),
        );
        const here = differences.flatMap((difference, k) => (difference > allowed ? [k] : []));
        if (largest > LARGE * allowed && here.length <= size / 2) witnesses++;
        largest = Math.max(...differences);
        valid += size;
        off.push(...here.map((k) => ({ step, row, unit: way * size + k })));
      }
    }
  if (witnesses === 0 || off.length > valid / 2) return undefined;
  const among = (noun: string, count: number, index: (one: (typeof off)[number]) => number) => {
    const indices = [...new Set(off.map(index))].sort((a, b) => a - b);
    return indices.length <= count / 2 ? [ranges(noun, indices)] : [];
  };
  const where = [
    ...among('step', steps, ({ step }) => step),
    ...among('batch row', batch, ({ row }) => row),
    ...among('unit', units, ({ unit }) => unit),
  ];
  return {
    kind: 'degenerate',
    says: `${off.length} values of the output were changed after they were computed${where.length ? ` (${where.join(', ')})` : ''}: the steps after them agree, run from the beginning`,
    remedy: 'look at what else writes into the output: another buffer, a hook, an index that is off',
  };
}

/** What the output has beyond the lengths, where nothing else differs. */
export function padding({ references }: BoundCase): Degenerate {
  const output = references.find(({ name }) => name === 'output')!;
  const { data, batch: rows, units, axes } = output;
  const beyond = [...data].filter((_, i) => isPadding(output, i));
  const [first] = beyond;
  const repeatsLast = data.every((value, i) => {
    if (!isPadding(output, i)) return true;
    const { batch, unit } = positionOf(output, i);
    return value === data[((axes.lengths![batch] - 1) * rows + batch) * units + unit];
  });
  const what = beyond.every((value) => value === first)
    ? `${first} (padding_value)`
    : repeatsLast
      ? 'the last valid step, repeated'
      : 'other values, which nobody should read';
  return {
    kind: 'degenerate',
    says: `the padding of the output is ${what}, and PyTorch's is 0`,
    remedy: beyond.every((value) => value === first)
      ? `pass --padding ${first}, or "padding": ${first} in the case; or compare with --padding ignore`
      : 'pass --padding ignore, or "padding": "ignore" in the case',
  };
}

function constant({ data }: Reference): Degenerate {
  const [value] = data;
  return {
    kind: 'degenerate',
    says: value === 0 ? 'every value of the output is zero' : `every value of the output is ${value}`,
    remedy:
      value === 0
        ? 'look at whether the output was ever written, and whether weights and input were loaded'
        : 'look at whether the output was ever written',
  };
}

function isConstant(values: Reference['data']): boolean {
  return values.every((value) => value === values[0]);
}

/** Steps that are the same up to the end, where those of the network are not. */
function repeated(
  { data, batch, units, rows }: Reference,
  computed: Floats,
  allowed: number,
): Degenerate | undefined {
  const size = batch * units;
  const isAsBefore = (step: number) => {
    for (let i = step * size; i < (step + 1) * size; i++) if (data[i] !== data[i - size]) return false;
    return true;
  };
  let from = rows - 1;
  while (from > 0 && isAsBefore(from)) from--;
  const isZero = data.subarray(from * size).every((value) => value === 0);
  const changes = computed
    .subarray(from * size)
    .some((value, i) => Math.abs(value - computed[from * size + (i % size)]) > allowed);
  if (from === rows - 1 || isZero || !changes) return undefined;
  return from === 0
    ? {
        kind: 'degenerate',
        says: 'every step of the output is the same: one step was written again and again, or the input never arrived',
        remedy: 'look at which buffer the output of a step is copied from',
      }
    : {
        kind: 'degenerate',
        says: `from step ${from} on every step of the output is the same: the run ended there, or the rest is padding`,
        remedy: `run all ${rows} steps; or, if the sequence ends there, say so (an input tensor named lengths)`,
      };
}

/** Fewer zeros than this, or fewer other values, are no sign of dropout. */
const FEWEST = 4;
/** That of a dropout of one in a hundred. */
const LEAST_FACTOR = 1 / 0.99;

/** Some values are zero, and all others a multiple of what the network computes: nn.Dropout in training mode. */
function dropped({ data }: Reference, computed: Floats, allowed: number): Degenerate | undefined {
  let [products, squares, zeros, others] = [0, 0, 0, 0];
  for (const [i, value] of data.entries()) {
    if (value === 0 && Math.abs(computed[i]) > allowed) zeros++;
    if (value === 0) continue;
    others++;
    products += value * computed[i];
    squares += computed[i] * computed[i];
  }
  const factor = products / squares;
  const isMultiple = data.every(
    (value, i) => value === 0 || Math.abs(value - factor * computed[i]) <= factor * allowed,
  );
  if (zeros < FEWEST || others < FEWEST || !(factor > LEAST_FACTOR) || !isMultiple) return undefined;
  const p = Number((1 - 1 / factor).toFixed(3));
  return {
    kind: 'degenerate',
    says: `${zeros} values of the output are zero, and the others ${Number(factor.toPrecision(5))} times as large as they should be: dropout with p = ${p}`,
    remedy: 'export in evaluation mode: model.eval()',
  };
}
