import { expect, test } from 'vitest';
import { predict } from '../../../src/diagnose/conventions/predict.js';
import { firstBeyond } from '../../../src/diagnose/one-weight/first-beyond.js';
import { localise } from '../../../src/diagnose/one-weight/localise.js';
import { refine } from '../../../src/diagnose/one-weight/refine.js';
import type { KnownLayer } from '../../../src/diagnose/one-weight/sensitivity.js';
import type { Network, Sequence } from '../../../src/module/bind.js';
import { moduleOf } from '../../engine/module.js';
import { networkOf, sequenceOf } from '../../engine/random-network.js';
import { changed } from '../bound.js';

const SIGMA = 1e-6;

/** A layer whose reference another network gave over the same sequence; each of its values is off by SIGMA or so. */
function layerOf(network: Network, right: Network, sequence: Sequence): KnownLayer {
  const { module, layers } = network;
  const { output } = predict(right, sequence, {});
  return {
    module,
    parameters: layers[0][0],
    reverse: false,
    ...sequence,
    input_size: module.input_size,
    expected: output.map((value, i) => value + 0.5 * SIGMA * Math.sin(7 * i)),
    sigma: new Float64Array(output.length).fill(SIGMA),
  };
}

const RNN = networkOf(moduleOf('RNN', { input_size: 2, hidden_size: 2 }), 6);
const GRU = networkOf(moduleOf('GRU', { input_size: 2, hidden_size: 2 }), 6);

test.each([
  ['bias_ih', 'RNN', 'biasIh', 1],
  ['bias_ih', 'RNN', 'biasHh', 1],
  ['weight_ih', 'RNN', 'weightIh', 2],
  ['weight_hh', 'RNN', 'weightHh', 3],
  ['bias_ih', 'GRU', 'biasIh', 2],
  ['bias_ih', 'GRU', 'biasIh', 5],
  ['bias_hh', 'GRU', 'biasHh', 5],
] as const)(
  'no other weight explains as much as %s where the input varies (%s, %s[%d])',
  (named, kind, tensor, at) => {
    const network = kind === 'RNN' ? RNN : GRU;
    const sequence = sequenceOf(network.module, 30, 2, 2);
    const [suspect] = localise(layerOf(network, changed(network, tensor, at), sequence)).suspects;
    // The two biases of one sum are one.
    expect(suspect).toMatchObject({ tensor: named, alike: 0 });
    expect(suspect.change).toBeCloseTo(0.01, 4);
  },
);

test('a feature that is always 1 is like a bias, and the two biases count as one', () => {
  const drawn = sequenceOf(RNN.module, 30, 2, 2);
  const sequence = { ...drawn, input: drawn.input.map((value, i) => (i % 2 ? value : 1)) };
  const [suspect] = localise(layerOf(RNN, changed(RNN, 'biasIh', 1), sequence)).suspects;
  expect(suspect).toMatchObject({ unit: 1, alike: 1 });
});

/** A step of relu units whose sums are 1, with what is expected of them in each batch row. */
function oneStep(expected: readonly (readonly number[])[], sigma: readonly number[] = []): KnownLayer {
  const [hidden_size, batch] = [expected[0].length, expected.length];
  return {
    module: moduleOf('RNN', { hidden_size, nonlinearity: 'relu', bias: false }),
    parameters: {
      weightIh: new Float64Array(hidden_size).fill(1),
      weightHh: new Float64Array(hidden_size * hidden_size),
    },
    reverse: false,
    steps: 1,
    batch,
    input: new Float64Array(batch).fill(1),
    input_size: 1,
    expected: Float64Array.from(expected.flat()),
    sigma: Float64Array.from(expected.flat(), (_, i) => sigma[i] ?? 1e-3),
  };
}

test('of the first step that is beyond rounding the farthest unit is named, in standard deviations', () => {
  expect(firstBeyond(oneStep([[1.01, 1.05, 0.98]]), 6)).toMatchObject({
    step: 0,
    batch: 0,
    unit: 1,
    units: [0, 1, 2],
  });
  expect(
    firstBeyond(
      oneStep([
        [1.01, 1],
        [1.02, 0.7],
      ]),
      6,
    ),
  ).toMatchObject({ batch: 1, unit: 1 });
  expect(firstBeyond(oneStep([[1.01, 1.05]], [1e-4, 1e-3]), 6)).toMatchObject({ unit: 0 });
});

test('no gate is said to be off by more than 50', () => {
  expect(firstBeyond(oneStep([[1 + 49]]), 6).gates.h).toBeCloseTo(49, 10);
  expect(firstBeyond(oneStep([[1 + 51]]), 6).gates).toEqual({ h: undefined });
});

test('what is left of a difference with a weight changed is that of all units', () => {
  const sequence = sequenceOf(RNN.module, 30, 2, 2);
  const both = changed(changed(RNN, 'weightHh', 2), 'weightIh', 1);
  const layer = layerOf(RNN, both, sequence);
  const { suspects, total } = localise(layer);
  const [suspect] = suspects;
  const { left } = refine(layer, suspect);
  const ofUnit = (unit: number) => {
    const alone = localise({ ...layer, sigma: layer.sigma.map((one, i) => (i % 2 === unit ? one : 0)) });
    return alone.total;
  };
  const others = ofUnit(1 - suspect.unit);
  expect(others).toBeGreaterThan(1e4);
  // Of its own unit nothing but rounding is left, less than a variance for each value.
  expect(left - others).toBeGreaterThan(0);
  expect(left - others).toBeLessThan(60);
  expect(total).toBeGreaterThan(left);
});
