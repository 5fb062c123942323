import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Envelope, type EnvelopeOptions, envelope, type Spread } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { sampleFreeLayers } from '../../src/bounds/samples.js';
import { forwardPass } from '../../src/engine/forward.js';
import type { Network, Sequence } from '../../src/module/bind.js';
import { directionsOf, outputSize } from '../../src/module/parameters.js';
import { envelopeInThreads } from '../../src/threads/envelope.js';
import { moduleOf } from '../engine/module.js';
import { anyNetwork, networkOf, sequenceOf } from '../engine/random-network.js';

/** An envelope of which only these batch rows are known. */
function only(rows: readonly number[], whole: Envelope, network: Network, sequence: Sequence): Envelope {
  const { module } = network;
  const { steps, batch } = sequence;
  const size = outputSize(module);
  const directions = directionsOf(module).length;
  const spread = ({ values, error, undecided }: Spread, outer: number, inner: number): Spread => {
    const kept = (i: number) => rows.includes(Math.floor(i / inner) % batch);
    expect(values.length).toBe(outer * batch * inner);
    return {
      values: values.map((value, i) => (kept(i) ? value : 0)),
      error: error.map((value, i) => (kept(i) ? value : 0)),
      undecided: undecided.map((value, i) => (kept(i) ? value : 1)),
    };
  };
  const states = module.num_layers * directions;
  return {
    ...whole,
    layers: whole.layers.map((layer) => spread(layer, steps, directions * size)),
    h_n: spread(whole.h_n, states, size),
    c_n: whole.c_n && spread(whole.c_n, states, module.hidden_size),
    overflows: whole.overflows.filter(({ batch: row }) => rows.includes(row)),
  };
}

test('the envelope of some batch rows is what it is of all, and nothing is decided of the others', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyNetwork(),
      fc.constantFrom('likely' as const, 'worst' as const),
      fc.constantFrom('f16' as const, 'generic' as const),
      fc.boolean(),
      fc.boolean(),
      async ({ network, sequence }, model, name, isKnown, isUncertain) => {
        const profile = PROFILES[name];
        const { layers } = await forwardPass(network, sequence, { layers: true });
        const last = layers!.length - 1;
        const known = layers!.map((values, layer) => (isKnown && layer === last ? { values } : undefined));
        const outputs = known.map((output) => output?.values);
        const uncertainty = {
          layers: network.layers,
          input: sequence.input.map(Math.abs),
          h0: sequence.h0?.map(Math.abs),
          c0: sequence.c0?.map(Math.abs),
        };
        const options: EnvelopeOptions = {
          profile,
          model,
          known,
          ...(model === 'likely' && {
            samples: await sampleFreeLayers(network, sequence, outputs, profile),
          }),
          ...(model === 'worst' && isUncertain && { uncertainty }),
          speed: { kernels: 'simd' },
        };
        const whole = envelope(network, sequence, options);
        const all = [...Array(sequence.batch).keys()];
        const rows = all.filter((row) => row % 2 === 0).reverse();
        const part = await envelopeInThreads(network, sequence, options, rows);
        expect(part).toEqual(only(rows, whole, network, sequence));
        expect(await envelopeInThreads(network, sequence, options)).toEqual(whole);
      },
    ),
  );
});

test('what is known of single values goes with its row', async () => {
  const module = moduleOf('GRU', { input_size: 2, hidden_size: 3, num_layers: 2 });
  const network = networkOf(module, 3);
  const sequence = sequenceOf(module, 4, 3, 3);
  const { layers } = await forwardPass(network, sequence, { layers: true });
  // A reference may end early.
  const values = layers![1].subarray(0, 3 * 3 * 3);
  const known = [undefined, { values, uncertainty: values.map((value, i) => Math.abs(value) / (i + 9)) }];
  const options: EnvelopeOptions = { profile: PROFILES.generic, model: 'worst', known };
  const whole = envelope(network, sequence, options);
  const part = await envelopeInThreads(network, sequence, options, [2]);
  expect(part).toEqual(only([2], whole, network, sequence));
});

test('overflows are in the order in which they come, whatever the order of the rows', async () => {
  const module = moduleOf('RNN', {
    nonlinearity: 'relu',
    bidirectional: true,
    input_size: 2,
    hidden_size: 2,
  });
  const network = networkOf(module, 2);
  const steps = 6;
  const lengths = [3, 6, 2, 5, 6];
  const large = sequenceOf(module, steps, lengths.length, 4);
  const input = large.input.map((value) => 1e5 * value);
  const sequence = { ...large, input, lengths };
  const options: EnvelopeOptions = { profile: PROFILES.f16, model: 'likely' };
  const { overflows } = envelope(network, sequence, options);
  expect(new Set(overflows.map(({ direction }) => direction)).size).toBe(2);
  expect(overflows.length).toBeGreaterThan(7);
  for (const rows of [
    [0, 1, 2, 3],
    [4, 3, 2, 1],
    [2, 4],
  ]) {
    const part = await envelopeInThreads(network, sequence, options, rows);
    expect(part.overflows).toEqual(overflows.filter(({ batch }) => rows.includes(batch)));
  }
});
