import { describe, expect, test } from 'vitest';
import { diffCheckpoints } from '../../src/diff/diff.js';
import { relationOf } from '../../src/diff/relation.js';
import { roundTo } from '../../src/tensor/dtype.js';
import { type StateDict, stateDict } from '../../src/tensor/state-dict.js';
import { type Tensor, tensor } from '../../src/tensor/tensor.js';

const GATES = ['i', 'f', 'g', 'o'];
const values = (count: number, seed = 1) =>
  Array.from({ length: count }, (_, i) => Math.sin(seed * (i + 1) * 1.7));
const matrix = (rows: number, columns: number, seed = 1) =>
  tensor([rows, columns], values(rows * columns, seed));
const mapped = (source: Tensor, change: (value: number, i: number) => number): Tensor =>
  tensor(source.shape, Array.from(source.data, change), source.dtype);

describe('how one tensor follows from another', () => {
  const a = matrix(8, 3);

  test('equal values are equal, of whatever dtype, and NaN is NaN', () => {
    expect(relationOf(a, { ...a, dtype: 'F64', data: Float64Array.from(a.data) }, GATES)).toEqual({
      kind: 'equal',
    });
    const nan = mapped(a, (value, i) => (i === 4 ? Number.NaN : value));
    expect(relationOf(nan, nan, GATES)).toEqual({ kind: 'equal' });
    expect(relationOf(a, nan, GATES)).toEqual({ kind: 'differs' });
  });

  test.each([
    ['float16', (value: number) => roundTo(value, 'F16')],
    ['bfloat16', (value: number) => roundTo(value, 'BF16')],
  ])('rounded to %s, whichever of the two is', (to, round) => {
    const rounded = mapped(a, round);
    expect(relationOf(a, rounded, GATES)).toEqual({ kind: 'rounded', to, rounded: 'second' });
    expect(relationOf(rounded, a, GATES)).toEqual({ kind: 'rounded', to, rounded: 'first' });
    const wrong = mapped(rounded, (value, i) => (i === 7 ? value + 0.01 : value));
    expect(relationOf(a, wrong, GATES)).toEqual({ kind: 'differs' });
  });

  test('rounded to int8, with one scale or one for each row', () => {
    const quantised = (length: number) =>
      mapped(a, (value, i) => {
        const row = Math.floor(i / length) * length;
        const scale = Math.max(...a.data.subarray(row, row + length).map(Math.abs)) / 127;
        return scale * Math.round(value / scale);
      });
    expect(relationOf(a, quantised(24), GATES)).toMatchObject({ kind: 'rounded', to: 'int8, one scale' });
    expect(relationOf(a, quantised(3), GATES)).toMatchObject({
      kind: 'rounded',
      to: 'int8, a scale for each row',
    });
  });

  test('row blocks, rows and axes in another order', () => {
    const rows = (order: readonly number[]) =>
      tensor(
        [8, 3],
        order.flatMap((row) => [...a.data.subarray(3 * row, 3 * row + 3)]),
      );
    expect(relationOf(a, rows([0, 1, 6, 7, 2, 3, 4, 5]), GATES)).toEqual({
      kind: 'gates-permuted',
      order: ['i', 'o', 'f', 'g'],
    });
    expect(relationOf(a, rows([1, 0, 2, 3, 4, 5, 6, 7]), GATES)).toEqual({ kind: 'rows-permuted' });
    expect(relationOf(a, rows([0, 0, 2, 3, 4, 5, 6, 7]), GATES)).toEqual({ kind: 'differs' });
    const transposed = tensor(
      [3, 8],
      [0, 1, 2].flatMap((column) => [0, 1, 2, 3, 4, 5, 6, 7].map((row) => a.data[3 * row + column])),
    );
    expect(relationOf(a, transposed, GATES)).toEqual({ kind: 'transposed' });
    expect(relationOf(a, matrix(3, 8), GATES)).toEqual({ kind: 'other-shape' });
  });
});

const lstm = (
  prefix: string,
  change: (name: string, value: Tensor) => Tensor = (_, value) => value,
): StateDict => {
  const parameters = {
    weight_ih_l0: matrix(8, 3),
    weight_hh_l0: matrix(8, 2, 2),
    bias_ih_l0: tensor([8], values(8, 3)),
    bias_hh_l0: tensor([8], values(8, 4)),
  };
  return stateDict(
    Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [prefix + name, change(name, value)]),
    ),
  );
};
const side = (label: string, tensors: StateDict, prefix?: string) => ({ label, tensors, prefix });

describe('two checkpoints', () => {
  test('the only modules of both belong together, whatever their prefixes', () => {
    const diff = diffCheckpoints(side('a', lstm('rnn.')), side('b', lstm('node_LSTM_1.')));
    expect(diff.equal).toBe(true);
    expect(diff.modules[0].prefixes).toEqual(['rnn.', 'node_LSTM_1.']);
    expect(diff.modules[0].parameters.map(({ relation }) => relation.kind)).toEqual([
      'equal',
      'equal',
      'equal',
      'equal',
    ]);
  });

  test('what changed, gate by gate', () => {
    const changed = lstm('rnn.', (name, value) =>
      name === 'weight_hh_l0' ? mapped(value, (one, i) => (i === 5 ? one + 0.25 : one)) : value,
    );
    const { equal, modules } = diffCheckpoints(side('a', lstm('rnn.')), side('b', changed));
    expect(equal).toBe(false);
    const { relation, gates } = modules[0].parameters[1];
    expect(relation).toEqual({ kind: 'differs' });
    expect(gates.map(({ gate }) => gate)).toEqual(GATES);
    expect(gates.map(({ largest }) => Math.round(largest * 1e6) / 1e6)).toEqual([0, 0.25, 0, 0]);
    expect(gates[1].rms).toBeCloseTo(Math.sqrt(0.25 ** 2 / 4), 6);
  });

  test('several modules belong together by their names, without what wrappers add; others are in one only', () => {
    const both = (first: string, second: string) =>
      stateDict(
        Object.fromEntries(
          [first, second].flatMap((prefix) => {
            const { specs, load } = lstm(prefix);
            return [...load([...specs.keys()])];
          }),
        ),
      );
    const diff = diffCheckpoints(
      side('a', both('module.enc.', 'dec.')),
      side('b', both('enc._orig_mod.', 'other.')),
    );
    expect(diff.modules.map(({ prefixes }) => prefixes)).toEqual([['module.enc.', 'enc._orig_mod.']]);
    expect(diff.only).toEqual([['dec.'], ['other.']]);
    expect(diff.equal).toBe(false);
    expect(() => diffCheckpoints(side('a', both('x.', 'y.')), side('b', both('u.', 'v.')))).toThrow(
      'no module of a has the name of one of b',
    );
    expect(diffCheckpoints(side('a', both('x.', 'y.'), 'y.'), side('b', both('u.', 'v.'), 'v.')).equal).toBe(
      true,
    );
  });

  test('biases that one of the two has summed up', () => {
    const sum = lstm('', (name, value) => {
      if (name === 'bias_hh_l0') return mapped(value, () => 0);
      const hidden = values(8, 4);
      return name === 'bias_ih_l0' ? mapped(value, (one, i) => one + Math.fround(hidden[i])) : value;
    });
    for (const [a, b] of [
      [lstm(''), sum],
      [sum, lstm('')],
    ])
      expect(diffCheckpoints(side('a', a), side('b', b)).modules[0].mergedBiases).toEqual(['bias_ih_l0']);
    expect(diffCheckpoints(side('a', lstm('')), side('b', lstm(''))).modules[0].mergedBiases).toEqual([]);
  });

  test('a parameter that only one has', () => {
    const { specs, load } = lstm('');
    const without = stateDict(
      new Map([...load([...specs.keys()])].filter(([name]) => !name.startsWith('bias'))),
    );
    const { equal, modules } = diffCheckpoints(side('a', lstm('')), side('b', without));
    expect(equal).toBe(false);
    expect(modules[0].only).toEqual([['bias_ih_l0', 'bias_hh_l0'], []]);
  });
});
