import { parseReport, type ReportDocument } from '../../schemas/report.js';
import { escapeText } from '../errors.js';
import { isSequence, type TensorName } from '../kinds.js';
import type { Comparison, Subject } from '../verdict/comparison.js';
import type { ReportedCase, ReportedComparison, ReportedTensor } from './reported.js';

/** A JSON report of `verify`, read back. */
export interface Report extends Pick<ReportDocument, 'cellcheck' | 'shard' | 'summary'> {
  readonly cases: readonly ReportedCase[];
}

/** @returns undefined where a document is no report, or one of another version */
export function reportIn(document: unknown): Report | undefined {
  const report = parseReport(harmless(document));
  return report && { ...report, cases: report.cases.map(caseIn) };
}

/** A report may be anybody's file: its texts are escaped like those of other files. Labels are escaped where they are shown. */
function harmless(value: unknown, key?: string): unknown {
  if (typeof value === 'string') return key === 'case' ? value : value.split('\n').map(escapeText).join('\n');
  if (Array.isArray(value)) return value.map((member) => harmless(member));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, harmless(member, name)]));
}

type CaseObject = ReportDocument['cases'][number];
type ComparedObject = Exclude<CaseObject, { verdict: 'error' }>;
type TensorObject = ComparedObject['tensors'][number];
type PlaceObject = TensorObject['worst'];

function caseIn(object: CaseObject): ReportedCase {
  if (object.verdict !== 'error') return { label: object.case, comparison: comparisonIn(object) };
  const { message, hints, file, tensor, found, expected } = object.error;
  return {
    label: object.case,
    error: {
      message,
      hints,
      file: file ?? undefined,
      tensor: tensor ?? undefined,
      found: found ?? undefined,
      expected: expected ?? undefined,
    },
  };
}

function comparisonIn(object: ComparedObject): ReportedComparison {
  const { verdict, module, first, tensors, notes, warnings, advice } = object;
  const { bidirectional, ...facts } = module;
  const subject: Subject = {
    ...facts,
    directions: bidirectional ? ['forward', 'reverse'] : ['forward'],
    steps: object.steps,
    batch: object.batch,
    batch_first: object.batch_first,
    compute: object.compute,
    equal_nan: tensors[0].rule.equal_nan,
  };
  return {
    verdict,
    subject,
    tensors: tensors.map((tensor) => tensorIn(tensor, subject)),
    first: first
      ? { tensor: first.tensor as TensorName, place: placeIn(first.tensor as TensorName, first, subject) }
      : undefined,
    divergesAt: object.parts_at ?? undefined,
    overflow: (object.overflow ?? undefined) as Comparison['overflow'],
    coarser: object.coarser ?? undefined,
    notChecked: object.not_checked,
    notes,
    warnings,
    advice,
    cause: object.cause ?? undefined,
  };
}

function tensorIn({ rule, rows, auto, map, ...tensor }: TensorObject, subject: Subject): ReportedTensor {
  const name = tensor.name as TensorName;
  const place = (object: PlaceObject) => placeIn(name, object, subject);
  return {
    name,
    dtype: tensor.dtype,
    tolerance: { rtol: rule.rtol, atol: rule.atol, source: rule.source },
    elements: tensor.elements,
    mismatches: tensor.mismatches,
    smallestAtol: tensor.smallest_atol ?? undefined,
    worst: place(tensor.worst),
    rows: rows.map(({ worst, relative, sigmas, ...counts }) => ({
      ...counts,
      worst: place(worst),
      relative: Number(relative),
      sigmas: sigmas === null ? undefined : Number(sigmas),
    })),
    auto: auto
      ? {
          ...auto,
          profile: rule.profile!,
          forced: rule.teacher_forced!,
          decimals: rule.decimals ?? undefined,
          sigmas: auto.sigmas === null ? undefined : Number(auto.sigmas),
          units: auto.units.map(unitIn),
          suspicious: auto.suspicious.map(unitIn),
        }
      : undefined,
    map: map
      ? {
          ...map,
          values: map.values.map((row) => row.map((value) => (value === null ? null : Number(value)))),
        }
      : undefined,
  };
}

type UnitObject = NonNullable<TensorObject['auto']>['units'][number];

function unitIn({ unit, mean_square, weight_sigmas }: UnitObject) {
  return { unit, meanSquare: mean_square, weightSigmas: weight_sigmas ?? undefined };
}

function placeIn(
  name: TensorName,
  { step, layer, direction, batch, unit, ...values }: PlaceObject,
  { directions, num_layers, steps }: Subject,
) {
  const inSequence = isSequence(name);
  return {
    row: inSequence ? step! : layer! * directions.length + directions.indexOf(direction),
    step: inSequence ? step! : steps - 1,
    layer: inSequence ? num_layers - 1 : layer!,
    direction,
    batch,
    unit,
    expected: Number(values.expected),
    actual: Number(values.actual),
    difference: Number(values.difference),
  };
}
