import type { Comparison } from '../compare/comparison.js';
import type { Case } from '../module/case.js';
import { type Run, type VerifyOptions, verifyRun } from '../verify.js';
import { type Cause, type CauseOptions, findCause } from './cause.js';
import { predict } from './conventions/predict.js';
import { searchWork } from './conventions/search.js';

/** Whether a case differs, and why. */
export interface Diagnosis {
  readonly comparison: Comparison;
  /** Only where it differs. */
  readonly cause?: Cause;
}

/**
 * Verifies a case and, where it differs, finds out why.
 * @throws CellcheckError where nothing can be compared
 */
export async function diagnose(loaded: Case, options: VerifyOptions = {}): Promise<Diagnosis> {
  const { run, comparison } = await verifyRun(loaded, options);
  if (comparison.verdict !== 'differs') return { comparison };
  return { comparison, cause: await causeOf(run, 'pairs') };
}

/** Multiplications that looking for a cause may take beside a comparison: a fraction of a second. */
const QUICK_WORK = 2 ** 27;

/** As much of the cause as takes no time to find. */
export function quickCause(run: Run): Promise<Cause> {
  return causeOf(run, searchWork(run.boundCase) < QUICK_WORK ? 'alone' : 'reference');
}

function causeOf(
  { boundCase, outputs, coarser, settings }: Run,
  depth: CauseOptions['depth'],
): Promise<Cause> {
  const { profile, speed, onProgress, compute } = settings;
  const base =
    compute === 'float64' ? outputs : predict(boundCase.network, boundCase.sequence, {}, { speed });
  return findCause(boundCase, base, { profile, precision: coarser, depth, speed, onProgress });
}
