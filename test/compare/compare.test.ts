import { expect, test } from 'vitest';
import { compareTensor } from '../../src/compare/compare.js';
import { resolveTolerance } from '../../src/compare/tolerance.js';
import { caseOf, stateDict, tensor, verify } from '../../src/index.js';

const tolerance = { rtol: 0, atol: 0.1, source: 'test', usual: false };
const reference = (data: number[], rows: number, batch = 1) => ({
  name: 'output' as const,
  dtype: 'F32' as const,
  rows,
  batch,
  units: data.length / rows / batch,
  data: Float64Array.from(data),
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
  const by = { rtol: 0.1, atol: 0, source: 'test', usual: false };
  const { rows } = compareTensor(reference([1000, 1], 1), Float64Array.of(1050, 2), by, false);
  expect(rows[0]).toMatchObject({ mismatches: 1, worst: { unit: 1, difference: 1 } });
});

test('the worst row mismatches, though the difference of one that is close be larger', () => {
  const by = { rtol: 0.1, atol: 0, source: 'test', usual: false };
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

test('tolerances: one output on the command line, all of them, the case’s for one, the case’s, the default', () => {
  const command = { source: 'command', atol: 1, c_n: { rtol: 2 } };
  const own = { source: 'case', rtol: 3, c_n: { rtol: 4, atol: 5 }, h_n: { rtol: 6 } };
  expect(resolveTolerance('c_n', 'F32', [command, own])).toEqual({
    rtol: 2,
    atol: 1,
    source: 'command',
    usual: false,
  });
  expect(resolveTolerance('h_n', 'F32', [command, own])).toEqual({
    rtol: 6,
    atol: 1,
    source: 'rtol case, atol command',
    usual: false,
  });
  expect(resolveTolerance('c_n', 'F32', [own])).toEqual({ rtol: 4, atol: 5, source: 'case', usual: false });
  expect(resolveTolerance('output', 'F32', [own])).toMatchObject({
    rtol: 3,
    atol: 1e-5,
    source: 'rtol case, atol float32 default',
  });
  expect(resolveTolerance('output', 'F32', [])).toEqual({
    rtol: 1.3e-6,
    atol: 1e-5,
    source: 'float32 default',
    usual: true,
  });
  expect(resolveTolerance('output', 'F64', [])).toEqual({
    rtol: 1e-7,
    atol: 1e-7,
    source: 'float64 default',
    usual: true,
  });
  expect(resolveTolerance('output', 'F16', [])).toMatchObject({ rtol: 2e-3, atol: 2e-3 });
  expect(resolveTolerance('output', 'BF16', [])).toMatchObject({ rtol: 2e-2, atol: 2e-2 });
});
