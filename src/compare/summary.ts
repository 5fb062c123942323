/** `undecided`: the reference says too little, for example because it was printed with few digits. */
export type Verdict = 'parity' | 'differs' | 'ill-conditioned' | 'undecided';

/** How a run ended. */
export interface Summary {
  readonly parity: number;
  readonly differs: number;
  /** Cases without a verdict: errors, ill-conditioned and undecided ones. */
  readonly noVerdict: number;
  /** Cases that were left out. */
  readonly notRun: number;
  /** How long it took, where it was measured. */
  readonly seconds?: number;
  readonly exitCode: number;
}

interface Ending {
  readonly notRun?: number;
  /** The exit code of a signal that ended it. */
  readonly interruptedBy?: number;
  /** Whether it is a part of a suite without cases: then the verdict is that of the other parts. */
  readonly isEmptyPart?: boolean;
  readonly seconds?: number;
}

/**
 * Counts the verdicts of cases; undefined stands for a case that could not be compared. Exit codes: the signal's after an
 * interruption (130 after Ctrl-C); 2 where any case has no verdict, or none was run; 1 where any differs; 2 where some were not run although
 * none failed; else 0.
 */
export function summaryOf(
  verdicts: readonly (Verdict | undefined)[],
  { notRun = 0, interruptedBy, isEmptyPart = false, seconds }: Ending = {},
): Summary {
  const parity = verdicts.filter((verdict) => verdict === 'parity').length;
  const differs = verdicts.filter((verdict) => verdict === 'differs').length;
  const noVerdict = verdicts.length - parity - differs;
  const isNothing = verdicts.length === 0 && !isEmptyPart;
  const exitCode = noVerdict || isNothing ? 2 : differs ? 1 : notRun ? 2 : 0;
  return { parity, differs, noVerdict, notRun, seconds, exitCode: interruptedBy ?? exitCode };
}
