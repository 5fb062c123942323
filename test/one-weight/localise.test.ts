import { expect, test } from 'vitest';
import { KINDS } from '../../src/kinds.js';
import { localise } from '../../src/one-weight/localise.js';
import { type KnownLayer, SENSITIVITIES, teacherForced } from '../../src/one-weight/sensitivity.js';
import { changed } from '../diagnose/bound.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';
import { layerOf } from './layer.js';

const RNN = networkOf(moduleOf('RNN', { input_size: 2, hidden_size: 2 }), 6);
const GRU = networkOf(moduleOf('GRU', { input_size: 2, hidden_size: 2 }), 6);

test.each([
  ['bias_ih', 'RNN', 'biasIh', 1],
  ['bias_ih', 'RNN', 'biasHh', 1],
  ['weight_ih', 'RNN', 'weightIh', 2],
  ['weight_hh', 'RNN', 'weightHh', 3],
  ['bias_ih', 'GRU', 'biasIh', 2],
  ['bias_ih', 'GRU', 'biasIh', 5],
  ['bias_hh', 'GRU', 'biasHh', 5],
] as const)(
  'no other weight explains as much as %s where the input varies (%s, %s[%d])',
  (named, kind, tensor, at) => {
    const network = kind === 'RNN' ? RNN : GRU;
    const sequence = sequenceOf(network.module, 30, 2, 2);
    const [suspect] = localise(layerOf(network, changed(network, tensor, at), sequence)).suspects;
    // Two biases of the same sum count as one.
    expect(suspect).toMatchObject({ tensor: named, alike: 0 });
    expect(suspect.change).toBeCloseTo(0.01, 4);
  },
);

test('a feature that is always 1 is like a bias, and the two biases count as one', () => {
  const drawn = sequenceOf(RNN.module, 30, 2, 2);
  const sequence = { ...drawn, input: drawn.input.map((value, i) => (i % 2 ? value : 1)) };
  const [suspect] = localise(layerOf(RNN, changed(RNN, 'biasIh', 1), sequence)).suspects;
  expect(suspect).toMatchObject({ unit: 1, alike: 1 });
});

/** A relu unit without recurrence, over one step of two rows: x is 1 and 2, and the reference 0.1 and 0.3 above it. */
const TWO_ROWS: KnownLayer = {
  module: moduleOf('RNN', { nonlinearity: 'relu' }),
  parameters: { weightIh: Float64Array.of(1), weightHh: Float64Array.of(0) },
  reverse: false,
  steps: 1,
  batch: 2,
  input: Float64Array.of(1, 2),
  input_size: 1,
  expected: Float64Array.of(1.1, 2.3),
  sigma: Float64Array.of(0.1, 0.1),
};

test('a weight explains what least squares say', () => {
  // Residuals of 1 and 3; sensitivities of 10 and 20 for the weight, and of 10 and 10 for a bias.
  const { total, farthest, suspects, gates } = localise(TWO_ROWS);
  expect(total).toBeCloseTo(10, 10);
  expect(farthest).toBeCloseTo(3, 10);
  expect(suspects).toHaveLength(1);
  expect(suspects[0]).toMatchObject({ gate: 'h', unit: 0, tensor: 'weight_ih', row: 0, column: 0 });
  expect(suspects[0].explained).toBeCloseTo(70 ** 2 / 500, 10);
  expect(suspects[0].change).toBeCloseTo(70 / 500, 10);
  expect(suspects[0].deviation).toBeCloseTo(1 / Math.sqrt(500), 10);
  // The biases explain 40² / 200 = 8, which may be chance; the hidden weight, whose h is 0, explains nothing.
  expect(suspects[0].alike).toBe(2);
  expect(gates.h).toBeCloseTo(0.98, 10);
});

test('what explains less by more than 16 is not alike', () => {
  const alike = (expected: readonly [number, number]) =>
    localise({ ...TWO_ROWS, expected: Float64Array.from(expected) }).suspects[0].alike;
  // Residuals of k and 2 k: the weight explains 5 k², a bias 4.5 k², the hidden weight nothing.
  expect(alike([1.1, 2.2])).toBe(2);
  expect(alike([1.5, 3])).toBe(1);
  expect(alike([1.6, 3.2])).toBe(0);
});

test('values without a deviation, and those that are not finite, do not count', () => {
  const blind = localise({ ...TWO_ROWS, sigma: Float64Array.of(0.1, 0) });
  expect([blind.total, blind.farthest]).toEqual([expect.closeTo(1, 10), expect.closeTo(1, 10)]);
  expect(blind.suspects[0].change).toBeCloseTo(0.1, 10);
  const infinite = localise({ ...TWO_ROWS, expected: Float64Array.of(1.1, Number.NaN) });
  expect(infinite.total).toBeCloseTo(1, 10);
  expect(infinite.farthest).toBe(Number.POSITIVE_INFINITY);
  expect(infinite.suspects[0].change).toBeCloseTo(0.1, 10);
});

test('nothing off is nothing explained', () => {
  const { total, gates } = localise({ ...TWO_ROWS, expected: Float64Array.of(1, 2) });
  expect({ total, gates }).toEqual({ total: 0, gates: { h: 0 } });
});

/** What the weights give, each step from the reference's own h. */
const computedBy = (layer: KnownLayer) => SENSITIVITIES[layer.module.kind](teacherForced(layer)).computed;

const FIELDS = {
  weight_ih: 'weightIh',
  weight_hh: 'weightHh',
  bias_ih: 'biasIh',
  bias_hh: 'biasHh',
} as const;

test.each([
  ['GRU', false],
  ['LSTM', false],
  ['LSTM', true],
] as const)('sensitivities of %s (reverse: %s) are those of finite differences', (kind, reverse) => {
  const module = moduleOf(kind, { input_size: 2, hidden_size: 2 });
  const network = networkOf(module, 6);
  const drawn = layerOf(network, networkOf(module, 7), sequenceOf(module, 6, 2, 2));
  const states = { h0: Float64Array.of(0.1, -0.2, 0.3, 0.4), c0: Float64Array.of(0.5, -0.4, 0.3, 0.2) };
  const layer = { ...drawn, ...states, reverse, lengths: [6, 4], sigma: drawn.sigma.map(() => 0.01) };
  // Padding does not count.
  for (let i = 18; i < 24; i++) if (i % 4 > 1) layer.sigma[i] = 0;
  const { suspects } = localise(layer);
  expect(suspects).toHaveLength(4);
  for (const { tensor, row, column = 0, explained, change, deviation } of suspects) {
    const field = FIELDS[tensor];
    const values = layer.parameters[field]!;
    const nudged = (by: number) => {
      const at = row * (values.length / (KINDS[kind].gates.length * 2)) + column;
      const parameters = { ...layer.parameters, [field]: values.with(at, values[at] + by) };
      return computedBy({ ...layer, parameters });
    };
    const [less, same, more] = [nudged(-1e-6), nudged(0), nudged(1e-6)];
    let products = 0;
    let squares = 0;
    for (const [i, sigma] of layer.sigma.entries()) {
      if (sigma === 0) continue;
      const s = (more[i] - less[i]) / 2e-6 / sigma;
      products += (s * (layer.expected[i] - same[i])) / sigma;
      squares += s * s;
    }
    expect(explained / (products ** 2 / squares), tensor).toBeCloseTo(1, 6);
    expect(change / (products / squares), tensor).toBeCloseTo(1, 6);
    expect(deviation * Math.sqrt(squares), tensor).toBeCloseTo(1, 6);
  }
});
