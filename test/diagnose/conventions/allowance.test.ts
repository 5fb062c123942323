import { expect, test } from 'vitest';
import { envelope } from '../../../src/bounds/envelope.js';
import { PROFILES } from '../../../src/bounds/profiles.js';
import { allowances } from '../../../src/diagnose/conventions/allowance.js';
import { predict } from '../../../src/diagnose/conventions/predict.js';
import type { Network, Sequence } from '../../../src/module/bind.js';
import { moduleOf } from '../../engine/module.js';
import { networkOf, sequenceOf } from '../../engine/random-network.js';
import { boundOf } from '../bound.js';

test('a step may be off by 18 standard deviations of the farthest of its values', async () => {
  const module = moduleOf('GRU', { input_size: 3, hidden_size: 4 });
  const network = networkOf(module, 9);
  const sequence = sequenceOf(module, 5, 2, 6);
  const { output, h_n } = predict(network, sequence, {});
  const made = envelope(network, sequence, { profile: PROFILES.generic, model: 'likely' });
  const [ofOutput, ofStates] = await allowances(boundOf(network, sequence, { output, h_n }), undefined);
  for (let t = 0; t < 5; t++) {
    const farthest = Math.max(...made.layers[0].error.subarray(t * 8, (t + 1) * 8));
    expect(ofOutput.rows[t] / farthest).toBeCloseTo(18, 8);
  }
  expect(ofOutput.largest).toBe(Math.max(...ofOutput.rows));
  expect(ofStates.rows[0] / Math.max(...made.h_n.error)).toBeCloseTo(18, 8);
});

const IDENTITY: Network = {
  module: moduleOf('RNN', { nonlinearity: 'relu', bias: false }),
  layers: [[{ weightIh: Float64Array.of(1), weightHh: Float64Array.of(0) }]],
};

test('an allowance of more than a tenth of the largest value tells nothing', async () => {
  // Bounds for weights of two decimals, from x and the h before it: 0.02, 0.04 and 0.53.
  const sequence: Sequence = { steps: 3, batch: 1, input: Float64Array.of(1, 2, 50) };
  const allowed = async (...output: readonly number[]) =>
    (await allowances(boundOf(IDENTITY, sequence, { output: Float64Array.from(output) }, 2), undefined))[0];
  const large = await allowed(1, 2, 50);
  expect(large.rows[2]).toBeCloseTo(0.53, 2);
  expect(large.largest).toBe(large.rows[2]);
  const small = await allowed(1, 2, 4);
  expect(small.rows[0]).toBeCloseTo(0.02, 4);
  expect(small.rows[1]).toBeCloseTo(0.04, 3);
  expect(small.rows[2]).toBe(Number.POSITIVE_INFINITY);
  expect(small.largest).toBe(small.rows[1]);
});

test('a reference that is larger than predicted has a larger allowance, a smaller one no smaller', async () => {
  const input = Float64Array.of(1, 0.5, 0.25);
  const sequence: Sequence = { steps: 3, batch: 1, input };
  const allowed = async (times: number) => {
    const output = input.map((value) => times * value);
    return (await allowances(boundOf(IDENTITY, sequence, { output }), undefined))[0].rows;
  };
  const usual = await allowed(1);
  expect(usual[0]).toBeGreaterThan(0);
  for (const [t, one] of usual.entries()) {
    expect((await allowed(8))[t] / one).toBeCloseTo(8, 10);
    expect((await allowed(1 / 8))[t]).toBe(one);
  }
});
