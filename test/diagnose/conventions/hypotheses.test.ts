import { expect, test } from 'vitest';
import { allowances } from '../../../src/diagnose/conventions/allowance.js';
import { hypothesesFor, separators } from '../../../src/diagnose/conventions/hypotheses.js';
import { predict } from '../../../src/diagnose/conventions/predict.js';
import { searchPlaces, searchSingles } from '../../../src/diagnose/conventions/search.js';
import type { Variant } from '../../../src/diagnose/conventions/variant.js';
import type { Kind } from '../../../src/kinds.js';
import type { Sequence } from '../../../src/module/bind.js';
import { directionsOf, type Module, outputSize } from '../../../src/module/parameters.js';
import { moduleOf } from '../../engine/module.js';
import { networkOf, sequenceOf } from '../../engine/random-network.js';
import { boundOf } from '../bound.js';

/** A sequence that tells conventions apart: with states, and lengths where wanted. */
function tellingSequence(module: Module, lengths?: readonly number[]): Sequence {
  const [steps, batch] = [6, 3];
  const states = module.num_layers * directionsOf(module).length * batch;
  const state = (size: number, seed: number) =>
    sequenceOf({ ...module, input_size: size }, 1, states, seed).input;
  return {
    ...sequenceOf(module, steps, batch, 4),
    h0: state(outputSize(module), 5).map((value) => value / 4),
    c0: module.kind === 'LSTM' ? state(module.hidden_size, 6).map((value) => value / 4) : undefined,
    lengths,
  };
}

interface Drawn {
  readonly kind: Kind;
  readonly more: Partial<Module>;
  readonly lengths?: readonly number[];
}

const MODULES: readonly Drawn[] = [
  { kind: 'RNN', more: {} },
  { kind: 'RNN', more: { nonlinearity: 'relu' } },
  { kind: 'GRU', more: { bidirectional: true, num_layers: 2 } },
  { kind: 'GRU', more: {}, lengths: [6, 4, 5] },
  { kind: 'LSTM', more: { bidirectional: true, num_layers: 2 } },
  { kind: 'LSTM', more: { num_layers: 3 } },
];

test.each(MODULES)(
  'every hypothesis is found in a reference that it made: $kind $more',
  async ({ kind, more, lengths }) => {
    const module = moduleOf(kind, { input_size: 4, hidden_size: 4, ...more });
    const network = networkOf(module, 8);
    const sequence = tellingSequence(module, lengths);
    const base = predict(network, sequence, {});
    const hypotheses = hypothesesFor(module, sequence);
    expect(hypotheses.length).toBeGreaterThan(20);
    for (const { name, change } of hypotheses) {
      const { output, h_n, c_n } = predict(network, sequence, change);
      const boundCase = boundOf(network, sequence, { output, h_n, c_n });
      const search = { boundCase, base, allowances: await allowances(boundCase, undefined) };
      const { fits, withoutEffect } = await searchSingles(search);
      const found = [...fits.flatMap((fit) => fit.hypotheses), ...withoutEffect].map((one) => one.name);
      expect(found, name).toContain(name);
      // This case tells it from PyTorch's way.
      expect(
        withoutEffect.map((one) => one.name),
        name,
      ).not.toContain(name);
    }
  },
);

const SHAPE = { steps: 4, batch: 3, h0: new Float64Array(1) };

test('names and sentences are unique', () => {
  for (const { kind, more, lengths } of MODULES) {
    const hypotheses = hypothesesFor(moduleOf(kind, more), { ...SHAPE, lengths });
    for (const key of ['name', 'says'] as const) {
      const texts = hypotheses.map((hypothesis) => hypothesis[key]);
      expect(new Set(texts).size).toBe(texts.length);
    }
  }
});

const namesFor = (kind: Kind, more: Partial<Module> = {}, lengths?: readonly number[]) =>
  hypothesesFor(moduleOf(kind, { input_size: 2, hidden_size: 3, ...more }), { ...SHAPE, lengths }).map(
    ({ name }) => name,
  );

test('a GRU has hypotheses of its own', () => {
  const [gru, rnn] = [namesFor('GRU'), namesFor('RNN')];
  for (const name of ['order zrn', 'reset before', 'biases exchanged', 'hard sigmoid 0.2', 'interleaved']) {
    expect(gru).toContain(name);
    expect(rnn).not.toContain(name);
  }
});

test('only what can differ is tried', () => {
  const differing = (name: string, wide: readonly string[], narrow: readonly string[]) => {
    expect(wide, name).toContain(name);
    expect(narrow, name).not.toContain(name);
  };
  const plain = namesFor('LSTM');
  const projected = namesFor('LSTM', { proj_size: 2 });
  for (const name of ['h_0 and c_0 exchanged', 'c_0 is h_0', 'finals exchanged', 'W_hh transposed'])
    differing(name, plain, projected);
  const both = namesFor('LSTM', { bidirectional: true });
  for (const name of ['reverse written first', 'reverse forward too', 'finals of the last step'])
    differing(name, both, plain);
  const layers = namesFor('LSTM', { num_layers: 2 });
  for (const name of ['states layers reversed', 'finals layers reversed', 'first layer only'])
    differing(name, layers, plain);
  for (const name of [
    'states direction first',
    'finals direction first',
    'reverse interleaved, last layer',
  ]) {
    const deep = namesFor('LSTM', { num_layers: 2, bidirectional: true });
    differing(name, deep, both);
    differing(name, deep, layers);
  }
  for (const wide of [both, layers]) differing('states first for all', wide, plain);
  for (const name of ['lengths ignored', 'finals of the last step'])
    differing(name, namesFor('LSTM', {}, [1]), plain);
  differing('W_ih transposed', namesFor('LSTM', { input_size: 3 }), plain);
  differing('first layer shared', namesFor('LSTM', { num_layers: 3 }), layers);
  differing('activation relu', namesFor('RNN'), namesFor('RNN', { nonlinearity: 'relu' }));
  differing('activation tanh', namesFor('RNN', { nonlinearity: 'relu' }), namesFor('RNN'));
});

test('known orders come first, then those of some tensors, then all others', () => {
  expect(namesFor('LSTM').filter((name) => name.startsWith('order '))).toEqual([
    ...['iofg', 'igfo', 'ifog', 'figo', 'gifo'].map((order) => `order ${order}`),
    'order igfo, forget bias',
    ...['weights', 'biases', 'weight_hh', 'weight_ih'].flatMap((tensors) =>
      ['iofg', 'igfo'].map((order) => `order ${order}, ${tensors}`),
    ),
    ...['igof', 'iogf', 'fiog', 'fgio', 'fgoi', 'foig', 'fogi', 'giof', 'gfio', 'gfoi', 'goif', 'gofi'].map(
      (order) => `order ${order}`,
    ),
    ...['oifg', 'oigf', 'ofig', 'ofgi', 'ogif', 'ogfi'].map((order) => `order ${order}`),
  ]);
});

test('an order says which blocks to take', () => {
  const [gru] = hypothesesFor(moduleOf('GRU'), SHAPE).filter(({ name }) => name === 'order zrn, weight_hh');
  expect(gru).toMatchObject({
    change: { order: 'zrn', orderOf: 'weight_hh' },
    says: 'the row blocks of weight_hh alone are in the order z r n (Keras, ONNX), not r z n',
    remedy:
      'reorder the row blocks of weight_hh before the port takes them: np.concatenate([np.split(w, 3)[i] for i in (1, 0, 2)]), matrices with .T for Keras, with [np.newaxis] for ONNX',
  });
  const lstm = hypothesesFor(moduleOf('LSTM'), SHAPE).find(({ name }) => name === 'order fgoi');
  expect(lstm).toMatchObject({
    says: 'the row blocks of weight_ih, weight_hh and the biases are in the order f g o i, not i f g o',
    remedy:
      "reorder the row blocks of each of them before the port takes them: np.concatenate([np.split(w, 4)[i] for i in (1, 2, 3, 0)]); or, where the file is not in PyTorch's order, by (3, 0, 1, 2)",
  });
});

test('hidden parts of other gates are tried alone only', () => {
  const alone = hypothesesFor(moduleOf('GRU'), SHAPE).filter((hypothesis) => hypothesis.alone);
  const names = alone.map(({ name }) => name);
  expect(names.filter((name) => name.startsWith('hidden '))).toEqual([
    'hidden r from z',
    'hidden r from n',
    'hidden z from r',
    'hidden z from n',
    'hidden n from r',
    'hidden n from z',
  ]);
});

test('a case says what it needs', () => {
  const ones = Float64Array.of(1, 2);
  const zeros = new Float64Array(2);
  const lstm = moduleOf('LSTM', { hidden_size: 2 });
  const telling: Sequence = {
    steps: 3,
    batch: 2,
    input: Float64Array.of(1, 2, 1, 2, 1, 3),
    h0: new Float64Array(4).fill(1),
    c0: new Float64Array(4).fill(1),
  };
  const needs = (
    change: Partial<Sequence>,
    module = lstm,
    biases: Parameters<typeof separators>[2] = [zeros, ones],
  ) => separators(module, { ...telling, ...change }, biases);
  expect(needs({})).toEqual([]);
  expect(needs({ h0: undefined })).toEqual(['an h_0 that is not zero']);
  expect(needs({ h0: new Float64Array(4) })).toEqual(['an h_0 that is not zero']);
  expect(needs({ c0: undefined })).toEqual(['a c_0 that is not zero']);
  expect(needs({ c0: undefined }, moduleOf('GRU', { hidden_size: 2 }))).toEqual([]);
  expect(needs({ steps: 1, input: ones })).toEqual(['more than one step']);
  expect(needs({ batch: 1, input: Float64Array.of(1, 2, 3) })).toEqual(['more than one batch row']);
  expect(needs({ steps: 1, batch: 1, input: Float64Array.of(1) })).toEqual([
    'more than one step',
    'more than one batch row',
  ]);
  expect(needs({}, lstm, [zeros, undefined])).toEqual(['biases that are not zero']);
  expect(needs({}, moduleOf('LSTM'))).toEqual(['more than one hidden unit']);
  expect(needs({}, moduleOf('LSTM', { hidden_size: 2, proj_size: 1 }))).toEqual([
    'more than one hidden unit',
  ]);
  expect(needs({ input: Float64Array.of(1, 2, 1, 2, 1, 2) })).toEqual(['an input that changes over time']);
  expect(needs({ steps: 2, input: Float64Array.of(1, 2, 3, 4) })).toEqual([
    'different numbers of steps and batch rows',
  ]);
});

test.each([
  { kind: 'LSTM', more: { num_layers: 2 } },
  { kind: 'GRU', more: { num_layers: 2, bidirectional: true } },
  { kind: 'RNN', more: { bidirectional: true } },
] as const)('a hypothesis that holds in one place is found there: $kind $more', async ({ kind, more }) => {
  const module = moduleOf(kind, { input_size: 4, hidden_size: 4, ...more });
  const network = networkOf(module, 8);
  const sequence = tellingSequence(module);
  const base = predict(network, sequence, {});
  const places = [
    ...('num_layers' in more ? [{ layer: 0 }, { layer: 1 }] : []),
    ...('bidirectional' in more ? [{ direction: 1 as const }] : []),
    ...('num_layers' in more && 'bidirectional' in more ? [{ layer: 0, direction: 1 as const }] : []),
  ];
  const changes: readonly Variant[] = [
    { biases: 'hh' },
    ...(kind === 'RNN'
      ? [{ activation: 'sigmoid' } as const]
      : ([{ gateActivation: 'hard 0.2' }, { interleaved: true }] as const)),
    ...(kind === 'LSTM' ? ([{ order: 'iofg' }, { biases: 'none', biasesOf: 'g' }] as const) : []),
    ...(kind === 'GRU' ? ([{ reset: 'before' }] as const) : []),
  ];
  for (const only of places) {
    for (const change of changes) {
      const { output, h_n, c_n } = predict(network, sequence, { ...change, only });
      const boundCase = boundOf(network, sequence, { output, h_n, c_n });
      const search = { boundCase, base, allowances: await allowances(boundCase, undefined) };
      const { fits } = await searchPlaces(search);
      const found = fits.map(({ hypotheses: [first] }) => first.change);
      expect(found, JSON.stringify({ only, change })).toContainEqual({ ...change, only: { ...only } });
      // It does not hold everywhere.
      const everywhere = (await searchSingles(search)).fits.map(({ hypotheses: [first] }) => first.change);
      expect(everywhere).not.toContainEqual(change);
    }
  }
});

test('every convention in words', async () => {
  const texts = new Map<string, string>();
  for (const { kind, more, lengths } of MODULES)
    for (const { says, remedy } of hypothesesFor(moduleOf(kind, more), { ...SHAPE, lengths }))
      texts.set(says, `${says}\n  ${remedy}\n`);
  const words = [...texts.values()].sort().join('');
  await expect(words).toMatchFileSnapshot('../../data/conventions.txt');
});
