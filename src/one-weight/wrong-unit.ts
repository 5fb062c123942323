import { KINDS } from '../kinds.js';
import type { Floats } from '../tensor/dtype.js';
import type { Known } from './known-layers.js';
import { fitted } from './refine.js';
import { type Problem, problemOf, regress } from './regression.js';
import { residuals } from './residuals.js';
import { type KnownLayer, SENSITIVITIES, teacherForced } from './sensitivity.js';
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
/** … and this many times as far as that of any other unit: what repeats in the rounding of a runtime is found in several. */
const TIMES = 2;
/** … and moves the values of its unit by this much of their rounding: less may be the rounding of a bias, which repeats. */
const LEAST_EFFECT = 0.5;
/** Fewer units cannot be told from each other. */
const FEWEST_UNITS = 4;
/** Rounding is a third of what its profile allows, or more: less in most units says nothing about another. */
const LEAST_NOISE = 1 / 3;
/** A runtime may round a weight, and the sum of two biases, once more: changes of this many roundoffs are none. */
const ROUNDINGS = 2;
/** The most multiplications: a fraction of a second. The first batch rows are looked at, as far as that goes. */
const MOST_WORK = 2 ** 28;

/**
 * The unit that one wrong weight stands out in, though each of its values may be within rounding: over n steps, the
 * deviation of a weight that all of them imply is √n times as small as that of a single one.
 * @param roundoff of the dtype that weights are rounded to
 */
export function wrongUnit(layers: readonly Known[], roundoff: number): WrongUnit | undefined {
  const looked = layers.map((layer) => beginning(layer, rowsWithin(layer, MOST_WORK / layers.length)));
  if (looked.some(({ batch }) => batch === 0)) return undefined;
  const problems = looked.map(problemIn);
  const noise = Math.min(1, Math.max(LEAST_NOISE, usualResidual(problems)));
  const units = problems
    .flatMap((problem, i) => farthestWeights(problem, roundoff).map((one) => ({ ...one, layer: layers[i] })))
    .map((one) => ({ ...one, sigmas: one.sigmas / noise }))
    .sort((one, other) => other.sigmas - one.sigmas);
  if (units.length < FEWEST_UNITS) return undefined;
  const [{ layer, problem, weight, sigmas, values }, second] = units;
  if (sigmas <= TIMES * second.sigmas || sigmas <= LEAST_EFFECT * Math.sqrt(values)) return undefined;
  const own = sigmas * Math.sqrt(shareOfOwn(problem, fitted(problem.layer, weight).rest));
  return own > LIMIT ? { layer, unit: weight.unit, sigmas: own } : undefined;
}

/** How many batch rows may be looked at: none where one is too much. */
function rowsWithin({ module, input_size, steps, batch }: Known, work: number): number {
  const { hidden_size, kind } = module;
  const ofRow = (KINDS[kind].gates.length + 1) * hidden_size * (input_size + hidden_size + 2) * steps;
  return Math.min(batch, Math.floor(work / ofRow));
}

/** The first batch rows of a layer. */
function beginning(layer: Known, rows: number): Known {
  if (rows === layer.batch) return layer;
  const { steps, batch, input_size, module, input, expected, sigma, h0, c0, lengths } = layer;
  const { hidden_size } = module;
  const cut = (values: Floats, width: number) =>
    Float64Array.from({ length: steps * rows * width }, (_, i) => {
      const inStep = rows * width;
      return values[Math.floor(i / inStep) * batch * width + (i % inStep)];
    });
  return {
    ...layer,
    batch: rows,
    input: cut(input, input_size),
    expected: cut(expected, hidden_size),
    sigma: cut(sigma, hidden_size),
    h0: h0?.subarray(0, rows * hidden_size),
    c0: c0?.subarray(0, rows * hidden_size),
    lengths: lengths?.slice(0, rows),
  };
}

function problemIn(layer: Known): Problem {
  const forced = teacherForced(layer);
  const sensitivity = SENSITIVITIES[layer.module.kind](forced);
  const residual = residuals(sensitivity.computed, layer.expected, layer.sigma); // [steps, batch, hidden]
  return problemOf(layer, forced, sensitivity, residual);
}

/** The root mean square of all residuals that are any: units that are always zero have none. */
function usualResidual(problems: readonly Problem[]): number {
  let [squares, count] = [0, 0];
  for (const { residual } of problems)
    for (const value of residual) {
      if (value === 0 || !Number.isFinite(value)) continue;
      squares += value * value;
      count++;
    }
  return count ? Math.sqrt(squares / count) : 0;
}

/** A weight with the change that its unit's values imply, and with the one that rounding it once more may be. */
interface Allowed {
  readonly weight: Weight & { readonly change: number; readonly deviation: number };
  readonly allowed: number;
}

/** The weight of a unit that is farthest from that in the file. */
interface Farthest {
  readonly problem: Problem;
  readonly weight: Allowed['weight'];
  /** How far the change is beyond what may be rounded once more, in standard deviations. */
  readonly sigmas: number;
  /** How many values its unit has. */
  readonly values: number;
}

/** The weight of every unit that is farthest from that in the file [hidden]. */
function farthestWeights(problem: Problem, roundoff: number): Farthest[] {
  const { layer, sensitivity, width } = problem;
  const { module, input_size } = layer;
  const regressions = sensitivity.parts.map((part) => ({ ...part, ...regress(problem, part) }));
  return Array.from({ length: module.hidden_size }, (_, unit) => {
    const all = regressions.flatMap(({ gate, from, to, changeOf }) =>
      Array.from({ length: to - from }, (_, i) => {
        const weight = weightOfFeature(module, input_size, gate, unit, from + i);
        const { change, deviation } = changeOf(unit * width + from + i);
        const allowed = ROUNDINGS * roundoff * sizeOf(layer, weight);
        return { weight: { ...weight, change, deviation }, allowed };
      }),
    );
    // What the rounding of one bias explains is no other weight's.
    const byBias = largest(all.map((one) => (one.weight.column === undefined ? explainedWithin(one) : 0)));
    const { values, share } = countsOf(layer, unit);
    const beyond = all.map(({ weight, allowed }) => {
      const explained = (Math.max(0, Math.abs(weight.change) - allowed) / weight.deviation) ** 2;
      return Math.sqrt(Math.max(0, explained - byBias) * share);
    });
    const sigmas = largest(beyond);
    return { problem, weight: all[Math.max(0, beyond.indexOf(sigmas))].weight, sigmas, values };
  });
}

const largest = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), 0);

/** The decrease of the sum of squared residuals by a change that is not larger than allowed. */
function explainedWithin({ weight: { change, deviation }, allowed }: Allowed): number {
  const size = Math.min(Math.abs(change), allowed);
  return (size * (2 * Math.abs(change) - size)) / deviation ** 2;
}

/** The size of a weight; that of both biases, which runtimes may add before anything else. */
function sizeOf(layer: KnownLayer, weight: Weight): number {
  const size = (tensor: Weight['tensor']) => Math.abs(valueInFile(layer, { ...weight, tensor }));
  return weight.column === undefined ? size('bias_ih') + size('bias_hh') : size(weight.tensor);
}

/**
 * How many values a unit has, and the share of them that count: where it stands still, its rounding errors repeat, so that
 * values that are the same count as one. Of m values of each kind, (Σ m)² / Σ m² count.
 */
function countsOf({ module, expected, sigma }: KnownLayer, unit: number) {
  const kinds = new Map<number, number>();
  for (let i = unit; i < expected.length; i += module.hidden_size)
    if (sigma[i] > 0) kinds.set(expected[i], (kinds.get(expected[i]) ?? 0) + 1);
  let [values, squares] = [0, 0];
  for (const alike of kinds.values()) {
    values += alike;
    squares += alike * alike;
  }
  return { values, share: values && values / squares };
}

/**
 * The share of a unit's residuals that are its steps' own: what an LSTM's c carries on is found in the next step again. With
 * a correlation ρ of steps that follow each other, (1 − ρ) / (1 + ρ) of them count.
 * @param rest [steps, batch], without what the weight explains
 */
function shareOfOwn({ layer: { batch } }: Problem, rest: Float64Array): number {
  let [products, squares] = [0, 0];
  for (let i = batch; i < rest.length; i++) {
    products += rest[i] * rest[i - batch];
    squares += rest[i] * rest[i];
  }
  const correlation = squares > 0 ? Math.min(1, Math.max(0, products / squares)) : 0;
  return (1 - correlation) / (1 + correlation);
}
