import { expect, test } from 'vitest';
import { envelope } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { forwardPass } from '../../src/engine/forward.js';
import type { Kind } from '../../src/kinds.js';
import type { Network, Sequence } from '../../src/module/bind.js';
import { knownOutputs } from '../../src/module/known-outputs.js';
import { knownLayers } from '../../src/one-weight/known-layers.js';
import { wrongUnit } from '../../src/one-weight/wrong-unit.js';
import { roundTo } from '../../src/tensor/dtype.js';
import { boundOf } from '../diagnose/bound.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';

const BF16 = 2 ** -8;
/** A weight of unit 2: h's of an RNN, n's of a GRU, g's of an LSTM [row, column 5]. */
const WEIGHTS: readonly (readonly [Kind, number])[] = [
  ['RNN', 2 * 16 + 5],
  ['GRU', 34 * 16 + 5],
  ['LSTM', 34 * 16 + 5],
];

/** A network and a sequence of numbers that bfloat16 holds. */
function drawn(kind: Kind, hidden_size = 16) {
  const module = moduleOf(kind, { input_size: 6, hidden_size });
  const narrow = (values: Float64Array) => values.map((value) => roundTo(value, 'BF16'));
  const network = networkOf(module, 3);
  const [[parameters]] = network.layers;
  const rounded = Object.fromEntries(
    Object.entries(parameters).map(([name, values]) => [name, values && narrow(values)]),
  ) as typeof parameters;
  const sequence = sequenceOf(module, 100, 2, 5);
  return {
    network: { module, layers: [[rounded]] },
    sequence: { ...sequence, input: narrow(sequence.input as Float64Array) },
  };
}

/** The network with one of its weights, or biases, times this. */
function times(
  network: Network,
  by: number,
  [tensor, at]: readonly ['weightHh' | 'biasIh', number] = ['weightHh', 37],
): Network {
  const [[parameters]] = network.layers;
  const values = parameters[tensor]!;
  return { ...network, layers: [[{ ...parameters, [tensor]: values.with(at, values[at] * by) }]] };
}

/** What stands out where one network computed a reference in bfloat16, and another one is in the file. */
async function found(computedBy: Network, inFile: Network, sequence: Sequence) {
  const { output } = await forwardPass(computedBy, sequence, { storage: { dtype: 'BF16' } });
  const boundCase = boundOf(inFile, sequence, { output });
  const known = knownOutputs(boundCase).map((reference) => reference && { values: reference.data });
  const { layers } = envelope(inFile, sequence, { profile: PROFILES.bf16, model: 'likely', known });
  return wrongUnit(knownLayers(boundCase, layers), BF16);
}

test.each(WEIGHTS)(
  '%s: the unit stands out that has a wrong weight, and none where all are right',
  async (kind, at) => {
    const { network, sequence } = drawn(kind);
    expect(await found(network, network, sequence)).toBeUndefined();
    const wrong = await found(network, times(network, 2, ['weightHh', at]), sequence);
    expect(wrong?.unit).toBe(2);
    expect(wrong?.sigmas).toBeGreaterThan(6);
  },
);

test('none of its values needs to be beyond rounding', async () => {
  const { network, sequence } = drawn('RNN');
  const { output } = await forwardPass(network, sequence, { storage: { dtype: 'BF16' } });
  const inFile = times(network, 1.3);
  const known = [{ values: output }];
  const { layers } = envelope(inFile, sequence, { profile: PROFILES.bf16, model: 'likely', known });
  const { values, error } = layers[0];
  expect(output.every((value, i) => Math.abs(value - values[i]) <= 6 * error[i])).toBe(true);
});

test('a weight that was rounded once more is none', async () => {
  const { network, sequence } = drawn('RNN');
  for (const place of [
    ['weightHh', 37],
    ['biasIh', 4],
  ] as const)
    for (const by of [1 + BF16, 1 - BF16])
      expect(await found(network, times(network, by, place), sequence)).toBeUndefined();
});

test('what is off in two units as far is none: rounding that repeats is found in several', async () => {
  const { network, sequence } = drawn('RNN');
  const [[parameters]] = network.layers;
  const { biasIh } = parameters;
  const off = (units: readonly number[]): Network => {
    const added = biasIh!.map((value, unit) => (units.includes(unit) ? value + 0.02 : value));
    return { ...network, layers: [[{ ...parameters, biasIh: added }]] };
  };
  expect((await found(network, off([4]), sequence))?.unit).toBe(4);
  expect((await found(network, off([5]), sequence))?.unit).toBe(5);
  expect(await found(network, off([4, 5]), sequence)).toBeUndefined();
});

test('fewer than four units cannot be told from each other', async () => {
  for (const hidden_size of [3, 4]) {
    const { network, sequence } = drawn('RNN', hidden_size);
    const wrong = await found(network, times(network, 2, ['biasIh', 1]), sequence);
    expect(wrong?.unit).toBe(hidden_size < 4 ? undefined : 1);
  }
});

test('where a unit stands still, an error of every step counts once', async () => {
  const { network, sequence } = drawn('RNN');
  const still = { ...sequence, input: new Float64Array(sequence.input.length) };
  const inFile = times(network, 1.02, ['biasIh', 4]);
  expect(await found(network, inFile, still)).toBeUndefined();
});
