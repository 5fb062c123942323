import { expect, test } from 'vitest';
import { bind } from '../../src/module/bind.js';
import { caseOf } from '../../src/module/case.js';
import { describeModule } from '../../src/module/describe.js';
import { notFinite } from '../../src/module/not-finite.js';
import { stateDict } from '../../src/tensor/state-dict.js';
import { tensor } from '../../src/tensor/tensor.js';
import { caseWith, lstm } from './modules.js';

const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY];

/** A bidirectional LSTM 2 → 3 under a prefix, over 4 steps of 2 rows, with some values that are no numbers. */
function found(values: Readonly<Record<string, Readonly<Record<number, number>>>>, batch_first = false) {
  const filled = (name: string, ...shape: number[]) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5);
    for (const [i, value] of Object.entries(values[name] ?? {})) data[Number(i)] = value;
    return tensor(shape, data);
  };
  const parameter = (name: string, ...shape: number[]) => [`p.${name}`, filled(name, ...shape)] as const;
  const weights = stateDict(
    Object.fromEntries(
      ['', '_reverse'].flatMap((end) => [
        parameter(`weight_ih_l0${end}`, 12, 2),
        parameter(`weight_hh_l0${end}`, 12, 3),
        parameter(`bias_ih_l0${end}`, 12),
        parameter(`bias_hh_l0${end}`, 12),
      ]),
    ),
  );
  const input = batch_first ? filled('input', 2, 4, 2) : filled('input', 4, 2, 2);
  const states = { h_0: filled('h_0', 2, 2, 3), c_0: filled('c_0', 2, 2, 3) };
  const module = describeModule(weights.specs, {});
  return notFinite(bind(module, caseOf(weights, { input, ...states }), batch_first));
}

test('nothing where all is finite', () => {
  expect(found({})).toEqual([]);
});

test('each tensor with its count, and where the first of them is', () => {
  expect(
    found({
      weight_ih_l0: { 5: nan, 7: inf, 8: -inf },
      weight_hh_l0_reverse: { 35: nan },
      bias_hh_l0: { 11: inf },
      input: { 13: nan },
      h_0: { 0: -inf },
      c_0: { 11: nan, 10: nan },
    }),
  ).toEqual([
    { name: 'p.weight_ih_l0', nans: 1, infinities: 2, first: [2, 1] },
    { name: 'p.bias_hh_l0', nans: 0, infinities: 1, first: [11] },
    { name: 'p.weight_hh_l0_reverse', nans: 1, infinities: 0, first: [11, 2] },
    { name: 'input', nans: 1, infinities: 0, first: [3, 0, 1] },
    { name: 'h_0', nans: 0, infinities: 1, first: [0, 0, 0] },
    { name: 'c_0', nans: 2, infinities: 0, first: [1, 1, 1] },
  ]);
});

test('a layer above and a projection have their own shapes', () => {
  const module = lstm({ num_layers: 2, proj_size: 2 });
  const shapes = { input: [5, 2, 3], h_0: [2, 2, 2], c_0: [2, 2, 4] };
  const loaded = caseWith(module, shapes);
  const { network, sequence } = bind(module, loaded, undefined);
  const [{ weightIh, weightHr }, upper] = network.layers.flat();
  // One value in each, by its row and column.
  weightIh[2 * 3 + 1] = nan;
  weightHr![1 * 4 + 3] = inf;
  upper.weightIh[15 * 2 + 1] = nan;
  sequence.h0![(1 * 2 + 0) * 2 + 1] = nan;
  sequence.c0![(1 * 2 + 1) * 4 + 2] = -inf;
  expect(notFinite(bind(module, loaded, undefined)).map(({ name, first }) => [name, first])).toEqual([
    ['weight_ih_l0', [2, 1]],
    ['weight_hr_l0', [1, 3]],
    ['weight_ih_l1', [15, 1]],
    ['h_0', [1, 0, 1]],
    ['c_0', [1, 1, 2]],
  ]);
});

test('the input is indexed time first, however it is laid out', () => {
  expect(found({ input: { 13: nan } }, true)).toMatchObject([{ name: 'input', first: [2, 1, 1] }]);
});
