import { expect, test } from 'vitest';
import type { Parameters } from '../../src/module/bind.js';
import { initialised } from '../../src/module/initialised.js';
import { moduleOf } from '../engine/module.js';
import { networkOf } from '../engine/random-network.js';

const network = networkOf(
  moduleOf('LSTM', { input_size: 5, hidden_size: 16, proj_size: 3, num_layers: 2, bidirectional: true }),
  1,
);
const all = (layers: readonly (readonly Parameters[])[]) =>
  layers.flat().flatMap((one) => Object.entries(one).map(([name, values]) => ({ name, values })));

test('every parameter is drawn between ±1/√hidden_size, in the sizes of the network', () => {
  const drawn = all(initialised(network, 3, true).layers);
  const own = all(network.layers);
  expect(drawn.map(({ name, values }) => [name, values.length])).toEqual(
    own.map(({ name, values }) => [name, values.length]),
  );
  const values = drawn.flatMap((one) => [...one.values]);
  const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  expect(most).toBeLessThanOrEqual(0.25);
  expect(most).toBeGreaterThan(0.245);
  const meanSquare = values.reduce((sum, one) => sum + one * one, 0) / values.length;
  expect(meanSquare / (0.25 ** 2 / 3)).toBeCloseTo(1, 1);
  expect(Math.abs(values.reduce((a, b) => a + b) / values.length)).toBeLessThan(0.01);
});

test('the same for the same seed, others for another, and biases kept where they are not drawn', () => {
  expect(initialised(network, 3, true)).toEqual(initialised(network, 3, true));
  expect(initialised(network, 3, true)).not.toEqual(initialised(network, 4, true));
  const kept = initialised(network, 3, false);
  for (const [layer, perDirection] of kept.layers.entries())
    for (const [d, one] of perDirection.entries()) {
      const own = network.layers[layer][d];
      expect(one.biasIh).toBe(own.biasIh);
      expect(one.biasHh).toBe(own.biasHh);
      expect(one.weightIh).not.toEqual(own.weightIh);
      expect(one.weightHr).not.toEqual(own.weightHr);
    }
});

test('the seed 0 draws numbers too', () => {
  const [{ values }] = all(initialised(network, 0, true).layers);
  expect(new Set(values).size).toBeGreaterThan(100);
});

test('what a network has not is not drawn', () => {
  const [[one]] = initialised(networkOf(moduleOf('GRU', { bias: false }), 1), 1, true).layers;
  expect([one.biasIh, one.biasHh, one.weightHr]).toEqual([undefined, undefined, undefined]);
});
