import { expect, test } from 'vitest';
import { formatDimensions } from '../../schemas/shapes.js';
import { arrange } from '../../src/module/axes.js';
import type { Role } from '../../src/module/case.js';
import { caseShapes, type Layout, layoutWord } from '../../src/module/layout.js';
import type { Module } from '../../src/module/parameters.js';
import { type Tensor, tensor } from '../../src/tensor/tensor.js';
import { caseWith, lstm, type Shapes } from './modules.js';

const read = (module: Module, given: Shapes, batch_first?: boolean) =>
  arrange(module, caseWith(module, given).tensors, batch_first);

const CELL = { cell: true };
const SEQUENCE = { batch_first: false, batched: true, timed: true, steps: 5, batch: 2 };

test.each<[string, Partial<Module>, readonly number[], boolean | undefined, Layout]>([
  ['a sequence with a batch', {}, [5, 2, 3], undefined, SEQUENCE],
  ['the same, batch first', {}, [2, 5, 3], true, { ...SEQUENCE, batch_first: true }],
  ['a sequence alone', {}, [5, 3], undefined, { ...SEQUENCE, batched: false, batch: 1 }],
  ['a sequence alone has no batch to be first', {}, [5, 3], true, { ...SEQUENCE, batched: false, batch: 1 }],
  ['a loop over a Cell', CELL, [5, 2, 3], undefined, SEQUENCE],
  ['a loop over a Cell has its time first', CELL, [5, 2, 3], true, SEQUENCE],
  ['a step of a Cell', CELL, [2, 3], undefined, { ...SEQUENCE, timed: false, steps: 1 }],
  [
    'a row of a step',
    CELL,
    [3],
    undefined,
    { ...SEQUENCE, timed: false, steps: 1, batched: false, batch: 1 },
  ],
  ['an input of no dimension', {}, [], undefined, { ...SEQUENCE, steps: 1, batch: 1 }],
  ['an input of one dimension', {}, [3], undefined, { ...SEQUENCE, steps: 3, batched: false, batch: 1 }],
  ['an input of four dimensions', {}, [5, 2, 3, 1], undefined, { ...SEQUENCE, batch: 1 }],
])('%s', (_, otherwise, input, batch_first, layout) => {
  expect(read(lstm(otherwise), { input }, batch_first).chosen.layout).toEqual(layout);
});

test('a case without an input is one step of a batch of one', () => {
  expect(read(lstm(), {}).chosen.layout).toEqual({ ...SEQUENCE, steps: 1, batch: 1 });
});

test('batch_first is what the shapes fit', () => {
  const firstBatch = read(lstm(), { input: [2, 5, 3], h_n: [1, 2, 4] });
  expect(firstBatch.chosen.layout).toEqual({ ...SEQUENCE, batch_first: true });
  expect(firstBatch.other?.layout).toEqual({ ...SEQUENCE, steps: 2, batch: 5 });
  expect(firstBatch.other?.issues.length).toBe(1);
  const firstTime = read(lstm(), { input: [5, 2, 3], h_n: [1, 2, 4] });
  expect(firstTime.chosen).toEqual({ layout: SEQUENCE, issues: [] });
  expect(firstTime.other?.layout).toEqual({ ...SEQUENCE, batch_first: true, steps: 2, batch: 5 });
});

test('where the shapes fit both or neither, time is first', () => {
  for (const h_n of [undefined, [1, 3, 4]]) {
    const { chosen, other } = read(lstm(), { input: [5, 2, 3], ...(h_n && { h_n }) });
    expect([chosen.layout.batch_first, other?.layout.batch_first]).toEqual([false, true]);
  }
});

test('a batch_first that is said is chosen, whatever fits', () => {
  const given = { input: [2, 5, 3], h_n: [1, 2, 4] };
  for (const said of [true, false]) {
    const { chosen, other } = read(lstm(), given, said);
    expect([chosen.layout.batch_first, other?.layout.batch_first]).toEqual([said, !said]);
    expect([chosen.issues.length, other?.issues.length]).toEqual(said ? [0, 1] : [1, 0]);
  }
});

test('where batch_first makes no difference there is one reading', () => {
  expect(read(lstm(), { input: [5, 3] }).other).toBeUndefined();
  expect(read(lstm(CELL), { input: [5, 2, 3] }).other).toBeUndefined();
});

const wanted = (
  module: Module,
  { batch_first = false, batched = true, timed = true }: Partial<Layout>,
  tensors: ReadonlyMap<Role, Tensor> = new Map(),
) =>
  caseShapes(module, { batch_first, batched, timed, steps: 5, batch: 2 }, tensors).map(
    ({ name, dimensions, optional }) =>
      `${name} ${formatDimensions(dimensions)}${optional ? '' : ', needed'}`,
  );

test('what a case of a bidirectional LSTM with a projection holds', () => {
  expect(wanted(lstm({ bidirectional: true, proj_size: 2, num_layers: 3 }), {})).toEqual([
    'input [T, B, input_size] = [T, B, 3], needed',
    'h_0 [2·num_layers, B, proj_size] = [6, 2, 2]',
    'c_0 [2·num_layers, B, hidden_size] = [6, 2, 4]',
    'lengths [B] = [2]',
    'output [T, B, 2·proj_size] = [5, 2, 4]',
    'h_n [2·num_layers, B, proj_size] = [6, 2, 2]',
    'c_n [2·num_layers, B, hidden_size] = [6, 2, 4]',
  ]);
});

test('batch first, only input and output have the batch before the steps', () => {
  expect(wanted(lstm({ kind: 'GRU' }), { batch_first: true })).toEqual([
    'input [B, T, input_size] = [B, T, 3], needed',
    'h_0 [num_layers, B, hidden_size] = [1, 2, 4]',
    'lengths [B] = [2]',
    'output [B, T, hidden_size] = [2, 5, 4]',
    'h_n [num_layers, B, hidden_size] = [1, 2, 4]',
  ]);
});

test('without a batch there are no lengths', () => {
  expect(wanted(lstm({ kind: 'RNN' }), { batched: false })).toEqual([
    'input [T, input_size] = [T, 3], needed',
    'h_0 [num_layers, hidden_size] = [1, 4]',
    'output [T, hidden_size] = [5, 4]',
    'h_n [num_layers, hidden_size] = [1, 4]',
  ]);
});

test('a step of a Cell has no time, no layers and no lengths', () => {
  expect(wanted(lstm(CELL), { timed: false })).toEqual([
    'input [B, input_size] = [B, 3], needed',
    'h_0 [B, hidden_size] = [2, 4]',
    'c_0 [B, hidden_size] = [2, 4]',
    'output [B, hidden_size] = [2, 4]',
    'h_n [B, hidden_size] = [2, 4]',
    'c_n [B, hidden_size] = [2, 4]',
  ]);
});

const states = (kind: 'LSTM' | 'GRU', role: 'h_0' | 'c_0') =>
  wanted(lstm({ kind }), {}, new Map([[role, tensor([], [0])]])).filter((line) => /^[hc]_0/.test(line));

test('an LSTM takes an h_0 alone, and no c_0 alone', () => {
  const h = 'h_0 [num_layers, B, hidden_size] = [1, 2, 4]';
  const c = 'c_0 [num_layers, B, hidden_size] = [1, 2, 4]';
  expect(states('LSTM', 'h_0')).toEqual([h, c]);
  expect(states('LSTM', 'c_0')).toEqual([`${h}, needed`, c]);
  expect(states('GRU', 'c_0')).toEqual([h]);
});

test.each([
  [[3, 2], 'output [T, B, hidden_size] = [5 or 3, 2, 4]'],
  [[5, 2], 'output [T, B, hidden_size] = [5, 2, 4]'],
  [[6, 2], 'output [T, B, hidden_size] = [5, 2, 4]'],
])('with lengths of %o the output may end at the longest of them', (lengths, output) => {
  const tensors = new Map<Role, Tensor>([['lengths', tensor([2], lengths, 'I64')]]);
  expect(wanted(lstm(), {}, tensors)).toContain(output);
});

test('outputs of layers below have the shape of the output', () => {
  const tensors = new Map<Role, Tensor>([
    ['output_l0', tensor([], [0])],
    ['lengths', tensor([2], [3, 1], 'I64')],
  ]);
  const lines = wanted(lstm({ num_layers: 2 }), {}, tensors);
  expect(lines).toContain('output_l0 [T, B, hidden_size] = [5 or 3, 2, 4]');
});

test('where the steps are not known, lengths do not shorten them', () => {
  const tensors = new Map<Role, Tensor>([['lengths', tensor([2], [3, 1], 'I64')]]);
  const shapes = caseShapes(lstm(), { batch_first: false, batched: true, timed: true }, tensors);
  const output = shapes.find(({ name }) => name === 'output')!;
  expect(formatDimensions(output.dimensions)).toBe('[T, B, hidden_size] = [T, B, 4]');
});

test('a layout in a word', () => {
  const word = (module: Module, otherwise: Partial<Layout>) =>
    layoutWord(module, { ...SEQUENCE, ...otherwise });
  expect(word(lstm(), {})).toBeUndefined();
  expect(word(lstm(), { batched: false })).toBe('unbatched');
  expect(word(lstm(), { batch_first: true })).toBe('batch_first');
  expect(word(lstm(CELL), {})).toBe('a loop over LSTMCell');
  expect(word(lstm(CELL), { timed: false })).toBeUndefined();
});
