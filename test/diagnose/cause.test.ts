import { expect, test } from 'vitest';
import { type CauseOptions, findCause } from '../../src/diagnose/cause.js';
import { predict } from '../../src/diagnose/conventions/predict.js';
import type { Network, Sequence } from '../../src/module/bind.js';
import type { Floats } from '../../src/tensor/dtype.js';
import type { Cause } from '../../src/verdict/cause.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';
import { boundOf, changed } from './bound.js';
import { conventionsOf, weightsOf, whereaboutsOf } from './findings.js';

/** Why a float32 output is not what a network gives. */
function causeOf(network: Network, sequence: Sequence, output: Floats, decimals?: number): Promise<Cause> {
  const boundCase = boundOf(network, sequence, { output: Float32Array.from(output) }, decimals);
  return findCause(boundCase, predict(network, sequence, {}), {
    depth: 'alone',
    outputAgrees: false,
  });
}

test('one weight is named where one direction is beyond rounding, none where two are', async () => {
  const module = moduleOf('RNN', { input_size: 2, hidden_size: 3, bidirectional: true });
  const network = networkOf(module, 4);
  const sequence = sequenceOf(module, 20, 2, 5);
  const cause = (directions: readonly number[]) =>
    causeOf(network, sequence, predict(changed(network, 'weightHh', 4, directions), sequence, {}).output);
  const one = await cause([1]);
  expect(weightsOf(one)[0]).toMatchObject({ tensors: ['weight_hh_l0_reverse'], row: 1, column: 1 });
  const two = await cause([0, 1]);
  expect(whereaboutsOf(two).map(({ direction }) => direction)).toEqual(['forward', 'reverse']);
});

test.each([
  ['biasIh', 0, ['bias_ih_l0', 'bias_hh_l0'], 'r'],
  ['biasHh', 3, ['bias_ih_l0', 'bias_hh_l0'], 'z'],
  ['biasIh', 5, ['bias_ih_l0'], 'n'],
  ['biasHh', 5, ['bias_hh_l0'], 'n'],
] as const)("a GRU's %s[%d] that is off is %j", async (tensor, at, tensors, gate) => {
  const module = moduleOf('GRU', { input_size: 2, hidden_size: 2 });
  const network = networkOf(module, 6);
  const sequence = sequenceOf(module, 30, 2, 2);
  const { output } = predict(changed(network, tensor, at), sequence, {});
  const weights = weightsOf(await causeOf(network, sequence, output));
  expect(weights[0]).toMatchObject({ tensors, row: at, gate, unit: at % 2 });
  expect(weights[0].implied - weights[0].inFile).toBeCloseTo(0.01, 4);
});

test.each([
  [2, false],
  [3, true],
])('compared with all but %d of 20 steps, a convention is uncertain: %s', async (blind, partial) => {
  const parameters = {
    weightIh: Float64Array.of(0.001),
    weightHh: Float64Array.of(0),
    biasIh: Float64Array.of(0.3),
    biasHh: Float64Array.of(0.2),
  };
  const network: Network = { module: moduleOf('RNN'), layers: [[parameters]] };
  // With a weight of three decimals, the output for such an input may be anything.
  const input = Float64Array.from({ length: 20 }, (_, t) => (t < blind ? 1000 : t));
  const sequence = { steps: 20, batch: 1, input };
  const { output } = predict(network, sequence, { biases: 'none' });
  const conventions = conventionsOf(await causeOf(network, sequence, output, 3));
  const found = conventions.find(({ says }) => says.join() === 'both biases are missing');
  expect(found).toMatchObject({ compared: 20 - blind, of: 20, partial });
});

test.each([1, 2, 3])('one weight is named where it explains more than two values, of %d', async (steps) => {
  const network = networkOf(moduleOf('RNN', { input_size: 2, hidden_size: 1 }), 4);
  const sequence = sequenceOf(network.module, steps, 1, 5);
  const { output } = predict(changed(network, 'weightIh', 1), sequence, {});
  const { kind } = await causeOf(network, sequence, output);
  expect(kind === 'weights').toBe(steps > 2);
});

const GRU = networkOf(moduleOf('GRU', { input_size: 3, hidden_size: 4 }), 3);
const SEQUENCE = sequenceOf(GRU.module, 12, 2, 4);
const BASE = predict(GRU, SEQUENCE, {});

/** Why an output of this GRU differs, looked for so far. */
function causeWith(output: Floats, options: Partial<CauseOptions>): Promise<Cause> {
  const boundCase = boundOf(GRU, SEQUENCE, { output: Float32Array.from(output) });
  return findCause(boundCase, BASE, { depth: 'pairs', outputAgrees: false, ...options });
}

const NO_BIASES = predict(GRU, SEQUENCE, { biases: 'none' }).output;
const OTHER = predict(networkOf(GRU.module, 4), SEQUENCE, {}).output;

test('at the reference alone no convention is tried', async () => {
  const cause = await causeWith(NO_BIASES, { depth: 'reference' });
  expect(cause).toMatchObject({
    kind: 'not-searched',
    notExcluded: [],
    separators: ['an h_0 that is not zero'],
    tried: { singles: 0, pairs: 0, ofPairs: 0 },
  });
  const most = Math.max(...NO_BIASES.map((value, i) => Math.abs(Math.fround(value) - BASE.output[i])));
  expect(cause.difference).toBe(most);
  expect(await causeWith(BASE.output.with(9, 3), { depth: 'reference' })).toMatchObject({
    kind: 'changed-values',
    values: [{ tensor: 'output', row: 1, batch: 0, unit: 1 }],
  });
  const notFinite = BASE.output.map((value, i) => (i < 40 ? value : Number.NaN));
  expect(await causeWith(notFinite, { depth: 'reference' })).toMatchObject({
    kind: 'not-finite',
    value: { tensor: 'output', row: 5, batch: 0, unit: 0 },
  });
});

test('a convention says what it leaves, what it was compared with and what makes no difference', async () => {
  const cause = await causeWith(NO_BIASES, { depth: 'alone' });
  expect(conventionsOf(cause)).toMatchObject([
    {
      says: ['both biases are missing'],
      remedies: [expect.stringMatching(/^load bias_ih and bias_hh: b = bias_ih \+ bias_hh /)],
      compared: 96,
      of: 96,
      partial: false,
    },
  ]);
  expect(conventionsOf(cause)[0].left).toBeLessThan(1e-7);
  // What makes no difference because the case has no such tensor is not named.
  expect(cause.notExcluded).toEqual([]);
  expect(cause.tried.singles).toBeGreaterThan(40);
});

test('an unsure precision comes after conventions and weights, and before pairs', async () => {
  const precision = { profile: 'tf32', isSure: false } as const;
  expect(await causeWith(NO_BIASES, { precision })).toMatchObject({ kind: 'conventions' });
  const { output } = predict(changed(GRU, 'weightIh', 5), SEQUENCE, {});
  expect(await causeWith(output, { precision })).toMatchObject({ kind: 'weights' });
  expect(await causeWith(OTHER, { precision })).toMatchObject({
    kind: 'precision',
    profile: 'tf32',
    tried: { pairs: 0 },
  });
});

test('of values that were changed after they were computed no pattern is said', async () => {
  const pattern = { says: ['steps 0 to 4 follow; from step 5 on none does'] };
  const output = BASE.output.map((value, i) => (Math.floor(i / 8) === 5 ? Math.sin(i) : value));
  const cause = await causeWith(output, { pattern });
  expect(cause).toMatchObject({ kind: 'degenerate', says: expect.stringContaining('(step 5)') });
  expect(cause.pattern).toBeUndefined();
  expect((await causeWith(OTHER, { pattern })).pattern).toBe(pattern);
});

test('pairs are tried only where that is asked for', async () => {
  const { output } = predict(GRU, SEQUENCE, { biases: 'none', order: 'zrn' });
  const alone = await causeWith(output, { depth: 'alone' });
  expect(alone).toMatchObject({ kind: 'unexplained', tried: { pairs: 0, ofPairs: 0 } });
  const cause = await causeWith(output, {});
  expect(conventionsOf(cause)[0].says).toEqual([
    'the row blocks of weight_ih, weight_hh and the biases are in the order z r n (Keras, ONNX), not r z n',
    'both biases are missing',
  ]);
  expect(cause.tried.pairs).toBe(cause.tried.ofPairs);
});

test('where nothing fits, the layer has its whereabouts', async () => {
  const cause = await causeWith(OTHER, { outputAgrees: true });
  expect(cause).toMatchObject({ kind: 'unexplained', outputAgrees: true });
  expect(whereaboutsOf(cause)).toMatchObject([
    { layer: 0, direction: 'forward', step: 0, units: [0, 1, 2, 3], ofUnits: 4 },
  ]);
  const { gates, explained } = whereaboutsOf(cause)[0];
  expect(Object.keys(gates)).toEqual(['r', 'z', 'n']);
  expect(Object.keys(explained)).toEqual(['r', 'z', 'n']);
});

test('the next best has the share of the difference that it explains', async () => {
  // The last step is off as well.
  const output = NO_BIASES.map((value, i) => (i < 88 ? value : value + 0.1));
  const { nextBest } = await causeWith(output, { depth: 'alone' });
  expect(nextBest!.says).toEqual(['both biases are missing']);
  const squares = (predicted: Floats) =>
    Array.from(predicted, (value, i) => (value - Math.fround(output[i])) ** 2).reduce((a, b) => a + b);
  expect(nextBest!.explained).toBeCloseTo(1 - squares(NO_BIASES) / squares(BASE.output), 10);
});

test('progress goes from 0 to 1, over singles and then pairs', async () => {
  const progress = async (depth: CauseOptions['depth']) => {
    const seen: number[] = [];
    await causeWith(OTHER, {
      depth,
      onProgress: (done) => {
        seen.push(done);
      },
    });
    return seen;
  };
  const alone = await progress('alone');
  expect([alone[0], alone.at(-1)! > 0.9 && alone.at(-1)! <= 1]).toEqual([0, true]);
  const both = await progress('pairs');
  expect(both).toEqual(both.toSorted((a, b) => a - b));
  expect(both[alone.length]).toBe(0.6);
  for (const [i, done] of alone.entries()) expect(both[i]).toBeCloseTo(0.6 * done, 12);
  expect(both.at(-1)).toBeGreaterThan(0.9);
  expect(both.at(-1)).toBeLessThanOrEqual(1);
});

test.each([0.0005, 0.003])(
  'a convention is found beneath a coarser rounding, which is named: %d',
  async (share) => {
    // Every other value is too large, the others are too small.
    const coarse = NO_BIASES.map((value, i) => value * (1 + (i % 2 ? share : -share)));
    const cause = await causeWith(coarse, { depth: 'alone' });
    expect(conventionsOf(cause)).toMatchObject([{ says: ['both biases are missing'], profile: 'f16' }]);
    expect(await causeWith(coarse, { depth: 'alone', profile: 'generic' })).toMatchObject({
      kind: 'unexplained',
    });
    const exact = await causeWith(NO_BIASES, { depth: 'alone' });
    expect(conventionsOf(exact)[0].profile).toBeUndefined();
  },
);
