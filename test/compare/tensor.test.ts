import { describe, expect, test } from 'vitest';
import { placeAt } from '../../src/compare/element.js';
import { compareTensor, failures } from '../../src/compare/tensor.js';
import type { Tolerance } from '../../src/compare/tolerance.js';
import { caseOf, stateDict, tensor, verify } from '../../src/index.js';
import { outputAxes } from './axes.js';

const CALLER = { rtol: { kind: 'caller' }, atol: { kind: 'caller' } } as const;
const tolerance: Tolerance = { rtol: 0, atol: 0.1, source: CALLER };
const reference = (data: number[], rows: number, batch = 1) => ({
  name: 'output' as const,
  dtype: 'F32' as const,
  rows,
  batch,
  units: data.length / rows / batch,
  data: Float64Array.from(data),
  axes: outputAxes(rows),
});
const compare = (expected: number[], actual: number[], rows: number, batch = 1) =>
  compareTensor(reference(expected, rows, batch), Float64Array.from(actual), tolerance, false);

test('a row tells its mismatches and its worst element', () => {
  const { rows, mismatches, elements, worst } = compare(
    [1, 2, 3, 4, 5, 6, 7, 8],
    [1, 2.05, 3, 4, 5.5, 6, 7, 8.3],
    2,
    2,
  );
  expect(elements).toBe(8);
  expect(mismatches).toBe(2);
  expect(rows[0]).toMatchObject({ elements: 4, mismatches: 0, worst: { row: 0, batch: 0, unit: 1 } });
  expect(rows[1]).toMatchObject({
    mismatches: 2,
    worst: { row: 1, batch: 0, unit: 0, expected: 5, actual: 5.5 },
  });
  expect(rows[1].relative).toBeCloseTo(0.1);
  expect(worst).toBe(rows[1].worst);
});

test('the worst of a row that mismatches is a mismatch, though another difference be larger', () => {
  const by = { rtol: 0.1, atol: 0, source: CALLER };
  const worst = (expected: number[], actual: number[]) =>
    compareTensor(reference(expected, 1), Float64Array.from(actual), by, false).rows[0];
  expect(worst([1000, 1], [1050, 2])).toMatchObject({ mismatches: 1, worst: { unit: 1, difference: 1 } });
  expect(worst([1, 1000], [2, 1050])).toMatchObject({ mismatches: 1, worst: { unit: 0, difference: 1 } });
});

test('the worst row mismatches, though the difference of one that is close be larger', () => {
  const by = { rtol: 0.1, atol: 0, source: CALLER };
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const [expected, actual] = [
      [1000, 1],
      [1050, 2],
    ].map((values) => order.map((i) => values[i]));
    const { worst } = compareTensor(reference(expected, 2), Float64Array.from(actual), by, false);
    expect(worst).toMatchObject({ row: order.indexOf(1), expected: 1, actual: 2 });
  }
});

test('NaN is the worst there is, and never hides behind a number', () => {
  const { rows, smallestAtol } = compare([1, 2, 3, 4], [1, Number.NaN, 3, 9], 1);
  expect(rows[0].mismatches).toBe(2);
  expect(rows[0].worst.unit).toBe(1);
  expect(rows[0].worst.difference).toBeNaN();
  expect(smallestAtol).toBeUndefined();
  expect(compare([1, Number.NaN], [9, 1], 2).worst.row).toBe(1);
});

test('NaN in both places is no difference where NaN equals NaN, and is counted', () => {
  const one = (equal_nan: boolean) =>
    compareTensor(
      reference([Number.NaN, 1, Number.NaN], 1),
      Float64Array.of(Number.NaN, 1.05, Number.NaN),
      tolerance,
      equal_nan,
    );
  const equal = one(true);
  expect(equal).toMatchObject({ mismatches: 0, nans: 2, worst: { unit: 1 } });
  expect(equal.worst.difference).toBeCloseTo(0.05);
  const unequal = one(false);
  expect(unequal).toMatchObject({ mismatches: 2, nans: 0, worst: { unit: 0 } });
  expect(unequal.worst.difference).toBeNaN();
});

test('equal infinities are no difference, and others an infinite one', () => {
  const infinity = Number.POSITIVE_INFINITY;
  const equal = compare([infinity, -infinity, 1], [infinity, -infinity, 1.05], 1);
  expect(equal).toMatchObject({ mismatches: 0, worst: { unit: 2 } });
  const apart = compare([1, infinity, 2], [2, -infinity, 9], 1);
  expect(apart).toMatchObject({ mismatches: 3, worst: { unit: 1, difference: infinity } });
});

test('among equal differences the first is the worst, in a row and among rows', () => {
  const { rows, worst } = compare([0, 0, 0, 0], [0, 0.5, -0.5, 0.5], 2);
  expect(rows.map((row) => row.worst.unit)).toEqual([1, 0]);
  expect(worst).toBe(rows[0].worst);
  expect(compare([0, 0, 0], [0.5, 0.9, 0.7], 3).worst.row).toBe(1);
  expect(compare([0, 0], [0.05, 0.01], 2).worst.row).toBe(0);
  expect(compare([0, 0, 0], [0.7, Number.NaN, 0.9], 3).worst.row).toBe(1);
});

test('the relative difference is the largest of the row, infinite at zero, and none where nothing differs', () => {
  const relative = (expected: number[], actual: number[]) => compare(expected, actual, 1).rows[0].relative;
  expect(relative([8, 0.5, 2], [9, 0.75, 2.25])).toBe(0.5);
  expect(relative([0.5, 8], [0.75, 9])).toBe(0.5);
  expect(relative([0, -4], [0, -5])).toBe(0.25);
  expect(relative([0, 1], [0, 1])).toBe(0);
  expect(relative([1, 0], [1.5, 0.5])).toBe(Number.POSITIVE_INFINITY);
  expect(relative([1, 2], [Number.NaN, 3])).toBe(0.5);
});

test('an element is placed by its row, batch row and unit', () => {
  const data = Float64Array.from({ length: 24 }, (_, i) => i);
  const compared = { ...reference([], 1), rows: 3, batch: 4, units: 2, data };
  const actual = data.map((value) => -value);
  expect(placeAt(compared, actual, 0)).toMatchObject({ row: 0, batch: 0, unit: 0 });
  expect(placeAt(compared, actual, 21)).toEqual({
    row: 2,
    step: 2,
    layer: 0,
    direction: 'forward',
    batch: 2,
    unit: 1,
    expected: 21,
    actual: -21,
    difference: 42,
  });
});

describe('by the automatic rule', () => {
  const judgement = {
    limit: 6,
    profile: 'f16',
    forced: true,
    decimals: 3,
    units: [{ unit: 0, meanSquare: 9 }],
    suspicious: [{ unit: 1, meanSquare: 3 }],
  };
  // Three rows of two units; the second row is undecided.
  const expected = [0, 0, 0, 0, 0, Number.NaN];
  const actual = [9, 0.05, 0.05, 0.2, 0.05, Number.NaN];
  const judged = {
    ...judgement,
    faults: Uint8Array.of(0, 0, 0, 0, 1, 0),
    sigmas: Float64Array.of(5, 1, Number.NaN, Number.NaN, 7, 0),
    undecided: Uint8Array.of(0, 0, 1, 1, 0, 0),
    counts: { undecided: 2, proven: 1, rare: 0 },
  };
  const by = (equal_nan = false) =>
    compareTensor(reference(expected, 3), Float64Array.from(actual), tolerance, equal_nan, judged);

  test('a mismatch is a fault, or undecided and not close', () => {
    const rule = { ...tolerance, equal_nan: false };
    const held = Float64Array.from(actual);
    expect([...failures(reference(expected, 3), held, rule, judged)]).toEqual([0, 0, 0, 1, 1, 0]);
    expect([...failures(reference(expected, 3), held, rule, undefined)]).toEqual([1, 0, 0, 1, 0, 1]);
    expect([...judged.faults]).toEqual([0, 0, 0, 0, 1, 0]);
    expect(by()).toMatchObject({ mismatches: 2, worst: { row: 1, unit: 1 } });
  });

  test('a row and the tensor tell the most standard deviations of what is decided', () => {
    const { rows, auto } = by();
    expect(rows.map(({ sigmas }) => sigmas)).toEqual([5, undefined, 7]);
    expect(auto).toEqual({ ...judgement, sigmas: 7, faults: 1, undecided: 2, proven: 1, rare: 0 });
    const none = { ...judged, sigmas: judged.sigmas.map(() => Number.NaN) };
    const nothing = compareTensor(reference(expected, 3), Float64Array.from(actual), tolerance, false, none);
    expect(nothing.auto?.sigmas).toBeUndefined();
  });

  test('NaN that is no fault is a difference of zero only where both are NaN', () => {
    expect(by().rows[2].worst).toMatchObject({ unit: 0, difference: 0.05 });
    const fine = {
      ...judged,
      faults: new Uint8Array(6),
      undecided: new Uint8Array(6),
      counts: { undecided: 0, proven: 0, rare: 0 },
    };
    const both = compareTensor(reference(expected, 3), Float64Array.from(actual), tolerance, false, fine);
    expect(both.rows[2].worst).toMatchObject({ unit: 0, difference: 0.05 });
    const one = Float64Array.from(actual).fill(1, 5);
    const { worst } = compareTensor(reference(expected, 3), one, tolerance, false, fine).rows[2];
    expect(worst.unit).toBe(1);
    expect(worst.difference).toBeNaN();
  });
});

test('a comparison tells what was compared, and the dtype by PyTorch’s name', () => {
  expect(compare([1, 2], [1.25, 2], 2)).toMatchObject({
    name: 'output',
    dtype: 'float32',
    tolerance,
    elements: 2,
    mismatches: 1,
    smallestAtol: 0.25,
    zerosPass: false,
    nans: 0,
    auto: undefined,
  });
});

test('a reference that ends early is compared as far as it goes', () => {
  expect(compare([1, 2], [1, 2, 3, 4], 1)).toMatchObject({ elements: 2, mismatches: 0 });
});

test('zeros that would pass are told', () => {
  expect(compare([0.05, -0.1], [0.05, 0.1], 1).zerosPass).toBe(true);
  expect(compare([0, 0.05, -0.11, 0.2], [0, 0.05, -0.11, 0.2], 1).zerosPass).toBe(false);
  expect(compare([0, 0, 0, 0.05, -0.11], [0, 0, 0, 0.05, -0.11], 1).zerosPass).toBe(true);
  expect(compare([0, 0], [0, 0], 1).zerosPass).toBe(true);
});

test('numbers that were printed may be off by five halves of their last decimal', async () => {
  const weights = stateDict({ weight_ih_l0: tensor([1, 1], [0.5]), weight_hh_l0: tensor([1, 1], [0]) });
  const input = tensor([1, 1, 1], [1]);
  for (const [off, verdict] of [
    [0.0024, 'parity'],
    [0.0026, 'differs'],
  ] as const) {
    const output = tensor([1, 1, 1], [Math.tanh(0.5) + off], 'F64');
    const result = await verify(caseOf(weights, { input, output }), { rule: 'close', decimals: 3 });
    expect(result.verdict).toBe(verdict);
    expect(result.tensors[0].tolerance).toMatchObject({ rtol: 0, atol: 0.0025 });
  }
});
