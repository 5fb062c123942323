/** `undecided`: the reference says too little, for example because it was printed with few digits. */
export type Verdict = 'parity' | 'differs' | 'ill-conditioned' | 'undecided';

/** How a run ended. */
export interface Summary {
  readonly parity: number;
  readonly differs: number;
  /** Cases without a verdict: errors, ill-conditioned and undecided ones. */
  readonly noVerdict: number;
  /** How long it took, where it was measured. */
  readonly seconds?: number;
  readonly exitCode: 0 | 1 | 2;
}

/**
 * Counts the verdicts of cases; undefined stands for a case that could not be compared. Exit codes: 2 where any case has
 * no verdict or there are no cases, else 1 where any differs, else 0.
 */
export function summaryOf(verdicts: readonly (Verdict | undefined)[], seconds?: number): Summary {
  const parity = verdicts.filter((verdict) => verdict === 'parity').length;
  const differs = verdicts.filter((verdict) => verdict === 'differs').length;
  const noVerdict = verdicts.length - parity - differs;
  const exitCode = noVerdict || verdicts.length === 0 ? 2 : differs ? 1 : 0;
  return { parity, differs, noVerdict, seconds, exitCode };
}
