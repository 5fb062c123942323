import { expect, test } from 'vitest';
import { type DescribeOptions, describeModule } from '../../src/module/describe.js';
import type { Module } from '../../src/module/parameters.js';
import { linesOf } from '../errors.js';
import { lstm, type Shapes, specs, weightsOf } from './modules.js';

const describe = (shapes: Shapes, options?: DescribeOptions) => describeModule(specs(shapes), options);
const errorOf = (shapes: Shapes, options?: DescribeOptions) => linesOf(() => describe(shapes, options));

test.each<Partial<Module>>([
  {},
  { kind: 'RNN' },
  { kind: 'GRU', prefix: 'encoder.' },
  { bias: false },
  { proj_size: 2 },
  { proj_size: 3, bidirectional: true, num_layers: 2 },
  { kind: 'GRU', bidirectional: true, num_layers: 3, bias: false },
  { kind: 'GRU', cell: true },
  { cell: true, bias: false },
  { kind: 'RNN', cell: true, input_size: 1, hidden_size: 1 },
  { input_size: 16, hidden_size: 4 },
  { input_size: 4, hidden_size: 16 },
  { input_size: 4, hidden_size: 1 },
  { kind: 'GRU', input_size: 9, hidden_size: 3, num_layers: 2 },
  { num_layers: 12 },
])('a module of the parameters of %o', (otherwise) => {
  const module = lstm(otherwise);
  expect(describeModule(weightsOf(module).specs)).toEqual(module);
});

const RNN = { weight_ih_l0: [5, 3], weight_hh_l0: [5, 5] };
const LSTM = { weight_ih_l0: [16, 3], weight_hh_l0: [16, 4] };
const under = (prefix: string, shapes: Shapes) =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [prefix + name, shape]));
const GRU_CELL = { weight_ih: [12, 2], weight_hh: [12, 4] };

test('only an RNN may have another nonlinearity, said or not', () => {
  expect(describe(RNN).nonlinearity).toBe('tanh');
  expect(describe(RNN, { nonlinearity: 'relu' }).nonlinearity).toBe('relu');
  expect(errorOf(LSTM, { nonlinearity: 'tanh' })).toEqual([
    'nonlinearity tanh is for an RNN, and this is an LSTM',
    '  Leave the option out.',
  ]);
  expect(errorOf(GRU_CELL, { nonlinearity: 'relu' })[0]).toBe(
    'nonlinearity relu is for an RNN, and this is a GRUCell',
  );
});

test('parameters that are not those of an LSTM are not said to be those of one with relu', () => {
  expect(errorOf({ ...LSTM, bias_ih_l0: [16] }, { nonlinearity: 'relu' })[0]).toBe(
    'its parameters are not those of an LSTM 3 → 4, 1 layer',
  );
});

test('the class that is said is that of the parameters', () => {
  expect(describe(LSTM, { module: 'LSTM' }).kind).toBe('LSTM');
  expect(describe(GRU_CELL, { module: 'GRUCell' })).toMatchObject({ kind: 'GRU', cell: true });
  expect(errorOf(under('a.', RNN), { module: 'GRU' })).toEqual([
    'a.: its parameters are those of an RNN 3 → 5, 1 layer, no bias, not of a GRU',
    '  Leave the module option out, or say RNN.',
  ]);
  expect(errorOf(GRU_CELL, { module: 'LSTMCell' })).toEqual([
    'its parameters are those of a GRUCell 2 → 4, no bias, not of an LSTM',
    '  Leave the module option out, or say GRUCell.',
  ]);
});

test('where parameters are those of no class, the one that is said decides what is wrong with them', () => {
  expect(errorOf({ weight_ih_l0: [8, 3], weight_hh_l0: [8, 5] }, { module: 'RNN' })).toEqual([
    'weight_hh_l0: found [8, 5], expected [8, 8]',
    '  Was one of the tensors exported from another layer?',
  ]);
  expect(errorOf({ ...LSTM, weight_hx_l0: [1] }, { module: 'RNN' })[0]).toBe(
    'its parameters are not those of an RNN 3 → 16, 1 layer, no bias',
  );
});

test('layer numbers make a module, their absence a Cell', () => {
  expect(errorOf(under('a.', RNN), { module: 'LSTMCell' })).toEqual([
    'holds no LSTMCell: its parameters have layer numbers, as weight_ih_l0',
    '  Try module LSTM.',
  ]);
  expect(errorOf(GRU_CELL, { module: 'GRU' })).toEqual([
    'holds no GRU: its parameters have no layer numbers, which makes it a Cell',
    '  Try module GRUCell.',
  ]);
});

test('a prefix chooses a module, with or without the dot at its end', () => {
  const shapes = { ...under('a.', LSTM), ...under('b.', RNN), ...under('.', RNN) };
  expect(describe(shapes, { prefix: 'a.' }).prefix).toBe('a.');
  expect(describe(shapes, { prefix: 'b' })).toMatchObject({ prefix: 'b.', kind: 'RNN' });
  expect(describe({ ...LSTM, ...under('.', RNN) }, { prefix: '' })).toMatchObject({
    prefix: '',
    kind: 'LSTM',
  });
  expect(errorOf(shapes, { prefix: 'c d' })).toEqual([
    'holds no module under the prefix "c d"',
    '  It holds:',
    '  a.   LSTM 3 → 4, 1 layer, no bias',
    '  b.   RNN 3 → 5, 1 layer, no bias',
    '  .    RNN 3 → 5, 1 layer, no bias',
  ]);
});

test('a state_dict without a module', () => {
  expect(errorOf({ 'fc.weight': [2, 2] })[0]).toMatch(/^holds no recurrent module/);
  expect(errorOf({ 'fc.weight': [2, 2] }, { prefix: 'fc' })[0]).toMatch(/^holds no recurrent module/);
});

test('of several modules one must be chosen, by its prefix or its class', () => {
  const shapes = {
    ...under('a long one.', LSTM),
    ...under('gru.', { weight_ih_l0: [9, 2], weight_hh_l0: [9, 3] }),
  };
  expect(errorOf(shapes)).toEqual([
    'holds 2 modules; choose one with --prefix',
    '  "a long one."   LSTM 3 → 4, 1 layer, no bias',
    '  gru.            GRU 2 → 3, 1 layer, no bias',
  ]);
  expect(describe(shapes, { module: 'GRU' })).toMatchObject({ kind: 'GRU', prefix: 'gru.' });
  expect(describe(shapes, { module: 'LSTM' })).toMatchObject({ kind: 'LSTM' });
  expect(errorOf(shapes, { module: 'RNN' })[0]).toBe('holds 2 modules; choose one with --prefix');
});

test('a Cell beside a module is chosen by its class', () => {
  const shapes = { ...LSTM, ...GRU_CELL };
  expect(describe(shapes, { module: 'GRUCell' })).toMatchObject({ kind: 'GRU', cell: true });
  expect(describe(shapes, { module: 'LSTM' })).toMatchObject({ kind: 'LSTM', cell: false });
  // Of another kind than either: the error is about the one that is a Cell.
  expect(errorOf(shapes, { module: 'RNNCell' })[0]).toBe(
    'its parameters are those of a GRUCell 2 → 4, no bias, not of an RNN',
  );
});

test('modules that fit no size are listed as such', () => {
  const shapes = { ...under('a.', RNN), ...under('b.', { weight_ih_l0: [0, 2], weight_hh_l0: [] }) };
  expect(errorOf(shapes)).toEqual([
    'holds 2 modules; choose one with --prefix',
    '  a.   RNN 3 → 5, 1 layer, no bias',
    '  b.   of no size that fits',
  ]);
  expect(describe(shapes, { module: 'RNN' }).prefix).toBe('a.');
});

const many = (count: number) =>
  Object.assign({}, ...Array.from({ length: count }, (_, i) => under(`layer${i}.`, RNN)));

test('of many modules twenty are listed', () => {
  const twenty = errorOf(many(20));
  expect(twenty.length).toBe(21);
  expect(twenty.at(-1)).toBe('  layer19.   RNN 3 → 5, 1 layer, no bias');
  const more = errorOf(many(22));
  expect(more[0]).toBe('holds 22 modules; choose one with --prefix');
  expect(more.slice(1)).toEqual([...twenty.slice(1), '  … and 2 more']);
});

test('of a thousand modules one must be chosen by its prefix', () => {
  const shapes = { ...many(999), ...under('x.', GRU_CELL) };
  expect(errorOf(shapes, { module: 'GRUCell' })[0]).toBe(
    'holds 1000 or more modules; choose one with --prefix',
  );
  expect(errorOf(many(999))[0]).toBe('holds 999 modules; choose one with --prefix');
  expect(describe(shapes, { prefix: 'x.' }).kind).toBe('GRU');
});

test('a module has at most a thousand parameters', () => {
  const layers = (count: number) => weightsOf(lstm({ num_layers: count, bias: false, prefix: 'a.' })).specs;
  expect(describeModule(layers(500)).num_layers).toBe(500);
  expect(linesOf(() => describeModule(layers(501)))).toEqual([
    'a.: found 1002 parameters, as weight_ih_l0, weight_hh_l0, weight_ih_l1, expected 1000 at most',
  ]);
  const alone = specs(
    Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`weight_ih_l${i}`, [4, 4]])),
  );
  expect(linesOf(() => describeModule(alone))[0]).toMatch(/^found 1001 parameters/);
});

test('a layer number out of this world makes no layers', () => {
  const shapes = { ...LSTM, weight_ih_l4000000000: [16, 4] };
  const lines = errorOf(shapes);
  expect(lines[0]).toBe('its parameters are not those of an LSTM 3 → 4, 3 layers, no bias');
  expect(lines).toContain('  unexpected  weight_ih_l4000000000');
});

test('parameters of no size that fits are shown, eight of them', () => {
  expect(errorOf(under('a b.', { weight_ih_l0: [16, 0], weight_hh_l0: [] }))).toEqual([
    '"a b.": no size fits an RNN, a GRU or an LSTM',
    '  weight_ih_l0 [16, 0]',
    '  weight_hh_l0 []',
  ]);
  expect(errorOf({ weight_ih_l0: [2, 3, 4] }, { module: 'GRU' })[0]).toBe('no size fits a GRU');
  const nine = Array.from({ length: 9 }, (_, i) => [`weight_ih_l${i}`, []] as const);
  const lines = errorOf(Object.fromEntries(nine));
  expect(lines.slice(1)).toEqual(nine.slice(0, 8).map(([name]) => `  ${name} []`));
});

test('the input size is that of the first layer, forward or reverse', () => {
  const reverse = { weight_ih_l0_reverse: [16, 3], weight_hh_l0_reverse: [16, 4] };
  expect(errorOf(reverse)).toEqual([
    'its parameters are not those of an LSTM 3 → 4, 1 layer, bidirectional, no bias',
    '  missing     weight_ih_l0 [4·hidden_size, input_size] = [16, 3]',
    '  missing     weight_hh_l0 [4·hidden_size, hidden_size] = [16, 4]',
  ]);
  expect(errorOf({ weight_ih_l1: [16, 4], weight_hh_l1: [16, 4] })).toEqual([
    'its parameters are not those of an LSTM ? → 4, 2 layers, no bias',
    '  missing     weight_ih_l0 [4·hidden_size, input_size] = [16, input_size]',
    '  missing     weight_hh_l0 [4·hidden_size, hidden_size] = [16, 4]',
  ]);
});

test('the sizes are those of the lowest layer, whatever its order in the file', () => {
  const shapes = {
    weight_ih_l1: [16, 4],
    weight_hh_l1: [16, 4],
    weight_hh_l0: [16, 4],
    weight_ih_l0: [16, 3],
  };
  expect(describe(shapes)).toEqual(lstm({ num_layers: 2, bias: false }));
});

test('parameters of higher layers that contradict the lowest do not decide', () => {
  expect(errorOf({ ...LSTM, weight_ih_l1: [7, 7], weight_hh_l1: [7, 7], weight_ih_l2: [7, 7] })[0]).toBe(
    'its parameters are not those of an LSTM 3 → 4, 3 layers, no bias',
  );
});

test('a projection says no hidden size, nor does a tensor of three dimensions', () => {
  const none = 'no size fits an RNN, a GRU or an LSTM';
  expect(errorOf({ weight_hh_l0: [7, 9], weight_hr_l0: [8, 32] })[0]).toBe(none);
  expect(errorOf({ weight_ih_l0: [16, 3, 1], weight_hh_l0: [16, 4] })[0]).toBe(none);
});

test('sizes that not one parameter has are none', () => {
  expect(errorOf({ weight_hh_l0: [4, 3] })[0]).toBe('no size fits an RNN, a GRU or an LSTM');
});

test('a transposed parameter says half as much as one in place', () => {
  const shapes = { weight_ih_l0: [3, 12], weight_hh_l0: [12, 4] };
  expect(errorOf(shapes)[0]).toBe('weight_ih_l0: found [3, 12], expected [12, 3]');
});

test('where weight_hr fits no size, every projection is named that fits as well as none', () => {
  expect(errorOf({ ...LSTM, weight_hr_l0: [9, 4] })[0]).toBe(
    'its parameters are not those of an LSTM 3 → 4, 1 layer, no bias, an LSTM 3 → 4 → 9, 1 layer, no bias or an LSTM 3 → 4 → 4, 1 layer, no bias',
  );
});
