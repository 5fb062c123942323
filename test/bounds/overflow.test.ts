import { expect, test } from 'vitest';
import { type EnvelopeOptions, envelope } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import type { Kind } from '../../src/kinds.js';
import type { Network, Sequence } from '../../src/module/bind.js';
import { moduleOf } from '../engine/module.js';
import { reluOf, values } from '../verdict/bound.js';

// In float16 a sum of more than 60,000 may have overflowed on its way.

/** Two units: rows of W_ih add up to 3 and 30, those of W_hh to 3 and 5. */
const RELU = reluOf([1, 2, 10, 20], [0, 3, 5, 0]);

function found(network: Network, sequence: Sequence, known: EnvelopeOptions['known'] = []) {
  const { overflows, layers } = envelope(network, sequence, {
    profile: PROFILES.f16,
    model: 'likely',
    known,
  });
  return { overflows: overflows.map(({ step, batch, gate, unit }) => [step, batch, gate, unit]), layers };
}

/** The steps and rows that are undecided, `[t, b]`, of two units each. */
function undecidedIn({ layers }: ReturnType<typeof found>, batch: number): string[] {
  const [{ undecided }] = layers;
  return [...undecided.entries()]
    .filter(([i, flag]) => flag && i % 2 === 0)
    .map(([i]) => `${Math.floor(i / 2 / batch)},${(i / 2) % batch}`);
}

/** Known states that keep what comes from the step before small. */
const small = (count: number) => [{ values: new Float64Array(count) }];

test('the rows of each step whose sums may be too large, and the sum of the largest terms in the first of each', () => {
  const input = values(...[100, 100, 1000, 2500], ...[2001, 0, 1, 1], ...[2000, 0, 9000, 0], ...[1, 1, 1, 1]);
  const result = found(RELU, { steps: 4, batch: 2, input }, small(16));
  expect(result.overflows).toEqual([
    [0, 1, 'h', 1],
    [1, 0, 'h', 1],
  ]);
  expect(undecidedIn(result, 2)).toEqual(['0,1', '1,0', '2,1']);
});

test('what comes from the step before counts, alone and together with the input', () => {
  const steps = (x: number, h: number) => {
    const input = values(0, 0, x, 0);
    return undecidedIn(found(RELU, { steps: 2, batch: 1, input }, [{ values: values(h, 0, 0, 0) }]), 1);
  };
  expect(steps(0, 12_000)).toEqual([]);
  expect(steps(0, 12_001)).toEqual(['1,0']);
  expect(steps(1000, 6000)).toEqual([]);
  expect(steps(1000, 6001)).toEqual(['1,0']);
  expect(steps(-1000, -6001)).toEqual(['1,0']);
});

test('an infinite input or weight is no overflow', () => {
  const input = values(Number.POSITIVE_INFINITY, 0);
  expect(found(RELU, { steps: 1, batch: 1, input }, small(2)).overflows).toEqual([]);
  const network = reluOf([1, 2, 10, 20], [0, Number.POSITIVE_INFINITY, 5, 0]);
  expect(found(network, { steps: 1, batch: 1, input: values(9000, 0) }, small(2)).overflows).toEqual([]);
  expect(found(RELU, { steps: 1, batch: 1, input: values(9000, 0) }, small(2)).overflows).toHaveLength(1);
});

test('NaN in one row hides no overflow in another', () => {
  const network = one('RNN', 1, 0);
  const sequence = { steps: 1, batch: 2, input: values(Number.NaN, 60_001) };
  expect(found(network, sequence, [{ values: values(0, 0) }]).overflows).toEqual([[0, 1, 'h', 0]]);
});

/** A network of one unit and one input, whose weights are all the same in every gate. */
function one(kind: Kind, weightIh: number, weightHh: number): Network {
  const gates = { RNN: 1, GRU: 3, LSTM: 4 }[kind];
  const all = (value: number) => new Float64Array(gates).fill(value);
  const module = moduleOf(kind, { input_size: 1, hidden_size: 1, bias: false });
  return { module, layers: [[{ weightIh: all(weightIh), weightHh: all(weightHh) }]] };
}

test('states of tanh are 1 at most, but for those that are given', () => {
  const overflows = (weightIh: number, weightHh: number, x: number, h0 = 0) => {
    const sequence = { steps: 2, batch: 1, input: values(x, x), h0: values(h0) };
    return found(one('RNN', weightIh, weightHh), sequence, [{ values: values(1, 1) }]).overflows.map(
      ([t]) => t,
    );
  };
  expect(overflows(1, 0, 60_000)).toEqual([]);
  expect(overflows(1, 0, 60_001)).toEqual([0]);
  expect(overflows(0, 60_000, 0)).toEqual([]);
  expect(overflows(0, 60_001, 0)).toEqual([1]);
  expect(overflows(2, 30_001, 15_000)).toEqual([1]);
  expect(overflows(2, 30_000, 15_000)).toEqual([]);
  expect(overflows(0, 30_001, 0, 2)).toEqual([0]);
  expect(overflows(0, 30_001, 0, -2)).toEqual([0]);
  expect(overflows(0, 30_000, 0, 2)).toEqual([]);
});

test('a cell state that came from such a sum stays unknown; an h that is known does not', () => {
  const after = (kind: Kind) => {
    const sequence = { steps: 3, batch: 1, input: values(9, 60_001, 9) };
    const { layers, overflows } = found(one(kind, 1, 0.5), sequence, [{ values: values(0.5, 0.5, 0.5) }]);
    return [[...layers[0].undecided], overflows];
  };
  expect(after('LSTM')).toEqual([[0, 1, 1], [[1, 0, 'i', 0]]]);
  expect(after('GRU')).toEqual([[0, 1, 0], [[1, 0, 'r', 0]]]);
  expect(after('RNN')).toEqual([[0, 1, 0], [[1, 0, 'h', 0]]]);
});

test('the sum of the largest terms is looked for in both products, and its direction is said', () => {
  const module = moduleOf('RNN', { nonlinearity: 'relu', input_size: 2, hidden_size: 3, bias: false });
  // Terms of x alone: 2, 3, 3; of h: 2, 2, 9. Signs do not matter.
  const parameters = { weightIh: values(-1, 1, 3, 0, 1, -2), weightHh: values(1, -1, 0, 0, 2, 0, -4, 5, 0) };
  const network: Network = { module, layers: [[parameters]] };
  const steps = (h: number) =>
    found(network, { steps: 2, batch: 1, input: values(0, 0, 3e4, 3e4) }, [
      { values: values(h, h, 0, 0, 0, 0) },
    ]).overflows;
  expect(steps(0)).toEqual([[1, 0, 'h', 1]]);
  expect(steps(1e4)).toEqual([[1, 0, 'h', 2]]);
  const both: Network = {
    module: { ...module, bidirectional: true },
    layers: [[parameters, { ...parameters, weightIh: values(0, 0, 0, 0, 3, 0) }]],
  };
  const sequence = { steps: 3, batch: 1, input: values(0, 0, 3e4, 0, 0, 0) };
  const { overflows } = envelope(both, sequence, {
    profile: PROFILES.f16,
    model: 'likely',
    known: small(18),
  });
  expect(overflows).toEqual([
    { layer: 0, direction: 'forward', step: 1, batch: 0, gate: 'h', unit: 1 },
    { layer: 0, direction: 'reverse', step: 1, batch: 0, gate: 'h', unit: 2 },
  ]);
});

test('an infinite state comes from an overflow, an infinite weight does not', () => {
  const infinite = Number.POSITIVE_INFINITY;
  const sequence = { steps: 2, batch: 1, input: values(0, 0, 1, 1) };
  const after = (network: Network) =>
    found(network, sequence, [{ values: values(infinite, 0, 0, 0) }]).overflows;
  expect(after(RELU)).toEqual([[1, 0, 'h', 1]]);
  expect(after(reluOf([1, 2, 10, 20], [0, -infinite, 5, 0]))).toEqual([]);
});
