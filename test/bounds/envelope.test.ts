import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type EnvelopeOptions, envelope } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { forwardPass } from '../../src/engine/forward.js';
import { KERNELS } from '../../src/engine/options.js';
import type { Network, Sequence } from '../../src/module/bind.js';
import { moduleOf } from '../engine/module.js';
import { anyNetwork } from '../engine/random-network.js';

const one = (values: readonly number[]) => Float64Array.from(values);

const TANH: Network = {
  module: moduleOf('RNN'),
  layers: [[{ weightIh: one([0.5]), weightHh: one([0.25]), biasIh: one([0.125]), biasHh: one([-0.25]) }]],
};
const STEP: Sequence = { steps: 1, batch: 1, input: one([2]), h0: one([1]) };

test('one step of one tanh unit errs as the formulas say', () => {
  const u = 2 ** -24;
  // W_ih x + b_ih = 1.125 and W_hh h + b_hh = 0: n = 1 + 1 + 4 terms.
  const n = 6;
  const a = 1.125;
  const slope = 1 - Math.tanh(a) ** 2;
  const options: EnvelopeOptions = { profile: PROFILES.torch, model: 'worst' };
  const [worst] = envelope(TANH, STEP, options).layers;
  const gamma = (n * u) / (1 - n * u);
  const d = gamma * (1 + 0.125) + gamma * (0.25 + 0.25) + u * a;
  expect(worst.values[0]).toBeCloseTo(Math.tanh(a), 15);
  expect(worst.error[0] / (d * slope + 2 * u * Math.tanh(a))).toBeCloseTo(1, 5);
  const [likely] = envelope(TANH, STEP, { ...options, model: 'likely' }).layers;
  const walk = (squares: number, sum: number) => (u * u * (squares * (1 + n / 6) + (n / 3) * sum * sum)) / 3;
  const v = walk(1 + 0.125 ** 2, 1.125) + walk(2 * 0.25 ** 2, 0) + (u * a) ** 2 / 3;
  expect(likely.error[0] / Math.sqrt(slope ** 2 * v + (0.5 * u * Math.tanh(a)) ** 2)).toBeCloseTo(1, 5);
});

test('a step begins from what is known, and only its own rounding is in its error', () => {
  const sequence = { steps: 40, batch: 1, input: new Float64Array(40).fill(0.3) };
  const wild: Network = { ...TANH, layers: [[{ ...TANH.layers[0][0], weightHh: one([30]) }]] };
  const values = new Float64Array(40).fill(0.001);
  const options: EnvelopeOptions = { profile: PROFILES.torch, model: 'likely' };
  const [forced] = envelope(wild, sequence, { ...options, known: [{ values }] }).layers;
  // Every step but the first begins from 0.001.
  for (let t = 2; t < 40; t++) expect(forced.values[t]).toBe(forced.values[1]);
  expect(forced.values[1]).toBeCloseTo(Math.tanh(0.5 * 0.3 + 0.125 - 0.25 + 30 * 0.001), 14);
  expect(forced.error[39]).toBe(forced.error[1]);
});

test('where errors grow as large as the values, what runs free is undecided', () => {
  const steps = 200;
  const chaos: Network = {
    module: { ...TANH.module, hidden_size: 2, bias: false },
    layers: [[{ weightIh: one([1, 1]), weightHh: one([9, -9, 9, 9]) }]],
  };
  const input = Float64Array.from({ length: steps }, (_, t) => Math.sin(t) / 10);
  const [free] = envelope(
    chaos,
    { steps, batch: 1, input },
    { profile: PROFILES.bf16, model: 'likely' },
  ).layers;
  expect(free.undecided[0]).toBe(0);
  expect(free.undecided[2 * steps - 1]).toBe(1);
});

test('uncertain weights, input and states widen a bound by what they can do', () => {
  const w = 0.5e-4;
  const layers = [[{ weightIh: one([w]), weightHh: one([w]), biasIh: one([w]), biasHh: one([w]) }]];
  const options: EnvelopeOptions = { profile: PROFILES.torch, model: 'worst' };
  const [written] = envelope(TANH, STEP, { ...options, uncertainty: { layers } }).layers;
  const slope = 1 - Math.tanh(1.125) ** 2;
  // 2 for the input, 1 for h, 1 for each bias.
  expect(written.error[0] / (5 * w * slope)).toBeCloseTo(1, 2);
  const all = { layers, input: one([w]), h0: one([w]) };
  const [wider] = envelope(TANH, STEP, { ...options, uncertainty: all }).layers;
  expect(wider.error[0] / ((5 + 0.5 + 0.25) * w * slope)).toBeCloseTo(1, 2);
});

test('its values are those of the forward pass, with every kernel, and beyond a length there is no error', async () => {
  const close = (actual: ArrayLike<number>, expected: ArrayLike<number>) => {
    expect(actual.length).toBe(expected.length);
    for (let i = 0; i < expected.length; i++)
      expect(Math.abs(actual[i] - expected[i])).toBeLessThan(1e-11 * Math.max(1, Math.abs(expected[i])));
  };
  await fc.assert(
    fc.asyncProperty(anyNetwork(), fc.constantFrom(...KERNELS), async ({ network, sequence }, kernels) => {
      const outputs = await forwardPass(network, sequence);
      const options: EnvelopeOptions = { profile: PROFILES.generic, model: 'likely', speed: { kernels } };
      const { layers, h_n, c_n } = envelope(network, sequence, options);
      const { values, error } = layers.at(-1)!;
      close(values, outputs.output);
      close(h_n.values, outputs.h_n);
      if (c_n) close(c_n.values, outputs.c_n!);
      const { steps, batch, lengths = [] } = sequence;
      const width = values.length / (steps * batch);
      for (const [row, length] of lengths.entries())
        for (let t = length; t < steps; t++)
          expect(Math.max(...error.subarray((t * batch + row) * width, (t * batch + row + 1) * width))).toBe(
            0,
          );
    }),
  );
});
