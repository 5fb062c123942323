import { expect, test } from 'vitest';
import { positionOf } from '../../src/tensor/reference.js';

const BOTH = ['forward', 'reverse'] as const;
const shape = { dtype: 'F32', rows: 6, batch: 2, units: 4 } as const;
const position = (reference: Parameters<typeof positionOf>[0], row: number, batch: number, unit: number) =>
  positionOf(reference, (row * reference.batch + batch) * reference.units + unit);

test('a row of an output is a step, and its units are those of one direction after the other', () => {
  const output = { name: 'output', ...shape, axes: { layer: 2, directions: BOTH, steps: 6 } } as const;
  expect(position(output, 0, 0, 0)).toEqual({
    row: 0,
    step: 0,
    layer: 2,
    direction: 'forward',
    batch: 0,
    unit: 0,
  });
  expect(position(output, 4, 1, 1)).toMatchObject({ step: 4, direction: 'forward', batch: 1, unit: 1 });
  expect(position(output, 4, 1, 2)).toMatchObject({ step: 4, direction: 'reverse', batch: 1, unit: 2 });
  expect(position(output, 5, 1, 3)).toMatchObject({ row: 5, step: 5, layer: 2, direction: 'reverse' });
});

test('a row of a final state is a layer and direction, after the last step that the direction takes', () => {
  const state = { name: 'h_n', ...shape, axes: { directions: BOTH, steps: 9 } } as const;
  expect(position(state, 3, 1, 3)).toEqual({
    row: 3,
    step: 0,
    layer: 1,
    direction: 'reverse',
    batch: 1,
    unit: 3,
  });
  expect(position(state, 4, 0, 3)).toMatchObject({ layer: 2, direction: 'forward', step: 8, unit: 3 });
  const short = { ...state, axes: { ...state.axes, lengths: [9, 4] } };
  expect(position(short, 2, 0, 0)).toMatchObject({ layer: 1, step: 8 });
  expect(position(short, 2, 1, 0)).toMatchObject({ layer: 1, step: 3 });
  const single = { ...state, axes: { directions: ['forward'] as const, steps: 9 } };
  expect(position(single, 5, 0, 0)).toMatchObject({ layer: 5, direction: 'forward', step: 8 });
});
