import { expect, test } from 'vitest';
import { firstBeyond } from '../../src/diagnose/first-beyond.js';
import type { KnownLayer } from '../../src/one-weight/sensitivity.js';
import { moduleOf } from '../engine/module.js';

/** One step of relu units that give 1; the expected values of each batch row. */
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

test('the farthest unit of the first step is named, in standard deviations', () => {
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

test('a gate that would have to change by more than 50 is ruled out', () => {
  expect(firstBeyond(oneStep([[1 + 49]]), 6).gates.h).toBeCloseTo(49, 10);
  expect(firstBeyond(oneStep([[1 + 51]]), 6).gates).toEqual({ h: undefined });
});

/** Two relu units over three steps and two rows, which give 1 everywhere; the reference is off in some values. */
function threeSteps(off: Readonly<Record<number, number>>, more: Partial<KnownLayer> = {}): KnownLayer {
  const expected = Float64Array.from({ length: 12 }, (_, i) => 1 + (off[i] ?? 0));
  return {
    ...oneStep([
      [1, 1],
      [1, 1],
    ]),
    steps: 3,
    input: new Float64Array(6).fill(1),
    expected,
    sigma: expected.map(() => 1e-3),
    ...more,
  };
}

test('the first step is that of the direction', () => {
  // Step 1, row 1, unit 0; and step 2, row 0, unit 1.
  const off = { 6: 0.1, 9: 0.2 };
  expect(firstBeyond(threeSteps(off), 6)).toMatchObject({
    step: 1,
    batch: 1,
    unit: 0,
    units: [0, 1],
    ofUnits: 2,
  });
  expect(firstBeyond(threeSteps(off, { reverse: true }), 6)).toMatchObject({ step: 2, batch: 0, unit: 1 });
  // The reverse direction takes step 1 of a shorter row at first, as it takes step 2 of the longer one.
  const shorter = threeSteps({ 6: 0.2, 9: 0.1 }, { reverse: true, lengths: [3, 2] });
  expect(firstBeyond(shorter, 6)).toMatchObject({ step: 1, batch: 1, unit: 0 });
});

test('what is at the limit is not beyond it', () => {
  // In halves, which are exact.
  const sigma = new Float64Array(12).fill(0.125);
  expect(firstBeyond(threeSteps({ 0: 0.5, 5: -0.625 }, { sigma }), 4)).toMatchObject({
    step: 1,
    unit: 1,
    units: [1],
  });
});

test("a carried gate's sum changes h by way of c", () => {
  const module = moduleOf('LSTM');
  const zeros = () => new Float64Array(4);
  const layer: KnownLayer = {
    module,
    parameters: { weightIh: zeros(), weightHh: zeros(), biasIh: zeros(), biasHh: zeros() },
    reverse: false,
    steps: 1,
    batch: 1,
    input: Float64Array.of(1),
    input_size: 1,
    c0: Float64Array.of(2),
    expected: Float64Array.of(0.5 * Math.tanh(1) + 0.01),
    sigma: Float64Array.of(1e-3),
  };
  // i, f and o are 1/2, and g is 0: c is 1, and ∂h/∂c is (1 − tanh² 1) / 2.
  const cellSlope = 0.5 * (1 - Math.tanh(1) ** 2);
  const { gates } = firstBeyond(layer, 6);
  expect(gates.i).toBeUndefined();
  expect(gates.f).toBeCloseTo(0.01 / (2 * 0.25 * cellSlope), 10);
  expect(gates.g).toBeCloseTo(0.01 / (0.5 * cellSlope), 10);
  expect(gates.o).toBeCloseTo(0.01 / (0.25 * Math.tanh(1)), 10);
});

test("a GRU's n has one change: that of its whole sum", () => {
  const module = moduleOf('GRU');
  const zeros = () => new Float64Array(3);
  const layer: KnownLayer = {
    ...oneStep([[0.01]]),
    module,
    parameters: { weightIh: zeros(), weightHh: zeros(), biasIh: zeros(), biasHh: zeros() },
  };
  const { gates } = firstBeyond(layer, 6);
  expect(Object.keys(gates)).toEqual(['r', 'z', 'n']);
  expect(gates.n).toBeCloseTo(0.02, 10);
});
