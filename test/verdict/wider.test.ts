import { beforeEach, describe, expect, test, vi } from 'vitest';
import { PROFILES, type ProfileName } from '../../src/bounds/profiles.js';
import { KIND_NAMES } from '../../src/kinds.js';
import { caseOf } from '../../src/module/case.js';
import { type Floats, roundTo } from '../../src/tensor/dtype.js';
import { type Tensor, tensor } from '../../src/tensor/tensor.js';
import type { Comparison } from '../../src/verdict/comparison.js';
import { runCase } from '../../src/verdict/run.js';
import { settle, type VerifyOptions } from '../../src/verdict/settings.js';
import { judge } from '../../src/verdict/verdict.js';
import { widen } from '../../src/verdict/wider.js';
import { verify } from '../../src/verify.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf, weightsOf } from '../engine/random-network.js';
import { all, drawn, inFloat32, judged, stored, to, withWeight } from './drawn-port.js';
import { computedBy, TANH } from './runtime.js';

const samples = vi.hoisted(() => ({ taken: 0, larger: 1 }));

// Counts what is sampled, which takes long, and can make it larger than it is.
vi.mock('../../src/bounds/samples.js', async (original) => {
  const { sampleFreeLayers, ...others } = await original<typeof import('../../src/bounds/samples.js')>();
  const larger = (all: readonly Floats[]) => all.map((one) => one.map((value) => value * samples.larger));
  return {
    ...others,
    sampleFreeLayers: async (...argv: Parameters<typeof sampleFreeLayers>) => {
      samples.taken++;
      const layers = await sampleFreeLayers(...argv);
      return layers.map((of) => of && { output: larger(of.output), h: larger(of.h), c: larger(of.c) });
    },
  };
});

beforeEach(() => Object.assign(samples, { taken: 0, larger: 1 }));

const profileOf = ({ tensors }: Comparison) => tensors[0].auto?.profile;
const precisionOf = ({ advice }: Comparison) =>
  advice.flatMap((one) => (one.kind === 'coarser-precision' ? one.profile : []))[0];

describe('a runtime that computes tanh from exponentials', () => {
  const cases = KIND_NAMES.flatMap((kind) => Object.keys(TANH).map((name) => [kind, name] as const));

  test.each(cases)(
    'is parity, and named where float32 rounding is not enough: %s, %s',
    async (kind, name) => {
      const one = drawn({ kind, size: 1e-3 });
      const comparison = await judged(one, computedBy(one.network, one.sequence, { tanh: TANH[name] }));
      expect(comparison.verdict).toBe('parity');
      expect(profileOf(comparison)).toBe('exponential');
    },
  );

  test.each([1, 2, 3])('is parity in a module of %d units too', async (hidden_size) => {
    const one = drawn({ hidden_size, size: 1e-3 });
    const outputs = computedBy(one.network, one.sequence, { tanh: TANH['2 σ(2x) − 1'] });
    expect(await judged(one, outputs)).toMatchObject({ verdict: 'parity' });
  });

  test('never is where somebody states the profile', async () => {
    const one = drawn({ size: 1e-3 });
    const outputs = computedBy(one.network, one.sequence, { tanh: TANH['2 σ(2x) − 1'] });
    expect(await judged(one, outputs, { profile: 'generic' })).toMatchObject({ verdict: 'differs' });
    expect(await judged(one, outputs, { profile: 'exponential' })).toMatchObject({ verdict: 'parity' });
  });

  test.each([
    [true, true],
    [true, false],
    [false, true],
  ])('is a fault in float64: the output %s, final states %s', async (isOutput, areStates) => {
    const one = drawn({ size: 1e-3 });
    const { output, h_n } = computedBy(one.network, one.sequence, { tanh: TANH['2 σ(2x) − 1'] });
    // With more digits than a float32 has.
    const wide = ({ shape, data }: Tensor) =>
      tensor(
        shape,
        Float64Array.from(data, (value) => value * (1 + 2 ** -40)),
        'F64',
      );
    const outputs = { output: isOutput ? wide(output) : output, h_n: areStates ? wide(h_n) : h_n };
    expect(await judged(one, outputs)).toMatchObject({ verdict: 'differs' });
  });

  test('does not prove a fault, and a wrong weight in it is one', async () => {
    const one = drawn({ size: 1e-3 });
    const outputs = computedBy(one.network, one.sequence, { tanh: TANH['2 σ(2x) − 1'] });
    const wrong = withWeight(one.weights, 'weight_ih_l0', 4, 1.1);
    const comparison = await judged(one, outputs, {}, wrong);
    expect(comparison.verdict).toBe('differs');
    const { network, sequence } = one;
    const exact = await judged(
      one,
      computedBy(network, sequence),
      {},
      withWeight(one.weights, 'bias_ih_l0', 2, 1.5),
    );
    expect(exact.tensors[0].auto!.proven).toBeGreaterThan(0);
  });

  test.each([
    ['one of twelve units', (unit: number) => unit === 3, 'differs'],
    ['all of them', () => true, 'parity'],
  ] as const)('is not what is off in %s by as much', async (_, isOff, verdict) => {
    const one = drawn({ size: 1e-3 });
    const { output } = computedBy(one.network, one.sequence);
    // Three roundoffs to and fro: each step begins from what is there, so that nothing else is off.
    const data = output.data.map(
      (value, i) => value + (isOff(i % 12) ? (i % 5 > 2 ? 1 : -1) * 3 * 2 ** -24 : 0),
    );
    expect(await judged(one, { output: { ...output, data } })).toMatchObject({ verdict });
  });
});

describe('coarse activations', () => {
  /** Off by up to 18 roundoffs, smoothly. */
  const tanh = (x: number) => Math.fround(Math.tanh(x) * (1 + 18 * 2 ** -24 * Math.sin(40 * x)));

  test.each([
    [8, 'parity', 'coarse'],
    [16, 'parity', 'coarse'],
    [2, 'differs', 'generic'],
  ] as const)('in a module of %d units are %s', async (hidden_size, verdict, profile) => {
    const one = drawn({ hidden_size, steps: 60 });
    const comparison = await judged(one, computedBy(one.network, one.sequence, { tanh }));
    expect({ verdict: comparison.verdict, profile: profileOf(comparison) }).toEqual({ verdict, profile });
  });

  test('are no reason for final states that are off by as much', async () => {
    const one = drawn({ hidden_size: 8, size: 1e-2, steps: 1 });
    const { h_n } = computedBy(one.network, one.sequence);
    const off = { ...h_n, data: h_n.data.map((value, i) => value + (i % 2 ? 1 : -1) * 7 * 2 ** -24) };
    const comparison = await verify(
      caseOf(one.weights, { input: one.input, h_n: off }, { batch_first: false }),
    );
    expect(comparison.verdict).toBe('differs');
  });

  test.each([100, 1000])('%d times as coarse are a fault', async (times) => {
    const one = drawn({ hidden_size: 16 });
    const far = (x: number) => Math.fround(Math.tanh(x) * (1 + times * 2 ** -24 * Math.sin(40 * x)));
    expect(await judged(one, computedBy(one.network, one.sequence, { tanh: far }))).toMatchObject({
      verdict: 'differs',
    });
  });
});

describe.each([
  ['F16', 'f16'],
  ['BF16', 'bf16'],
] as const)('a port in %s of a checkpoint in float32', (dtype, profile) => {
  test.each(KIND_NAMES)(
    'is parity in its own dtype, and so is what is only stored in it: %s',
    async (kind) => {
      const one = drawn({ kind });
      for (const runtime of [all(dtype), { store: to(dtype) }]) {
        const outputs = stored(computedBy(one.network, one.sequence, runtime), dtype);
        const comparison = await judged(one, outputs);
        expect(comparison.verdict).toBe('parity');
        expect(profileOf(comparison)).toBe(profile);
      }
    },
  );

  test.each(KIND_NAMES)('with a wrong weight differs in its own dtype: %s', async (kind) => {
    const one = drawn({ kind, steps: 60 });
    const outputs = stored(computedBy(one.network, one.sequence, all(dtype)), dtype);
    const wrong = withWeight(one.weights, 'weight_ih_l0', 4, 3);
    expect(await judged(one, outputs, {}, wrong)).toMatchObject({ verdict: 'differs' });
  });

  test.each(KIND_NAMES)(
    'stored in float32 differs, is named, and is parity where the profile is said: %s',
    async (kind) => {
      const one = drawn({ kind });
      const outputs = computedBy(one.network, one.sequence, all(dtype));
      const comparison = await judged(one, outputs);
      expect(comparison.verdict).toBe('differs');
      expect(precisionOf(comparison)).toBe(profile);
      expect(await judged(one, outputs, { profile })).toMatchObject({ verdict: 'parity' });
      const inFloat64 = await judged(one, stored(outputs, 'F64'));
      expect(inFloat64.verdict).toBe('differs');
      expect(precisionOf(inFloat64)).toBe(profile);
    },
  );

  test.each(KIND_NAMES)('with weights alone in it is named, with biases or without: %s', async (kind) => {
    const one = drawn({ kind });
    const weights = `${profile}-weights` as ProfileName;
    for (const runtime of [{ weights: to(dtype), biases: to(dtype) }, { weights: to(dtype) }]) {
      const outputs = computedBy(one.network, one.sequence, runtime);
      const comparison = await judged(one, outputs);
      expect(comparison.verdict).toBe('differs');
      expect(precisionOf(comparison)).toBe(weights);
      expect(await judged(one, outputs, { profile: weights })).toMatchObject({ verdict: 'parity' });
      const wrong = withWeight(one.weights, 'weight_hh_l0', 7, 1.5);
      expect(await judged(one, outputs, { profile: weights }, wrong)).toMatchObject({ verdict: 'differs' });
    }
  });

  test('with one other value is no precision', async () => {
    const one = drawn({});
    const { output, ...states } = computedBy(one.network, one.sequence, all(dtype));
    const data = output.data.slice();
    data[100] += 0.25;
    const comparison = await judged(one, { ...states, output: { ...output, data } });
    expect(comparison.verdict).toBe('differs');
    expect(precisionOf(comparison)).toBeUndefined();
  });
});

test('a precision is named although one of many values is farther off than the limit', async () => {
  const one = drawn({ hidden_size: 16, steps: 60, batch: 8 });
  const { output } = computedBy(one.network, one.sequence, { weights: to('BF16'), biases: to('BF16') });
  const data = output.data.slice();
  // In the batch row that is farthest off from float32: the first part to be tried.
  const at = (59 * 8 + 5) * 16 + 13;
  data[at] = Math.fround(data[at] + 12 * 2 ** -24);
  const outputs = { output: { ...output, data } };
  // One of so many may be as far off as 7.5 σ, but none of the values of its batch row alone.
  const { verdict, tensors } = await judged(one, outputs, { profile: 'bf16-weights' });
  expect({ verdict, rare: tensors[0].auto?.rare }).toEqual({ verdict: 'parity', rare: 1 });
  expect(precisionOf(await judged(one, outputs))).toBe('bf16-weights');
});

test('products and gates in 16 bits, with states in float32, are as under autocast', async () => {
  for (const [dtype, profile] of [
    ['F16', 'autocast-f16'],
    ['BF16', 'autocast-bf16'],
  ] as const) {
    const one = drawn({ kind: 'GRU', hidden_size: 16, steps: 30 });
    const { weights, biases, input } = all(dtype);
    // The sums and the gates are stored in 16 bits: so is all that a small runtime of equations stores, but for h.
    const outputs = computedBy(one.network, one.sequence, {
      weights,
      biases,
      input,
      tanh: (x) => roundTo(Math.tanh(x), dtype),
    });
    const comparison = await judged(one, outputs);
    expect(comparison.verdict).toBe('differs');
    expect(await judged(one, outputs, { profile })).toMatchObject({ verdict: 'parity' });
  }
});

test('a fault as small as a precision is no precision where most values agree', async () => {
  const one = drawn({ hidden_size: 16, steps: 30 });
  const outputs = computedBy(one.network, one.sequence);
  const wrong = withWeight(one.weights, 'weight_ih_l0', 1, 1.001);
  const comparison = await judged(one, outputs, {}, wrong);
  expect(comparison.verdict).toBe('differs');
  expect(precisionOf(comparison)).toBeUndefined();
});

test('every profile but the default ones takes a float32 reference that is right', async () => {
  const one = drawn({ kind: 'LSTM' });
  const outputs = computedBy(one.network, one.sequence);
  for (const profile of Object.keys(PROFILES) as ProfileName[]) {
    const { verdict } = await judged(one, outputs, { profile });
    // Rounding weights that were not rounded is a fault, and tanh.approx is another tanh; float64 has less to round than float32.
    const isFault = ['f64', 'cudnn', 'f16-weights', 'bf16-weights'].includes(profile);
    expect({ profile, verdict }).toEqual({ profile, verdict: isFault ? 'differs' : 'parity' });
  }
});

test('a wrong weight is no rounding of operands that have few decimals', async () => {
  const one = drawn({ kind: 'GRU', hidden_size: 8, steps: 40 });
  const few = (values: Floats) => values.map((value) => Math.fround(Number(value.toFixed(3))));
  const input = tensor(one.input.shape, few(one.input.data));
  const port = { ...one, input, sequence: { ...one.sequence, input: few(one.sequence.input) } };
  const outputs = computedBy(port.network, port.sequence);
  expect((await judged(port, outputs)).verdict).toBe('parity');
  const wrong = withWeight(one.weights, 'weight_ih_l0', 2, 1.003);
  expect((await judged(port, outputs, {}, wrong)).verdict).toBe('differs');
  // A port that took the input before it was rounded.
  const before = computedBy(one.network, one.sequence);
  const { verdict, warnings } = await judged(port, before);
  expect(verdict).toBe('parity');
  expect(warnings).toMatchObject([{ kind: 'rounded-decimals', tensors: ['input'] }]);
});

test('in a module of few units a wrong weight is no rounding of products in 16 bits', async () => {
  const one = drawn({ kind: 'GRU', hidden_size: 1, steps: 40 });
  const outputs = stored(computedBy(one.network, one.sequence, all('F16')), 'F16');
  expect((await judged(one, outputs)).verdict).toBe('parity');
  const found = [1.002, 1.0025, 1.003].map(async (by) => {
    const wrong = withWeight(one.weights, 'weight_ih_l0', 7, by);
    return (await judged(one, outputs, {}, wrong)).verdict;
  });
  expect(await Promise.all(found)).toEqual(['differs', 'differs', 'differs']);
});

test('too few values name no 16-bit dtype', async () => {
  const named = async (dtype: 'F16' | 'BF16', hidden_size: number, seed: number) => {
    const one = drawn({ hidden_size, steps: 1, batch: 1, seed });
    const outputs = computedBy(one.network, one.sequence, all(dtype));
    const comparison = await judged(one, { output: outputs.output });
    expect(comparison.verdict).toBe('differs');
    return precisionOf(comparison);
  };
  for (const seed of [5, 6, 7]) {
    expect(await named('F16', 1, seed)).toBeUndefined();
    expect(await named('F16', 12, seed)).toBe('f16');
    expect(await named('BF16', 12, seed)).toBe('bf16');
  }
});

describe('an honest reference of a chaotic layer whose output is not known', () => {
  const STEPS = 60;

  /** Two layers of an RNN whose weights are larger by `scale`, and what a float32 runtime computes of them. */
  function stacked(hidden_size: number, scale: number, seed: number, steps = STEPS, input_size = 1) {
    const module = moduleOf('RNN', { input_size, hidden_size, num_layers: 2 });
    const larger = (values: Floats | undefined) => values!.map((value) => Math.fround(value * scale));
    const layers = networkOf(module, seed).layers.map(([{ weightIh, weightHh, biasIh, biasHh }]) => [
      {
        weightIh: larger(weightIh),
        weightHh: larger(weightHh),
        biasIh: larger(biasIh),
        biasHh: larger(biasHh),
      },
    ]);
    const drawnSequence = sequenceOf(module, steps, 1, seed);
    const sequence = { ...drawnSequence, input: drawnSequence.input.map(Math.fround) };
    const [lower, upper] = layers.map((layer, i) => ({
      module: { ...module, num_layers: 1, input_size: i ? hidden_size : input_size },
      layers: [layer],
    }));
    const below = computedBy(lower, sequence);
    const above = computedBy(upper, { ...sequence, input: Float64Array.from(below.output.data) });
    return {
      weights: inFloat32(weightsOf({ module, layers })),
      input: tensor([steps, 1, input_size], sequence.input),
      output: above.output,
      h_n: tensor([2, 1, hidden_size], [...below.h_n.data, ...above.h_n.data]),
    };
  }

  const judgedStack = (one: ReturnType<typeof stacked>, options: VerifyOptions = {}, weights = one.weights) =>
    verify(caseOf(weights, { input: one.input, output: one.output }, { batch_first: false }), options);

  test.each([
    [16, 3, 37],
    [16, 3, 62],
    [16, 4, 31],
    [32, 3.5, 199],
    [32, 4, 46],
  ])('is parity by sampled errors: %d units, weights × %d, seed %d', async (hidden_size, scale, seed) => {
    const one = stacked(hidden_size, scale, seed);
    const loaded = caseOf(one.weights, { input: one.input, output: one.output }, { batch_first: false });
    const byVariances = await judge(await runCase(loaded, settle(loaded, {})));
    expect(byVariances.verdict).toBe('differs');
    expect(await verify(loaded)).toMatchObject({ verdict: 'parity' });
    expect(await verify(loaded, { profile: 'generic' })).toMatchObject({ verdict: 'parity' });
  });

  test.each([
    ['weight_hh_l0', 1.001],
    ['weight_hh_l1', 1.0001],
  ])('differs with a wrong weight: %s × %d', async (name, by) => {
    const one = stacked(16, 3, 37);
    expect(await judgedStack(one, {}, withWeight(one.weights, name, 3, by))).toMatchObject({
      verdict: 'differs',
    });
  });

  test.each([13, 16, 46])('differs where one unit is off more than the others: seed %d', async (seed) => {
    const one = stacked(16, 2, seed, 40, 3);
    expect(await judgedStack(one)).toMatchObject({ verdict: 'parity' });
    const wrong = withWeight(one.weights, 'weight_hh_l1', seed, 1 + 1e-5);
    expect(await judgedStack(one, {}, wrong)).toMatchObject({ verdict: 'differs' });
  });

  test('is not sampled for faults that are far off, nor where all outputs are known', async () => {
    const one = stacked(16, 3, 37);
    const far = one.output.data.slice();
    far[20] += 0.1;
    const tensors = { input: one.input, output: { ...one.output, data: far }, h_n: one.h_n };
    const loaded = caseOf(one.weights, tensors, { batch_first: false });
    expect(await verify(loaded)).toMatchObject({ verdict: 'differs' });
    expect(samples.taken).toBe(0);
    const single = drawn({ hidden_size: 12 });
    const off = computedBy(single.network, single.sequence);
    const wrong = withWeight(single.weights, 'weight_hh_l0', 3, 1 + 1e-5);
    expect(await judged(single, off, {}, wrong)).toMatchObject({ verdict: 'differs' });
    expect(samples.taken).toBe(0);
  });

  test.each([
    ['samples leave a fault in all of it', 60, 40, 1e-5, 1],
    ['samples leave a fault in its first steps, and no more is sampled', 80, 3, 1e-4, 0],
  ])('is not explained where %s', async (_, steps, at, by, wholes) => {
    const one = stacked(16, 3, 37, steps);
    const weights = withWeight(one.weights, 'weight_hh_l1', at, 1 + by);
    const loaded = caseOf(weights, { input: one.input, output: one.output }, { batch_first: false });
    const run = await runCase(loaded, settle(loaded, {}));
    let sampledWholes = 0;
    const rejudge: typeof run.rejudge = (other) => {
      if ('sampled' in other) sampledWholes++;
      return run.rejudge(other);
    };
    const { explained } = await widen({ ...run, rejudge });
    expect({ explained, taken: samples.taken, sampledWholes }).toEqual({
      explained: undefined,
      taken: 1,
      sampledWholes: wholes,
    });
  });

  test('is not explained by samples that leave more undecided', async () => {
    const one = stacked(16, 3, 37);
    expect(await judgedStack(one)).toMatchObject({ verdict: 'parity' });
    expect(samples.taken).toBeGreaterThan(0);
    samples.larger = 1e6;
    expect(await judgedStack(one)).toMatchObject({ verdict: 'differs' });
  });
});
