import type { Summary } from '../compare/summary.js';
import { printable } from '../errors.js';
import { farText, full, stepCount, totals, whereText } from './comparison-text.js';
import { codeBlock, codeSpan, plainText } from './markdown.js';
import type { ReportedCase } from './reported.js';
import { REPORT_COLUMNS, type Reporter, type ReporterOptions } from './reporter.js';

/**
 * The characters of all details together: a comment of GitHub takes 65,536. What does not fit is counted, and stands in the
 * other reports.
 */
const MOST_DETAILS = 40_000;
const MOST_ROWS = 100;
const MOST_PARITY_ROWS = 50;

/** For a comment or the page of a job: a table of the cases without parity, and their details, folded. */
export function comparisonMarkdown(options: ReporterOptions): Reporter<'verify'> {
  const failed: string[] = [];
  const parity: string[] = [];
  const details: string[] = [];
  let [length, withoutDetails] = [0, 0];
  return {
    begin: () => '',
    result(result) {
      if (result.comparison?.verdict === 'parity') {
        if (parity.length < MOST_PARITY_ROWS) parity.push(parityRow(result));
        return '';
      }
      if (failed.length < MOST_ROWS) failed.push(failedRow(result));
      const text = detailsOf(result, options);
      if (length + text.length > MOST_DETAILS) withoutDetails++;
      else {
        details.push(text);
        length += text.length;
      }
      return '';
    },
    end(summary) {
      const { parity: agree, differs, noVerdict } = summary;
      return [
        `### cellcheck: ${headline(summary)}`,
        '',
        plainText(totals(summary)),
        ...tableOf(['verdict', 'case', 'where', 'how far', 'why'], failed, differs + noVerdict),
        ...(details.length ? ['', ...details] : []),
        ...(withoutDetails ? ['', `Details of ${withoutDetails} more do not fit here.`] : []),
        ...(agree
          ? [
              '',
              `<details><summary>${agree} in parity</summary>`,
              ...tableOf(['case', 'module', 'steps', 'how far'], parity, agree),
              '',
              '</details>',
            ]
          : []),
        '',
      ].join('\n');
    },
  };
}

function headline({ parity, differs, noVerdict, notRun }: Summary): string {
  const count = parity + differs + noVerdict;
  if (count === 0) return 'nothing was compared';
  const parts = [
    ...(differs ? [`${ofCases(differs, count)} ${differs === 1 ? 'differs' : 'differ'}`] : []),
    ...(noVerdict ? [`${ofCases(noVerdict, count)} without a verdict`] : []),
    ...(notRun ? [`${notRun} not run`] : []),
  ];
  return parts.length ? parts.join(', ') : `parity in ${count === 1 ? 'the case' : `all ${count} cases`}`;
}

function ofCases(some: number, all: number): string {
  return all === 1 ? 'the case' : `${some} of ${all} cases`;
}

function tableOf(heads: readonly string[], rows: readonly string[], count: number): string[] {
  if (rows.length === 0) return [];
  const more = count - rows.length;
  return [
    '',
    `| ${heads.join(' | ')} |`,
    `| ${heads.map(() => '---').join(' | ')} |`,
    ...rows,
    ...(more ? ['', `… and ${more} more.`] : []),
  ];
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function parityRow({ label, comparison }: ReportedCase): string {
  const { subject } = comparison!;
  const module = subject.words.slice(0, 2).join(' · ');
  return rowOf([
    codeSpan(printable(label)),
    ...[module, stepCount(subject), farText(comparison!)].map(plainText),
  ]);
}

function failedRow({ label, comparison, error }: ReportedCase): string {
  const name = codeSpan(printable(label));
  if (error) return rowOf(['error', name, '', '', plainText(error.message.split('\n')[0])]);
  const why = comparison.cause ?? comparison.advice[0] ?? '';
  const texts = [whereText(comparison).join(', '), farText(comparison), why];
  return rowOf([`**${comparison.verdict}**`, name, ...texts.map(plainText)]);
}

function detailsOf({ label, comparison, error }: ReportedCase, { allSteps }: ReporterOptions): string {
  const terminal = { columns: REPORT_COLUMNS, color: false };
  const text = error ? error.message : full(label, comparison, { terminal, allSteps });
  const summary = `${codeSpan(printable(label), 'html')}: ${comparison?.verdict ?? 'error'}`;
  return [`<details><summary>${summary}</summary>`, '', codeBlock(text), '', '</details>'].join('\n');
}
