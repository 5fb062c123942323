import { expect, test } from 'vitest';
import { envelope } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { predict } from '../../src/diagnose/conventions/predict.js';
import type { Network } from '../../src/module/bind.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';

test('what TF32 does to products is about as much as is likely', () => {
  const module = moduleOf('RNN', { input_size: 8, hidden_size: 6 });
  const network = networkOf(module, 11);
  const sequence = sequenceOf(module, 100, 2, 4);
  const { output } = predict(network, sequence, { operands: 'tf32' });
  const [{ values, error }] = envelope(network, sequence, {
    profile: PROFILES.tf32,
    model: 'likely',
    known: [{ values: output }],
  }).layers;
  const sigmas = Array.from(output, (value, i) => Math.abs(value - values[i]) / error[i]);
  const meanSquare = sigmas.reduce((sum, one) => sum + one * one, 0) / sigmas.length;
  expect(Math.max(...sigmas)).toBeLessThan(6);
  expect(Math.sqrt(meanSquare)).toBeGreaterThan(0.5);
  expect(Math.sqrt(meanSquare)).toBeLessThan(1);
});

test('what a projection gives is stored, and rounded by that', () => {
  const hidden_size = 64;
  const u = 2 ** -11;
  const module = moduleOf('LSTM', { hidden_size, proj_size: 1 });
  // Gates that no two units have alike: what is left of their errors in the sum of so many is small.
  const bias = Float64Array.from({ length: 4 * hidden_size }, (_, i) => 1 + (i % 64) / 200);
  const network: Network = {
    module,
    layers: [
      [
        {
          weightIh: new Float64Array(4 * hidden_size),
          weightHh: new Float64Array(4 * hidden_size),
          biasIh: bias,
          biasHh: new Float64Array(4 * hidden_size),
          weightHr: Float64Array.from({ length: hidden_size }, (_, i) => (1 + i / 200) / hidden_size),
        },
      ],
    ],
  };
  const [{ values, error }] = envelope(
    network,
    { steps: 1, batch: 1, input: Float64Array.of(1) },
    { profile: PROFILES.f16, model: 'likely' },
  ).layers;
  const ofStoring = (u / Math.sqrt(3)) * Math.abs(values[0]);
  expect(values[0]).toBeGreaterThan(0.3);
  expect(error[0]).toBeGreaterThan(ofStoring);
  expect(error[0]).toBeLessThan(1.2 * ofStoring);
});
