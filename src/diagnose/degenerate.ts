import type { BoundCase } from '../module/bind.js';
import type { Reference } from '../tensor/reference.js';
import type { Finding } from '../verdict/cause.js';
import type { Target } from './conventions/misfit.js';

type Degenerate = Extract<Finding, { readonly kind: 'degenerate' }>;

/** An output that no network computed from its input: the same value everywhere, or the same step again and again. */
export function degenerate({ boundCase, base }: Target): Degenerate | undefined {
  const output = boundCase.references.find(({ name }) => name === 'output');
  if (!output) return undefined;
  const computed = base.output.subarray(0, output.data.length);
  if (isConstant(output.data) && !isConstant(computed)) return constant(output);
  if (output.rows > 1 && isRepeated(output, output.data) && !isRepeated(output, computed))
    return {
      kind: 'degenerate',
      says: 'every step of the output is the same: one step was written again and again, or the input never arrived',
      remedy: 'look at which buffer the output of a step is copied from',
    };
  return undefined;
}

/** What the output has beyond the lengths, where nothing else differs. */
export function padding({ references }: BoundCase): Degenerate {
  const output = references.find(({ name }) => name === 'output')!;
  const { data, batch, units, axes } = output;
  const valid = (row: number) => axes.lengths?.[row] ?? output.rows;
  const beyond = [...data].filter(
    (_, i) => Math.floor(i / (batch * units)) >= valid(Math.floor(i / units) % batch),
  );
  const [first] = beyond;
  const repeatsLast = data.every((value, i) => {
    const row = Math.floor(i / units) % batch;
    const isBeyond = Math.floor(i / (batch * units)) >= valid(row);
    return !isBeyond || value === data[((valid(row) - 1) * batch + row) * units + (i % units)];
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

/** Whether all steps are the same. */
function isRepeated({ batch, units }: Reference, values: Reference['data']): boolean {
  return values.every((value, i) => value === values[i % (batch * units)]);
}
