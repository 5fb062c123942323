import type { CaseResult, Summary } from '../compare/comparison.js';
import { VERSION } from '../version.js';
import { REPORT_COLUMNS } from './reporter.js';
import { REPORTERS } from './reporters.js';

export type Counts = Pick<Summary, 'parity' | 'differs' | 'noVerdict'>;

/** Which of the three a case counts as. */
export function outcomeOf({ comparison }: CaseResult): keyof Counts {
  const verdict = comparison?.verdict;
  return verdict === 'parity' || verdict === 'differs' ? verdict : 'noVerdict';
}

/** How a run ended: exit code 2 where any case has no verdict, else 1 where any differs. */
export function summaryOf(counts: Counts, seconds?: number): Summary {
  return { ...counts, seconds, exitCode: counts.noVerdict ? 2 : counts.differs ? 1 : 0 };
}

export interface FormatOptions {
  /** `table` if absent. */
  readonly reporter?: 'table' | 'json';
  /** Width in characters; 80 if absent. */
  readonly columns?: number;
  /** Whether the table has colours; false if absent. */
  readonly color?: boolean;
  /** Shows every step of a long sequence. */
  readonly allSteps?: boolean;
  /** A line a case, no tables. */
  readonly quiet?: boolean;
}

/**
 * The report that `cellcheck verify` prints: for people a table, or for programs a JSON document
 * (schemas/published/report.schema.json). Text of files in it is escaped.
 */
export async function formatReport(
  results: readonly CaseResult[],
  options: FormatOptions = {},
): Promise<string> {
  const {
    reporter = 'table',
    columns = REPORT_COLUMNS,
    color = false,
    allSteps = false,
    quiet = false,
  } = options;
  const { begin, result, end } = await REPORTERS[reporter]({
    terminal: { columns, color },
    allSteps,
    quiet,
    version: VERSION,
  });
  const counts = { parity: 0, differs: 0, noVerdict: 0 };
  for (const one of results) counts[outcomeOf(one)]++;
  return begin(results.map(({ label }) => label)) + results.map(result).join('') + end(summaryOf(counts));
}
