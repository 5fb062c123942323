import type { Case } from '../module/case.js';
import type { Cause } from '../verdict/cause.js';
import type { Comparison } from '../verdict/comparison.js';
import { conclude } from '../verdict/conclude.js';
import { type JudgedRun, run } from '../verdict/judged-run.js';
import type { Run } from '../verdict/run.js';
import { settle, type VerifyOptions } from '../verdict/settings.js';
import { type CauseOptions, findCause } from './cause.js';
import { predict } from './conventions/predict.js';
import { searchWork } from './conventions/search.js';
import { patternOf } from './pattern.js';

/** Whether a case differs, and why. */
export interface Diagnosis {
  readonly comparison: Comparison;
  /** Absent if it does not differ. */
  readonly cause?: Cause;
}

/**
 * Verifies a case and, where it differs, finds out why.
 * @throws CellcheckError where nothing can be compared
 */
export async function diagnose(loaded: Case, options: VerifyOptions = {}): Promise<Diagnosis> {
  const settings = settle(loaded, options);
  const judgedRun = await run(loaded, settings);
  const comparison = await conclude(loaded, judgedRun);
  if (comparison.verdict !== 'differs') return { comparison };
  return { comparison, cause: await causeOf(judgedRun, 'pairs') };
}

/** The most multiplications of a quick search: a fraction of a second. */
const QUICK_WORK = 2 ** 27;

/** Looks for the cause of a difference; only at the reference if every cause would take long. */
export function quickCause(differing: JudgedRun): Promise<Cause> {
  return causeOf(differing, searchWork(differing.run.boundCase) < QUICK_WORK ? 'alone' : 'reference');
}

function causeOf({ run, coarser }: JudgedRun, depth: CauseOptions['depth']): Promise<Cause> {
  const { boundCase, outputs, settings, tensors } = run;
  const sequences = tensors.filter(({ reference }) => reference.axes.layer !== undefined);
  const outputAgrees =
    sequences.length > 0 && sequences.every(({ comparison }) => comparison.mismatches === 0);
  const { profile, operands, speed, onProgress, compute } = settings;
  const base =
    compute === 'float64' ? outputs : predict(boundCase.network, boundCase.sequence, {}, { speed });
  const pattern = patternOf(boundCase, tensors);
  return findCause(boundCase, base, {
    pattern,
    profile,
    operands,
    oneUnit: oneUnitOf(tensors),
    precision: coarser,
    outputAgrees,
    depth,
    speed,
    onProgress,
  });
}

/** The unit that only all of its steps together show to be off. */
function oneUnitOf(tensors: Run['tensors']): CauseOptions['oneUnit'] {
  for (const { reference, judgement } of tensors)
    for (const { unit, weightSigmas } of judgement?.units ?? [])
      if (weightSigmas !== undefined) return { layer: reference.axes.layer!, unit };
  return undefined;
}
