import { type CellcheckError, shortened } from '../errors.js';
import type { CaseResult, Comparison } from '../verdict/comparison.js';
import { causeText } from './cause-text.js';
import { adviceText, noteText, warningText } from './remarks-text.js';
import type { ReportedCase, ReportedComparison, ReportedError } from './reported.js';
import { sourceText } from './tolerance-text.js';

/** @param caller how tolerances are named that the caller states: `from the command line` */
export function reportedCase(result: CaseResult, caller: string): ReportedCase {
  const { label, comparison, error } = result;
  return error
    ? { label, error: reportedError(error) }
    : { label, comparison: reportedComparison(comparison, caller) };
}

export function reportedComparison(comparison: Comparison, caller: string): ReportedComparison {
  const { kernels: _, cause, ...data } = comparison;
  return {
    ...data,
    tensors: comparison.tensors.map(({ tolerance, zerosPass: _, nans: __, ...tensor }) => ({
      ...tensor,
      tolerance: { rtol: tolerance.rtol, atol: tolerance.atol, source: sourceText(tolerance, caller) },
    })),
    notes: comparison.notes.map(noteText),
    warnings: comparison.warnings.map(warningText),
    advice: comparison.advice.map(adviceText),
    cause: cause && causeText(cause),
  };
}

export function reportedError({ message, parts }: CellcheckError): ReportedError {
  const { file, tensor, found, expected, hints = [] } = parts;
  return {
    message,
    file: file === undefined ? undefined : shortened(file),
    tensor: tensor === undefined ? undefined : shortened(tensor),
    found,
    expected,
    hints,
  };
}
