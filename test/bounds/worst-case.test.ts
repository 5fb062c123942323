import { expect, test } from 'vitest';
import { envelope } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { predict } from '../../src/diagnose/conventions/predict.js';
import type { Kind, Nonlinearity } from '../../src/kinds.js';
import type { Network, Parameters, Uncertainty } from '../../src/module/bind.js';
import { roundTo } from '../../src/tensor/dtype.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';

const of = (...values: readonly number[]) => Float64Array.from(values);
const step = (input: number, h0: number) => ({ steps: 1, batch: 1, input: of(input), h0: of(h0) });
const relu = moduleOf('RNN', { nonlinearity: 'relu' });

test('operands that TF32 rounds as far as it can are within the bound, and fill it', () => {
  // Nearly halfway between two numbers of 11 bits.
  const far = 1 + 0.999 * 2 ** -11;
  const parameters = { weightIh: of(far), weightHh: of(far), biasIh: of(0), biasHh: of(0) };
  const network: Network = { module: relu, layers: [[parameters]] };
  const sequence = step(far, far);
  const [{ values, error }] = envelope(network, sequence, { profile: PROFILES.tf32, model: 'worst' }).layers;
  const rounded = predict(network, sequence, { operands: 'tf32' }).output[0];
  const apart = Math.abs(rounded - values[0]);
  expect(rounded).toBe(2);
  expect(error[0]).toBeGreaterThan(apart);
  expect(error[0]).toBeLessThan(1.01 * apart);
});

test.each([
  ['f16', 'F16', 2 ** -11],
  ['bf16', 'BF16', 2 ** -8],
] as const)(
  'in %s the sum of both biases may be stored, where nothing else is left to round',
  (profile, dtype, u) => {
    // Both parts of the sum are 0, and each of their numbers is one of the dtype; the sum of the biases is none.
    const [one, other] = [0.5, 0.5 + u];
    const stored = roundTo(one + other, dtype);
    expect([roundTo(other, dtype), stored]).toEqual([other, 1]);
    const biases = { biasIh: of(one), biasHh: of(other) };
    const network: Network = {
      module: moduleOf('RNN'),
      layers: [[{ weightIh: of(-one), weightHh: of(-other), ...biases }]],
    };
    const [{ values, error }] = envelope(network, step(1, 1), {
      profile: { ...PROFILES[profile], parts: 0 },
      model: 'worst',
    }).layers;
    const apart = Math.abs(Math.tanh(stored - one - other) - values[0]);
    expect(error[0]).toBeGreaterThan(apart);
    expect(error[0]).toBeLessThan(1.05 * apart);
  },
);

test("a GRU's b_in and b_hn are never added up", () => {
  const u = 2 ** -11;
  const errorWith = (one: number, other: number) => {
    const parameters = {
      weightIh: of(0, 0, -one),
      weightHh: of(0, 0, -other),
      biasIh: of(0, 0, one),
      biasHh: of(0, 0, other),
    };
    const network: Network = { module: moduleOf('GRU'), layers: [[parameters]] };
    const profile = { ...PROFILES.f16, parts: 0 };
    return envelope(network, step(1, 1), { profile, model: 'worst' }).layers[0].error[0];
  };
  expect(errorWith(0.5, 0.5 + u) - errorWith(0, 0)).toBeLessThan(0.01 * u);
});

test.each(['f16', 'bf16'] as const)('in %s a product may be stored before its bias is added', (name) => {
  // The products and their biases add up to 0: what is left is the rounding of the products, of 0.7 each.
  const parameters = { weightIh: of(-0.7), weightHh: of(-0.7), biasIh: of(0.7), biasHh: of(0.7) };
  for (const kind of ['RNN', 'GRU', 'LSTM'] as const) {
    const copies = { RNN: 1, GRU: 3, LSTM: 4 }[kind];
    const repeated = Object.fromEntries(
      Object.entries(parameters).map(([key, [value]]) => [key, new Float64Array(copies).fill(value)]),
    ) as typeof parameters;
    const network: Network = { module: moduleOf(kind), layers: [[repeated]] };
    for (const model of ['worst', 'likely'] as const) {
      const errorOf = (parts: number) =>
        envelope(network, step(1, 1), { profile: { ...PROFILES[name], parts }, model }).layers[0].error[0];
      expect(errorOf(PROFILES[name].parts)).toBeGreaterThan(1.05 * errorOf(0));
    }
  }
});

test('relu may be open where its sum is below zero by no more than rounding', () => {
  const errorAt = (bias: number, model: 'worst' | 'likely') => {
    const parameters = { weightIh: of(1), weightHh: of(0), biasIh: of(bias), biasHh: of(0) };
    const network: Network = { module: relu, layers: [[parameters]] };
    const [{ values, error }] = envelope(network, step(1, 0), { profile: PROFILES.torch, model }).layers;
    expect(values[0]).toBe(Math.max(0, 1 + bias));
    return error[0];
  };
  for (const model of ['worst', 'likely'] as const) {
    expect(errorAt(-1, model)).toBeGreaterThan(2 ** -25);
    expect(errorAt(-1 - 1e-8, model)).toBeGreaterThan(2 ** -25);
    expect(errorAt(-1 - 1e-4, model)).toBeLessThan(1e-30);
  }
});

test('the absolute error of an activation adds to its relative one', () => {
  const network = networkOf(moduleOf('RNN', { input_size: 2, hidden_size: 3 }), 5);
  const sequence = sequenceOf(network.module, 1, 2, 5);
  const errorWith = (worst: number) =>
    envelope(network, sequence, {
      profile: { ...PROFILES.generic, tanhAbsolute: { worst, typical: 1 } },
      model: 'worst',
    }).layers[0].error;
  const [none, five] = [errorWith(0), errorWith(5)];
  for (const [i, error] of five.entries()) expect((error - none[i]) / 2 ** -24).toBeCloseTo(5, 6);
});

const PARAMETERS = ['weightIh', 'weightHh', 'biasIh', 'biasHh'] as const;

test.each<[Kind, Nonlinearity]>([
  ['RNN', 'tanh'],
  ['RNN', 'relu'],
  ['GRU', 'tanh'],
  ['LSTM', 'tanh'],
])('%s, %s: a bound of uncertain parameters is what each of them can do, added up', (kind, nonlinearity) => {
  const module = moduleOf(kind, { nonlinearity, input_size: 2, hidden_size: 3 });
  const network = networkOf(module, 5);
  const sequence = {
    ...sequenceOf(module, 1, 1, 3),
    h0: of(0.6, -0.4, 0.9),
    c0: kind === 'LSTM' ? of(-0.7, 1.2, 0.5) : undefined,
  };
  const w = 1e-5;
  const [own] = network.layers[0];
  const outputWith = (parameters: Parameters) =>
    predict({ module, layers: [[parameters]] }, sequence, {}).output;
  const right = outputWith(own);
  const sums = new Float64Array(3);
  for (const name of PARAMETERS) {
    for (const [i, value] of own[name]!.entries()) {
      const off = outputWith({ ...own, [name]: own[name]!.with(i, value + w) });
      for (let unit = 0; unit < 3; unit++) sums[unit] += Math.abs(off[unit] - right[unit]);
    }
  }
  const all = (name: (typeof PARAMETERS)[number]) => own[name]!.map(() => w);
  const [weightIh, weightHh, biasIh, biasHh] = PARAMETERS.map(all);
  const uncertainty: Uncertainty = { layers: [[{ weightIh, weightHh, biasIh, biasHh }]] };
  // Hardly any rounding: that of float64.
  const [{ error }] = envelope(network, sequence, {
    profile: PROFILES.f64,
    model: 'worst',
    uncertainty,
  }).layers;
  expect(Math.max(...sums)).toBeGreaterThan(w);
  // A unit that relu has closed has neither.
  for (const [unit, sum] of sums.entries())
    expect(Math.abs(error[unit] - sum), `unit ${unit}`).toBeLessThanOrEqual(5e-4 * sum);
});
