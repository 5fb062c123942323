import { expect, test } from 'vitest';
import { hypothesesOf } from '../../../src/diagnose/conventions/case-hypotheses.js';
import { predict } from '../../../src/diagnose/conventions/predict.js';
import type { Sequence } from '../../../src/module/bind.js';
import type { Module } from '../../../src/module/parameters.js';
import { moduleOf } from '../../engine/module.js';
import { networkOf, sequenceOf } from '../../engine/random-network.js';
import { boundOf } from '../bound.js';

const MODULE = moduleOf('RNN', { hidden_size: 2 });
const NETWORK = networkOf(MODULE, 1);

/** Those of a sequence without a reference. */
const usual = (sequence: Sequence) =>
  hypothesesOf(boundOf(NETWORK, sequence, { h_n: new Float64Array(2 * sequence.batch) }));

const hypotheses = (sequence: Sequence, output: readonly number[]) =>
  hypothesesOf(boundOf(NETWORK, sequence, { output: Float64Array.from(output) }));

/** A sequence of rows that end after these many steps, and an output with zeros after them. */
function padded(steps: number, lengths: readonly number[]) {
  const batch = lengths.length;
  const sequence: Sequence = { steps, batch, input: new Float64Array(steps * batch) };
  const output = Array.from({ length: steps }, (_, t) =>
    lengths.flatMap((length) => (t < length ? [0, 0.5] : [0, 0])),
  );
  return { sequence, output: output.flat() };
}

test('zeros at the end of the reference are lengths that the case lacks', () => {
  const { sequence, output } = padded(3, [3, 2]);
  const [first, ...others] = hypotheses(sequence, output);
  expect(first.change).toEqual({ lengths: [3, 2] });
  expect(first.says).toBe('the reference ends early: its batch rows are zero from the steps 3, 2 on');
  expect(others).toEqual(usual(sequence));
});

test('a row has one step at least', () => {
  const { sequence, output } = padded(3, [3, 0]);
  expect(hypotheses(sequence, output)[0].change).toEqual({ lengths: [3, 1] });
});

test('eight lengths are listed, and no more', () => {
  const says = (lengths: readonly number[]) => {
    const { sequence, output } = padded(3, lengths);
    return hypotheses(sequence, output)[0].says;
  };
  expect(says([1, 2, 3, 1, 2, 3, 1, 2])).toContain('steps 1, 2, 3, 1, 2, 3, 1, 2 on');
  expect(says([1, 2, 3, 1, 2, 3, 1, 2, 3])).toContain('steps 1, 2, 3, 1, 2, 3, 1, 2, … on');
});

test('without zeros at the end, with lengths, or without an output nothing is added', () => {
  const { sequence, output } = padded(2, [2, 2]);
  expect(hypotheses(sequence, output)).toEqual(usual(sequence));
  const short = padded(2, [2, 1]);
  const known = { ...short.sequence, lengths: [2, 1] };
  expect(hypotheses(known, short.output)).toEqual(usual(known));
});

const changes = (module: Partial<Module>, more: Partial<Sequence> = {}) => {
  const network = networkOf(moduleOf('LSTM', module), 1);
  const sequence = { steps: 2, batch: 1, input: new Float64Array(2 * network.module.input_size), ...more };
  return hypothesesOf(boundOf(network, sequence, {})).map(({ change }) => change);
};

test('loops may stop short of a size, or at a multiple of a block', () => {
  const all = changes({ input_size: 21, hidden_size: 4 });
  for (const count of [20, 16]) expect(all).toContainEqual({ columns: ['weightIh', count] });
  expect(all).toContainEqual({ columns: ['weightHh', 3] });
  expect(all).not.toContainEqual({ columns: ['weightHh', 4] });
});

test('rows may be as far apart as those of the other matrix, or of padded ones', () => {
  const all = changes({ input_size: 6, hidden_size: 4 });
  for (const stride of [4, 8, 16, 32]) expect(all).toContainEqual({ stride: ['weightIh', stride] });
  expect(all).toContainEqual({ stride: ['weightHh', 6] });
  expect(all).not.toContainEqual({ stride: ['weightIh', 6] });
});

test('a layer may have the weights of another one whose input is as wide, or exchange them', () => {
  const layers = (num_layers: number, input_size: number) => {
    const module = moduleOf('RNN', { num_layers, input_size, hidden_size: 3 });
    const sequence = sequenceOf(module, 4, 2, 1);
    const { output } = predict(networkOf(module, 1), sequence, {});
    return hypothesesOf(boundOf(networkOf(module, 1), sequence, { output })).flatMap(({ change }) =>
      Array.isArray(change.layers) ? [change.layers.join(' ')] : [],
    );
  };
  expect(layers(3, 2)).toEqual(['0 2 2', '0 1 1', '0 2 1']);
  expect(layers(2, 3)).toEqual(['1 1', '0 0', '1 0']);
  expect(layers(2, 2)).toEqual([]);
});

test('states may be those of any other layer', () => {
  const h0 = new Float64Array(12);
  const three = changes({ num_layers: 3, hidden_size: 4 }, { h0 });
  const some = [
    [1, 2, 2],
    [2, 1, 0],
    [1, 1, 1],
  ];
  for (const stateOrder of some) expect(three).toContainEqual({ stateOrder });
  expect(three).not.toContainEqual({ stateOrder: [0, 1, 2] });
  expect(
    changes({ num_layers: 3, hidden_size: 4 }).filter(({ stateOrder }) => Array.isArray(stateOrder)),
  ).toEqual([]);
  const five = changes({ num_layers: 5, hidden_size: 4 }, { h0: new Float64Array(20) });
  const shifted = [
    [1, 2, 3, 4, 0],
    [1, 2, 3, 4, 4],
    [0, 0, 1, 2, 3],
  ];
  for (const stateOrder of shifted) expect(five).toContainEqual({ stateOrder });
});
