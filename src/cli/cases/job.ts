import type { Verdict } from '../../compare/summary.js';
import type { OnProgress, SpeedOptions } from '../../engine/options.js';
import { CellcheckError, internalError } from '../../errors.js';
import type { LoadOptions } from '../../files/load-case.js';
import { reportedCase } from '../../report/in-words.js';
import { warningText } from '../../report/remarks-text.js';
import type { ReportedCase } from '../../report/reported.js';
import type { Comparison } from '../../verdict/comparison.js';
import type { VerifyOptions } from '../../verdict/settings.js';
import { verify } from '../../verify.js';
import { loadSource, type Source } from './source.js';

/** A case to verify, and how: plain data, which can be sent to another thread. */
export interface CaseJob {
  readonly label: string;
  readonly source: Source;
  readonly load: LoadOptions;
  readonly options: Omit<VerifyOptions, 'speed' | 'onProgress'>;
  /** Whether parity with a warning is no verdict. */
  readonly strict: boolean;
  /** How reports name the tolerances that the command line states. */
  readonly caller: string;
}

/** What came of a case. */
export interface Outcome {
  readonly result: ReportedCase;
  readonly verdict?: Verdict;
  /** What it was computed with. */
  readonly speed?: Comparison['kernels'] & { readonly compute: string };
}

/** A case to verify, or what is known of it already. */
export type Work = { readonly job: CaseJob } | { readonly outcome: Outcome };

/** Verifies a case. An error becomes its outcome: it does not keep others from being reported. */
export async function verifyCase(
  { label, source, load, options, strict, caller }: CaseJob,
  speed: SpeedOptions,
  onProgress?: OnProgress,
): Promise<Outcome> {
  const started = performance.now();
  const timed = (result: ReportedCase): ReportedCase => ({
    ...result,
    seconds: (performance.now() - started) / 1000,
  });
  try {
    const loaded = loadSource(label, source, load);
    const comparison = await verify(loaded, { ...options, speed, onProgress });
    const { verdict, kernels, subject, warnings } = comparison;
    const outcome = { speed: { ...kernels, compute: subject.compute } };
    return strict && verdict === 'parity' && warnings.length
      ? { ...outcome, result: timed(reportedCase({ label, error: strictError(label, comparison) }, caller)) }
      : { ...outcome, verdict, result: timed(reportedCase({ label, comparison }, caller)) };
  } catch (thrown) {
    const error = thrown instanceof CellcheckError ? thrown : internalError(label, thrown);
    return { result: timed(reportedCase({ label, error }, caller)) };
  }
}

function strictError(file: string, { warnings }: Comparison): CellcheckError {
  return new CellcheckError({
    file,
    problem: `no verdict with --strict, because of ${warnings.length === 1 ? 'a warning' : 'warnings'} (parity without it)`,
    hints: warnings.map(warningText),
  });
}
