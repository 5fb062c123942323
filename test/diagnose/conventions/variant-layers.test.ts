import { expect, test } from 'vitest';
import type { Variant } from '../../../src/diagnose/conventions/variant.js';
import { runLayers } from '../../../src/diagnose/conventions/variant-layers.js';
import { plainFloat64 } from '../../../src/engine/kernels/plain.js';
import type { Network, Parameters, Sequence } from '../../../src/module/bind.js';
import type { Module } from '../../../src/module/parameters.js';
import { moduleOf } from '../../engine/module.js';

/** A relu unit that adds `weight` · x to h. With several inputs it takes each with a weight of its own. */
const unit = (...weights: readonly number[]): Parameters => ({
  weightIh: Float64Array.from(weights),
  weightHh: Float64Array.of(1),
});

const RELU = { nonlinearity: 'relu', bias: false } as const;
const ONE = { module: moduleOf('RNN', { ...RELU, bidirectional: true }), layers: [[unit(1), unit(10)]] };

const SEQUENCE: Sequence = { steps: 3, batch: 1, input: Float64Array.of(1, 2, 3) };

function run(network: Network, variant: Variant, sequence = SEQUENCE, maxSteps = sequence.steps) {
  const { output, h_n, c_n } = runLayers({ kernels: plainFloat64, network, sequence, variant, maxSteps });
  return { output: [...output], h_n: h_n && [...h_n], c_n: c_n && [...c_n] };
}

test.each<[Variant, readonly number[], readonly number[]]>([
  [{}, [1, 60, 3, 50, 6, 30], [6, 60]],
  [{ reverse: 'in its own order' }, [1, 30, 3, 50, 6, 60], [6, 60]],
  [{ reverse: 'forward too' }, [1, 10, 3, 30, 6, 60], [6, 60]],
  [{ reverse: 'weights of forward' }, [1, 6, 3, 5, 6, 3], [6, 6]],
  [{ reverse: 'weights exchanged' }, [10, 6, 30, 5, 60, 3], [60, 6]],
  [{ reverse: 'written first' }, [60, 1, 50, 3, 30, 6], [6, 60]],
  [{ reverse: 'in its own order', reverseIn: 'last layer' }, [1, 30, 3, 50, 6, 60], [6, 60]],
  [{ finals: 'of the last step' }, [1, 60, 3, 50, 6, 30], [6, 30]],
])('two directions with %j', (variant, output, h_n) => {
  expect(run(ONE, variant)).toEqual({ output, h_n, c_n: undefined });
});

test('units of two directions alternate', () => {
  const pair = (a: number, b: number): Parameters => ({
    weightIh: Float64Array.of(a, b),
    weightHh: Float64Array.of(0, 0, 0, 0),
  });
  const network = { module: { ...ONE.module, hidden_size: 2 }, layers: [[pair(1, 2), pair(3, 4)]] };
  const sequence = { steps: 1, batch: 1, input: Float64Array.of(1) };
  expect(run(network, {}, sequence).output).toEqual([1, 2, 3, 4]);
  expect(run(network, { reverse: 'interleaved' }, sequence).output).toEqual([1, 3, 2, 4]);
  expect(run(network, { reverse: 'written first' }, sequence).output).toEqual([3, 4, 1, 2]);
});

test('a shorter row is turned within its length, ends there, and is followed by zeros', () => {
  const sequence = { steps: 3, batch: 2, input: Float64Array.of(1, 1, 2, 2, 3, 3), lengths: [3, 2] };
  const plain = run(ONE, {}, sequence);
  expect(plain.output).toEqual([1, 60, 1, 30, 3, 50, 3, 20, 6, 30, 0, 0]);
  expect(plain.h_n).toEqual([6, 3, 60, 30]);
  const turned = run(ONE, { reverse: 'in its own order' }, sequence);
  expect(turned.output).toEqual([1, 30, 1, 20, 3, 50, 3, 30, 6, 60, 0, 0]);
  expect(run(ONE, { finals: 'of the last step' }, sequence).h_n).toEqual([6, 0, 30, 0]);
});

const STACKED: Network = {
  module: moduleOf('RNN', { ...RELU, num_layers: 2 }),
  layers: [[unit(1)], [unit(10)]],
};

test.each<[Variant, readonly number[], readonly number[] | undefined]>([
  [{}, [10, 40, 100], [6, 100]],
  [{ layers: 'first only' }, [1, 3, 6], undefined],
  [{ layers: 'first shared' }, [1, 4, 10], [6, 10]],
  [{ layers: [0, 0] }, [1, 4, 10], [6, 10]],
  [{ layers: [1, 1] }, [100, 400, 1000], [60, 1000]],
  [{ layers: [1, 0] }, [10, 40, 100], [60, 100]],
])('two layers with %j', (variant, output, h_n) => {
  expect(run(STACKED, variant)).toMatchObject({ output, h_n });
});

test('a layer of another shape keeps its own weights', () => {
  const module: Module = { ...STACKED.module, input_size: 2 };
  const network = { module, layers: [[unit(1, 0)], [unit(10)]] };
  const sequence = { steps: 1, batch: 1, input: Float64Array.of(1, 5) };
  expect(run(network, { layers: 'first shared' }, sequence).output).toEqual([10]);
});

const DEEP: Network = {
  module: moduleOf('RNN', { ...RELU, num_layers: 2, bidirectional: true }),
  layers: [
    [unit(1), unit(10)],
    [unit(1, 0), unit(0, 1)],
  ],
};

test('what is wrong in the last layer only is right below', () => {
  const right = run(DEEP, {}).output;
  expect(right).toEqual([1, 140, 4, 80, 10, 30]);
  expect(run(DEEP, { reverse: 'written first', reverseIn: 'last layer' }).output).toEqual([
    140, 1, 80, 4, 30, 10,
  ]);
  expect(run(DEEP, { reverse: 'written first', reverseIn: 'layers below' }).output).toEqual([
    60, 10, 110, 9, 140, 6,
  ]);
  // In every layer, the upper one takes the lower one's directions for each other.
  expect(run(DEEP, { reverse: 'written first' }).output).toEqual([10, 60, 9, 110, 6, 140]);
});

test('the first steps of a direction are computed, and the others are NaN', () => {
  const none = Number.NaN;
  const { output, h_n } = run(ONE, {}, SEQUENCE, 1);
  expect(output).toEqual([1, none, none, none, none, 30]);
  expect(h_n).toEqual([none, none]);
  expect(run(STACKED, {}, SEQUENCE, 2).output).toEqual([10, 40, none]);
  // The last layer's reverse direction needs the whole layer below, whose final states are known then.
  const deep = run(DEEP, {}, SEQUENCE, 1);
  expect(deep.output).toEqual([1, none, none, none, none, 30]);
  expect(deep.h_n).toEqual([6, 60, none, none]);
  expect(run(ONE, { finals: 'of the last step' }, SEQUENCE, 1).h_n).toEqual([none, none]);
  expect(run(ONE, {}, SEQUENCE, 9)).toEqual(run(ONE, {}));
});

test('each direction begins from its own state', () => {
  const sequence = { ...SEQUENCE, h0: Float64Array.of(0.5, 0.25, 0.125, 0.0625) };
  expect(run(DEEP, {}, sequence).h_n).toEqual([6.5, 60.25, 11.625, 140.8125]);
});
