import { describe, expect, test } from 'vitest';
import { caseOf } from '../../src/module/case.js';
import { type Floats, roundTo } from '../../src/tensor/dtype.js';
import { tensor } from '../../src/tensor/tensor.js';
import type { Comparison } from '../../src/verdict/comparison.js';
import { verify } from '../../src/verify.js';
import { weightsOf } from '../engine/random-network.js';
import { caseFrom, madeWithWeight, read } from '../gpu/references.js';
import { all, drawn, inFloat32, judged, stored, to, withWeight } from './drawn-port.js';
import { computedBy, type Runtime } from './runtime.js';

/** What a GPU computed, judged. */
const ofGpu = (name: string, options: Parameters<typeof verify>[1]) =>
  verify(caseFrom(read(`${name}.safetensors`)), options);

const tf32 = (value: number) => roundTo(value, 'TF32');

describe('every way in which a GPU multiplies in TF32 is parity where that is said', () => {
  test.each([
    ['both products', '0147-lstm-tf32-no-cudnn'],
    ['only that of x', '0146-lstm-tf32'],
    ['only that of h', '0003-lstm-tf32-no-cudnn'],
    ['none', '0002-lstm-tf32'],
    ['none, and one unit is off more than others', '0205-gru-float32-no-cudnn'],
  ])('%s: %s', async (_, name) => {
    expect(await ofGpu(name, { profile: 'tf32' })).toMatchObject({ verdict: 'parity' });
  });
});

test('what a GPU computed in float32 is named by its tanh', async () => {
  const { verdict, tensors } = await ofGpu('0144-lstm-float32', {});
  expect({ verdict, profile: tensors[0].auto?.profile }).toEqual({ verdict: 'parity', profile: 'cudnn' });
});

describe('rounded products', () => {
  test.each([
    ['0280-rnn-float16', undefined],
    ['0284-rnn-autocast-float16', 'f16'],
  ] as const)('are parity where all units are off by them: %s', async (name, profile) => {
    expect(await ofGpu(name, { profile })).toMatchObject({ verdict: 'parity' });
  });

  test('are no reason for a weight that is off in one unit', async () => {
    const one = drawn({ hidden_size: 4, steps: 40 });
    const outputs = stored(computedBy(one.network, one.sequence, all('F16')), 'F16');
    const wrong = withWeight(one.weights, 'weight_ih_l0', 1, 1.002);
    expect(await judged(one, outputs, {}, wrong)).toMatchObject({ verdict: 'differs' });
  });
});

/** An RNN of six units and relu whose results are stored in float16: its weights of x and its bias by unit. */
function storedRelu(one: ReturnType<typeof drawn>, times: readonly number[], bias?: Floats) {
  const { module, layers } = one.network;
  const [[layer]] = layers;
  const network = {
    module: { ...module, nonlinearity: 'relu' as const },
    layers: [
      [
        {
          ...layer,
          weightIh: layer.weightIh.map((value, i) => Math.fround(value * times[Math.floor(i / 3)])),
          weightHh: layer.weightHh.map((value) => Math.fround(value / 10)),
          biasIh: bias ?? layer.biasIh!,
        },
      ],
    ],
  };
  const outputs = stored(computedBy(network, one.sequence, { store: to('F16') }), 'F16');
  const options = { batch_first: false, nonlinearity: 'relu' as const };
  return verify(caseOf(inFloat32(weightsOf(network)), { input: one.input, ...outputs }, options));
}

describe('results that are stored in float16, of operands that are not', () => {
  test('are parity where only one unit is not zero', async () => {
    const one = drawn({ hidden_size: 6, seed: 5 });
    const bias = new Float64Array(6).fill(-1e4);
    bias[2] = 0.1;
    const comparison = await storedRelu(one, [1, 1, 1000, 1, 1, 1], bias);
    expect(comparison.verdict).toBe('parity');
  });

  test('are ill-conditioned where they overflow, however else operands may be rounded', async () => {
    const drawnOne = drawn({ hidden_size: 6, steps: 10, seed: 20 });
    // The first three steps do not overflow, so that rounding the operands would show.
    const input = drawnOne.sequence.input.map((value, i) => (i < 18 ? Math.fround(value / 16) : value));
    const one = {
      ...drawnOne,
      sequence: { ...drawnOne.sequence, input },
      input: tensor(drawnOne.input.shape, input),
    };
    expect((await storedRelu(one, Array(6).fill(40_000))).verdict).toBe('ill-conditioned');
  });
});

/** How many values are a fault, in all tensors. */
const faultsIn = ({ tensors }: Comparison) => tensors.reduce((sum, { auto }) => sum + (auto?.faults ?? 0), 0);

describe('a wrong weight', () => {
  test.each([
    ['RNN', 6, 5, 1.005, 11],
    ['GRU', 6, 5, 1.01, 7],
    ['LSTM', 6, 5, 1.01, 7],
    // Where only the output fits worse.
    ['RNN', 4, 3, 1.003, 7],
  ] as const)(
    'is not excused by a way that fits worse: %s, %d units, seed %d',
    async (kind, hidden_size, seed, by, at) => {
      const one = drawn({ kind, hidden_size, seed, steps: 40 });
      const outputs = stored(computedBy(one.network, one.sequence, all('F16')), 'F16');
      const wrong = withWeight(one.weights, 'weight_ih_l0', at, by);
      expect(await judged(one, outputs, {}, wrong)).toMatchObject({ verdict: 'differs' });
    },
  );

  test.each(['0169-lstm-float32-no-cudnn', '0193-gru-float32-no-cudnn'])(
    'is not excused because final states are near: %s',
    async (name) => {
      const made = madeWithWeight(read(`${name}.safetensors`), 'weight_ih_l0', 1, 1.05);
      expect(await verify(caseFrom(made), { profile: 'tf32' })).toMatchObject({ verdict: 'differs' });
    },
  );

  test('is shown by the first way where the others fit worse', async () => {
    const one = drawn({ hidden_size: 2, steps: 40 });
    const outputs = stored(computedBy(one.network, one.sequence, all('F16')), 'F16');
    const comparison = await judged(one, outputs, {}, withWeight(one.weights, 'weight_ih_l0', 1, 1.005));
    // 33 by the second way; rounded products are not tried with so few units.
    expect(faultsIn(comparison)).toBe(31);
  });

  test('is shown by the way that fits best', async () => {
    const one = drawn({ hidden_size: 6, steps: 40 });
    const outputs = stored(computedBy(one.network, one.sequence, all('F16')), 'F16');
    const comparison = await judged(one, outputs, {}, withWeight(one.weights, 'weight_ih_l0', 1, 1.005));
    // 15 by the first way, 16 by the second.
    expect(faultsIn(comparison)).toBe(2);
  });

  test.each([
    ['0178-lstm-autocast-bfloat16', 'bf16'],
    ['0256-rnn-float16', undefined],
    ['0274-rnn-autocast-bfloat16', 'bf16'],
  ] as const)(
    'that is none is excused by another way, if this fits better or values are off: %s',
    async (name, profile) => {
      expect(await ofGpu(name, { profile })).toMatchObject({ verdict: 'parity' });
    },
  );
});

test.each([
  // Where several are as likely, the one with more rounding is named.
  [
    'products and gates in float16',
    { weights: to('F16'), input: to('F16'), store: to('F16'), state: Math.fround },
    1,
    'autocast-f16',
  ],
  ['only x and h in TF32', { input: tf32 }, 2, 'tf32'],
  ['x, h and weights in TF32', { weights: tf32, input: tf32 }, 1, 'tf32'],
] as const)(
  'of several precisions the likeliest is named: %s',
  async (_, runtime: Runtime, seed, precision) => {
    const one = drawn({ kind: 'LSTM', steps: 30, seed });
    const { verdict, coarser } = await judged(one, computedBy(one.network, one.sequence, runtime));
    expect({ verdict, coarser }).toEqual({ verdict: 'differs', coarser: precision });
  },
);
