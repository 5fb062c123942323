import { expect, test } from 'vitest';
import {
  byColumn,
  lastLayerFirst,
  reorderStates,
  reverseTime,
  SHIFTS,
  sameSize,
} from '../../../src/diagnose/conventions/variant-order.js';
import { moduleOf } from '../../engine/module.js';

const VALUES = Float64Array.of(1, 2, 3, 4, 5, 6);

test('a table is read column by column', () => {
  expect(byColumn(2, 3)).toEqual([0, 3, 1, 4, 2, 5]);
  expect(byColumn(3, 2)).toEqual([0, 2, 4, 1, 3, 5]);
});

test('the last layer comes first, and directions keep their order', () => {
  expect(lastLayerFirst(moduleOf('RNN', { num_layers: 3 }))).toEqual([2, 1, 0]);
  expect(lastLayerFirst(moduleOf('RNN', { num_layers: 3, bidirectional: true }))).toEqual([4, 5, 2, 3, 0, 1]);
});

test('states move as a whole, h and c by their own sizes', () => {
  const h = Float64Array.of(1, 2, 3, 4);
  expect(reorderStates({ h, c: VALUES }, [1, 0])).toEqual({
    h: Float64Array.of(3, 4, 1, 2),
    c: Float64Array.of(4, 5, 6, 1, 2, 3),
  });
  expect(reorderStates({ h }, [1, 1])).toEqual({ h: Float64Array.of(3, 4, 3, 4), c: undefined });
});

test('time is reversed step by step', () => {
  expect(reverseTime(VALUES, 3)).toEqual(Float64Array.of(5, 6, 3, 4, 1, 2));
});

test('a shift loses one step and takes the edge for the one that becomes free', () => {
  const edge = Float64Array.of(8, 9);
  expect(SHIFTS.early(VALUES, edge)).toEqual(Float64Array.of(3, 4, 5, 6, 8, 9));
  expect(SHIFTS.late(VALUES, edge)).toEqual(Float64Array.of(8, 9, 1, 2, 3, 4));
});

test('only a projection gives h another size than c', () => {
  expect(sameSize(moduleOf('LSTM', { hidden_size: 3 }))).toBe(true);
  expect(sameSize(moduleOf('LSTM', { hidden_size: 3, proj_size: 2 }))).toBe(false);
});
