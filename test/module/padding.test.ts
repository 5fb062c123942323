import { expect, test } from 'vitest';
import { type Padding, withoutPadding } from '../../src/module/padding.js';
import type { Reference } from '../../src/tensor/reference.js';

/** Three steps of two rows with one unit; the second row has two valid steps. */
const reference = (last: number, lengths: readonly number[] | undefined = [3, 2]): Reference => ({
  name: 'output',
  dtype: 'F32',
  rows: 3,
  batch: 2,
  units: 1,
  data: Float32Array.of(-1, -1, 2, 3, 4, last),
  axes: { layer: 0, directions: ['forward'], steps: 3, lengths },
});

const read = (last: number, padding?: Padding) => [...withoutPadding(reference(last), padding).data];

test.each<[string, number, Padding | undefined, number]>([
  ['as stated is PyTorch’s zero', -1, -1, 0],
  ['as stated, in the precision of the tensor', Math.fround(0.1), 0.1, 0],
  ['of another value stays', 5, -1, 5],
  ['that is ignored may be anything', Number.NaN, 'ignore', 0],
  ['without a statement stays', -1, undefined, -1],
])('padding %s', (_, last, padding, expected) => {
  expect(read(last, padding)).toEqual([-1, -1, 2, 3, 4, expected]);
});

test('final states have no padding', () => {
  const { axes, ...rest } = reference(-1);
  const state: Reference = { ...rest, name: 'h_n', axes: { ...axes, layer: undefined } };
  expect(withoutPadding(state, 'ignore')).toBe(state);
});

test('without lengths there is none', () => {
  const { axes, ...rest } = reference(-1);
  const whole: Reference = { ...rest, axes: { ...axes, lengths: undefined } };
  expect(() => withoutPadding(whole, 'ignore')).toThrow('padding: is for a case with lengths');
});
