import { summaryOf } from '../compare/summary.js';
import type { CaseResult } from '../verdict/comparison.js';
import { VERSION } from '../version.js';
import { type DiagnosisResult, REPORT_COLUMNS, type ReporterOptions } from './reporter.js';
import { loadReporter, type ReporterName } from './reporters.js';

export interface FormatOptions {
  /** `table` if absent. */
  readonly reporter?: ReporterName;
  /** Width in characters; 80 if absent. */
  readonly columns?: number;
  /** Whether the table has colours; false if absent. */
  readonly color?: boolean;
  /** Shows every step of a long sequence. */
  readonly allSteps?: boolean;
  /** One line per case, and no tables. */
  readonly quiet?: boolean;
}

/**
 * The report that `cellcheck verify` prints: for people a table, or for programs a JSON document
 * (schemas/published/report.schema.json). Text of files in it is escaped.
 * @throws CellcheckError for a reporter that there is not
 */
export async function formatReport(
  results: readonly CaseResult[],
  options: FormatOptions = {},
): Promise<string> {
  const { begin, result, end } = await loadReporter('verify', options.reporter, withDefaults(options));
  const summary = summaryOf(results.map(({ comparison }) => comparison?.verdict));
  return begin(results.map(({ label }) => label)) + results.map(result).join('') + end(summary);
}

/**
 * The report that `cellcheck diagnose` prints, as text or as a JSON document (schemas/published/diagnosis.schema.json).
 * Text of files in it is escaped.
 * @throws CellcheckError for a reporter that there is not
 */
export async function formatDiagnosis(
  diagnosed: DiagnosisResult,
  options: FormatOptions = {},
): Promise<string> {
  const { begin, result, end } = await loadReporter('diagnose', options.reporter, withDefaults(options));
  const summary = summaryOf([diagnosed.comparison.verdict]);
  return begin([diagnosed.label]) + result(diagnosed) + end(summary);
}

function withDefaults({ columns, color, allSteps, quiet }: FormatOptions): ReporterOptions {
  return {
    terminal: { columns: columns ?? REPORT_COLUMNS, color: color ?? false },
    allSteps: allSteps ?? false,
    quiet: quiet ?? false,
    verbose: false,
    caller: 'from the options',
    tellsError: false,
    version: VERSION,
  };
}
