import { expect, test } from 'vitest';
import { envelope } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { type LayerSamples, pooledVariances, sampleFreeLayers } from '../../src/bounds/samples.js';
import type { Floats } from '../../src/tensor/dtype.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';

const [STEPS, BATCH, HIDDEN, LAYERS, WAYS] = [4, 3, 2, 2, 2];
const WIDTH = WAYS * HIDDEN;
const MODULE = moduleOf('LSTM', {
  input_size: 3,
  hidden_size: HIDDEN,
  num_layers: LAYERS,
  bidirectional: true,
});
const NETWORK = networkOf(MODULE, 3);
// The rows are computed in another order.
const SEQUENCE = { ...sequenceOf(MODULE, STEPS, BATCH, 3), lengths: [2, 4, 3] };
const options = { profile: PROFILES.generic, model: 'likely' } as const;

/** Two samples of a layer, of which every value has an error of its own size. */
function samplesOf(layer: number, size: (i: number) => number): LayerSamples {
  const both = (length: number, first: number): Floats[] =>
    [1, -1].map((sign) => Float64Array.from({ length }, (_, i) => sign * size(1000 * layer + first + i)));
  return {
    output: both(STEPS * BATCH * WIDTH, 0),
    h: both(WAYS * BATCH * HIDDEN, 300),
    c: both(WAYS * BATCH * HIDDEN, 600),
  };
}

const sigmas = (samples: readonly Floats[]) => [...pooledVariances(samples, HIDDEN)].map(Math.sqrt);

test('the errors of a layer and of its states are those of its samples, each in its own place', () => {
  const samples = [0, 1].map((layer) => samplesOf(layer, (i) => 1e-7 * (1 + ((i * 7) % 31))));
  const { layers, h_n, c_n } = envelope(NETWORK, SEQUENCE, { ...options, samples });
  const near = (actual: Floats, expected: readonly number[]) => {
    expect(actual.length).toBe(expected.length);
    for (const [i, value] of expected.entries()) expect(actual[i] / value, `${i}`).toBeCloseTo(1, 9);
  };
  for (const [layer, { output }] of samples.entries()) near(layers[layer].error, sigmas(output));
  near(
    h_n.error,
    samples.flatMap(({ h }) => sigmas(h)),
  );
  near(
    c_n!.error,
    samples.flatMap(({ c }) => sigmas(c)),
  );
  for (const { undecided } of [...layers, h_n, c_n!]) expect(undecided.includes(1)).toBe(false);
});

test.each([0, 1])('what is undecided is told by them: layer %d', (layer) => {
  // One direction of one row at one step, and the final states of another row.
  const at = (2 * BATCH + 1) * WIDTH + HIDDEN;
  const state = 300 + (1 * BATCH + 2) * HIDDEN;
  const isLarge = (i: number) => i === 1000 * layer + at || i === 1000 * layer + state;
  const samples = [0, 1].map((one) => samplesOf(one, (i) => (isLarge(i) ? 0.1 : 1e-7)));
  const { layers, h_n, c_n } = envelope(NETWORK, SEQUENCE, { ...options, samples });
  const flagged = ({ undecided }: { undecided: Uint8Array }) =>
    [...undecided.entries()].flatMap(([i, flag]) => (flag ? [i] : []));
  expect(layers.map(flagged)[layer]).toEqual([at, at + 1]);
  if (layer === 1) expect(flagged(layers[0])).toEqual([]);
  const from = (layer * WAYS * BATCH + 1 * BATCH + 2) * HIDDEN;
  expect(flagged(h_n)).toEqual([from, from + 1]);
  expect(flagged(c_n!)).toEqual([from, from + 1]);
});

test('samples are of no use to a layer whose output is known', () => {
  const samples = [0, 1].map((layer) => samplesOf(layer, () => 1e-3));
  const known = [undefined, { values: new Float64Array(STEPS * BATCH * WIDTH) }];
  const { layers } = envelope(NETWORK, SEQUENCE, { ...options, known, samples: [samples[0], undefined] });
  const both = envelope(NETWORK, SEQUENCE, { ...options, known, samples });
  expect(both.layers[1].error).toEqual(layers[1].error);
  expect(both.layers[0].error[0]).toBeCloseTo(1e-3, 9);
});

test('layers and states in the middle of a stack are sampled as if they stood alone', async () => {
  const module = moduleOf('LSTM', { input_size: 4, hidden_size: 4, num_layers: 4 });
  const network = networkOf(module, 2);
  const states = (seed: number) =>
    Float64Array.from({ length: 4 * 2 * 4 }, (_, i) => Math.sin(seed + 3 * i) / 2);
  const sequence = { ...sequenceOf(module, 5, 2, 2), h0: states(1), c0: states(2) };
  const below = Float64Array.from({ length: 5 * 2 * 4 }, (_, i) => Math.cos(i) / 2);
  const top = new Float64Array(5 * 2 * 4);
  const [none, second, third, last] = await sampleFreeLayers(
    network,
    sequence,
    [below, undefined, undefined, top],
    PROFILES.generic,
  );
  expect([none, last]).toEqual([undefined, undefined]);
  const alone = {
    network: { module: { ...module, num_layers: 2 }, layers: network.layers.slice(1, 3) },
    sequence: {
      ...sequence,
      input: below,
      h0: sequence.h0.subarray(8, 24),
      c0: sequence.c0.subarray(8, 24),
    },
  };
  const expected = await sampleFreeLayers(
    alone.network,
    alone.sequence,
    [undefined, undefined],
    PROFILES.generic,
  );
  expect([second, third]).toEqual(expected);
  expect(third!.h.every((values) => values.length === 8)).toBe(true);
  // From states of their own, which matter.
  const { h0: _, ...fromZero } = sequence;
  const [, other] = await sampleFreeLayers(
    network,
    fromZero,
    [below, undefined, undefined, top],
    PROFILES.generic,
  );
  expect(other).not.toEqual(second);
  // A known output may end early: what is missing is zero.
  const short = await sampleFreeLayers(
    network,
    sequence,
    [below.subarray(0, 32), undefined, undefined, top],
    PROFILES.generic,
  );
  const padded = below.map((value, i) => (i < 32 ? value : 0));
  expect(short).toEqual(
    await sampleFreeLayers(network, sequence, [padded, undefined, undefined, top], PROFILES.generic),
  );
});

test.each(['RNN', 'GRU', 'LSTM'] as const)(
  'of one step they have about the variance that is likely: %s',
  async (kind) => {
    const module = moduleOf(kind, { input_size: 8, hidden_size: 32 });
    const network = networkOf(module, 4);
    const sequence = sequenceOf(module, 1, 16, 4);
    const mean = (values: Floats) =>
      Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
    // Sums are taken for random walks: in one order of adding they are nearer.
    for (const [accumulate, store, least, most] of [
      [2 ** -24, 2 ** -30, 0.1, 0.6],
      [2 ** -30, 2 ** -20, 0.5, 2],
    ]) {
      const profile = { ...PROFILES.torch, accumulate, store };
      const [sampled] = await sampleFreeLayers(network, sequence, [undefined], profile);
      const { error } = envelope(network, sequence, { profile, model: 'likely' }).layers[0];
      const ratio = mean(pooledVariances(sampled!.output, 32)) / mean(error.map((sigma) => sigma * sigma));
      expect(ratio, `${store}`).toBeGreaterThan(least);
      expect(ratio, `${store}`).toBeLessThan(most);
    }
  },
);

test('they do not depend on how an input and the weights of it are scaled', async () => {
  const module = moduleOf('GRU', { input_size: 4, hidden_size: 8 });
  const network = networkOf(module, 4);
  const sequence = sequenceOf(module, 3, 2, 4);
  const scaled = (values: Floats, by: number) => values.map((value, i) => (i % 4 === 1 ? value * by : value));
  const [[parameters]] = network.layers;
  const other = { module, layers: [[{ ...parameters, weightIh: scaled(parameters.weightIh, 2 ** -20) }]] };
  const far = { ...sequence, input: scaled(sequence.input, 2 ** 20) };
  const ofScaled = await sampleFreeLayers(other, far, [undefined], PROFILES.generic);
  expect(ofScaled).toEqual(await sampleFreeLayers(network, sequence, [undefined], PROFILES.generic));
});
