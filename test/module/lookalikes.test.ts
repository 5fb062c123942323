import { expect, test } from 'vitest';
import { lookalikeHints } from '../../src/module/lookalikes.js';

const hints = (shapes: Readonly<Record<string, readonly number[]>>) =>
  lookalikeHints(new Map(Object.entries(shapes).map(([name, shape]) => [name, { dtype: 'F32', shape }])));

test('tensors with the shapes of an LSTM are named, ready to be pasted, as patterns where these are shorter', () => {
  const own = { enc_w_ih: [16, 3], enc_w_hh: [16, 4], enc_b_ih: [16], enc_b_hh: [16], fc: [10, 4] };
  expect(hints(own)).toEqual([
    'By their shapes, some tensors may be an LSTM 3 → 4. If they are, name them for verify:',
    '  --name "weight_*_l0=enc_w_*" --name "bias_*_l0=enc_b_*"',
  ]);
});

test('names that differ in other letters are given one by one; the nearest belong together', () => {
  expect(hints({ Wx: [12, 7], Wh: [12, 4], other: [12, 9] })).toEqual([
    'By their shapes, some tensors may be a GRU 7 → 4. If they are, name them for verify:',
    '  --name weight_ih_l0=Wx --name weight_hh_l0=Wh',
  ]);
});

test('biases that no name tells apart are in the order of the file', () => {
  expect(hints({ 0: [12, 4], 1: [12, 4], 2: [12], 3: [12] })[1]).toBe(
    '  --name weight_ih_l0=1 --name weight_hh_l0=0 --name bias_ih_l0=2 --name bias_hh_l0=3',
  );
  expect(hints({ w_ih: [12, 3], w_hh: [12, 4], b_hh: [12], b_ih: [12] })[1]).toContain('"bias_*_l0=b_*"');
});

test('a square matrix is no recurrence unless its name says so', () => {
  expect(hints({ a: [4, 4], b: [4, 3] })).toEqual([]);
  expect(hints({ w_hh: [4, 4], w_ih: [4, 3] })[0]).toContain('an RNN 3 → 4');
});

test('tensors of other shapes look like nothing', () => {
  expect(hints({ a: [16, 5], b: [10, 3], c: [16] })).toEqual([]);
  expect(hints({ a: [0, 0], b: [0, 3] })).toEqual([]);
});
