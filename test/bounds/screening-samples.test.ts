import { expect, test } from 'vitest';
import { envelope } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { pooledVariances, sampleFreeLayers } from '../../src/bounds/samples.js';
import { screenOf } from '../../src/bounds/screening.js';
import { forwardPass } from '../../src/engine/forward.js';
import { KINDS, type Kind } from '../../src/kinds.js';
import type { Network, Sequence } from '../../src/module/bind.js';
import { joinRows, rowsOf } from '../../src/threads/rows.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';

const SPEED = { kernels: 'simd' } as const;
const PROFILE = PROFILES.generic;
const HIDDEN = 24;
const STEPS = 140;
const GAIN = { RNN: 0.4, GRU: 1.2, LSTM: 1 } as const;

/**
 * Two layers, of which the lower forgets, though its variances grow: what a step adds to h lies in one direction, of which the
 * next step takes little.
 */
function stackOf(kind: Kind): Network {
  const module = moduleOf(kind, { hidden_size: HIDDEN, input_size: 3, num_layers: 2 });
  const network = networkOf(module, 4);
  const [[lower], upper] = network.layers;
  const gates = KINDS[kind].gates.length;
  const to = Array.from(
    { length: gates * HIDDEN },
    (_, i) => (i % 4 < 2 ? 1 : -1) * (0.8 + 0.2 * Math.sin(i)),
  );
  const from = Array.from({ length: HIDDEN }, (_, k) => (k % 2 ? 1 : -1) * (0.8 + 0.2 * Math.sin(3 * k)));
  const weightHh = Float64Array.from(
    { length: gates * HIDDEN * HIDDEN },
    (_, i) => GAIN[kind] * to[Math.floor(i / HIDDEN)] * from[i % HIDDEN],
  );
  return { module, layers: [[{ ...lower, weightHh }], upper] };
}

async function passOf(network: Network, sequence: Sequence) {
  const { output, h_n } = await forwardPass(network, sequence, { storage: { dtype: 'F32' } });
  const expected = { values: output, closeness: { rtol: 0, atol: 0, margin: 0 } };
  const screen = screenOf(network, sequence, PROFILE, expected, SPEED)!;
  return { output, h_n, screen, pass: await forwardPass(network, sequence, { screen, speed: SPEED }) };
}

test.each(['RNN', 'GRU', 'LSTM'] as const)(
  'errors of %s are sampled where their variances grow',
  async (kind) => {
    const network = stackOf(kind);
    const sequence = sequenceOf(network.module, STEPS, 2, 4);
    const { output, h_n, pass } = await passOf(network, sequence);
    expect(pass.screened!.isTold).toBe(true);

    const known = [undefined, output];
    const grown = envelope(network, sequence, {
      ...{ profile: PROFILE, model: 'likely', speed: SPEED },
      known: [undefined, { values: output }],
    });
    const [lower] = await sampleFreeLayers(network, sequence, known, PROFILE, SPEED);
    const size = 2 * HIDDEN;
    const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length;
    const sampled = mean(pooledVariances(lower!.h, HIDDEN));
    // The recursion gives far more than there is.
    expect(mean(grown.h_n.error.subarray(0, size)) ** 2).toBeGreaterThan(1e4 * sampled);
    const found = mean(pass.screened!.hV.subarray(0, size)) * PROFILE.store ** 2;
    // What is stored is rounded there as if all of it were activations.
    expect(found / sampled).toBeGreaterThan(0.1);
    expect(found / sampled).toBeLessThan(3);
    const actual = mean(h_n.subarray(0, size).map((value, i) => (value - pass.h_n[i]) ** 2));
    expect(found / actual).toBeGreaterThan(0.5);
    expect(found / actual).toBeLessThan(100);
    if (kind !== 'LSTM') return;
    const ofC = mean(pass.screened!.cV.subarray(0, size)) * PROFILE.store ** 2;
    const sampledC = mean(pooledVariances(lower!.c, HIDDEN));
    expect(ofC / sampledC).toBeGreaterThan(0.1);
    expect(ofC / sampledC).toBeLessThan(3);
  },
);

test.each(['RNN', 'GRU', 'LSTM'] as const)(
  'the samples of %s do not depend on how rows are divided',
  async (kind) => {
    const network = stackOf(kind);
    const sequence = sequenceOf(network.module, STEPS, 5, 5);
    const { screen, pass } = await passOf(network, sequence);
    const rows = [
      [3, 0],
      [1, 4, 2],
    ];
    const { module } = network;
    const parts = await Promise.all(
      rows.map((own) =>
        forwardPass(network, rowsOf(sequence, own, module), {
          screen: { ...screen, rows: own },
          speed: SPEED,
        }),
      ),
    );
    expect(joinRows(parts, rows, sequence, module).screened).toEqual(pass.screened);
  },
);

test('nothing is sampled of rows with lengths, nor told of what grows there', async () => {
  const network = stackOf('GRU');
  const sequence = { ...sequenceOf(network.module, STEPS, 2, 4), lengths: [STEPS, STEPS - 1] };
  expect((await passOf(network, sequence)).pass.screened!.isTold).toBe(false);
});
