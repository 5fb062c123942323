import { printable } from '../errors.js';
import { farText, whereText } from './comparison-text.js';
import type { ReportedCase } from './reported.js';
import type { Reporter } from './reporter.js';

// https://docs.github.com/actions/reference/workflow-commands-for-github-actions: a step shows ten annotations of a level.
const MOST_ANNOTATIONS = 10;

/** A line for each case without parity, and for each warning, that GitHub Actions shows beside the changes. */
export function comparisonGithub(): Reporter<'verify'> {
  const errors: string[] = [];
  const warnings: string[] = [];
  return {
    begin: () => '',
    result(result) {
      const { label, comparison, error } = result;
      if (error || comparison.verdict !== 'parity')
        errors.push(annotation('error', label, failureText(result)));
      else if (comparison.warnings.length)
        warnings.push(annotation('warning', label, comparison.warnings.join('\n')));
      return '';
    },
    end: () => [...shown('error', errors), ...shown('warning', warnings)].join(''),
  };
}

function failureText({ comparison, error }: ReportedCase): string {
  if (error) return error.message;
  const { verdict, cause, advice } = comparison;
  return [
    [verdict, [...whereText(comparison), farText(comparison)].join(', ')].join(': '),
    ...(cause ? [`why: ${cause}`] : []),
    ...advice,
  ].join('\n');
}

function shown(level: string, lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_ANNOTATIONS) return lines;
  const more = lines.length - MOST_ANNOTATIONS + 1;
  return [
    ...lines.slice(0, MOST_ANNOTATIONS - 1),
    `::${level} title=cellcheck::${more} more cases: the job summary and the log have them\n`,
  ];
}

/** @param label the path of the case, relative to the repository unless it lies outside */
function annotation(level: 'error' | 'warning', label: string, message: string): string {
  const isInside = !/^(?:\/|\.\.(?:\/|$)|[a-z]:)/i.test(label);
  const file = isInside ? [`file=${property(printable(label.split('#')[0]).replaceAll('"', ''))}`] : [];
  const properties = [...file, `title=${property(`cellcheck ${printable(label)}`)}`];
  return `::${level} ${properties.join(',')}::${data(message)}\n`;
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
