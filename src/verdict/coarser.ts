import type { ProfileName } from '../bounds/profiles.js';
import { rootMeanSquare } from '../compare/deviation.js';
import { isSequence } from '../kinds.js';
import { spacing } from '../tensor/dtype.js';
import { gridOf } from '../tensor/grid.js';
import { isSpread } from './activations.js';
import type { RoundingJudgement } from './rounding.js';
import { judgementsOf, type Run } from './run.js';

/** A precision coarser than float32, in which a float32 reference may have been computed. */
export type CoarserProfile = Exclude<
  ProfileName,
  'torch' | 'generic' | 'exponential' | 'cudnn' | 'coarse' | 'f64'
>;

/** A precision of which all differences are rounding. */
export interface Coarser {
  readonly profile: CoarserProfile;
  /** Whether a fault is excluded that happens to be as large. */
  readonly isSure: boolean;
  /** The logarithm of the likelihood by value, where precisions of the same size have to be told from each other. */
  readonly likelihood?: number;
}

/** Precisions in which only weights are rounded: float32's own rounding is left, which nothing else can do. */
export const WEIGHTS = ['f16-weights', 'bf16-weights'] as const satisfies readonly CoarserProfile[];
/** The precisions of outputs whose values are not all of a 16-bit dtype. */
export const OFF_GRID: readonly CoarserProfile[] = [...WEIGHTS, 'tf32', 'autocast-f16', 'autocast-bf16'];

/** Rounding in a coarser precision shows in most of the values, and as large as it is expected (0.3 σ to 0.7 σ). */
const MOST = 0.5;
/** … and in some of all steps. */
const MOST_ROWS = 0.1;
const LEAST_SPREAD = 0.1;
const MOST_SPREAD = 1.2;
/** Differences of a precision are of the size of its roundoff: not this many times as small or as large. */
const SIZES = 32;
/**
 * A float32 runtime that computes tanh as 1 − x gives multiples of 2^-24 as well: only values whose neighbours of the 16-bit
 * dtype are farther apart tell the two from each other.
 */
const TELLING = 2 ** -20;
/** Rounding the weights leaves this share of the differences at most. */
const LEFT = 0.5;
/** Whatever is rounded: nothing else leaves so little. */
const DECISIVE = 0.1;
/** Differences of this relative size are between those of float16 and of bfloat16. */
const BETWEEN = 2 ** -10;
/** One in eight values of float16 is one of bfloat16 as well: fewer values may all be by chance. */
const FEW_VALUES = 4;
/** Fewer values tell nothing that their grid does not. */
const FEWEST_VALUES = 8;
/** With so many units and values of each, the direction of the errors can tell rounding from a fault. */
const FEWEST_UNITS = 4;
const ENOUGH_ROWS = 8;
/** Otherwise, rounding is nearer than this many σ: a few values are seldom farther. */
const FARTHEST_OF_FEW = 4;
/** A fault leaves errors along one direction in the space of the units: more than this share of them all. */
const MOST_ALIGNED = 0.5;

/**
 * The precisions of a reference whose outputs are values of a 16-bit dtype; undefined where they are not, none where they
 * are too few to tell which.
 */
export function gridPrecisions(run: Run): readonly CoarserProfile[] | undefined {
  // An LSTM may keep c in float32 though its gates are not.
  const { data } = mainJudgement(run).reference;
  const grid = gridOf(data, 'F32');
  if (grid !== 'F16' && grid !== 'BF16') return undefined;
  const telling = new Set(data.filter((value) => Math.abs(value) !== 1 && spacing(value, grid) >= TELLING))
    .size;
  if (telling === 0) return undefined;
  // The product of two values of a 16-bit dtype may be one of float16 by chance.
  if (telling === 1) return [];
  if (grid === 'F16') return ['f16'];
  return telling < FEW_VALUES && sizeOf(run) < BETWEEN ? [] : ['bf16'];
}

/**
 * Whether half of the units or more are off, without those that are always zero (relu), and a tenth of the steps: a
 * precision is that of all of them, a wrong weight that of one unit, and a changed value that of one step and the next.
 */
export function isWidespread(run: Run): boolean {
  const { reference, predicted, faults } = mainJudgement(run);
  const { units, data, rows } = reference;
  const rowSize = data.length / rows;
  const [alive, off, rowsOff] = [new Set<number>(), new Set<number>(), new Set<number>()];
  for (const [i, fault] of faults.entries()) {
    if (data[i] !== 0 || predicted[i] !== 0) alive.add(i % units);
    if (!fault) continue;
    off.add(i % units);
    rowsOff.add(Math.floor(i / rowSize));
  }
  return off.size >= MOST * alive.size && rowsOff.size >= MOST_ROWS * rows;
}

/** Whether differences are about as large as this precision rounds; rounded operands may make less of a difference. */
export function couldBe(precision: CoarserProfile, run: Run): boolean {
  const size = sizeOf(run);
  const roundoff = ROUNDOFF[precision];
  const hasExactWays = isOneOf(WEIGHTS, precision) || precision === 'tf32';
  return size < roundoff * SIZES && (hasExactWays || size > roundoff / SIZES);
}

/** The root mean square of the differences, relative to that of the values. */
function sizeOf(run: Run): number {
  const { reference, predicted } = mainJudgement(run);
  const differences = reference.data.map((value, i) => value - predicted[i]);
  return rootMeanSquare(differences) / rootMeanSquare(reference.data);
}

function mainJudgement(run: Run): RoundingJudgement {
  return mainOf(judgementsOf(run));
}

const ROUNDOFF: Readonly<Record<CoarserProfile, number>> = {
  f16: 2 ** -11,
  'f16-weights': 2 ** -11,
  'autocast-f16': 2 ** -11,
  tf32: 2 ** -11,
  bf16: 2 ** -8,
  'bf16-weights': 2 ** -8,
  'autocast-bf16': 2 ** -8,
};

/**
 * A precision of which all differences are rounding. A small fault would fit many, so most of the values must be beyond
 * float32's own rounding that are not exact, and as far as the precision rounds.
 * @param run the case as run by that precision
 * @param before the case as it was run first
 */
export function roundingOf(profile: CoarserProfile, run: Run, before: Run): Coarser | undefined {
  const judgements = judgementsOf(run);
  if (judgements.some(({ faults }) => faults.includes(1))) return undefined;
  const sure = { profile, isSure: true };
  // Rounded operands leave less of a difference, unless they were not rounded.
  const left = sizeOf(run) / sizeOf(before);
  if (left < DECISIVE) return sure;
  if (isOneOf(WEIGHTS, profile)) return left < LEFT ? sure : undefined;
  // Values of a 16-bit dtype tell by themselves, even where most of them are undecided.
  if (profile === 'f16' || profile === 'bf16') return sure;
  let [total, beyond, decided, squares, farthest, likelihood] = [0, 0, 0, 0, 0, 0];
  for (const [tensor, { sigmas, predicted, reference }] of judgements.entries()) {
    const faults = before.tensors[tensor].judgement?.faults;
    for (const [i, sigma] of sigmas.entries()) {
      // Exact values, as relu's zeros, are not rounded.
      if (predicted[i] === 0 && reference.data[i] === 0) continue;
      total++;
      beyond += faults?.[i] ?? 0;
      if (Number.isNaN(sigma)) continue;
      decided++;
      squares += sigma * sigma;
      farthest = Math.max(farthest, sigma);
      // log of the normal density of a difference d = z σ: −log σ − z²/2, but for a constant.
      if (sigma > 0)
        likelihood += Math.log(sigma / Math.abs(reference.data[i] - predicted[i])) - (sigma * sigma) / 2;
    }
  }
  const enough = MOST * total;
  if (left > 1 || total < FEWEST_VALUES || beyond <= enough || decided <= enough) return undefined;
  const spread = Math.sqrt(squares / decided);
  if (spread <= LEAST_SPREAD || spread >= MOST_SPREAD) return undefined;
  const main = mainOf(judgements);
  const { name, batch, rows, units } = main.reference;
  const isSure = isSequence(name) && batch * rows >= ENOUGH_ROWS && units >= FEWEST_UNITS;
  if (!isSpread(run) || (isSure ? !looksLikeNoise(main) : farthest > FARTHEST_OF_FEW)) return undefined;
  return { profile, isSure, likelihood: likelihood / decided };
}

function isOneOf<T>(all: readonly T[], one: unknown): one is T {
  return (all as readonly unknown[]).includes(one);
}

function mainOf(judgements: readonly RoundingJudgement[]): RoundingJudgement {
  return judgements.find(({ reference }) => reference.name === 'output') ?? judgements[judgements.length - 1];
}

/** Whether the errors of an output point in all directions of the space of its units, as rounding does. */
function looksLikeNoise({ reference, sigmas, predicted }: RoundingJudgement): boolean {
  const { units, data } = reference;
  const errors = sigmas.map((sigma, i) => {
    if (Number.isNaN(sigma)) return 0;
    return data[i] < predicted[i] ? -sigma : sigma;
  });
  const rows = errors.length / units;
  const total = errors.reduce((sum, error) => sum + error * error, 0);
  // The largest share that lies along one direction, by the power method.
  let direction = Float64Array.from({ length: units }, (_, unit) => Math.cos(unit + 1));
  let aligned = 0;
  for (let round = 0; round < 30; round++) {
    const next = new Float64Array(units);
    for (let row = 0; row < rows; row++) {
      let along = 0;
      for (let unit = 0; unit < units; unit++) along += errors[row * units + unit] * direction[unit];
      for (let unit = 0; unit < units; unit++) next[unit] += along * errors[row * units + unit];
    }
    aligned = Math.hypot(...next);
    direction = next.map((value) => value / aligned);
  }
  // Without any error there is no direction: NaN.
  return aligned <= MOST_ALIGNED * total;
}
