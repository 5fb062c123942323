import { describe, expect, test } from 'vitest';
import { envelope } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { pooledVariances, sampleFreeLayers } from '../../src/bounds/samples.js';
import { forwardPass } from '../../src/engine/forward.js';
import type { Network } from '../../src/module/bind.js';
import { caseOf } from '../../src/module/case.js';
import { tensor } from '../../src/tensor/tensor.js';
import { verify } from '../../src/verify.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf, weightsOf } from '../engine/random-network.js';

const profile = PROFILES.generic;

/** Two layers whose states matter: the variances of the lower one grow although the network contracts. */
function stack(kind: 'RNN' | 'GRU' | 'LSTM', gain: number, steps = 60) {
  const module = moduleOf(kind, { input_size: 4, hidden_size: 24, num_layers: 2 });
  const small = networkOf(module, 3);
  const layers = small.layers.map((directions) =>
    directions.map((one) => ({ ...one, weightHh: one.weightHh.map((value) => value * gain) })),
  );
  const network: Network = { module, layers };
  return { network, sequence: sequenceOf(module, steps, 2, 3) };
}

test('the variance of a value is that of its samples, or that of its row where that is larger', () => {
  const samples = [Float64Array.of(1, 3, 0, 0), Float64Array.of(-1, 1, 0, 2)];
  // Mean squares 1 and 5, 0 and 2; of the rows 3 and 1.
  expect([...pooledVariances(samples, 2)]).toEqual([3, 5, 1, 2]);
});

describe('samples of the layers that run free', () => {
  test.each(['RNN', 'GRU', 'LSTM'] as const)('are of the size of float32 rounding: %s', async (kind) => {
    const { network, sequence } = stack(kind, 1);
    const [lower, upper] = await sampleFreeLayers(network, sequence, [undefined, undefined], profile);
    const exact = await forwardPass(network, sequence, { layers: true });
    const float32 = await forwardPass(network, sequence, { layers: true, storage: { dtype: 'F32' } });
    for (const [layer, samples] of [lower!, upper!].entries()) {
      const variances = pooledVariances(samples.output, 24);
      let squares = 0;
      for (const [i, variance] of variances.entries())
        squares += (float32.layers![layer][i] - exact.layers![layer][i]) ** 2 / variance;
      const rms = Math.sqrt(squares / variances.length);
      expect(rms).toBeGreaterThan(0.05);
      expect(rms).toBeLessThan(1);
    }
    expect(lower!.c.length).toBe(kind === 'LSTM' ? 8 : 0);
  });

  test('are the same for the same case, and there are none of known layers', async () => {
    const { network, sequence } = stack('GRU', 1, 5);
    const { layers } = await forwardPass(network, sequence, { layers: true });
    const draw = () => sampleFreeLayers(network, sequence, [undefined, layers![1]], profile);
    const [first, second] = [await draw(), await draw()];
    expect(first).toEqual(second);
    expect(first[1]).toBeUndefined();
    const [none, above] = await sampleFreeLayers(network, sequence, [layers![0], undefined], profile);
    expect(none).toBeUndefined();
    // From the exact output of the layer below, so that only its own errors are left.
    const own = pooledVariances(above!.output, 24);
    const [, both] = await sampleFreeLayers(network, sequence, [undefined, undefined], profile);
    const mean = (all: Float64Array) => all.reduce((a, b) => a + b, 0) / all.length;
    expect(mean(own)).toBeLessThan(mean(pooledVariances(both!.output, 24)));
  });

  test('enter the sums of the layer above through its weights', async () => {
    const { network, sequence } = stack('RNN', 1, 5);
    const { layers } = await forwardPass(network, sequence, { layers: true });
    const known = [undefined, { values: layers![1] }];
    const [lower] = await sampleFreeLayers(network, sequence, [undefined, layers![1]], profile);
    const errors = (factor: number) => {
      const scaled = { ...lower!, output: lower!.output.map((one) => one.map((value) => value * factor)) };
      const samples = [scaled, undefined];
      return envelope(network, sequence, { profile, model: 'likely', known, samples }).layers[1].error;
    };
    const [none, some, many] = [errors(0), errors(1), errors(1000)];
    for (const i of none.keys()) {
      expect(some[i]).toBeGreaterThan(none[i]);
      // Beyond its own rounding the error is proportional to that of its input.
      expect(many[i] / 1000).toBeGreaterThan(0.3 * Math.sqrt(some[i] ** 2 - none[i] ** 2));
      expect(many[i] / 1000).toBeLessThan(3 * Math.sqrt(some[i] ** 2 - none[i] ** 2) + 1e-9);
    }
  });
});

describe('a stack without the outputs of its layers', () => {
  const judged = async (changed = 1) => {
    const { network, sequence } = stack('LSTM', 6, 120);
    const { output, layers } = await forwardPass(network, sequence, {
      layers: true,
      storage: { dtype: 'F32' },
    });
    const [[one], upper] = network.layers;
    const weightHh = one.weightHh.slice();
    weightHh[30] *= changed;
    const weights = weightsOf({ ...network, layers: [[{ ...one, weightHh }], upper] });
    const shape = [120, 2, 24];
    const input = tensor([120, 2, 4], sequence.input, 'F64');
    const tensors = { input, output: tensor(shape, output) };
    return {
      free: await verify(caseOf(weights, tensors)),
      known: await verify(caseOf(weights, { ...tensors, output_l0: tensor(shape, layers![0]) })),
    };
  };
  const undecidedIn = ({ tensors }: Awaited<ReturnType<typeof verify>>) =>
    tensors.reduce((sum, { auto }) => sum + auto!.undecided, 0);

  test('is decided where the variances give up', async () => {
    const { free } = await judged();
    expect(free.verdict).toBe('parity');
    expect(undecidedIn(free)).toBe(0);
    const { network, sequence } = stack('LSTM', 6, 120);
    const { layers } = await forwardPass(network, sequence, { layers: true });
    const known = [undefined, { values: layers![1] }];
    const { layers: spreads } = envelope(network, sequence, { profile, model: 'likely', known });
    expect(spreads[1].undecided.includes(1)).toBe(true);
  });

  test('differs where a weight of a lower layer does', async () => {
    const { free, known } = await judged(1.01);
    expect([free.verdict, known.verdict]).toEqual(['differs', 'differs']);
  });
});
