import { expect, test } from 'vitest';
import type { Target } from '../../src/diagnose/conventions/misfit.js';
import { changedValues, cutToReference, firstNotFinite } from '../../src/diagnose/reference.js';
import type { Network, Sequence } from '../../src/module/bind.js';
import type { Floats } from '../../src/tensor/dtype.js';
import { moduleOf } from '../engine/module.js';
import { networkOf } from '../engine/random-network.js';
import { boundOf } from './bound.js';

const BIDIRECTIONAL = networkOf(moduleOf('LSTM', { hidden_size: 2, bidirectional: true }), 1);
const UNITS = 4;
const [STEPS, BATCH] = [30, 2];
const SEQUENCE: Sequence = { steps: STEPS, batch: BATCH, input: new Float64Array(STEPS * BATCH) };
const COMPUTED = Float64Array.from({ length: STEPS * BATCH * UNITS }, (_, i) => Math.sin(i));
const FINALS = { h_n: new Float64Array(8), c_n: new Float64Array(8) };

/** The index of a value of the output. */
const at = (step: number, row: number, unit: number) => (step * BATCH + row) * UNITS + unit;

interface Changed {
  /** How far values of the output are off, by their index. */
  readonly off?: Readonly<Record<number, number>>;
  readonly h_n?: Floats;
  readonly c_n?: Floats;
  readonly sequence?: Sequence;
  readonly allowed?: (step: number) => number;
  readonly network?: Network;
}

/** A reference that is as computed, but for some values; each may be off by 1e-3 unless something else is said. */
function targetOf({
  off = {},
  h_n,
  c_n,
  sequence = SEQUENCE,
  allowed = () => 1e-3,
  network = BIDIRECTIONAL,
}: Changed) {
  const output = COMPUTED.map((value, i) => value + (off[i] ?? 0));
  const boundCase = boundOf(network, sequence, { output, h_n, c_n });
  const target: Target = {
    boundCase,
    base: { output: COMPUTED, ...FINALS },
    allowances: boundCase.references.map(({ rows }) => ({
      rows: Float64Array.from({ length: rows }, (_, row) => allowed(row)),
      largest: 1e-3,
    })),
  };
  return target;
}

const placesOf = (changed: Changed) =>
  changedValues(targetOf(changed)).map(
    ({ tensor, row, batch, unit }) => `${tensor}[${row}, ${batch}, ${unit}]`,
  );

test('a value that is off alone was changed', () => {
  expect(placesOf({})).toEqual([]);
  const i = at(7, 1, 0);
  const [value] = changedValues(targetOf({ off: { [i]: 0.5 } }));
  expect(value).toMatchObject({
    tensor: 'output',
    row: 7,
    step: 7,
    layer: 0,
    batch: 1,
    unit: 0,
    direction: 'forward',
  });
  expect([value.expected, value.actual, value.difference]).toEqual([COMPUTED[i] + 0.5, COMPUTED[i], 0.5]);
});

test('it is beyond its allowance, and 10 times as far off as any other value', () => {
  const i = at(7, 1, 0);
  expect(placesOf({ off: { [i]: 0.0009 } })).toEqual([]);
  expect(placesOf({ off: { [i]: 0.0011 } })).toHaveLength(1);
  const usual = { [at(2, 0, 1)]: 0.0005 };
  expect(placesOf({ off: { ...usual, [i]: 0.0049 } })).toEqual([]);
  expect(placesOf({ off: { ...usual, [i]: 0.0051 } })).toHaveLength(1);
});

test('a NaN stands out', () => {
  expect(placesOf({ off: { [at(7, 1, 0)]: Number.NaN } })).toHaveLength(1);
});

test('there must be a later step in the order of the direction', () => {
  const last = STEPS - 1;
  expect(placesOf({ off: { [at(last, 0, 1)]: 1 } })).toEqual([]);
  expect(placesOf({ off: { [at(last - 1, 0, 1)]: 1 } })).toHaveLength(1);
  // Unit 2 is the first of the reverse direction, which ends at step 0.
  expect(placesOf({ off: { [at(0, 0, 2)]: 1 } })).toEqual([]);
  expect(placesOf({ off: { [at(1, 0, 2)]: 1 } })).toHaveLength(1);
  expect(placesOf({ off: { [at(last, 0, 2)]: 1 } })).toHaveLength(1);
});

test('a shorter row ends at its length', () => {
  const sequence = { ...SEQUENCE, lengths: [STEPS, 10] };
  const isNamed = (step: number, unit: number) =>
    placesOf({ sequence, off: { [at(step, 1, unit)]: 1 } }).length === 1;
  expect([8, 9].map((step) => isNamed(step, 0))).toEqual([true, false]);
  expect([9, 10].map((step) => isNamed(step, 2))).toEqual([true, false]);
});

test('a unit that is off twice may be the network', () => {
  expect(placesOf({ off: { [at(3, 0, 1)]: 1, [at(8, 1, 1)]: 1 } })).toEqual([]);
  expect(placesOf({ off: { [at(3, 0, 1)]: 1, [at(8, 1, 0)]: 1 } })).toHaveLength(2);
});

test('a fiftieth of the values is too many', () => {
  // 48 values of two steps and more: one of them, rounded up.
  const off = { [at(3, 0, 1)]: 1, [at(8, 1, 0)]: 1 };
  const few = (allowed: (step: number) => number) => placesOf({ off, allowed });
  expect(few((step) => (step < 9 && step > 2 ? 1e-3 : Number.POSITIVE_INFINITY))).toEqual([]);
  expect(few((step) => (step < 16 && step > 2 ? 1e-3 : Number.POSITIVE_INFINITY))).toHaveLength(2);
});

test('values that rounding may have taken anywhere do not count', () => {
  const allowed = (step: number) => (step === 7 ? Number.POSITIVE_INFINITY : 1e-3);
  expect(placesOf({ allowed, off: { [at(7, 1, 0)]: 1 } })).toEqual([]);
});

test('a final state was changed if no other tensor is off', () => {
  const h_n = FINALS.h_n.with(5, 1);
  expect(placesOf({ h_n, c_n: FINALS.c_n })).toEqual(['h_n[1, 0, 1]']);
  expect(placesOf({ h_n, c_n: FINALS.c_n.with(2, 1) })).toEqual([]);
  expect(placesOf({ h_n, off: { [at(3, 0, 1)]: 1 } })).toEqual([]);
});

test('without an output nothing is said', () => {
  const target = targetOf({ h_n: FINALS.h_n.with(5, 1) });
  const [, reference] = target.boundCase.references;
  const boundCase = { ...target.boundCase, references: [reference] };
  expect(changedValues({ ...target, boundCase, allowances: [target.allowances[1]] })).toEqual([]);
});

test('the first value that is not finite, where the computed one is', () => {
  const first = (off: Readonly<Record<number, number>>, more: Changed = {}) => {
    const { boundCase, base } = targetOf({ off, ...more });
    return firstNotFinite(boundCase, base);
  };
  expect(first({})).toBeUndefined();
  expect(first({ 9: Number.NaN, 13: Number.NEGATIVE_INFINITY })).toMatchObject({
    tensor: 'output',
    row: 1,
    batch: 0,
    unit: 1,
    expected: Number.NaN,
    actual: COMPUTED[9],
  });
  expect(first({}, { h_n: FINALS.h_n.with(3, Number.POSITIVE_INFINITY) })).toMatchObject({
    tensor: 'h_n',
    batch: 1,
  });
  const { boundCase } = targetOf({ off: { 9: Number.NaN } });
  expect(firstNotFinite(boundCase, { output: COMPUTED.with(9, Number.NaN) })).toBeUndefined();
});

test('a sequence is cut where its reference ends', () => {
  const sequence = { ...SEQUENCE, input: Float64Array.from({ length: 60 }, (_, i) => i), lengths: [20, 10] };
  const short = boundOf(BIDIRECTIONAL, sequence, { output: COMPUTED.subarray(0, 20 * BATCH * UNITS) });
  const cut = cutToReference(short);
  expect(cut.sequence).toMatchObject({ steps: 20, batch: 2, lengths: [20, 10] });
  expect([...cut.sequence.input]).toEqual([...sequence.input.subarray(0, 40)]);
  const whole = boundOf(BIDIRECTIONAL, sequence, { output: COMPUTED });
  expect(cutToReference(whole)).toBe(whole);
  const finals = boundOf(BIDIRECTIONAL, sequence, { h_n: FINALS.h_n });
  expect(cutToReference(finals)).toBe(finals);
});
