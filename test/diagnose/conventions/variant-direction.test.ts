import { expect, test } from 'vitest';
import { predict } from '../../../src/diagnose/conventions/predict.js';
import type { Variant } from '../../../src/diagnose/conventions/variant.js';
import { toTf32 } from '../../../src/diagnose/conventions/variant-weights.js';
import { forwardPass } from '../../../src/engine/forward.js';
import type { Network, Sequence } from '../../../src/module/bind.js';
import { moduleOf } from '../../engine/module.js';
import { networkOf, sequenceOf } from '../../engine/random-network.js';

const LSTM = networkOf(moduleOf('LSTM', { input_size: 2, hidden_size: 3 }), 5);
const RANDOM = sequenceOf(LSTM.module, 4, 2, 1);
const STATES = {
  h0: Float64Array.from({ length: 6 }, (_, i) => 0.1 * i - 0.3),
  c0: Float64Array.from({ length: 6 }, (_, i) => 0.2 - 0.1 * i),
};
const SEQUENCE: Sequence = { ...RANDOM, ...STATES };

/** The outputs of each step of a sequence, computed as a sequence of its own from these states. */
function stepwise(next: (states: typeof STATES) => typeof STATES): number[] {
  let states = STATES;
  const outputs: number[] = [];
  for (let t = 0; t < SEQUENCE.steps; t++) {
    const input = SEQUENCE.input.subarray(4 * t, 4 * (t + 1));
    const { output, h_n, c_n } = predict(LSTM, { steps: 1, batch: 2, input, ...states }, {});
    outputs.push(...output);
    states = next({ h0: Float64Array.from(h_n!), c0: Float64Array.from(c_n!) });
  }
  return outputs;
}

test.each<[Variant, (states: typeof STATES) => typeof STATES]>([
  [{}, (states) => states],
  [{ carry: 'none' }, () => STATES],
  [{ carry: 'no h' }, ({ c0 }) => ({ ...STATES, c0 })],
  [{ carry: 'no c' }, ({ h0 }) => ({ ...STATES, h0 })],
])('with %j each step begins from what is passed on, and else from the initial states', (variant, next) => {
  expect([...predict(LSTM, SEQUENCE, variant).output]).toEqual(stepwise(next));
});

test('a first step that runs twice begins from its own final states', () => {
  const input = SEQUENCE.input.subarray(0, 4);
  const { h_n, c_n } = predict(LSTM, { steps: 1, batch: 2, input, ...STATES }, {});
  const from = { ...SEQUENCE, h0: h_n, c0: c_n };
  expect(predict(LSTM, SEQUENCE, { firstStep: 'twice' })).toEqual(predict(LSTM, from, {}));
});

test.each([false, true])('chunks join: a sequence longer than one (reverse: %s)', async (bidirectional) => {
  const module = moduleOf('RNN', { bidirectional });
  const network = networkOf(module, 3);
  // One unit of one row: a chunk is 2^16 steps.
  const sequence = sequenceOf(module, 2 ** 16 + 3, 1, 2);
  const { output } = await forwardPass(network, sequence, { speed: { kernels: 'plain' } });
  expect(predict(network, sequence, {}, { speed: { kernels: 'plain' } }).output).toEqual(output);
});

test('the operands of all products are rounded to TF32, but neither biases nor sums', () => {
  const third = 1 / 3;
  const network: Network = {
    module: moduleOf('RNN', { nonlinearity: 'relu' }),
    layers: [
      [
        {
          weightIh: Float64Array.of(third),
          weightHh: Float64Array.of(0.7),
          biasIh: Float64Array.of(third),
          biasHh: Float64Array.of(0),
        },
      ],
    ],
  };
  const sequence = { steps: 2, batch: 1, input: Float64Array.of(0.9, 0), h0: Float64Array.of(0.6) };
  const { output } = predict(network, sequence, { operands: 'tf32' });
  const first = third + toTf32(third) * toTf32(0.9) + toTf32(0.7) * toTf32(0.6);
  expect(output[0]).toBeCloseTo(first, 15);
  expect(output[1]).toBeCloseTo(third + toTf32(0.7) * toTf32(first), 15);
});

test('a GRU whose reset acts before the product multiplies W_hn with r h', () => {
  const module = moduleOf('GRU');
  const [weightIh, weightHh] = [Float64Array.of(0, 0, 0), Float64Array.of(0, 0, 2)];
  const [biasIh, biasHh] = [Float64Array.of(0, 0, 0), Float64Array.of(0, 0, 0.5)];
  const network: Network = { module, layers: [[{ weightIh, weightHh, biasIh, biasHh }]] };
  const sequence = { steps: 1, batch: 1, input: Float64Array.of(0), h0: Float64Array.of(0.25) };
  // r and z are 1/2.
  const { output } = predict(network, sequence, { reset: 'before' });
  expect(output[0]).toBeCloseTo(0.5 * Math.tanh(2 * 0.125 + 0.5) + 0.5 * 0.25, 15);
  const without = { ...network, layers: [[{ weightIh, weightHh }]] };
  expect(predict(without, sequence, { reset: 'before' }).output[0]).toBeCloseTo(
    0.5 * Math.tanh(2 * 0.125) + 0.5 * 0.25,
    15,
  );
});
