import { expect, test } from 'vitest';
import { hypothesesOf } from '../../../src/diagnose/conventions/case-hypotheses.js';
import { hypothesesFor } from '../../../src/diagnose/conventions/hypotheses.js';
import type { Sequence } from '../../../src/module/bind.js';
import { moduleOf } from '../../engine/module.js';
import { networkOf } from '../../engine/random-network.js';
import { boundOf } from '../bound.js';

const MODULE = moduleOf('RNN', { hidden_size: 2 });
const NETWORK = networkOf(MODULE, 1);

const hypotheses = (sequence: Sequence, output: readonly number[]) =>
  hypothesesOf(boundOf(NETWORK, sequence, { output: Float64Array.from(output) }));

/** A sequence of rows that end after these many steps, and an output with zeros after them. */
function padded(steps: number, lengths: readonly number[]) {
  const batch = lengths.length;
  const sequence: Sequence = { steps, batch, input: new Float64Array(steps * batch) };
  const output = Array.from({ length: steps }, (_, t) =>
    lengths.flatMap((length) => (t < length ? [0, 0.5] : [0, 0])),
  );
  return { sequence, output: output.flat() };
}

test('zeros at the end of the reference are lengths that the case lacks', () => {
  const { sequence, output } = padded(3, [3, 2]);
  const [first, ...others] = hypotheses(sequence, output);
  expect(first.change).toEqual({ lengths: [3, 2] });
  expect(first.says).toBe('the reference ends early: its batch rows are zero from the steps 3, 2 on');
  expect(others).toEqual(hypothesesFor(MODULE, sequence));
});

test('a row has one step at least', () => {
  const { sequence, output } = padded(3, [3, 0]);
  expect(hypotheses(sequence, output)[0].change).toEqual({ lengths: [3, 1] });
});

test('eight lengths are listed, and no more', () => {
  const says = (lengths: readonly number[]) => {
    const { sequence, output } = padded(3, lengths);
    return hypotheses(sequence, output)[0].says;
  };
  expect(says([1, 2, 3, 1, 2, 3, 1, 2])).toContain('steps 1, 2, 3, 1, 2, 3, 1, 2 on');
  expect(says([1, 2, 3, 1, 2, 3, 1, 2, 3])).toContain('steps 1, 2, 3, 1, 2, 3, 1, 2, … on');
});

test('without zeros at the end, with lengths, or without an output nothing is added', () => {
  const { sequence, output } = padded(2, [2, 2]);
  expect(hypotheses(sequence, output)).toEqual(hypothesesFor(MODULE, sequence));
  const short = padded(2, [2, 1]);
  const known = { ...short.sequence, lengths: [2, 1] };
  expect(hypotheses(known, short.output)).toEqual(hypothesesFor(MODULE, known));
  const h_n = new Float64Array(4);
  expect(hypothesesOf(boundOf(NETWORK, sequence, { h_n }))).toEqual(hypothesesFor(MODULE, sequence));
});
