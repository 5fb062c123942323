import { printable } from '../errors.js';
import { diagnosisText } from './diagnosis-text.js';
import { codeBlock, codeSpan } from './markdown.js';
import { REPORT_COLUMNS, type Reporter, type ReporterOptions } from './reporter.js';

/** The diagnosis as on a terminal, under a heading. */
export function diagnosisMarkdown(options: ReporterOptions): Reporter<'diagnose'> {
  const { result } = diagnosisText({ ...options, terminal: { columns: REPORT_COLUMNS, color: false } });
  return {
    begin: () => '',
    result: (diagnosed) =>
      [
        `### cellcheck: ${codeSpan(printable(diagnosed.label))} ${diagnosed.comparison.verdict}`,
        '',
        codeBlock(result(diagnosed).trim()),
        '',
      ].join('\n'),
    end: () => '',
  };
}
