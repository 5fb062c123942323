import { expect, test } from 'vitest';
import type { Variant } from '../../../src/diagnose/conventions/variant.js';
import { type VariantStep, variantCells } from '../../../src/diagnose/conventions/variant-cells.js';
import { KINDS, type Kind } from '../../../src/kinds.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const { tanh } = Math;

/** A step of one unit in two batch rows: the first row is empty, so that the second one's index counts. */
function step(kind: Kind, input: readonly number[], hidden: readonly number[], more: Partial<VariantStep>) {
  const gates = KINDS[kind].gates.length;
  const empty = new Array<number>(gates).fill(0);
  return {
    rows: 2,
    hidden_size: 1,
    // Another step's gates precede this one's.
    gates: Float64Array.of(...empty, ...empty, ...empty, ...input),
    gatesAt: 2 * gates,
    hidden: Float64Array.of(...empty, ...hidden),
    before: Float64Array.of(0, 0.5),
    cellBefore: Float64Array.of(0, 0.25),
    h: new Float64Array(2),
    c: new Float64Array(2),
    ...more,
  } satisfies VariantStep;
}

function run(kind: Kind, variant: Variant, made: VariantStep, nonlinearity: 'tanh' | 'relu' = 'tanh') {
  variantCells[kind](variant, nonlinearity)(made);
  return { h: made.h[1], c: made.c[1] };
}

test.each<[Variant, 'tanh' | 'relu', number]>([
  [{}, 'tanh', tanh(-0.5)],
  [{}, 'relu', 0],
  [{ activation: 'relu' }, 'tanh', 0],
  [{ activation: 'tanh' }, 'relu', tanh(-0.5)],
  [{ activation: 'sigmoid' }, 'tanh', sigmoid(-0.5)],
  [{ activation: 'identity' }, 'tanh', -0.5],
])('an RNN with %j (%s)', (variant, nonlinearity, h) => {
  expect(run('RNN', variant, step('RNN', [-0.75], [0.25], {}), nonlinearity).h).toBeCloseTo(h, 14);
});

// r, z and n of x and of h; b_hn is 0.125, and W_hn is 2.
const [R, Z, N] = [sigmoid(0.3), sigmoid(-0.2), 0.4];
const HIDDEN_N = 2 * 0.5 + 0.125;
const gruStep = () =>
  step('GRU', [0.1, -0.3, N], [0.2, 0.1, HIDDEN_N], {
    newBias: Float64Array.of(0.125),
    resetProduct: undefined,
  });
const mean = (z: number, n: number) => (1 - z) * n + z * 0.5;

test.each<[Variant, number]>([
  [{}, mean(Z, tanh(N + R * HIDDEN_N))],
  [{ reset: 'without bias' }, mean(Z, tanh(N + R * 1 + 0.125))],
  [{ reset: 'none' }, mean(Z, tanh(N + HIDDEN_N))],
  [{ reset: 'all' }, mean(Z, tanh(R * (N + HIDDEN_N)))],
  [{ updateExchanged: true }, mean(1 - Z, tanh(N + R * HIDDEN_N))],
  [{ activation: 'relu' }, mean(Z, N + R * HIDDEN_N)],
  [{ gateActivation: 'hard 0.2' }, mean(0.46, tanh(N + 0.56 * HIDDEN_N))],
  [{ gateActivation: 'hard 1/6' }, mean(0.5 - 0.2 / 6, tanh(N + 0.55 * HIDDEN_N))],
])('a GRU with %j', (variant, h) => {
  expect(run('GRU', variant, gruStep()).h).toBeCloseTo(h, 14);
});

test('a reset before the product multiplies h', () => {
  const resetProduct = (resetH: Float64Array | Float32Array) => resetH.map((value) => 2 * value + 0.125);
  const made = { ...gruStep(), resetProduct };
  expect(run('GRU', { reset: 'before' }, made).h).toBeCloseTo(mean(Z, tanh(N + 2 * R * 0.5 + 0.125)), 14);
});

test('without a bias there is none outside of the reset', () => {
  const made = { ...gruStep(), newBias: undefined };
  expect(run('GRU', { reset: 'without bias' }, made).h).toBeCloseTo(mean(Z, tanh(N + R * HIDDEN_N)), 14);
});

test('hard sigmoids end at 0 and 1', () => {
  const ends = (gateActivation: NonNullable<Variant['gateActivation']>, sum: number) =>
    // h is o tanh(c), and c is i g with f = 0.
    run('LSTM', { gateActivation, forget: 'none' }, step('LSTM', [0, 0, 0, sum], [0, 0, 0, 0], {})).h;
  const whole = tanh(0.25);
  expect(ends('hard 0.2', 2.6)).toBe(whole);
  expect(ends('hard 0.2', -2.6)).toBe(0);
  expect(ends('hard 0.2', 2.4)).toBeCloseTo(0.98 * whole, 14);
  expect(ends('hard 1/6', 2.7)).toBeCloseTo(0.95 * whole, 14);
  expect(ends('hard 1/6', 3.1)).toBe(whole);
  expect(ends('hard 1/6', -3.1)).toBe(0);
});

// Sums of i, f, g and o: 0.3, −0.2, 0.7 and 0.4.
const [I, F, G, O] = [sigmoid(0.3), sigmoid(-0.2), tanh(0.7), sigmoid(0.4)];

test.each<[Variant, number, (c: number) => number]>([
  [{}, F * 0.25 + I * G, (c) => O * tanh(c)],
  [{ forgetBias: 1 }, sigmoid(0.8) * 0.25 + I * G, (c) => O * tanh(c)],
  [{ coupled: 'i = 1 − f' }, F * 0.25 + (1 - F) * G, (c) => O * tanh(c)],
  [{ coupled: 'f = 1 − i' }, (1 - I) * 0.25 + I * G, (c) => O * tanh(c)],
  [{ forget: 'none' }, 0.25 + I * G, (c) => O * tanh(c)],
  [{ activationOf: ['c', 'identity'] }, F * 0.25 + I * G, (c) => O * c],
  [{ activation: 'identity' }, F * 0.25 + I * 0.7, (c) => O * c],
  [{ gateActivation: 'hard 0.2' }, 0.46 * 0.25 + 0.56 * G, (c) => 0.58 * tanh(c)],
])('an LSTM with %j', (variant, c, h) => {
  const made = step('LSTM', [0.1, -0.1, 0.3, 0.2], [0.2, -0.1, 0.4, 0.2], {});
  const states = run('LSTM', variant, made);
  expect(states.c).toBeCloseTo(c, 14);
  expect(states.h).toBeCloseTo(h(c), 14);
});
