import type { UnitSpread } from '../compare/by-rounding.js';
import type { Place } from '../compare/element.js';
import { isSequence, type TensorName } from '../kinds.js';
import { errorObject, json, moduleObject } from './json.js';
import type { ReportedCase, ReportedComparison, ReportedTensor } from './reported.js';
import type { Reporter, ReporterOptions } from './reporter.js';

// What is written here is read back by comparison-from-json.ts.

/** One JSON document, written case by case; its schema is schemas/published/report.schema.json. */
export function comparisonJson({ version, shard }: ReporterOptions): Reporter<'verify'> {
  const head = [
    '"version": 4',
    `"cellcheck": ${JSON.stringify(version)}`,
    `"shard": ${shard ? json(shard) : null}`,
  ];
  let between = '';
  return {
    begin: () => `{${head.join(', ')}, "cases": [\n`,
    result(result) {
      const text = between + json(caseObject(result));
      between = ',\n';
      return text;
    },
    end({ parity, differs, noVerdict, notRun, exitCode }) {
      const summary = {
        parity,
        differs,
        no_verdict: noVerdict,
        not_run: notRun,
        exit_code: exitCode,
      };
      return `\n],\n"summary": ${json(summary)}}\n`;
    },
  };
}

function caseObject({ label, comparison, error }: ReportedCase): object {
  if (error) return { case: label, verdict: 'error', error: errorObject(error) };
  return { ...comparisonObject(label, comparison), cause: comparison.cause ?? null };
}

/** A comparison as it stands in JSON documents, without its cause. */
export function comparisonObject(label: string, comparison: ReportedComparison): object {
  const { verdict, subject, tensors, first, divergesAt, overflow, notChecked, notes, warnings, advice } =
    comparison;
  return {
    case: label,
    verdict,
    module: {
      ...moduleObject(subject, subject.directions.length > 1),
      nonlinearity: subject.nonlinearity,
      words: subject.words,
    },
    steps: subject.steps,
    batch: subject.batch,
    batch_first: subject.batch_first,
    compute: subject.compute,
    first: first ? { tensor: first.tensor, ...placeObject(first.tensor, first.place) } : null,
    parts_at: divergesAt ?? null,
    overflow: overflow ?? null,
    coarser: comparison.coarser ?? null,
    tensors: tensors.map((tensor) => tensorObject(tensor, comparison)),
    not_checked: notChecked,
    notes,
    warnings,
    advice,
  };
}

function tensorObject(tensor: ReportedTensor, { subject }: ReportedComparison): object {
  const { rtol, atol, source } = tensor.tolerance;
  const { auto } = tensor;
  const row = (place: Place) => placeObject(tensor.name, place);
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
      equal_nan: subject.equal_nan,
      source,
    },
    elements: tensor.elements,
    mismatches: tensor.mismatches,
    smallest_atol: tensor.smallestAtol ?? null,
    worst: row(tensor.worst),
    auto: auto
      ? {
          limit: auto.limit,
          sigmas: auto.sigmas ?? null,
          faults: auto.faults,
          proven: auto.proven,
          rare: auto.rare,
          undecided: auto.undecided,
          units: auto.units.map(unitObject),
          suspicious: auto.suspicious.map(unitObject),
        }
      : null,
    map: tensor.map ?? null,
    rows: tensor.rows.map(({ elements, mismatches, worst, relative, sigmas }) => ({
      elements,
      mismatches,
      relative,
      worst: row(worst),
      sigmas: sigmas ?? null,
    })),
  };
}

function unitObject({ unit, meanSquare, weightSigmas }: UnitSpread): object {
  return { unit, mean_square: meanSquare, weight_sigmas: weightSigmas ?? null };
}

/** An element: its step in an output, or its layer and direction in h_n and c_n, and its values. */
function placeObject(tensor: TensorName, place: Place): object {
  const { step, layer, direction, batch, unit, expected, actual, difference } = place;
  const where = isSequence(tensor) ? { step, direction } : { layer, direction };
  return { ...where, batch, unit, expected, actual, difference };
}
