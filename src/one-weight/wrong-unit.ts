import type { Known } from './known-layers.js';
import { fitted } from './refine.js';
import { problemOf, regress } from './regression.js';
import { residuals } from './residuals.js';
import { SENSITIVITIES, teacherForced } from './sensitivity.js';
import { valueInFile, type Weight, weightOfFeature } from './suspect.js';

/** A unit that all of its steps together show to have a wrong weight. */
export interface WrongUnit {
  readonly layer: Known;
  readonly unit: number;
  /** How far its likeliest weight is from that in the file, in standard deviations. */
  readonly sigmas: number;
}

/** A weight is off that is farther from that in the file than this many standard deviations … */
const LIMIT = 7;
/** … and this many times as far as that of any other unit: what repeats in a runtime's rounding is found in several. */
const TIMES = 2;
/** Fewer units cannot be told from each other. */
const FEWEST_UNITS = 4;
/** Rounding is a third of what its profile allows, or more: less in most units says nothing about another. */
const LEAST_NOISE = 1 / 3;
/** A runtime may round a weight, and the sum of two biases, once more: changes of this many roundoffs are none. */
const ROUNDINGS = 2;

/**
 * The unit that one wrong weight stands out in, though each of its values may be within rounding: over n steps, the
 * deviation of a weight that all of them imply is √n times as small as that of a single one.
 * @param roundoff of the dtype that weights are rounded to
 */
export function wrongUnit(layers: readonly Known[], roundoff: number): WrongUnit | undefined {
  const noise = Math.min(1, Math.max(LEAST_NOISE, usualResidual(layers)));
  const [first, second, ...others] = layers
    .flatMap((layer) => farthestWeights(layer, roundoff))
    .map((farthest) => ({ ...farthest, sigmas: farthest.sigmas / noise }))
    .sort((a, b) => b.sigmas - a.sigmas);
  if (2 + others.length < FEWEST_UNITS || first.sigmas <= Math.max(LIMIT, TIMES * second.sigmas))
    return undefined;
  const { layer, weight } = first;
  const sigmas = first.sigmas * Math.sqrt(shareOfOwn(layer, fitted(layer, weight).rest));
  return sigmas > LIMIT ? { layer, unit: weight.unit, sigmas } : undefined;
}

const residualsOf = (layer: Known) => {
  const { computed } = SENSITIVITIES[layer.module.kind](teacherForced(layer));
  return residuals(computed, layer.expected, layer.sigma); // [steps, batch, hidden]
};

/** The root mean square of all residuals. */
function usualResidual(layers: readonly Known[]): number {
  let [squares, count] = [0, 0];
  for (const layer of layers)
    for (const [i, residual] of residualsOf(layer).entries()) {
      if (!(layer.sigma[i] > 0) || !Number.isFinite(residual)) continue;
      squares += residual * residual;
      count++;
    }
  return Math.sqrt(squares / count);
}

/** A weight, with the change that its unit's values imply. */
interface Farthest {
  readonly layer: Known;
  readonly weight: Weight & { readonly change: number; readonly deviation: number };
  /** How far the change is beyond what may be rounded once more, in standard deviations. */
  readonly sigmas: number;
}

/** The weight of every unit that is farthest from that in the file [hidden]. */
function farthestWeights(layer: Known, roundoff: number): Farthest[] {
  const { module, input_size } = layer;
  const forced = teacherForced(layer);
  const sensitivity = SENSITIVITIES[module.kind](forced);
  const problem = problemOf(layer, forced, sensitivity, residualsOf(layer));
  const shares = Array.from({ length: module.hidden_size }, (_, unit) => shareOfDistinct(layer, unit));
  const farthest: Farthest[] = [];
  for (const { gate, ...part } of sensitivity.parts) {
    const { from, to, changeOf } = regress(problem, { gate, ...part });
    for (let unit = 0; unit < module.hidden_size; unit++)
      for (let feature = from; feature < to; feature++) {
        const implied = changeOf(unit * problem.width + feature);
        const weight = weightOfFeature(module, input_size, gate, unit, feature);
        const beyond = Math.abs(implied.change) - ROUNDINGS * roundoff * sizeOf(layer, weight);
        const sigmas = (beyond / implied.deviation) * Math.sqrt(shares[unit]);
        if (!(sigmas <= farthest[unit]?.sigmas))
          farthest[unit] = { layer, weight: { ...weight, ...implied }, sigmas };
      }
  }
  return farthest;
}

/** The size of a weight; that of both biases, which runtimes may add before anything else. */
function sizeOf(layer: Known, weight: Weight): number {
  const size = (tensor: Weight['tensor']) => Math.abs(valueInFile(layer, { ...weight, tensor }));
  return weight.column === undefined ? size('bias_ih') + size('bias_hh') : size(weight.tensor);
}

/**
 * The share of a unit's values that count: where it stands still, its rounding errors repeat, so that values that are the
 * same count as one. Of m values of each kind, (Σ m)² / Σ m² count.
 */
function shareOfDistinct({ module, expected, sigma }: Known, unit: number): number {
  const kinds = new Map<number, number>();
  for (let i = unit; i < expected.length; i += module.hidden_size)
    if (sigma[i] > 0) kinds.set(expected[i], (kinds.get(expected[i]) ?? 0) + 1);
  let [count, squares] = [0, 0];
  for (const alike of kinds.values()) {
    count += alike;
    squares += alike * alike;
  }
  return count && count / squares;
}

/**
 * The share of a unit's residuals that are its steps' own: what an LSTM's c carries on is found in the next step again. With
 * a correlation ρ of steps that follow each other, (1 − ρ) / (1 + ρ) of them count.
 * @param rest [steps, batch], without what the weight explains
 */
function shareOfOwn({ batch }: Known, rest: Float64Array): number {
  let [products, squares] = [0, 0];
  for (let i = batch; i < rest.length; i++) {
    products += rest[i] * rest[i - batch];
    squares += rest[i] * rest[i];
  }
  const correlation = squares > 0 ? Math.min(1, Math.max(0, products / squares)) : 0;
  return (1 - correlation) / (1 + correlation);
}
