import { expect, test } from 'vitest';
import type { Spot, Variant } from '../../../src/diagnose/conventions/variant.js';
import { firstRows, variantSequence } from '../../../src/diagnose/conventions/variant-sequence.js';
import type { Sequence } from '../../../src/module/bind.js';
import { moduleOf } from '../../engine/module.js';

const MODULE = moduleOf('LSTM', { num_layers: 2, bidirectional: true });
const H0 = Float64Array.of(1, 2, 3, 4);
const C0 = Float64Array.of(5, 6, 7, 8);
const SEQUENCE: Sequence = {
  steps: 3,
  batch: 1,
  input: Float64Array.of(10, 20, 30),
  h0: H0,
  c0: C0,
  lengths: [2],
};

const changed = (variant: Variant, module = MODULE) => variantSequence(module, SEQUENCE, variant, undefined);

test('without a change it is the sequence itself', () => {
  expect(changed({})).toEqual(SEQUENCE);
});

test.each<[NonNullable<Variant['state']>, readonly number[] | undefined, readonly number[] | undefined]>([
  ['h_0 = 0', undefined, [5, 6, 7, 8]],
  ['c_0 = 0', [1, 2, 3, 4], undefined],
  ['both 0', undefined, undefined],
  ['exchanged', [5, 6, 7, 8], [1, 2, 3, 4]],
  ['c_0 = h_0', [1, 2, 3, 4], [1, 2, 3, 4]],
])('the initial states: %s', (state, h0, c0) => {
  const sequence = changed({ state });
  expect(sequence.h0 && [...sequence.h0]).toEqual(h0);
  expect(sequence.c0 && [...sequence.c0]).toEqual(c0);
});

test.each<[NonNullable<Variant['stateOrder']>, readonly number[], readonly number[]]>([
  // Layer 0 reverse takes what is in the place of layer 1 forward.
  ['direction first', [1, 3, 2, 4], [5, 7, 6, 8]],
  ['layers reversed', [3, 4, 1, 2], [7, 8, 5, 6]],
  ['first for all', [1, 1, 1, 1], [5, 5, 5, 5]],
  [
    [0, 0, 2, 3],
    [1, 1, 3, 4],
    [5, 5, 7, 8],
  ],
])('the order of the initial states: %s', (stateOrder, h0, c0) => {
  const sequence = changed({ stateOrder });
  expect([...sequence.h0!]).toEqual(h0);
  expect([...sequence.c0!]).toEqual(c0);
});

test.each<[Spot, readonly number[], readonly number[]]>([
  [{ layer: 1 }, [1, 2, 0, 0], [5, 6, 7, 8]],
  [{ direction: 0 }, [0, 2, 0, 4], [5, 6, 7, 8]],
  [{ layer: 0, direction: 1 }, [1, 0, 3, 4], [5, 6, 7, 8]],
])('h_0 is ignored in one place: %j', (only, h0, c0) => {
  const sequence = changed({ state: 'h_0 = 0', only });
  expect([...sequence.h0!]).toEqual(h0);
  expect([...sequence.c0!]).toEqual(c0);
});

test('of three layers each direction is read as a block', () => {
  const module = moduleOf('RNN', { num_layers: 3, bidirectional: true });
  const h0 = Float64Array.of(1, 2, 3, 4, 5, 6);
  const sequence = variantSequence(module, { ...SEQUENCE, h0 }, { stateOrder: 'direction first' }, undefined);
  expect(sequence.h0).toEqual(Float64Array.of(1, 4, 2, 5, 3, 6));
});

test.each(['exchanged', 'c_0 = h_0'] as const)('with a projection nothing can be %s', (state) => {
  const module = moduleOf('LSTM', { hidden_size: 3, proj_size: 2 });
  expect(changed({ state }, module)).toMatchObject({ h0: H0, c0: C0 });
});

test('a run begins from the final states of the one before', () => {
  const h = Float64Array.of(0.1, 0.2, 0.3, 0.4);
  const { h0, c0 } = variantSequence(MODULE, SEQUENCE, { stateOrder: 'layers reversed' }, { h });
  expect(h0).toEqual(Float64Array.of(0.3, 0.4, 0.1, 0.2));
  expect(c0).toBeUndefined();
});

test.each<[Variant, readonly number[]]>([
  [{ inputOrder: 'reversed' }, [30, 20, 10]],
  [{ inputShift: 'early' }, [20, 30, 0]],
  [{ inputShift: 'late' }, [0, 10, 20]],
  [{ inputOrder: 'reversed', inputShift: 'late' }, [0, 30, 20]],
])('the input with %j', (variant, input) => {
  expect([...changed(variant).input]).toEqual(input);
});

test('lengths are ignored, or others', () => {
  expect(changed({ lengths: 'ignored' }).lengths).toBeUndefined();
  expect(changed({ lengths: [1] }).lengths).toEqual([1]);
});

test('the first rows of each tensor', () => {
  const module = moduleOf('LSTM', { input_size: 2, hidden_size: 2, proj_size: 1 });
  const sequence: Sequence = {
    steps: 2,
    batch: 3,
    input: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
    h0: Float64Array.of(1, 2, 3),
    c0: Float64Array.of(1, 2, 3, 4, 5, 6),
    lengths: [2, 1, 2],
  };
  expect(firstRows(sequence, module, 2)).toEqual({
    steps: 2,
    batch: 2,
    input: Float64Array.of(1, 2, 3, 4, 7, 8, 9, 10),
    h0: Float64Array.of(1, 2),
    c0: Float64Array.of(1, 2, 3, 4),
    lengths: [2, 1],
  });
  expect(firstRows(sequence, module, 3)).toBe(sequence);
  const { h0: _, c0: __, lengths: ___, ...plain } = sequence;
  expect(firstRows(plain, module, 1)).toMatchObject({ h0: undefined, c0: undefined, lengths: undefined });
});
