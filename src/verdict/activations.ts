import type { ProfileName } from '../bounds/profiles.js';
import { isSequence } from '../kinds.js';
import { knownOutputs } from '../module/known-outputs.js';
import type { RoundingJudgement } from './rounding.js';
import type { ComparedTensor, Run } from './run.js';

/** A profile of float32 runtimes, by how far their activations err. */
export type ActivationProfile = Extract<ProfileName, 'exponential' | 'coarse' | 'cudnn'>;

/**
 * In a single step, errors of activations stay below this, relative to the state or to 1: 2048 roundoffs of float32.
 * Larger differences need no other profile to be judged.
 */
const LARGEST = 2 ** -13;

/**
 * Whether all values beyond rounding are off by as little as activations may be. Where layers run free, it is not known:
 * errors of steps that follow each other grow.
 */
export function areSmall({ tensors, boundCase }: Run): boolean {
  if (knownOutputs(boundCase).includes(undefined)) return true;
  return tensors.every(({ reference: { data }, judgement }) => {
    const isNear = (fault: number, i: number) =>
      !fault || Math.abs(data[i] - judgement!.predicted[i]) <= LARGEST * Math.max(1, Math.abs(data[i]));
    return judgement?.faults.every(isNear);
  });
}

/** Errors of activations are not normally distributed: they end before this many of their standard deviations. */
const FARTHEST = 4.5;
/** In smaller modules one unit cannot be told from the others, nor coarse activations from a fault. */
const FEWEST_UNITS = 4;
/** There, what is accepted has to be nearer. */
const FARTHEST_OF_FEW = 3.5;
/** Coarse activations cannot be told from a fault either where only a few steps are known. */
const ENOUGH_STEPS = 8;

/** Whether a module has too few units for a wrong weight to stand out in one of them. */
export function isSmallModule({ boundCase }: Run): boolean {
  return boundCase.network.module.hidden_size < FEWEST_UNITS;
}

/**
 * Whether what is beyond rounding is as errors of activations are: within them by `wider`, and spread over all units. A
 * wrong weight is off in one unit, since every step begins from the reference's own state.
 */
export function areActivationErrors(narrow: Run, wider: Run): boolean {
  return wider.tensors.every(({ judgement }, i) => {
    const before = narrow.tensors[i].judgement!;
    if (!judgement) return false;
    const hasFewUnits = judgement.reference.units < FEWEST_UNITS;
    if (judgement.profile === 'coarse' && (hasFewUnits || !wider.tensors.some(showsMuch))) return false;
    const farthest = hasFewUnits ? FARTHEST_OF_FEW : FARTHEST;
    if (judgement.sigmas.some((sigma) => sigma > farthest)) return false;
    const isBeyond = before.sigmas.some((sigma) => sigma > before.limit);
    return !isBeyond || !isConcentrated(judgement, FEWEST_VALUES);
  });
}

/** Whether a tensor has the output of enough steps to tell coarse activations from another fault of their size. */
function showsMuch({ reference: { name, rows, batch }, judgement }: ComparedTensor): boolean {
  return isSequence(name) && judgement?.forced === true && rows * batch >= ENOUGH_STEPS;
}

/**
 * Whether no unit is off far more than the others, in any tensor.
 * @param fewest with fewer values of each unit that cannot be told
 */
export function isSpread({ tensors }: Run, fewest = FEWEST_VALUES): boolean {
  return !tensors.some(({ judgement }) => judgement && isConcentrated(judgement, fewest));
}

/** The largest share of all squared errors that one unit has, and the most times the mean of all units. */
const SHARE = 0.6;
const TIMES = 6;
/** With few values of each unit, one far value makes more of a difference; with fewer than these, it is all. */
const FEW_VALUES = 40;
const FEWEST_VALUES = 4;

/** The mean square, in variances, that a few rare errors make up in one unit. */
const RARE = 4;

/** Whether one unit has far more of the squared errors than others. */
function isConcentrated(
  { sigmas, profile, reference: { units } }: RoundingJudgement,
  fewest: number,
): boolean {
  const values = sigmas.length / units;
  if (units < FEWEST_UNITS || values < fewest) return false;
  const sums = new Float64Array(units);
  for (const [i, sigma] of sigmas.entries()) if (sigma > 0) sums[i % units] += sigma * sigma;
  const total = sums.reduce((a, b) => a + b, 0);
  const largest = sums.reduce((a, b) => Math.max(a, b), 0);
  // Most errors of tanh.approx are zero and a few large: in few values, one unit may have all that are.
  if (profile === 'cudnn' && largest < RARE * values) return false;
  const times = TIMES + FEW_VALUES / Math.sqrt(values);
  return largest > Math.min(SHARE, times / units) * total;
}
