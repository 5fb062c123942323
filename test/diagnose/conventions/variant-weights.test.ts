import { expect, test } from 'vitest';
import type { Variant } from '../../../src/diagnose/conventions/variant.js';
import { toTf32, variantParameters } from '../../../src/diagnose/conventions/variant-weights.js';
import type { Parameters } from '../../../src/module/bind.js';
import { moduleOf } from '../../engine/module.js';

/** A GRU of two units and one input: the rows are r0, r1, z0, z1, n0, n1. */
const MODULE = moduleOf('GRU', { hidden_size: 2 });
const PARAMETERS: Parameters = {
  weightIh: Float64Array.of(1, 2, 3, 4, 5, 6),
  weightHh: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
  biasIh: Float64Array.of(10, 20, 30, 40, 50, 60),
  biasHh: Float64Array.of(-1, -2, -3, -4, -5, -6),
};

/** What a variant changes, as plain numbers. */
function changes(variant: Variant, module = MODULE, parameters = PARAMETERS): Record<string, unknown> {
  const changed = variantParameters(module, parameters, variant);
  const names = ['weightIh', 'weightHh', 'biasIh', 'biasHh'] as const;
  const entries = names.map((name) => [name, changed[name] && [...changed[name]]] as const);
  return Object.fromEntries(
    entries.filter(([name, values]) => String(values) !== String(parameters[name] && [...parameters[name]])),
  );
}

test('without a change they are those of the file', () => {
  expect(changes({})).toEqual({});
});

const IN_ORDER_ZRN = {
  weightIh: [3, 4, 1, 2, 5, 6],
  weightHh: [5, 6, 7, 8, 1, 2, 3, 4, 9, 10, 11, 12],
  biasIh: [30, 40, 10, 20, 50, 60],
  biasHh: [-3, -4, -1, -2, -5, -6],
};

test.each([
  [undefined, ['weightIh', 'weightHh', 'biasIh', 'biasHh']],
  ['weights', ['weightIh', 'weightHh']],
  ['weight_ih', ['weightIh']],
  ['weight_hh', ['weightHh']],
  ['biases', ['biasIh', 'biasHh']],
] as const)('row blocks in another order: %s', (orderOf, names) => {
  const expected = Object.fromEntries(names.map((name) => [name, IN_ORDER_ZRN[name]]));
  expect(changes({ order: 'zrn', orderOf })).toEqual(expected);
});

test('an order says which gate each block of the file is taken for', () => {
  // The first block is taken for n, which is the last in PyTorch.
  expect(changes({ order: 'nrz', orderOf: 'weight_ih' })).toEqual({ weightIh: [3, 4, 5, 6, 1, 2] });
});

test('a gate uses the hidden part of another one', () => {
  expect(changes({ hiddenFrom: ['n', 'r'] })).toEqual({
    weightHh: [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4],
    biasHh: [-1, -2, -3, -4, -1, -2],
  });
});

test('a gate leaves out a product', () => {
  expect(changes({ without: ['weightHh', 'z'] })).toEqual({
    weightHh: [1, 2, 3, 4, 0, 0, 0, 0, 9, 10, 11, 12],
  });
  expect(changes({ without: ['weightIh', 'n'] })).toEqual({ weightIh: [1, 2, 3, 4, 0, 0] });
});

test('rows that go unit by unit are put gate by gate', () => {
  expect(changes({ interleaved: true })).toEqual({
    weightIh: [1, 4, 2, 5, 3, 6],
    weightHh: [1, 2, 7, 8, 3, 4, 9, 10, 5, 6, 11, 12],
    biasIh: [10, 40, 20, 50, 30, 60],
    biasHh: [-1, -4, -2, -5, -3, -6],
  });
});

test.each<[NonNullable<Variant['biases']>, Record<string, unknown>]>([
  ['ih', { biasHh: undefined }],
  ['hh', { biasIh: undefined }],
  ['none', { biasIh: undefined, biasHh: undefined }],
  ['doubled', { biasIh: [20, 40, 60, 80, 100, 120], biasHh: [-2, -4, -6, -8, -10, -12] }],
  ['ih twice', { biasHh: [10, 20, 30, 40, 50, 60] }],
  ['exchanged', { biasIh: [-1, -2, -3, -4, -5, -6], biasHh: [10, 20, 30, 40, 50, 60] }],
])('biases: %s', (biases, expected) => {
  expect(changes({ biases })).toEqual(expected);
});

test('a module without biases gets none', () => {
  const { weightIh, weightHh } = PARAMETERS;
  for (const variant of [{ biases: 'doubled' }, { order: 'zrn' }, { interleaved: true }] as const) {
    const { biasIh, biasHh } = variantParameters(MODULE, { weightIh, weightHh }, variant);
    expect([biasIh, biasHh]).toEqual([undefined, undefined]);
  }
});

test('blocks of W_hh are transposed, or its values are taken for those of the transposed shape', () => {
  expect(changes({ weightHh: 'transposed' })).toEqual({
    weightHh: [1, 3, 2, 4, 5, 7, 6, 8, 9, 11, 10, 12],
  });
  // [2, 6] in the file: its columns are 1 7, 2 8, …
  expect(changes({ weightHh: 'reshaped' })).toEqual({
    weightHh: [1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 6, 12],
  });
});

test('W_ih is transposed only where its blocks are square', () => {
  expect(changes({ weightIh: 'transposed' })).toEqual({});
  const wide = { ...PARAMETERS, weightIh: PARAMETERS.weightHh };
  const module = { ...MODULE, input_size: 2 };
  expect(changes({ weightIh: 'transposed' }, module, wide)).toEqual({
    weightIh: [1, 3, 2, 4, 5, 7, 6, 8, 9, 11, 10, 12],
  });
  expect(changes({ weightIh: 'reshaped' }, module, wide)).toEqual({
    weightIh: [1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 6, 12],
  });
});

const RNN = moduleOf('RNN', { input_size: 6 });

test.each<[NonNullable<Variant['quantised']>, readonly number[], readonly number[]]>([
  // 11 bits up to 65504; multiples of 2^-24 below 2^-14.
  [
    'F16',
    [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65504, -65520, 1.4 * 2 ** -24, 2 ** -14 - 2 ** -26],
    [1, 1 + 2 ** -9, 65504, Number.NEGATIVE_INFINITY, 2 ** -24, 2 ** -14],
  ],
  [
    'BF16',
    [1 + 2 ** -8, 1 + 3 * 2 ** -8, 65504, -65520, 1.4 * 2 ** -24, 3e38],
    [1, 1 + 2 ** -6, 65536, -65536, 1.3984375 * 2 ** -24, 226 * 2 ** 120],
  ],
  // 127 steps up to the largest magnitude.
  ['int8', [127, -126.4, 0.4, 0.6, 63.5, 0], [127, -126, 0, 1, 64, 0]],
])('weights as %s, but not the biases', (quantised, weights, expected) => {
  const parameters: Parameters = {
    weightIh: Float64Array.from(weights),
    weightHh: Float64Array.of(0),
    biasIh: Float64Array.of(1 / 3),
    biasHh: Float64Array.of(1 / 3),
  };
  expect(changes({ quantised }, RNN, parameters)).toEqual({ weightIh: expected });
});

test('TF32 keeps 11 bits, ties to even', () => {
  expect([1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -10, -2 - 2 ** -9, 0].map(toTf32)).toEqual([
    1,
    1 + 2 ** -9,
    1 + 2 ** -10,
    -2 - 2 ** -9,
    0,
  ]);
});
