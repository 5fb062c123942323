import { expect, test } from 'vitest';
import { localise } from '../../src/one-weight/localise.js';
import { refine } from '../../src/one-weight/refine.js';
import { changed } from '../diagnose/bound.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';
import { layerOf, SIGMA } from './layer.js';

const RNN = networkOf(moduleOf('RNN', { input_size: 2, hidden_size: 2 }), 6);

test('what is left with a weight changed is the sum over all units', () => {
  const sequence = sequenceOf(RNN.module, 30, 2, 2);
  const both = changed(changed(RNN, 'weightHh', 2), 'weightIh', 1);
  const layer = layerOf(RNN, both, sequence);
  const { suspects, total } = localise(layer);
  const [suspect] = suspects;
  const { left } = refine(layer, suspect);
  const ofUnit = (unit: number) => {
    const alone = localise({ ...layer, sigma: layer.sigma.map((sigma, i) => (i % 2 === unit ? sigma : 0)) });
    return alone.total;
  };
  const others = ofUnit(1 - suspect.unit);
  expect(others).toBeGreaterThan(1e4);
  // In the suspect's own unit only rounding is left: less than a variance for each value.
  expect(left - others).toBeGreaterThan(0);
  expect(left - others).toBeLessThan(60);
  expect(total).toBeGreaterThan(left);
});

test.each([
  ['RNN', 'weightIh', 3],
  ['GRU', 'weightIh', 6],
  ['GRU', 'weightHh', 9],
  ['GRU', 'biasHh', 4],
  ['LSTM', 'weightHh', 11],
  ['LSTM', 'biasIh', 2],
] as const)('the change of %s %s[%d] is found, though the output is not linear in it', (kind, tensor, at) => {
  const network = networkOf(moduleOf(kind, { input_size: 2, hidden_size: 2 }), 6);
  const { module, layers } = network;
  const values = layers[0][0][tensor]!;
  const right = { module, layers: [[{ ...layers[0][0], [tensor]: values.with(at, values[at] + 0.4) }]] };
  const layer = layerOf(network, right, sequenceOf(module, 30, 2, 2));
  const [suspect] = localise(layer).suspects;
  expect(Math.abs(suspect.change - 0.4)).toBeGreaterThan(100 * SIGMA);
  const { change, farthest, left } = refine(layer, suspect);
  expect(Math.abs(change - 0.4)).toBeLessThan(10 * SIGMA);
  // What is left is the noise: up to half a standard deviation of a value, and of the h before it.
  expect(farthest).toBeLessThan(1);
  expect(left).toBeLessThan(0.5 * 120);
});

test('the largest that is left may be of another unit', () => {
  const sequence = sequenceOf(RNN.module, 30, 2, 2);
  const layer = layerOf(RNN, changed(RNN, 'weightIh', 3), sequence);
  const expected = layer.expected.slice();
  // Unit 0 of the last step: no later step begins from it.
  expected[116] += 5 * SIGMA;
  const { suspects } = localise({ ...layer, expected });
  expect(suspects[0].unit).toBe(1);
  const { farthest } = refine({ ...layer, expected }, suspects[0]);
  expect(farthest).toBeGreaterThan(4.4);
  expect(farthest).toBeLessThan(5.6);
});
