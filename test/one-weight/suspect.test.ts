import { expect, test } from 'vitest';
import { valueInFile, weightOfFeature } from '../../src/one-weight/suspect.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';
import { layerOf } from './layer.js';

const GRU = moduleOf('GRU', { input_size: 2, hidden_size: 3 });

test.each([
  [0, 'weight_ih', 0],
  [1, 'weight_ih', 1],
  [2, 'bias_ih', undefined],
  [3, 'weight_hh', 0],
  [5, 'weight_hh', 2],
  [6, 'bias_hh', undefined],
] as const)('the feature %d is that of %s', (feature, tensor, column) => {
  const weight = { gate: 'z', unit: 1, tensor, row: 4 };
  expect(weightOfFeature(GRU, 2, 'z', 1, feature)).toEqual(
    column === undefined ? weight : { ...weight, column },
  );
});

test('a weight has a value in the file; 0 where there is no bias', () => {
  const network = networkOf(GRU, 2);
  const { weightIh, weightHh, biasIh, biasHh } = network.layers[0][0];
  const layer = layerOf(network, network, sequenceOf(GRU, 2, 1, 1));
  const value = (feature: number, changed = layer) =>
    valueInFile(changed, weightOfFeature(GRU, 2, 'n', 2, feature));
  expect([1, 2, 3, 6].map((feature) => value(feature))).toEqual([
    weightIh[17],
    biasIh![8],
    weightHh[24],
    biasHh![8],
  ]);
  expect(value(2, { ...layer, parameters: { weightIh, weightHh } })).toBe(0);
});
