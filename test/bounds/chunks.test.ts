import { expect, test } from 'vitest';
import { type EnvelopeOptions, envelope } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { sampleFreeLayers } from '../../src/bounds/samples.js';
import { forwardPass, pick } from '../../src/engine/forward.js';
import type { Sequence } from '../../src/module/bind.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';

// Steps are computed in chunks of up to 2^16 sums: one row of these takes one chunk, sixteen rows several.
const [STEPS, BATCH, HIDDEN] = [60, 16, 24];
const LENGTHS = Array.from({ length: BATCH }, (_, row) => STEPS - 3 * ((3 * row) % BATCH));

test.each([
  ['GRU', 'likely', false],
  ['GRU', 'likely', true],
  ['LSTM', 'likely', true],
  ['LSTM', 'worst', true],
  ['LSTM', 'worst', false],
] as const)('%s, %s, known %s: every row is as if it stood alone', async (kind, model, isKnown) => {
  const module = moduleOf(kind, { input_size: 5, hidden_size: HIDDEN, num_layers: 2, bidirectional: true });
  const network = networkOf(module, 3);
  const sequence: Sequence = { ...sequenceOf(module, STEPS, BATCH, 3), lengths: LENGTHS };
  const { layers } = await forwardPass(network, sequence, { layers: true });
  const width = 2 * HIDDEN;
  const profile = PROFILES.generic;
  const last = isKnown ? layers![1] : undefined;
  const uncertainty = sequence.input.map((value) => 1e-3 * Math.abs(value));
  const samples =
    model === 'likely' ? await sampleFreeLayers(network, sequence, [undefined, last], profile) : undefined;
  const exact = network.layers.map((ways) =>
    ways.map(({ weightIh, weightHh, biasIh, biasHh }) => {
      const [ih, hh] = [weightIh, weightHh].map((values) => values.map(() => 0));
      return { weightIh: ih, weightHh: hh, biasIh: biasIh!.map(() => 0), biasHh: biasHh!.map(() => 0) };
    }),
  );
  const run = (of: Sequence, rows?: readonly number[]) => {
    const inner = <T extends Float64Array | Float32Array>(values: T, size: number): T =>
      pick(values, rows, values.length / (BATCH * size), BATCH, size) as T;
    const options: EnvelopeOptions = {
      profile,
      model,
      known: last && [
        undefined,
        {
          values: inner(last, width),
          ...(model === 'worst' && {
            uncertainty: inner(
              last.map((h) => 1e-4 * Math.abs(h)),
              width,
            ),
          }),
        },
      ],
      ...(model === 'worst' && { uncertainty: { layers: exact, input: inner(uncertainty, 5) } }),
      samples: samples?.map(
        (layer) =>
          layer && {
            output: layer.output.map((values) => inner(values, width)),
            h: layer.h.map((values) => inner(values, HIDDEN)),
            c: layer.c.map((values) => inner(values, HIDDEN)),
          },
      ),
      speed: { kernels: 'simd' },
    };
    return envelope(network, of, options);
  };
  const whole = run(sequence);
  for (const row of [0, 15]) {
    const input = pick(sequence.input, [row], STEPS, BATCH, 5);
    const alone = run({ steps: STEPS, batch: 1, input, lengths: [LENGTHS[row]] }, [row]);
    for (const [layer, spread] of alone.layers.entries())
      for (const name of ['values', 'error', 'undecided'] as const)
        expect(
          pick(whole.layers[layer][name], [row], STEPS, BATCH, width),
          `${row} ${layer} ${name}`,
        ).toEqual(spread[name]);
    for (const name of ['values', 'error'] as const)
      expect(pick(whole.h_n[name], [row], 4, BATCH, HIDDEN)).toEqual(alone.h_n[name]);
  }
});

test('progress is told layer by layer, direction by direction, and ends at the whole', () => {
  const module = moduleOf('GRU', { hidden_size: 30, input_size: 2, num_layers: 2, bidirectional: true });
  const seen: [number, string][] = [];
  envelope(networkOf(module, 1), sequenceOf(module, 1000, 2, 1), {
    profile: PROFILES.generic,
    model: 'likely',
    onProgress: (done, stage) => {
      seen.push([done, stage]);
    },
  });
  const shares = seen.map(([done]) => done);
  expect(shares.length).toBeGreaterThan(7);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect(new Set(shares).size).toBe(shares.length);
  for (const end of [0.25, 0.5, 0.75, 1]) expect(shares).toContain(end);
  expect(shares[0]).toBeCloseTo(365 / 1000 / 4, 2);
  expect(new Set(seen.map(([, stage]) => stage))).toEqual(new Set(['judging']));
});
