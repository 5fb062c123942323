import { expect, test } from 'vitest';
import { largestGroup, twinProducts, twinsOf } from '../../src/bounds/twins.js';
import { moduleOf } from '../engine/module.js';
import { networkOf } from '../engine/random-network.js';

const of = (...values: readonly number[]) => Float64Array.from(values);

/** A copy of a row in place of another, in every gate. */
function copied(values: Float64Array, gates: number, from: number, to: number): Float64Array {
  const result = values.slice();
  const size = values.length / gates;
  const row = size / 4;
  for (let gate = 0; gate < gates; gate++)
    result.set(
      values.subarray(gate * size + from * row, gate * size + (from + 1) * row),
      gate * size + to * row,
    );
  return result;
}

test('units are twins where all of their weights and biases are alike', () => {
  const module = moduleOf('GRU', { input_size: 3, hidden_size: 4 });
  const [[own]] = networkOf(module, 5).layers;
  expect(twinsOf(module, own).units).toBeUndefined();
  const all = {
    weightIh: copied(own.weightIh as Float64Array, 3, 1, 3),
    weightHh: copied(own.weightHh as Float64Array, 3, 1, 3),
    biasIh: copied(own.biasIh as Float64Array, 3, 1, 3),
    biasHh: copied(own.biasHh as Float64Array, 3, 1, 3),
  };
  expect(twinsOf(module, all)).toEqual({ units: [0, 1, 2, 1], outputs: [0, 1, 2, 1] });
  for (const name of ['weightIh', 'weightHh', 'biasIh', 'biasHh'] as const)
    expect(twinsOf(module, { ...all, [name]: own[name] }).units, name).toBeUndefined();
  // The last number of the last gate.
  const { biasHh } = all;
  expect(twinsOf(module, { ...all, biasHh: biasHh.with(11, 0.5) }).units).toBeUndefined();
});

test('outputs of a projection are twins by its weights', () => {
  const module = moduleOf('LSTM', { input_size: 2, hidden_size: 3, proj_size: 3 });
  const [[own]] = networkOf(module, 5).layers;
  const outputs = (...weightHr: readonly number[]) => twinsOf(module, { ...own, weightHr: of(...weightHr) });
  expect(outputs(1, 2, 3, 1, 2, 4, 5, 2, 3)).toEqual({ units: undefined, outputs: undefined });
  expect(outputs(1, 2, 3, 5, 2, 3, 5, 2, 3)).toEqual({ units: undefined, outputs: [0, 1, 1] });
  expect(outputs(1, 2, 3, 1, 2, 4, 1, 2, 3)).toEqual({ units: undefined, outputs: [0, 1, 0] });
});

test('the largest group is a share of all', () => {
  expect(largestGroup(undefined)).toBe(0);
  expect(largestGroup([0, 1, 1, 1, 4])).toBe(3 / 5);
  expect(largestGroup([0, 0, 2, 3])).toBe(1 / 2);
});

test('errors of twins add up linearly', () => {
  // Rows of 1, −2, 3 and 4, 5, −6, of which the first and the last column are twins.
  expect([...twinProducts(of(1, -2, 3, 4, 5, -6), 2, [0, 1, 0])]).toEqual([4, 4, 12, 40, 25, 60]);
});
