import { expect, test } from 'vitest';
import { caseOf, forward, stateDict, tensor, verify } from '../../src/index.js';

const weight = tensor([1, 1], [0.5]);
const cell = stateDict({ weight_ih: weight, weight_hh: weight });
const rnn = stateDict({ weight_ih_l0: weight, weight_hh_l0: weight });

test('a Cell knows no batch_first, and may be told so', async () => {
  const input = tensor([2, 1], [1, 2]);
  await expect(forward(cell, { input }, { batch_first: true })).rejects.toThrow(
    'batch_first is for sequences, and this is a RNNCell',
  );
  expect((await forward(cell, { input }, { batch_first: false })).h_n.shape).toEqual([2, 1]);
  expect((await forward(rnn, { input: tensor([2, 1, 1], [1, 2]) }, { batch_first: true })).h_n.shape).toEqual(
    [1, 2, 1],
  );
});

test('every tensor of a case is of floats, but for its lengths', async () => {
  const input = tensor([2, 1, 1], [1, 1]);
  const h_0 = tensor([1, 1, 1], [0]);
  const { output, h_n } = await forward(rnn, { input, h_0 });
  const whole = { input, h_0, output: output!, h_n };
  for (const [name, { shape, data }] of Object.entries(whole)) {
    const asInteger = { dtype: 'I64' as const, shape, data };
    await expect(verify(caseOf(rnn, { ...whole, [name]: asInteger }))).rejects.toThrow(
      `${name}: found dtype int64, expected float64, float32, float16 or bfloat16`,
    );
  }
  const integers = stateDict({ weight_ih_l0: weight, weight_hh_l0: tensor([1, 1], [1], 'I64') });
  await expect(forward(integers, { input })).rejects.toThrow('weight_hh_l0: found dtype int64');
  for (const dtype of ['I64', 'I32', 'F32'] as const) {
    const lengths = tensor([1], [2], dtype);
    expect((await verify(caseOf(rnn, { ...whole, lengths }))).verdict).toBe('parity');
  }
});

test('a length is a whole number of steps, from one to all of them', async () => {
  const input = tensor([3, 2, 1], [1, 2, 3, 4, 5, 6]);
  const run = (...lengths: number[]) => forward(rnn, { input, lengths: tensor([2], lengths, 'F64') });
  const { output } = await run(1, 3);
  expect(Array.from(output!.data, (value) => value !== 0)).toEqual([true, true, false, true, false, true]);
  for (const wrong of [0, -1, 4, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    await expect(run(3, wrong)).rejects.toThrow(
      `lengths: found ${wrong} for batch row 1, expected an integer from 1 to the 3 steps of the input`,
    );
  }
});
