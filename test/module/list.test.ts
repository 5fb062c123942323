import { expect, test } from 'vitest';
import { listModules } from '../../src/module/list.js';
import { linesOf } from '../errors.js';
import { lstm, specs } from './modules.js';

test('a module with its size, its gates, its shapes, and what is left', () => {
  const checkpoint = new Map([
    ...specs({ 'rnn.weight_ih_l0': [12, 3], 'rnn.weight_hh_l0': [12, 4] }),
    ...specs({ 'rnn.bias_ih_l0': [12] }, 'BF16'),
    ...specs({ 'rnn.bias_hh_l0': [12] }, 'F8_E4M3'),
    ...specs({ 'fc.weight': [2, 4], 'rnn.weight_ih': [4, 3] }),
  ]);
  const { modules, more, others } = listModules(checkpoint);
  expect(modules[0]).toEqual({
    prefix: 'rnn.',
    parameters: 12 * (3 + 4 + 1 + 1),
    dtypes: ['float32', 'bfloat16', 'F8_E4M3'],
    is: {
      module: lstm({ kind: 'GRU', prefix: 'rnn.' }),
      words: ['GRU 3 → 4', '1 layer'],
      gates: [
        { gate: 'r', first: 0, last: 3 },
        { gate: 'z', first: 4, last: 7 },
        { gate: 'n', first: 8, last: 11 },
      ],
      shapes: {
        input: ['T', 'B', 3],
        h_0: [1, 'B', 4],
        output: ['T', 'B', 4],
        h_n: [1, 'B', 4],
      },
    },
  });
  expect(modules[1]).toMatchObject({
    prefix: 'rnn.',
    parameters: 12,
    error: { message: expect.stringContaining('missing     weight_hh ') },
  });
  expect(modules[1]).not.toHaveProperty('is');
  expect(modules.length).toBe(2);
  expect(more).toBe(false);
  expect(others).toEqual([{ name: 'fc.weight', spec: { dtype: 'F32', shape: [2, 4] } }]);
});

test('there are more from a thousand on', () => {
  const many = (count: number) =>
    specs(Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}.weight_ih_l0`, [1, 1]])));
  expect(listModules(many(999)).more).toBe(false);
  expect(listModules(many(1001))).toMatchObject({ more: true, others: [{ name: '1000.weight_ih_l0' }] });
});

test('a checkpoint without a module is an error', () => {
  expect(linesOf(() => listModules(specs({ kernel: [2, 2] })))[0]).toMatch(/^holds no recurrent module/);
});

test('an error of the program itself is not listed as one of the checkpoint', () => {
  const broken = () => {
    throw new RangeError('broken');
  };
  const shape = Object.assign([4, 3], { includes: broken });
  expect(() => listModules(specs({ weight_ih_l0: shape }))).toThrow(RangeError);
});
