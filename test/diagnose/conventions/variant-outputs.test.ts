import { expect, test } from 'vitest';
import type { Variant } from '../../../src/diagnose/conventions/variant.js';
import { variantOutputs, withAllRows } from '../../../src/diagnose/conventions/variant-outputs.js';
import type { Sequence } from '../../../src/module/bind.js';
import { moduleOf } from '../../engine/module.js';

const MODULE = moduleOf('LSTM', { num_layers: 3, bidirectional: true });
const OUTPUT = Float64Array.of(1, 2, 3, 4, 5, 6);
const FINALS = {
  h_n: Float64Array.of(1, 2, 3, 4, 5, 6),
  c_n: Float64Array.of(11, 12, 13, 14, 15, 16),
};
const SEQUENCE: Sequence = { steps: 3, batch: 1, input: new Float64Array(3) };

const changed = (variant: Variant, sequence = SEQUENCE) =>
  variantOutputs(MODULE, sequence, { output: OUTPUT, ...FINALS }, variant);

test('without a change they are the outputs themselves', () => {
  expect(changed({})).toEqual({ output: OUTPUT, ...FINALS });
});

test.each<[Variant, readonly number[]]>([
  [{ outputOrder: 'reversed' }, [5, 6, 3, 4, 1, 2]],
  [{ outputShift: 'early' }, [3, 4, 5, 6, 5, 6]],
  [{ outputShift: 'late' }, [0, 0, 1, 2, 3, 4]],
  [{ outputOrder: 'reversed', outputShift: 'early' }, [3, 4, 1, 2, 1, 2]],
])('the output with %j', (variant, output) => {
  const { h_n, c_n, ...rest } = changed(variant);
  expect([...rest.output]).toEqual(output);
  expect({ h_n, c_n }).toEqual(FINALS);
});

test("a late output begins with the last layer's initial states, by row and direction", () => {
  const h0 = Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 0.1, 0.2, 0.3, 0.4);
  const output = new Float64Array(8);
  const sequence = { steps: 2, batch: 2, input: new Float64Array(4), h0 };
  const late = variantOutputs(MODULE, sequence, { output }, { outputShift: 'late' });
  expect([...late.output]).toEqual([0.1, 0.3, 0.2, 0.4, 0, 0, 0, 0]);
});

test.each<[NonNullable<Variant['finals']>, readonly number[], readonly number[]]>([
  ['direction first', [1, 3, 5, 2, 4, 6], [11, 13, 15, 12, 14, 16]],
  ['layers reversed', [5, 6, 3, 4, 1, 2], [15, 16, 13, 14, 11, 12]],
  ['exchanged', [11, 12, 13, 14, 15, 16], [1, 2, 3, 4, 5, 6]],
  ['of the last step', [1, 2, 3, 4, 5, 6], [11, 12, 13, 14, 15, 16]],
])('the final states: %s', (finals, h_n, c_n) => {
  const outputs = changed({ finals });
  expect([...outputs.h_n!]).toEqual(h_n);
  expect([...outputs.c_n!]).toEqual(c_n);
  expect(outputs.output).toBe(OUTPUT);
});

test('nothing is exchanged without c, or with a projection', () => {
  const { h_n } = FINALS;
  expect(variantOutputs(MODULE, SEQUENCE, { output: OUTPUT, h_n }, { finals: 'exchanged' }).h_n).toBe(h_n);
  const projected = moduleOf('LSTM', { hidden_size: 2, proj_size: 1 });
  const outputs = variantOutputs(projected, SEQUENCE, { output: OUTPUT, ...FINALS }, { finals: 'exchanged' });
  expect(outputs).toMatchObject(FINALS);
});

test('predictions of some rows get room for all, in their order or in the opposite one', () => {
  const module = moduleOf('LSTM', { hidden_size: 2, proj_size: 1 });
  const none = Number.NaN;
  const predicted = {
    output: Float64Array.of(1, 2, 3, 4),
    h_n: Float64Array.of(5, 6),
    c_n: Float64Array.of(7, 8, 9, 10),
  };
  expect(withAllRows(module, predicted, {}, 2, 3)).toEqual({
    output: Float64Array.of(1, 2, none, 3, 4, none),
    h_n: Float64Array.of(5, 6, none),
    c_n: Float64Array.of(7, 8, 9, 10, none, none),
  });
  expect(withAllRows(module, predicted, { batchOrder: 'reversed' }, 2, 3)).toEqual({
    output: Float64Array.of(none, 2, 1, none, 4, 3),
    h_n: Float64Array.of(none, 6, 5),
    c_n: Float64Array.of(none, none, 9, 10, 7, 8),
  });
  expect(withAllRows(module, predicted, { batchOrder: 'reversed' }, 2, 2).h_n).toEqual(Float64Array.of(6, 5));
  expect(withAllRows(module, predicted, {}, 2, 2).output).toBe(predicted.output);
  const { output } = predicted;
  expect(withAllRows(module, { output }, {}, 2, 3)).toMatchObject({ h_n: undefined, c_n: undefined });
});
