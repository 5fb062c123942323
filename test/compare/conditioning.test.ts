import { describe, expect, test } from 'vitest';
import { isClose } from '../../src/compare/close.js';
import { explainByRounding, type Margin, type Runs } from '../../src/compare/conditioning.js';
import { bothDirections, outputAxes, stateAxes } from './axes.js';

const ALLOWANCE = 0.01;
const margin = { share: 0.1, allowance: () => ALLOWANCE, largestPossible: Number.POSITIVE_INFINITY };
const values = (all: readonly number[]) => Float64Array.from(all);

test('rounding never explains what is larger than an output can be', () => {
  const outputs = (value: number) => ({ output: values([value]), h_n: values([value]) });
  // The runs have parted as far as anybody could ask.
  const runs = { actual: outputs(-1), rounded: [outputs(1)] };
  const unexplained = (expected: number, largestPossible: number) => {
    const reference = {
      name: 'output',
      dtype: 'F32',
      rows: 1,
      batch: 1,
      units: 1,
      axes: outputAxes(1),
    } as const;
    const data = values([expected]);
    return explainByRounding({ ...reference, data }, runs, Uint8Array.of(1), { ...margin, largestPossible })
      .unexplained;
  };
  for (const sign of [1, -1]) {
    expect(unexplained(sign * (1 + ALLOWANCE / 2), 1)).toBeUndefined();
    expect(unexplained(sign * (1 + 2 * ALLOWANCE), 1)).toMatchObject({ row: 0 });
    expect(unexplained(sign * (1 + 2 * ALLOWANCE), 2)).toBeUndefined();
    expect(unexplained(sign * Number.POSITIVE_INFINITY, 1)).toMatchObject({ row: 0 });
  }
});

// The last states of two layers of an LSTM; the output is the upper one's.
const states = (h: readonly [number, number], c: readonly [number, number]) => ({
  output: values([h[1]]),
  h_n: values(h),
  c_n: values(c),
});

test('a last state is explained where the runs part in h or in c of its own layer', () => {
  const unexplained = (name: 'h_n' | 'c_n', layer: number, rounded: ReturnType<typeof states>) => {
    const runs = { actual: states([0, 0], [0, 0]), rounded: [rounded] };
    const reference = {
      name,
      dtype: 'F32',
      rows: 2,
      batch: 1,
      units: 1,
      data: values([1, 1]),
      axes: stateAxes(1),
    } as const;
    const fails = Uint8Array.from([0, 1], (row) => Number(row === layer));
    return explainByRounding(reference, runs, fails, margin).unexplained;
  };
  for (const name of ['h_n', 'c_n'] as const) {
    for (const layer of [0, 1]) {
      const apart = [1 - layer, layer] as const;
      const elsewhere = [layer, 1 - layer] as const;
      expect(unexplained(name, layer, states(apart, [0, 0]))).toBeUndefined();
      expect(unexplained(name, layer, states([0, 0], apart))).toBeUndefined();
      expect(unexplained(name, layer, states(elsewhere, elsewhere))).toMatchObject({ row: layer });
    }
  }
});

// Two steps, one row, both directions, one unit each: [forward, reverse] a step.
function runs(actual: number[], rounded: number[]) {
  const outputs = (output: number[]) => ({ output: Float64Array.from(output), h_n: new Float64Array(2) });
  return { actual: outputs(actual), rounded: [outputs(rounded)] };
}

function explained(expected: number[], actual: number[], rounded: number[], lengths?: number[]) {
  const data = Float64Array.from(expected);
  const reference = {
    name: 'output' as const,
    dtype: 'F32' as const,
    rows: data.length / 2,
    batch: 1,
    units: 2,
    data,
    axes: { ...bothDirections(outputAxes(data.length / 2)), lengths },
  };
  const rule = { rtol: 0, atol: 0.01, equal_nan: false };
  const fails = Uint8Array.from(actual, (value, i) => Number(!isClose(value, data[i], rule)));
  return explainByRounding(reference, runs(actual, rounded), fails, {
    share: 0.1,
    allowance: () => 0.01,
    largestPossible: Number.POSITIVE_INFINITY,
  });
}

test('rounding explains what follows it in the order of the direction, and nothing before', () => {
  const zeros = [0, 0, 0, 0, 0, 0];
  // Forward parts at step 1: step 0 is unexplained, step 2 is not.
  expect(explained([1, 0, 0, 0, 0, 0], zeros, [0, 0, 0.5, 0, 0, 0]).unexplained).toMatchObject({
    row: 0,
    unit: 0,
  });
  expect(explained([0, 0, 0, 0, 1, 0], zeros, [0, 0, 0.5, 0, 0, 0])).toEqual({ divergesAt: 1 });
  // Reverse parts at step 1: step 0 comes after it, step 2 before.
  expect(explained([0, 1, 0, 0, 0, 0], zeros, [0, 0, 0, 0.5, 0, 0])).toEqual({ divergesAt: 1 });
  expect(explained([0, 0, 0, 0, 0, 1], zeros, [0, 0, 0, 0.5, 0, 0]).unexplained).toMatchObject({
    row: 2,
    unit: 1,
  });
  // One direction says nothing about the other.
  expect(explained([0, 1, 0, 0, 0, 0], zeros, [0.5, 0, 0.5, 0, 0.5, 0]).unexplained).toMatchObject({
    unit: 1,
  });
});

test('a difference needs runs that part by a tenth of it, or of five tolerances', () => {
  const one = (difference: number, parted: number) =>
    explained([difference, 0], [0, 0], [parted, 0]).unexplained === undefined;
  expect(one(0.02, 0.0021)).toBe(true);
  expect(one(0.02, 0.0019)).toBe(false);
  expect(one(100, 0.0051)).toBe(true);
  expect(one(100, 0.0049)).toBe(false);
  expect(one(Number.NaN, 0)).toBe(false);
  expect(one(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe(true);
});

test('nothing explains a value beyond its length', () => {
  expect(explained([0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [1]).unexplained).toMatchObject({ row: 1 });
});

describe('two layers of two units, both directions, three steps, two batch rows', () => {
  const [STEPS, BATCH, DIRECTIONS, SIZE, ROWS] = [3, 2, 2, 2, 4];
  const LENGTHS = {
    output: STEPS * BATCH * DIRECTIONS * SIZE,
    h_n: ROWS * BATCH * SIZE,
    c_n: ROWS * BATCH * SIZE,
  };
  type Part = keyof typeof LENGTHS;
  const PARTS = ['output', 'h_n', 'c_n'] as const;
  /** Zeros, but for one at the i-th place of one of them. */
  const outputs = (part?: Part, i = 0) => {
    const [output, h_n, c_n] = PARTS.map((one) => new Float64Array(LENGTHS[one]));
    const all = { output, h_n, c_n };
    if (part) all[part][i] = 1;
    return all;
  };
  const place = (part: Part, i: number) => {
    const units = part === 'output' ? DIRECTIONS * SIZE : SIZE;
    const row = Math.floor(i / (BATCH * units));
    const direction = part === 'output' ? Math.floor((i % units) / SIZE) : row % DIRECTIONS;
    return { row, batchRow: Math.floor(i / units) % BATCH, direction };
  };
  const explanation = (part: Part, i: number, partsIn: Part, at: number) => {
    const name = part;
    const rows = part === 'output' ? STEPS : ROWS;
    const units = part === 'output' ? DIRECTIONS * SIZE : SIZE;
    const data = outputs(part, i)[part];
    const axes = bothDirections(part === 'output' ? outputAxes(STEPS) : stateAxes(STEPS));
    const reference = { name, dtype: 'F32', rows, batch: BATCH, units, data, axes } as const;
    const runs = { actual: outputs(), rounded: [outputs(partsIn, at)] };
    return explainByRounding(reference, runs, Uint8Array.from(data), margin);
  };
  const every = (part: Part) => [...Array(LENGTHS[part]).keys()];

  test('an output is explained from where the runs part, in its own direction and batch row', () => {
    for (const at of every('output')) {
      const from = place('output', at);
      for (const i of every('output')) {
        const { row, batchRow, direction } = place('output', i);
        const same = batchRow === from.batchRow && direction === from.direction;
        const after = direction === 0 ? row >= from.row : row <= from.row;
        const { unexplained, divergesAt } = explanation('output', i, 'output', at);
        expect(unexplained === undefined, `${i} ${at}`).toBe(same && after);
        expect(divergesAt, `${i} ${at}`).toBe(same && after ? from.row : undefined);
      }
    }
    for (const state of ['h_n', 'c_n'] as const) {
      for (const at of every(state)) expect(explanation('output', 0, state, at).unexplained).toBeDefined();
    }
  });

  test('a last state is explained by the states of its row, and in the last layer by the output too', () => {
    for (const [part, other] of [
      ['h_n', 'c_n'],
      ['c_n', 'h_n'],
    ] as const) {
      for (const i of every(part)) {
        const { row, batchRow, direction } = place(part, i);
        for (const at of every(part)) {
          const from = place(part, at);
          const same = from.row === row && from.batchRow === batchRow;
          for (const state of [part, other]) {
            const { unexplained, divergesAt } = explanation(part, i, state, at);
            expect(unexplained === undefined, `${i} ${state} ${at}`).toBe(same);
            // In the output nothing has parted.
            expect(divergesAt).toBeUndefined();
          }
        }
        for (const at of every('output')) {
          const from = place('output', at);
          const same = row >= ROWS - DIRECTIONS && from.batchRow === batchRow && from.direction === direction;
          const { unexplained, divergesAt } = explanation(part, i, 'output', at);
          expect(unexplained === undefined, `${i} output ${at}`).toBe(same);
          expect(divergesAt).toBe(same ? from.row : undefined);
        }
      }
    }
  });
});

/** One unit and one row, forward, a step a value. */
const forwardRuns = (actual: readonly number[], rounded: readonly number[]): Runs => {
  const outputs = (all: readonly number[]) => ({ output: values(all), h_n: values(all.slice(-1)) });
  return { actual: outputs(actual), rounded: [outputs(rounded)] };
};
const half: Margin = { share: 0.5, allowance: () => 1, largestPossible: Number.POSITIVE_INFINITY };
const explainSteps = (expected: readonly number[], runs: Runs, by = half, lengths?: readonly number[]) => {
  const reference = {
    name: 'output',
    dtype: 'F32',
    rows: expected.length,
    batch: 1,
    units: 1,
    axes: { ...outputAxes(expected.length), lengths },
  } as const;
  const data = values(expected);
  const fails = Uint8Array.from(data, (one, i) => Number(!Object.is(one, runs.actual.output[i])));
  return explainByRounding({ ...reference, data }, runs, fails, by);
};

test('runs that have parted by just enough explain, from that step on', () => {
  expect(explainSteps([4, 4], forwardRuns([0, 0], [2, 2]))).toEqual({ divergesAt: 0 });
  expect(explainSteps([0, 4], forwardRuns([0, 0], [1.9, 2]))).toEqual({ divergesAt: 1 });
  expect(explainSteps([0, 4, 2], forwardRuns([0, 0, 0], [1, 2, 0]))).toEqual({ divergesAt: 0 });
});

test('the step is the first of all batch rows', () => {
  const runs = {
    actual: { output: values([0, 0, 0, 0]), h_n: values([0, 0]) },
    rounded: [{ output: values([0, 9, 9, 9]), h_n: values([0, 0]) }],
  };
  const reference = {
    name: 'output',
    dtype: 'F32',
    rows: 2,
    batch: 2,
    units: 1,
    axes: outputAxes(2),
  } as const;
  const data = values([0, 0, 4, 4]);
  expect(explainByRounding({ ...reference, data }, runs, Uint8Array.of(0, 0, 1, 1), half)).toEqual({
    divergesAt: 0,
  });
  expect(explainByRounding({ ...reference, data }, runs, Uint8Array.of(0, 0, 1, 0), half)).toEqual({
    divergesAt: 1,
  });
});

test('what is missing is the factor by which the runs have parted too little', () => {
  const missing = (expected: number, rounded: number, by = half) =>
    explainSteps([expected], forwardRuns([0], [rounded]), by).missing;
  expect(missing(4, 0.5)).toBe(4);
  expect(missing(100, 0.5)).toBe(5);
  expect(missing(4, 0)).toBe(Number.POSITIVE_INFINITY);
  // No more of it would help.
  expect(missing(4, 0.5, { ...half, largestPossible: 1 })).toBe(Number.POSITIVE_INFINITY);
  const short = explainSteps([0, 4], forwardRuns([0, 0], [9, 9]), half, [1]);
  expect(short).toMatchObject({ unexplained: { row: 1 }, missing: Number.POSITIVE_INFINITY });
  expect(explainSteps([0, 4], forwardRuns([0, 0], [9, 9]), half, [2])).toEqual({ divergesAt: 0 });
});

test('NaN is explained where outputs have no bound, or where a run ended there too', () => {
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  const explains = (rounded: number, largestPossible: number) =>
    explainSteps([nan], forwardRuns([0], [rounded]), { ...half, largestPossible }).unexplained === undefined;
  expect(explains(2.5, infinity)).toBe(true);
  expect(explains(2.4, infinity)).toBe(false);
  expect(explains(2.5, 1)).toBe(false);
  expect(explains(nan, 1)).toBe(true);
  expect(explains(infinity, 1)).toBe(true);
});

describe('runs that are no longer finite', () => {
  // As with rtol 0: no part of an infinite value is none.
  const by = { ...half, allowance: (magnitude: number) => 0 * magnitude + 1 };
  const { NaN: nan, POSITIVE_INFINITY: infinity, NEGATIVE_INFINITY: minusInfinity } = Number;
  const unexplained = (actual: number, rounded: number) =>
    explainSteps([actual, 4], forwardRuns([actual, 0], [rounded, 0]), by).unexplained;

  test.each([nan, infinity, minusInfinity])('have not parted where both are %d', (both) => {
    expect(unexplained(both, both)).toMatchObject({ row: 1 });
  });

  test.each([
    [nan, 0],
    [0, nan],
    [infinity, 0],
    [0, infinity],
    [infinity, minusInfinity],
    [infinity, nan],
  ])('have parted for good where one is %d and the other %d', (actual, rounded) => {
    expect(unexplained(actual, rounded)).toBeUndefined();
  });
});

test('a module without cell states has none that could part', () => {
  const reference = {
    name: 'h_n',
    dtype: 'F32',
    rows: 1,
    batch: 1,
    units: 1,
    data: values([4]),
    axes: stateAxes(1),
  } as const;
  const run = (h: number) => ({ output: values([0]), h_n: values([h]) });
  const explained = (h: number) =>
    explainByRounding(reference, { actual: run(0), rounded: [run(h)] }, Uint8Array.of(1), half);
  expect(explained(2).unexplained).toBeUndefined();
  expect(explained(1.9).unexplained).toMatchObject({ row: 0, expected: 4 });
});
