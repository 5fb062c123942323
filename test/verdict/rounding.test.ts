import { describe, expect, test } from 'vitest';
import { caseOf, type Dtype, forward, stateDict, tensor, verify } from '../../src/index.js';
import type { Module } from '../../src/module/parameters.js';
import { adviceText } from '../../src/report/remarks-text.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf, weightsOf } from '../engine/random-network.js';

const RNN = moduleOf('RNN');

describe('printed numbers', () => {
  // One step of one unit: weight·input, with relu.
  const judged = async (decimals: number, weight: number, input: number, expected: number) => {
    const weights = stateDict({
      weight_ih_l0: tensor([1, 1], [weight], 'F64'),
      weight_hh_l0: tensor([1, 1], [0.5]),
    });
    const tensors = {
      input: tensor([1, 1, 1], [input], 'F64'),
      output: tensor([1, 1, 1], [expected], 'F64'),
    };
    const result = await verify(caseOf(weights, tensors), { nonlinearity: 'relu', decimals });
    return { verdict: result.verdict, auto: result.tensors[0].auto };
  };

  test('may be off by what their own decimals lack, beside what those of weights and inputs do', async () => {
    // The product is 0.8517 ± 0.0011, and that was printed: ± 0.0005 more.
    expect(await judged(3, 0.501, 1.7, 0.853)).toMatchObject({ verdict: 'parity', auto: { faults: 0 } });
    expect(await judged(3, 0.501, 1.7, 0.854)).toMatchObject({ verdict: 'differs', auto: { faults: 1 } });
    expect(await judged(3, 0.501, 1.7, 0.85)).toMatchObject({ verdict: 'differs', auto: { faults: 1 } });
  });

  test('are undecided where their decimals leave more than half of a value open', async () => {
    // 1.6 ± 0.45, 30 ± 1.05, and 2 ± 1.05.
    expect(await judged(1, 0.2, 8, 1.9)).toMatchObject({ verdict: 'parity', auto: { undecided: 0 } });
    expect(await judged(1, 1.5, 20, 30.9)).toMatchObject({ verdict: 'parity', auto: { undecided: 0 } });
    const open = await judged(1, 0.1, 20, 2.9);
    expect(open.auto).toMatchObject({ undecided: 1, faults: 0 });
    expect(open.verdict).not.toBe('parity');
  });
});

test('a layer begins from no output that is stored coarser than what came of it', async () => {
  const weights = weightsOf(networkOf({ ...RNN, num_layers: 2 }, 1));
  const { input: numbers } = sequenceOf(RNN, 6, 1, 1);
  const input = tensor([6, 1, 1], numbers, 'F64');
  const { output, trace } = await forward(weights, { input }, { trace: true });
  const stored = (lower: Dtype, upper: Dtype) => {
    const below = trace!['layer0.forward.h'];
    const tensors = {
      output_l0: tensor(below.shape, below.data, lower),
      output: tensor(output!.shape, output!.data, upper),
    };
    return verify(caseOf(weights, { input, ...tensors }));
  };
  for (const [lower, upper] of [
    ['BF16', 'F32'],
    ['F16', 'F32'],
    ['F32', 'F64'],
  ] as const) {
    const { verdict, tensors } = await stored(lower, upper);
    expect(verdict).toBe('parity');
    expect(tensors.map(({ auto }) => auto?.forced)).toEqual([false, true]);
  }
  const { tensors } = await stored('F32', 'F32');
  expect(tensors.map(({ auto }) => auto?.forced)).toEqual([true, true]);
});

describe('a coarser precision', () => {
  const STEPS = 20;

  test('is named where all values are of it, however many of them are exact', async () => {
    // Without biases what is given zeros gives zeros.
    const weights = weightsOf(networkOf({ ...RNN, kind: 'GRU', hidden_size: 4, bias: false }, 1));
    const { input: numbers } = sequenceOf(RNN, STEPS, 5, 1);
    const advice = async (rows: number) => {
      const some = numbers.map((one, i) => (i % 5 < rows ? one : 0));
      const input = tensor([STEPS, 5, 1], some, 'F64');
      const { output } = await forward(weights, { input });
      const rounded = tensor(output!.shape, output!.data, 'F16');
      const result = await verify(caseOf(weights, { input, output: { ...rounded, dtype: 'F32' } }));
      expect(result.verdict).toBe('differs');
      return result.advice.map(adviceText).join();
    };
    for (const rows of [1, 3, 5]) expect(await advice(rows)).toContain('within float16 rounding');
  });

  test('that shows in no value by itself is named for noise that is alike in no two of four units or more', async () => {
    const advice = async (hidden_size: number, alike = false) => {
      const module: Module = { ...RNN, kind: 'GRU', input_size: 4, hidden_size };
      const weights = weightsOf(networkOf(module, 1));
      const input = tensor([STEPS, 5, 4], sequenceOf(module, STEPS, 5, 1).input, 'F64');
      const { output } = await forward(weights, { input });
      const { input: noise } = sequenceOf({ ...module, input_size: hidden_size }, STEPS, 5, 100);
      // TF32 keeps eleven bits of what it multiplies: all of this is well within its rounding.
      const noisy = Array.from(
        output!.data,
        (one, i) => one + 2e-5 * noise[alike ? i - (i % hidden_size) : i],
      );
      const result = await verify(caseOf(weights, { input, output: tensor(output!.shape, noisy) }));
      expect(result.verdict).toBe('differs');
      return result.advice.map(adviceText).join();
    };
    for (const few of [1, 2, 3]) expect(await advice(few)).not.toContain('TF32');
    for (const many of [4, 8]) {
      expect(await advice(many)).toContain('within TF32 rounding');
      expect(await advice(many, true)).not.toContain('TF32');
    }
  });
});
