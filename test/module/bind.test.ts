import { expect, test } from 'vitest';
import { bind } from '../../src/module/bind.js';
import { type Case, caseOf, type Role } from '../../src/module/case.js';
import type { Floats } from '../../src/tensor/dtype.js';
import { stateDict } from '../../src/tensor/state-dict.js';
import { type Tensor, tensor } from '../../src/tensor/tensor.js';
import { linesOf } from '../errors.js';
import { caseWith, counting, lstm, weightsOf } from './modules.js';

const FILES = { weights: 'w.json', input: 'i.json', expected: 'e.json', layers: 'l.json' };
const LOADED = caseWith(lstm(), { input: [5, 2, 3], output: [5, 2, 4], h_n: [1, 2, 4], c_n: [1, 2, 4] });

/** The case with other tensors, from files with names. */
const withTensors = (otherwise: Partial<Record<Role, Tensor>>, loaded = LOADED): Case => ({
  ...loaded,
  tensors: new Map([...loaded.tensors, ...(Object.entries(otherwise) as [Role, Tensor][])]),
  files: FILES,
});

const errorOf = (loaded: Case, module = lstm()) => linesOf(() => bind(module, loaded, undefined));
const first = (values: Floats | undefined) => values?.[0];

test('the parameters by layer and direction', () => {
  const module = lstm({ prefix: 'rnn.', num_layers: 2, bidirectional: true, proj_size: 2 });
  const { network } = bind(module, caseWith(module, { input: [5, 2, 3] }), undefined);
  expect(network.module).toBe(module);
  // The parameters hold 0 …, 1000 …, 2000 … in PyTorch's order.
  const starts = network.layers.map((layer) =>
    layer.map(({ weightIh, weightHh, biasIh, biasHh, weightHr }) =>
      [weightIh, weightHh, biasIh, biasHh, weightHr].map(first),
    ),
  );
  const from = (start: number) => [0, 1, 2, 3, 4].map((i) => 1000 * (start + i));
  expect(starts).toEqual([
    [from(0), from(5)],
    [from(10), from(15)],
  ]);
  expect(network.layers[1][1].weightHr?.length).toBe(8);
});

test('what a module has not is absent, and what is not its own is not loaded', () => {
  const module = lstm({ kind: 'GRU', cell: true, bias: false });
  const { specs, load } = weightsOf(module);
  const asked: string[] = [];
  const weights = {
    specs,
    load: (names: readonly string[]) => {
      asked.push(...names);
      return load(names);
    },
  };
  const { network } = bind(module, caseOf(weights, { input: counting([3]) }), undefined);
  expect(network.layers).toEqual([[{ weightIh: expect.anything(), weightHh: expect.anything() }]]);
  expect(asked).toEqual(['weight_ih', 'weight_hh']);
});

test('time first: tensors as they are', () => {
  const { sequence, references, layout, layerOutputs, otherLayoutFits } = bind(lstm(), LOADED, undefined);
  const data = (role: Role) => LOADED.tensors.get(role)!.data;
  expect(sequence).toEqual({ steps: 5, batch: 2, input: data('input') });
  const axes = { directions: ['forward'], steps: 5 };
  expect(references).toEqual([
    {
      name: 'output',
      dtype: 'F32',
      rows: 5,
      batch: 2,
      units: 4,
      data: data('output'),
      axes: { ...axes, layer: 0 },
    },
    { name: 'h_n', dtype: 'F32', rows: 1, batch: 2, units: 4, data: data('h_n'), axes },
    { name: 'c_n', dtype: 'F32', rows: 1, batch: 2, units: 4, data: data('c_n'), axes },
  ]);
  expect(layout.batch_first).toBe(false);
  expect(layerOutputs).toEqual([]);
  expect(otherLayoutFits).toBe(false);
});

test('batch first: input and outputs are brought into time first, states are left', () => {
  const module = lstm({ num_layers: 2, kind: 'GRU' });
  const shapes = {
    input: [2, 2, 3],
    output: [2, 2, 4],
    output_l0: [2, 2, 4],
    h_n: [2, 2, 4],
    h_0: [2, 2, 4],
  };
  const loaded = caseWith(module, shapes);
  const { sequence, references, layerOutputs, otherLayoutFits } = bind(module, loaded, true);
  const [output, h_n] = references;
  expect([...sequence.input]).toEqual([0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11]);
  const swapped = [0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15];
  expect([...output.data]).toEqual(swapped);
  expect(layerOutputs).toMatchObject([
    { name: 'output_l0', rows: 2, batch: 2, units: 4, axes: { layer: 0 } },
  ]);
  expect([...layerOutputs[0].data]).toEqual(swapped);
  expect(h_n.data).toBe(loaded.tensors.get('h_n')!.data);
  expect(sequence.h0).toBe(loaded.tensors.get('h_0')!.data);
  expect(otherLayoutFits).toBe(true);
});

test('sizes of a projected and bidirectional module', () => {
  const module = lstm({ hidden_size: 5, proj_size: 2, bidirectional: true, num_layers: 3 });
  const shapes = {
    input: [5, 2, 3],
    output: [5, 2, 4],
    h_n: [6, 2, 2],
    c_n: [6, 2, 5],
    output_l1: [5, 2, 4],
  };
  const { references, layerOutputs } = bind(module, caseWith(module, shapes), undefined);
  expect(references).toMatchObject([
    { name: 'output', rows: 5, units: 4 },
    { name: 'h_n', rows: 6, units: 2 },
    { name: 'c_n', rows: 6, units: 5 },
  ]);
  expect(layerOutputs).toMatchObject([{ name: 'output_l1', axes: { layer: 1 } }]);
  expect(layerOutputs).toHaveLength(1);
});

test('an output may end at the longest of the lengths, in either layout', () => {
  const lengths = tensor([2], [3, 1], 'I64');
  const rows = (shapes: { input: number[]; output: number[] }, batch_first: boolean) => {
    const loaded = withTensors({ lengths }, caseWith(lstm(), shapes));
    const { sequence, references } = bind(lstm(), loaded, batch_first);
    expect(sequence.lengths).toEqual([3, 1]);
    return references[0].rows;
  };
  expect(rows({ input: [5, 2, 3], output: [3, 2, 4] }, false)).toBe(3);
  expect(rows({ input: [2, 5, 3], output: [2, 3, 4] }, true)).toBe(3);
});

test('the one step of a Cell is one row', () => {
  const module = lstm({ cell: true });
  const shapes = { input: [2, 3], output: [2, 4], h_0: [2, 4], c_0: [2, 4] };
  const { sequence, references } = bind(module, caseWith(module, shapes), undefined);
  expect(references[0]).toMatchObject({ rows: 1, batch: 2, units: 4 });
  expect(sequence).toMatchObject({ steps: 1, batch: 2 });
  expect(sequence.c0?.length).toBe(8);
});

test('batch_first is for sequences', () => {
  const module = lstm({ kind: 'GRU', cell: true });
  const loaded = caseWith(module, { input: [5, 2, 3] });
  expect(linesOf(() => bind(module, loaded, true))).toEqual([
    'batch_first is for sequences, and this is a GRUCell',
    '  A Cell takes [I], [B, I], or a loop [T, B, I].',
  ]);
  expect(bind(module, loaded, false).layout.batch_first).toBe(false);
  const problem = (kind: 'LSTM' | 'RNN') => linesOf(() => bind(lstm({ kind, cell: true }), loaded, true))[0];
  expect(problem('LSTM')).toBe('batch_first is for sequences, and this is an LSTMCell');
  expect(problem('RNN')).toBe('batch_first is for sequences, and this is an RNNCell');
});

test.each([
  [true, 'true', '--no-batch-first', { input: [5, 2, 3], h_n: [1, 2, 4] }],
  [false, 'false', '--batch-first', { input: [2, 5, 3], h_n: [1, 2, 4] }],
])('a batch_first of %s where the shapes say otherwise', (said, word, option, shapes) => {
  const lines = linesOf(() => bind(lstm(), caseWith(lstm(), shapes), said));
  expect(lines[0]).toBe(`batch_first is ${word}, but all shapes fit the other layout: try ${option}`);
  expect(lines[1]).toBe('  h_n: found [1, 2, 4], expected [num_layers, B, hidden_size] = [1, 5, 4]');
});

test('where no reading fits, batch_first is not to blame', () => {
  const loaded = caseWith(lstm(), { input: [5, 2, 3], h_n: [1, 3, 4] });
  expect(linesOf(() => bind(lstm(), loaded, true))[0]).toMatch(/^h_n: found \[1, 3, 4\]/);
});

const layered = (name: 'output_l0' | 'output_l1' | 'output_l2', num_layers: number) => {
  const module = lstm({ num_layers });
  const loaded = caseWith(module, { input: [5, 2, 3], [name]: [5, 2, 4] });
  return errorOf({ ...loaded, files: FILES }, module);
};

test('only outputs below the last layer have a name of their own', () => {
  expect(layered('output_l0', 2)).toEqual([]);
  expect(layered('output_l1', 2)).toEqual([
    'l.json: output_l1: is not the output of a layer below the last: the module has 2 layers, from 0',
    "  The last layer's output is named output.",
  ]);
  expect(layered('output_l2', 2)).toEqual([
    'l.json: output_l2: is not the output of a layer below the last: the module has 2 layers, from 0',
  ]);
  expect(layered('output_l0', 1)[0]).toMatch(/: the module has one layer$/);
});

test('a tensor that does not fill its shape', () => {
  const short = { ...counting([1, 2, 4]), data: new Float32Array(7) };
  expect(errorOf(withTensors({ h_n: short }))).toEqual([
    'e.json: h_n: found 7 values, expected 8 for the shape [1, 2, 4]',
  ]);
  const weights = stateDict(
    new Map([...LOADED.weights.load([...LOADED.weights.specs.keys()])]).set('bias_ih_l0', {
      ...counting([16]),
      data: new Float32Array(17),
    }),
  );
  expect(errorOf({ ...withTensors({}), weights })).toEqual([
    'w.json: bias_ih_l0: found 17 values, expected 16 for the shape [16]',
  ]);
  expect(errorOf({ ...LOADED, weights })[0]).toMatch(/^bias_ih_l0: /);
});

const NO_FLOATS = [
  ', expected float64, float32, float16 or bfloat16',
  '  Quantised weights and token numbers are not what a recurrent module takes: save the floats.',
];

test('only floats are compared, and only lengths may be integers', () => {
  const integers = tensor([5, 2, 3], Array(30).fill(1), 'I32');
  expect(errorOf(withTensors({ input: integers }))).toEqual([
    `i.json: input: found dtype int32${NO_FLOATS[0]}`,
    NO_FLOATS[1],
  ]);
  const all = LOADED.weights.load([...LOADED.weights.specs.keys()]);
  const weights = stateDict(all.set('bias_hh_l0', tensor([16], Array(16).fill(1), 'U8')));
  expect(errorOf({ ...withTensors({}), weights })).toEqual([
    `w.json: bias_hh_l0: found dtype uint8${NO_FLOATS[0]}`,
    NO_FLOATS[1],
  ]);
  for (const dtype of ['I64', 'F32'] as const)
    expect(errorOf(withTensors({ lengths: tensor([2], [5, 1], dtype) }))).toEqual([]);
});

test.each([
  [[0, 1], '0 for batch row 0'],
  [[5, 6], '6 for batch row 1'],
  [[1, 1.5], '1.5 for batch row 1'],
  [[Number.NaN, 1], 'NaN for batch row 0'],
])('lengths of %o are not steps', (values, found) => {
  expect(errorOf(withTensors({ lengths: tensor([2], values) }))).toEqual([
    `i.json: lengths: found ${found}, expected an integer from 1 to the 5 steps of the input`,
  ]);
});

test('of a single step lengths can only be 1', () => {
  const loaded = caseWith(lstm(), { input: [1, 2, 3] });
  expect(errorOf(withTensors({ lengths: tensor([2], [1, 1]) }, loaded))).toEqual([]);
  expect(errorOf(withTensors({ lengths: tensor([2], [1, 2]) }, loaded))).toEqual([
    'i.json: lengths: found 2 for batch row 1, expected 1: the input has one step',
  ]);
});
