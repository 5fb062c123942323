import { summaryOf } from '../compare/summary.js';
import type { Diagnosis } from '../diagnose/diagnose.js';
import { CellcheckError } from '../errors.js';
import type { CaseResult } from '../verdict/comparison.js';
import { VERSION } from '../version.js';
import { reportedCase, reportedComparison } from './in-words.js';
import { REPORT_COLUMNS, type ReporterOptions } from './reporter.js';
import { loadReporter, type ReporterName } from './reporters.js';

/** A case with its diagnosis. */
export interface DiagnosisResult extends Diagnosis {
  readonly label: string;
}

/** How reports name the tolerances that the caller of a function states. */
const CALLER = 'from the options';

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
  return (
    begin(results.map(({ label }) => label)) +
    results.map((one) => result(reportedCase(one, CALLER))).join('') +
    end(summary)
  );
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
  const comparison = reportedComparison(diagnosed.comparison, CALLER);
  const summary = summaryOf([comparison.verdict]);
  return begin([diagnosed.label]) + result({ ...diagnosed, comparison }) + end(summary);
}

function withDefaults({ columns, color, allSteps, quiet }: FormatOptions): ReporterOptions {
  return {
    terminal: { columns: columns ?? REPORT_COLUMNS, color: color ?? false },
    allSteps: allSteps ?? false,
    quiet: quiet ?? false,
    verbose: false,
    readPage: () => {
      throw new CellcheckError({
        code: 'option',
        tensor: 'reporter',
        problem: 'html needs files of the package: cellcheck verify --reporter html=report.html writes it',
      });
    },
    tellsError: false,
    version: VERSION,
  };
}
