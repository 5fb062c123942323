import type { UnitSpread } from '../compare/by-rounding.js';
import type { Place, TensorComparison } from '../compare/compare.js';
import type { CaseResult, Comparison, Subject } from '../compare/comparison.js';
import { type CellcheckError, escapeText, shortened } from '../errors.js';
import { isSequence, type TensorName } from '../kinds.js';
import type { Reporter } from './reporter.js';

/** For programs: one JSON document, written case by case, whose schema is schemas/published/report.schema.json. */
export function jsonReporter(version: string): Reporter {
  let between = '';
  return {
    begin: () => `{"version": 2, "cellcheck": ${JSON.stringify(version)}, "cases": [\n`,
    result(result) {
      const text = between + json(caseObject(result));
      between = ',\n';
      return text;
    },
    end({ parity, differs, noVerdict, exitCode }) {
      const summary = { parity, differs, no_verdict: noVerdict, exit_code: exitCode };
      return `\n],\n"summary": ${json(summary)}}\n`;
    },
  };
}

/** JSON that may go to a terminal: what would not be printed is escaped there as well. */
export function json(value: object): string {
  return JSON.stringify(value, finite, 1).split('\n').map(escapeText).join('\n');
}

/** JSON has no words for these; the same strings are read in tensors. */
function finite(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

function caseObject({ label, comparison, error }: CaseResult): object {
  if (error) return { case: label, verdict: 'error', error: errorObject(error) };
  return { ...comparisonObject(label, comparison), cause: comparison.cause ?? null };
}

/** A comparison as documents have it. */
export function comparisonObject(label: string, comparison: Comparison): object {
  const { verdict, subject, tensors, first, partsAt, notChecked, notes, warnings, advice } = comparison;
  return {
    case: label,
    verdict,
    module: { ...moduleObject(subject, subject.directions.length > 1), nonlinearity: subject.nonlinearity },
    steps: subject.steps,
    batch: subject.batch,
    batch_first: subject.batch_first,
    compute: subject.compute,
    first: first ? { tensor: first.tensor, ...placeObject(first.tensor, first.place, comparison) } : null,
    parts_at: partsAt ?? null,
    tensors: tensors.map((tensor) => tensorObject(tensor, comparison)),
    not_checked: notChecked,
    notes,
    warnings,
    advice,
  };
}

export function errorObject({ message, parts }: CellcheckError): object {
  const { file, tensor, found, expected, hints = [] } = parts;
  return {
    message,
    file: file === undefined ? null : shortened(file),
    tensor: tensor === undefined ? null : shortened(tensor),
    found: found ?? null,
    expected: expected ?? null,
    hints,
  };
}

type Sizes = 'input_size' | 'hidden_size' | 'proj_size' | 'num_layers';

/** A module as documents have it, in PyTorch's words. */
export function moduleObject(
  {
    kind,
    cell,
    input_size,
    hidden_size,
    proj_size,
    num_layers,
    bias,
    prefix,
  }: Pick<Subject, 'kind' | 'cell' | 'bias' | 'prefix' | Sizes>,
  bidirectional: boolean,
): object {
  return {
    kind,
    cell,
    input_size: input_size,
    hidden_size: hidden_size,
    proj_size: proj_size,
    num_layers: num_layers,
    bidirectional,
    bias,
    prefix,
  };
}

function tensorObject(tensor: TensorComparison, comparison: Comparison): object {
  const { rtol, atol, source } = tensor.tolerance;
  const { auto } = tensor;
  const row = (place: Place) => placeObject(tensor.name, place, comparison);
  return {
    name: tensor.name,
    dtype: tensor.dtype,
    rule: {
      name: auto ? 'auto' : 'close',
      decimals: auto?.decimals ?? null,
      profile: auto?.profile ?? null,
      teacher_forced: auto?.forced ?? null,
      rtol,
      atol,
      equal_nan: comparison.subject.equal_nan,
      source,
    },
    elements: tensor.elements,
    mismatches: tensor.mismatches,
    smallest_atol: tensor.smallestAtol ?? null,
    worst: row(tensor.worst),
    auto: auto
      ? {
          sigmas: auto.sigmas ?? null,
          faults: auto.faults,
          proven: auto.proven,
          rare: auto.rare,
          undecided: auto.undecided,
          units: auto.units.map(unitObject),
          suspicious: auto.suspicious.map(unitObject),
        }
      : null,
    rows: tensor.rows.map(({ elements, mismatches, worst, relative, sigmas }) => ({
      elements,
      mismatches,
      relative,
      worst: row(worst),
      sigmas: sigmas ?? null,
    })),
  };
}

function unitObject({ unit, meanSquare }: UnitSpread): object {
  return { unit, mean_square: meanSquare };
}

/** A step of output, or a layer and direction of h_n and c_n, and the element there. */
function placeObject(tensor: TensorName, place: Place, { subject }: Comparison): object {
  const { row, batch, unit, expected, actual, difference } = place;
  const { directions } = subject;
  const size = subject.proj_size || subject.hidden_size;
  const at = isSequence(tensor)
    ? { step: row, direction: directions[Math.floor(unit / size)] }
    : { layer: Math.floor(row / directions.length), direction: directions[row % directions.length] };
  return { ...at, batch, unit, expected, actual, difference };
}
