import { expect, test } from 'vitest';
import { writerFor } from '../../src/formats/write-tensors.js';
import { tensor } from '../../src/tensor/tensor.js';

test('a CSV has numbers that are not finite as pandas, R and numpy read them, each with its sign', () => {
  const values = [1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -0.25];
  const output = { name: 'output', axes: ['step', 'batch', 'unit'], directions: ['forward'] } as const;
  const written = writerFor('states.csv')!([{ ...output, ...tensor([5, 1, 1], values) }]);
  const [, ...lines] = [...written].join('').trimEnd().split('\n');
  expect(lines.map((line) => line.split(',')[6])).toEqual(['1.5', 'inf', '-inf', 'NaN', '-0.25']);
});
