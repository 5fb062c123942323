import { chooseKernels, workOfJudging } from '../engine/kernels/choose.js';
import type { ScreenTerms } from '../engine/kernels/kernels.js';
import type { KernelName, SpeedOptions } from '../engine/options.js';
import type { ExpectedOutput, Screen } from '../engine/screen.js';
import type { Kind } from '../kinds.js';
import type { Network, Sequence } from '../module/bind.js';
import { layerInputSize } from '../module/parameters.js';
import { differencesAlike } from './differences-proof.js';
import { biasErrors } from './layer.js';
import type { ErrorModel } from './model.js';
import type { Profile } from './profiles.js';
import { PROOF_TERMS, screensAlike } from './screening-proof.js';
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
 * @param expected the last layer's output, of all batch rows; undefined where only final states are known
 */
export function screenOf(
  network: Network,
  sequence: Sequence,
  profile: Profile,
  expected: Omit<ExpectedOutput, 'batch'> | undefined,
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
    expected: expected && { ...expected, batch: sequence.batch },
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
  const { kernels, name, release } = chooseKernels(kind, 'float64', workOfJudging(network, sequence), speed);
  try {
    const key = `${name} ${kind}` as const;
    const agreement =
      agreements.get(key) ??
      (differencesAlike(kernels) &&
        screensAlike(kernels, model, kind, screenTerms(model, PROOF_TERMS, unit)));
    agreements.set(key, agreement);
    return agreement;
  } finally {
    release();
  }
}

const agreements = new Map<`${KernelName} ${Kind}`, boolean>();
