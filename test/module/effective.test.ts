import { describe, expect, test } from 'vitest';
import { describeModule } from '../../src/module/describe.js';
import { effective } from '../../src/module/effective.js';
import { stateDict } from '../../src/tensor/state-dict.js';
import { type Tensor, tensor } from '../../src/tensor/tensor.js';
import { counting } from './modules.js';

const of = (tensors: Readonly<Record<string, Tensor>>) => effective(stateDict(tensors));
const names = (tensors: Readonly<Record<string, Tensor>>) => [...of(tensors).specs.keys()];
const valuesOf = (tensors: Readonly<Record<string, Tensor>>, name: string) => [
  ...of(tensors).load([name]).get(name)!.data,
];

// Rows of the lengths 5, 13 and 2.
const V = tensor([3, 2], [3, 4, 5, -12, 0, 2]);
const G = tensor([3, 1], [10, 1, -3]);
const W = [6, 8, Math.fround(5 / 13), Math.fround(-12 / 13), -0, -3].map(Math.fround);

const NAMES = [
  ['weight_norm of its first form', 'weight_hh_l0_g', 'weight_hh_l0_v'],
  [
    'weight_norm of its second form',
    'parametrizations.weight_hh_l0.original0',
    'parametrizations.weight_hh_l0.original1',
  ],
] as const;

describe.each(NAMES)('%s', (_, g, v) => {
  test('is the parameter g · v / ‖v‖, in the place of both', () => {
    const tensors = { [`rnn.${g}`]: G, [`rnn.${v}`]: V, 'rnn.bias_hh_l0': tensor([3], [1, 2, 3]) };
    const { specs, load, notes } = of(tensors);
    expect([...specs]).toMatchObject([
      ['rnn.bias_hh_l0', { shape: [3] }],
      ['rnn.weight_hh_l0', { dtype: 'F32', shape: [3, 2] }],
    ]);
    expect(notes).toEqual(['the weights follow from weight_norm']);
    const loaded = load(['rnn.weight_hh_l0', 'rnn.bias_hh_l0']);
    expect(loaded.get('rnn.weight_hh_l0')).toEqual({
      dtype: 'F32',
      shape: [3, 2],
      data: Float32Array.from(W),
    });
    expect([...loaded.get('rnn.bias_hh_l0')!.data]).toEqual([1, 2, 3]);
    expect([...loaded.keys()]).toEqual(['rnn.weight_hh_l0', 'rnn.bias_hh_l0']);
    // What it was computed from is no tensor of the module.
    expect(() => load([`rnn.${v}`])).toThrow('there is no such tensor');
  });

  test('without one of the two is left as it is', () => {
    expect(names({ [g]: G })).toEqual([g]);
    expect(names({ [v]: V })).toEqual([v]);
    expect(of({ [v]: V }).notes).toBeUndefined();
  });

  test('with a magnitude of another shape is left as it is', () => {
    for (const shape of [[3], [2], [2, 2], [2, 1], [3, 1, 1], [1, 3]])
      expect(names({ [g]: counting(shape, 1), [v]: V })).toEqual([g, v]);
  });

  test('takes the norm over the axes that the magnitude does not have', () => {
    const w = (shape: readonly number[], ...data: number[]) =>
      valuesOf({ [g]: tensor(shape, data), [v]: tensor([2, 2], [3, 5, 4, 12]) }, 'weight_hh_l0');
    const rounded = (...data: number[]) => data.map(Math.fround);
    // dim=1: by columns
    expect(w([1, 2], 5, 26)).toEqual(rounded(3, 10, 4, 24));
    // dim=None: of the whole matrix, whose square is 194
    for (const shape of [[], [1, 1]])
      expect(w(shape, 2)).toEqual(rounded(...[3, 5, 4, 12].map((x) => (2 * x) / Math.sqrt(194))));
    // No axis: the sign is left of each.
    expect(w([2, 2], 1, 2, 3, 4)).toEqual([1, 2, 3, 4]);
  });

  test('is rounded to the dtype that it is stored in', () => {
    const [g64, v64] = [tensor([1, 1], [0.1], 'F64'), tensor([1, 2], [3, 4], 'F64')];
    const { load } = of({ [g]: g64, [v]: v64 });
    expect(load(['weight_hh_l0']).get('weight_hh_l0')).toEqual({
      dtype: 'F64',
      shape: [1, 2],
      data: Float64Array.of((0.1 * 3) / 5, (0.1 * 4) / 5),
    });
    const half = of({ [g]: tensor([1, 1], [1], 'F16'), [v]: tensor([1, 2], [1, 2], 'F16') });
    const { dtype, data } = half.load(['weight_hh_l0']).get('weight_hh_l0')!;
    // 1/√5 in float16
    expect([dtype, data[0]]).toEqual(['F16', 0.447265625]);
  });
});

test('weight_norm of several parameters, each read once', () => {
  const reads: (readonly string[])[] = [];
  const source = stateDict({
    weight_ih_l0_g: tensor([3, 1], [5, 13, 2]),
    weight_ih_l0_v: V,
    weight_hh_l0_g: G,
    weight_hh_l0_v: V,
    spare: tensor([1], [1]),
  });
  const { load, notes } = effective({
    ...source,
    load(wanted) {
      reads.push(wanted);
      return source.load(wanted);
    },
  });
  expect(notes).toEqual(['the weights follow from weight_norm']);
  const loaded = load(['weight_hh_l0', 'weight_ih_l0']);
  expect([...loaded.get('weight_hh_l0')!.data]).toEqual(W);
  expect([...loaded.get('weight_ih_l0')!.data]).toEqual([...V.data]);
  expect(reads.flat().sort()).toEqual([
    'weight_hh_l0_g',
    'weight_hh_l0_v',
    'weight_ih_l0_g',
    'weight_ih_l0_v',
  ]);
});

test('what is no parameter of a recurrent module stays what it is', () => {
  const tensors = {
    'conv.weight_g': G,
    'conv.weight_v': V,
    'x.parametrizations.weight.original0': G,
    mean_raw: V,
  };
  const source = stateDict({ ...tensors, 'x.parametrizations.weight.original1': V });
  expect(effective(source)).toBe(source);
});

describe('WeightDrop', () => {
  const raw = { weight_hh_l0_raw: tensor([4, 4], Array(16).fill(0.5)) };
  const others = { weight_ih_l0: counting([4, 3]), bias_ih_l0: counting([4]), bias_hh_l0: counting([4]) };
  const under = (prefix: string, tensors: Readonly<Record<string, Tensor>>) =>
    Object.fromEntries(Object.entries(tensors).map(([name, one]) => [prefix + name, one]));
  const dropped = { weight_hh_l0: tensor([4, 4], Array(16).fill(0)) };

  test.each([
    ['beside the others', { ...raw, ...others }, ''],
    ['inside of a prefix', under('encoder.', { ...raw, ...others }), 'encoder.'],
    ['before the module that has the others', { ...raw, ...under('module.', others) }, 'module.'],
    ['the same under a prefix', under('0.', { ...raw, ...under('module.', others) }), '0.module.'],
    [
      'with what was left of it in the module',
      under('0.', { ...raw, ...under('module.', { ...others, ...dropped }) }),
      '0.module.',
    ],
    ['with the same name in one module', { ...raw, ...others, ...dropped }, ''],
  ])('the raw weight is that of the module: %s', (_, tensors, prefix) => {
    const { specs, load, notes } = of(tensors);
    expect([...specs.keys()].sort()).toEqual(
      Object.keys({ ...others, ...dropped })
        .map((name) => prefix + name)
        .sort(),
    );
    expect(notes).toEqual(['the weights before WeightDrop are used']);
    const name = `${prefix}weight_hh_l0`;
    expect([...load([name]).get(name)!.data]).toEqual(Array(16).fill(0.5));
    expect(describeModule(specs, {})).toMatchObject({ kind: 'RNN', prefix, input_size: 3, hidden_size: 4 });
  });
});

test('notes and what was left aside are kept', () => {
  const aside = new Map([['epoch', { found: 'a number' }]]);
  const source = { ...stateDict({ weight_hh_l0_g: G, weight_hh_l0_v: V }), notes: ['first'], aside };
  expect(effective(source)).toMatchObject({ notes: ['first', 'the weights follow from weight_norm'], aside });
});
