import { chooseKernels, workOf } from '../engine/kernels/choose.js';
import type { Kernels, ScreenTerms } from '../engine/kernels/kernels.js';
import type { KernelName, SpeedOptions } from '../engine/options.js';
import type { Screen } from '../engine/screen.js';
import { carriesCell, KINDS, type Kind } from '../kinds.js';
import type { Network, Sequence } from '../module/bind.js';
import { layerInputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import { errorCells } from './cells.js';
import { biasErrors } from './layer.js';
import type { ErrorModel } from './model.js';
import type { Profile } from './profiles.js';
import { twinsOf } from './twins.js';
import { HORIZON, ROUNDING_SIGMAS, varianceModel } from './variance.js';
import { termsOf } from './workspace.js';

/** Deviations and mean squares beyond this share of their limits are left to the envelope: a screening rounds in float32. */
export const SURE = 0.99;

/**
 * How far the standard deviations that the envelope looks at may reach from a sum: it takes the largest derivatives within that
 * distance, a screening takes those at the sum. These are smaller by up to such a share, and with them the variances, so that
 * what a screening tells is within rounding all the more.
 */
const MOST_REACH = 1;
/** Below this, in units of the roundoff's square, float32 loses variances. */
const LEAST_VARIANCE = 1e-30;
/** The farthest that a sum may be from that of the pass, in standard deviations: float32 holds its difference to 1e-6. */
const FARTHEST = 256;

/**
 * What a pass needs to screen references by their rounding (engine/screen.ts); undefined where it cannot. Its standard
 * deviations are those of envelope.ts.
 *
 * Sums that may overflow need no attention: the products of one sum would be so large that its variance is not told.
 * @param expected the last layer's output; undefined where only final states are known
 */
export function screenOf(
  network: Network,
  sequence: Sequence,
  profile: Profile,
  expected: Floats | undefined,
  speed: SpeedOptions,
): Screen | undefined {
  const { module, layers } = network;
  const free = expected ? layers.slice(0, -1) : layers;
  const model = varianceModel(profile);
  const unit = profile.store;
  // Coherent errors need proof, and 16 bits leave no room for the series.
  if (module.proj_size || !unit || unit > 2 ** -24 || !model.kernelTerms) return undefined;
  if (free.length && module.nonlinearity === 'relu') return undefined;
  if (!hasScreening(network, sequence, model, unit, speed)) return undefined;
  const twins = free.flat().map((parameters) => twinsOf(module, parameters));
  if (twins.some(({ units, outputs }) => units || outputs)) return undefined;
  return {
    layers: layers.map((directions, layer) => {
      const terms = termsOf({ module, input_size: layerInputSize(module, layer) });
      return {
        terms: screenTerms(model, terms, unit),
        perSquare: perSquareOf(model, terms) / unit ** 2,
        biases: directions.map((parameters) =>
          biasErrors(model, module, parameters).map((variance) => variance / unit ** 2),
        ),
      };
    }),
    expected,
    limit: SURE * ROUNDING_SIGMAS,
  };
}

/** What the square of a term is multiplied by in the variance of its sum. */
function perSquareOf(model: ErrorModel, terms: number): number {
  const ofOne = new Float64Array(1);
  model.operands(Float64Array.of(1), undefined, 1, terms, ofOne, undefined);
  return ofOne[0];
}

/** The model's constants in units of `unit`². */
function screenTerms(model: ErrorModel, terms: number, unit: number): ScreenTerms {
  const { sigmas, ...variances } = model.kernelTerms!(terms);
  const scaled = Object.entries(variances).map(([name, variance]) => [name, variance / unit ** 2]);
  const reach = sigmas * unit;
  return {
    ...(Object.fromEntries(scaled) as typeof variances),
    reach,
    least: LEAST_VARIANCE,
    most: (MOST_REACH / reach) ** 2,
    mostOfStates: (HORIZON / reach) ** 2,
    farthest: (FARTHEST * unit) ** 2,
    perUnit: 1 / unit,
  };
}

/** Whether the kernels for this work have a screening, with the results of bounds/cells.ts. Compared once. */
function hasScreening(
  network: Network,
  sequence: Sequence,
  model: ErrorModel,
  unit: number,
  speed: SpeedOptions,
): boolean {
  const { kind } = network.module;
  const { kernels, name, release } = chooseKernels(kind, 'float64', workOf(network, sequence), speed);
  try {
    const key = `${name} ${kind}` as const;
    const agreement = agreements.get(key) ?? agrees(kernels, model, unit, kind);
    agreements.set(key, agreement);
    return agreement;
  } finally {
    release();
  }
}

const agreements = new Map<`${KernelName} ${Kind}`, boolean>();

// Sizes that leave a remainder in every loop.
const UNITS = 7;
const ROWS = 3;
const TERMS = 20;
/** The largest difference. */
const MOST_UNITS = 30;
/** Largest difference from bounds/cells.ts: of variances, relative; of values, relative to the largest difference. */
const ALLOWED = 2e-5;

/** Compares a screening step with one in float64 that begins from the same differences. */
function agrees(kernels: Kernels, model: ErrorModel, unit: number, kind: Kind): boolean {
  const columns = KINDS[kind].gates.length * UNITS;
  const [gates, states] = [ROWS * columns, ROWS * UNITS];
  const weight = Float32Array.from(drawn(columns * UNITS, 0));
  const { screen, singles, products, buffers } = kernels.workspace(
    {
      squares: { weight, columns, squared: true, rows: 'many', precision: 'float32' },
      product: { weight, columns, rows: 'many', precision: 'float32' },
    },
    { sums: ROWS * 8, counts: ROWS * 8 },
    {
      ...{ sumsX: gates, sumsH: gates, dSums: gates, vX: gates, vH: gates, biasesV: columns },
      ...{ dh: states, hV: states, before: states, dBefore: states, c: states, dc: states, cV: states },
      d: states,
    },
  );
  if (!screen) return false;
  const scale = unit ** 2;
  const largest = MOST_UNITS * unit;
  for (const nonlinearity of KINDS[kind].nonlinearities) {
    for (const [i, name] of (['sumsX', 'sumsH', 'before', 'c'] as const).entries())
      singles[name].set(drawn(singles[name].length, i).map((value) => 3 * value));
    for (const [i, name] of (['dBefore', 'dc', 'd'] as const).entries())
      singles[name].set(drawn(states, i + 4).map((value) => largest * value));
    for (const [i, name] of (['biasesV', 'hV', 'cV'] as const).entries())
      singles[name].set(drawn(singles[name].length, i + 7).map((value) => 2 + value));
    products.product(singles.dSums, singles.dBefore, ROWS);
    for (const [i, name] of (['vX', 'vH'] as const).entries()) {
      singles.d.set(drawn(states, i + 10).map((value) => 2 + value));
      products.squares(singles[name], singles.d, ROWS);
    }
    singles.d.set(drawn(states, 12).map((value) => largest * value));
    const copy = Object.fromEntries(
      Object.entries(singles).map(([name, values]) => [name, Float64Array.from(values)]),
    ) as Record<keyof typeof singles, Float64Array>;
    const product = (x: Floats, power: number) =>
      Float64Array.from({ length: gates }, (_, i) => {
        const [row, column] = [Math.floor(i / columns), i % columns];
        let sum = 0;
        for (let k = 0; k < UNITS; k++) sum += weight[column * UNITS + k] ** power * x[row * UNITS + k];
        return sum;
      });
    const dSums = product(copy.dBefore, 1);
    const stepFrom = (share: number) => ({
      rows: ROWS,
      hidden_size: UNITS,
      gates: copy.sumsX,
      gatesAt: 0,
      hidden: copy.sumsH.map((sum, i) => sum + share * dSums[i]),
      hiddenAt: 0,
      gatesError: product(
        drawn(states, 10).map((value) => 2 + value),
        2,
      ).map((v) => v * scale),
      hiddenError: product(
        drawn(states, 11).map((value) => 2 + value),
        2,
      ).map((v) => v * scale),
      terms: TERMS,
      biasError: copy.biasesV.map((v) => v * scale),
      h: copy.before.map((h, i) => h + share * copy.dBefore[i]),
      hError: copy.hV.map((v) => v * scale),
      c: copy.c.map((c, i) => c + share * copy.dc[i]),
      cError: copy.cV.map((v) => v * scale),
      nonlinearity,
    });
    const [free, forced] = [stepFrom(0), stepFrom(1)];
    errorCells(model)[kind](free);
    errorCells(model)[kind](forced);
    const terms = screenTerms(model, TERMS, unit);
    const step = {
      ...{ rows: ROWS, units: UNITS, stride: UNITS, gatesAt: 0, vHAt: 0, beforeAt: 0, cAt: 0, nonlinearity },
      ...singles,
    };
    const isUnfit = screen.step[kind](step, terms);
    if (isUnfit && nonlinearity !== 'relu') return false;
    for (const buffer of [buffers.sums, buffers.counts]) buffer.fill(0);
    const largestDeviation = screen.deviations(step, terms, singles.d, 0, buffers.sums, buffers.counts);
    let mostSigmas = 0;
    const isNear = (actual: number, expected: number, size: number) =>
      Math.abs(actual - expected) <= ALLOWED * size;
    const hasCell = carriesCell(kind);
    for (let i = 0; i < states; i++) {
      const [dh, v] = [forced.h[i] - free.h[i], free.hError[i] / scale];
      const sigma = Math.abs(copy.d[i] - dh) / unit / Math.sqrt(v);
      const sumAt = Math.floor(i / UNITS) * 8 + (i % UNITS);
      if (v > 0) mostSigmas = Math.max(mostSigmas, sigma);
      const isRight =
        isNear(singles.dh[i], dh, largest) &&
        isNear(singles.hV[i], v, v) &&
        (v === 0 || isNear(Math.sqrt(buffers.sums[sumAt]), sigma, MOST_UNITS + sigma)) &&
        buffers.counts[sumAt] === 1 &&
        (!hasCell || isNear(singles.dc[i], forced.c[i] - free.c[i], largest)) &&
        (!hasCell || isNear(singles.cV[i], free.cError[i] / scale, free.cError[i] / scale));
      if (!isRight) return false;
    }
    if (nonlinearity !== 'relu' && !isNear(largestDeviation, mostSigmas, MOST_UNITS + mostSigmas))
      return false;
  }
  return true;
}

/** Pseudo-random numbers from −1 to 1. */
function drawn(length: number, seed: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233));
}
