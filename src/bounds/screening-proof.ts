import { DEVIATIONS, type ErrorStep, type Kernels, type ScreenTerms } from '../engine/kernels/kernels.js';
import { numbers } from '../engine/kernels/proof.js';
import { carriesCell, KINDS, type Kind } from '../kinds.js';
import type { Floats } from '../tensor/dtype.js';
import { errorCells } from './cells.js';
import type { ErrorModel } from './model.js';

// Sizes that leave a remainder in every loop.
const UNITS = 7;
const ROWS = 3;
const STATES = ROWS * UNITS;
const PADDED = Math.ceil(UNITS / DEVIATIONS) * DEVIATIONS;
/** How many terms each sum has. */
export const PROOF_TERMS = 20;
/** The largest difference, in units of `ScreenTerms`. */
const MOST_UNITS = 30;
/** The largest relative error. Differences are held against the largest one. */
const ALLOWED = 2e-5;
/** Runs that round at random, and how far the mean square of their errors may be from its variance. */
const RUNS = 64;
const ALLOWED_SPREAD = 0.3;

/** Whether kernels screen a step as the cells of float64 compute it: one that begins from the same differences. */
export function screensAlike(kernels: Kernels, model: ErrorModel, kind: Kind, terms: ScreenTerms): boolean {
  return KINDS[kind].nonlinearities.every((nonlinearity) => {
    const columns = KINDS[kind].gates.length * UNITS;
    const sums = ROWS * columns;
    const weight = numbers(columns * UNITS, 0);
    const factor = { weight, columns, rows: 'many', precision: 'float32' } as const;
    const { screen, singles, products, buffers } = kernels.workspace(
      { difference: factor, variance: { ...factor, squared: true } },
      { squares: ROWS * PADDED, counts: ROWS * PADDED },
      {
        ...{ sumsX: sums, sumsH: sums, dSums: sums, vX: sums, vH: sums, biasesV: columns },
        ...{ before: STATES, dBefore: STATES, dAfter: STATES, c: STATES, dc: STATES, cV: STATES },
        ...{ dh: STATES, hV: STATES, operandX: STATES, operandH: STATES },
        ...{ sums: RUNS * sums, h: RUNS * STATES, sampledC: RUNS * STATES, ids: ROWS },
      },
    );
    if (!screen) return false;
    const unit = 1 / terms.perUnit;
    const fill = (names: readonly (keyof typeof singles)[], scale: number, shift: number) => {
      for (const [i, name] of names.entries())
        singles[name].set(numbers(singles[name].length, i + scale).map((value) => scale * value + shift));
    };
    fill(['sumsX', 'sumsH', 'before', 'c'], 3, 0);
    fill(['dBefore', 'dAfter', 'dc'], MOST_UNITS * unit, 0);
    fill(['biasesV', 'hV', 'cV', 'operandX', 'operandH'], 1, 2);
    products.difference(singles.dSums, singles.dBefore, ROWS);
    products.variance(singles.vX, singles.operandX, ROWS);
    products.variance(singles.vH, singles.operandH, ROWS);
    for (const buffer of [buffers.squares, buffers.counts]) buffer.fill(0);

    const given = Object.fromEntries(
      Object.entries(singles).map(([name, values]) => [name, Float64Array.from(values)]),
    ) as Record<keyof typeof singles, Float64Array>;
    /** The step in float64, from this share of the differences. */
    const stepFrom = (share: number): ErrorStep => {
      const more = (values: Floats, differences: Floats) =>
        Float64Array.from(values, (value, i) => value + share * differences[i]);
      const variances = (values: Floats) => Float64Array.from(values, (value) => value * unit ** 2);
      const step: ErrorStep = {
        ...{ rows: ROWS, hidden_size: UNITS, gatesAt: 0, hiddenAt: 0, terms: PROOF_TERMS, nonlinearity },
        gates: given.sumsX,
        hidden: more(given.sumsH, product(weight, given.dBefore, 1)),
        gatesError: variances(product(weight, given.operandX, 2)),
        hiddenError: variances(product(weight, given.operandH, 2)),
        biasError: variances(given.biasesV),
        h: more(given.before, given.dBefore),
        hError: variances(given.hV),
        c: more(given.c, given.dc),
        cError: variances(given.cV),
      };
      errorCells(model)[kind](step);
      return step;
    };
    const [free, forced] = [stepFrom(0), stepFrom(1)];

    const step = {
      ...{ rows: ROWS, units: UNITS, stride: UNITS, gatesAt: 0, vHAt: 0, beforeAt: 0, cAt: 0, nonlinearity },
      ...singles,
    };
    const isUnfit = screen.step[kind](step, terms);
    const farthest = screen.deviations(step, terms, singles.dAfter, 0, buffers.squares, buffers.counts);
    // Where relu is at its edge, nothing can be told.
    if (isUnfit && nonlinearity === 'tanh') return false;
    const isNear = (actual: number, expected: number, size: number) =>
      Math.abs(actual - expected) <= ALLOWED * size;
    const isAlike = (one: Floats, other: Floats, differences: Floats, errors: Floats, variances: Floats) =>
      differences.every((difference, i) => {
        const variance = errors[i] / unit ** 2;
        return (
          isNear(difference, other[i] - one[i], MOST_UNITS * unit) && isNear(variances[i], variance, variance)
        );
      });
    let largest = 0;
    const areDeviations = singles.dAfter.every((difference, i) => {
      const sigma = free.hError[i]
        ? Math.abs(difference - singles.dh[i]) / Math.sqrt(free.hError[i])
        : Infinity;
      largest = Math.max(largest, sigma);
      const at = Math.floor(i / UNITS) * PADDED + (i % UNITS);
      return buffers.counts[at] === 1 && isSame(Math.sqrt(buffers.squares[at]), sigma);
    });
    const isRight =
      isAlike(free.h, forced.h, singles.dh, free.hError, singles.hV) &&
      (!carriesCell(kind) || isAlike(free.c, forced.c, singles.dc, free.cError, singles.cV)) &&
      areDeviations &&
      isSame(farthest, largest);
    if (!isRight || nonlinearity !== 'tanh') return isRight;

    // Without rounding, sampled errors are differences. The gates of the step stay where its sums were.
    const sample = {
      step,
      count: RUNS,
      sums: singles.sums,
      h: singles.h,
      c: singles.sampledC,
      ids: singles.ids,
      place: 1,
    };
    const repeat = (to: Float32Array, values: Floats) => {
      for (let from = 0; from < to.length; from += values.length) to.set(values, from);
    };
    singles.ids.set([...singles.ids.keys()]);
    const local = { vX: singles.vX.slice(), vH: singles.vH.slice(), biasesV: singles.biasesV.slice() };
    for (const name of ['vX', 'vH', 'biasesV'] as const) singles[name].fill(0);
    repeat(sample.sums, given.dSums);
    repeat(sample.h, given.dBefore);
    repeat(sample.c, given.dc);
    screen.sample[kind](sample, withoutRounding(terms));
    const areDifferences = (errors: Floats, one: Floats, other: Floats) =>
      errors.every((error, i) => isNear(error, other[i % STATES] - one[i % STATES], MOST_UNITS * unit));
    if (!areDifferences(sample.h, free.h, forced.h)) return false;
    if (carriesCell(kind) && !areDifferences(sample.c, free.c, forced.c)) return false;

    // Without differences they have the variance of the step's own rounding.
    for (const [name, values] of Object.entries(local)) singles[name as keyof typeof local].set(values);
    for (const errors of [sample.sums, sample.h, sample.c]) errors.fill(0);
    screen.sample[kind](sample, terms);
    singles.sumsX.set(given.sumsX);
    singles.sumsH.set(given.sumsH);
    for (const errors of [singles.dSums, singles.hV, singles.cV]) errors.fill(0);
    products.variance(singles.vX, singles.operandX, ROWS);
    products.variance(singles.vH, singles.operandH, ROWS);
    screen.step[kind](step, terms);
    let [squares, variance] = [0, 0];
    for (const error of sample.h) squares += (error / unit) ** 2 / RUNS;
    for (const own of singles.hV) variance += own;
    return Math.abs(squares - variance) <= ALLOWED_SPREAD * variance;
  });
}

/** The constants of a runtime that does not round. */
function withoutRounding(terms: ScreenTerms): ScreenTerms {
  const none = { affine: 0, rounding: 0, tanh: 0, tanhAbsolute: 0, sigmoid: 0, sigmoidAbsolute: 0, floor: 0 };
  return { ...terms, ...none };
}

/** Deviations, which are infinite where there is no variance. */
function isSame(actual: number, expected: number): boolean {
  return actual === expected || Math.abs(actual - expected) <= ALLOWED * expected;
}

/** The product of a weight to this power with x [rows, UNITS]. */
function product(weight: Floats, x: Floats, power: 1 | 2): Float64Array {
  const columns = weight.length / UNITS;
  return Float64Array.from({ length: ROWS * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    let sum = 0;
    for (let k = 0; k < UNITS; k++) sum += weight[column * UNITS + k] ** power * x[row * UNITS + k];
    return sum;
  });
}
