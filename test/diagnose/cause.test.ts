import { expect, test } from 'vitest';
import { findCause } from '../../src/diagnose/cause.js';
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
])(
  'held against all but %d of 20 steps, a convention is only what it could be: %s',
  async (blind, partial) => {
    const own = {
      weightIh: Float64Array.of(0.001),
      weightHh: Float64Array.of(0),
      biasIh: Float64Array.of(0.3),
      biasHh: Float64Array.of(0.2),
    };
    const network: Network = { module: moduleOf('RNN'), layers: [[own]] };
    // Of a weight with three decimals such an input makes anything.
    const input = Float64Array.from({ length: 20 }, (_, t) => (t < blind ? 1000 : t));
    const sequence = { steps: 20, batch: 1, input };
    const { output } = predict(network, sequence, { biases: 'none' });
    const conventions = conventionsOf(await causeOf(network, sequence, output, 3));
    const found = conventions.find(({ says }) => says.join() === 'both biases are missing');
    expect(found).toMatchObject({ compared: 20 - blind, of: 20, partial });
  },
);
