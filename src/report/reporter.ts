import type { CaseResult, Summary } from '../compare/comparison.js';

/** Renders a run as text, as it goes on: each method returns what is to be written next. */
export interface Reporter {
  /** @param labels the cases that will come, in their order */
  begin(labels: readonly string[]): string;
  result(result: CaseResult): string;
  end(summary: Summary): string;
}

/** The width of what is not written to a terminal. */
export const REPORT_COLUMNS = 80;
