import type { Cause, ChangedValue } from '../verdict/cause.js';
import { comparisonObject } from './comparison-json.js';
import { json } from './json.js';
import type { Reporter, ReporterOptions } from './reporter.js';

/** One JSON document; its schema is schemas/published/diagnosis.schema.json. */
export function diagnosisJson({ version }: ReporterOptions): Reporter<'diagnose'> {
  return {
    begin: () => '',
    result({ label, comparison, cause }) {
      const document = {
        version: 5,
        cellcheck: version,
        ...comparisonObject(label, comparison),
        cause: cause ? causeObject(cause) : null,
      };
      return `${json(document)}\n`;
    },
    end: () => '',
  };
}

/** A cause with a field for each kind of finding; those of other kinds are empty or null. */
function causeObject(cause: Cause): object {
  const { pattern, difference, nextBest, notExcluded, separators, tried } = cause;
  return {
    follows: pattern
      ? {
          says: pattern.says,
          steps_off: pattern.steps ?? null,
          rows_off: pattern.rows ?? null,
          units_off: pattern.units ?? null,
        }
      : null,
    difference,
    degenerate: cause.kind === 'degenerate' ? { says: cause.says, remedy: cause.remedy } : null,
    conventions:
      cause.kind === 'conventions'
        ? cause.conventions.map((one) => ({ ...one, profile: one.profile ?? null }))
        : [],
    changed: cause.kind === 'changed-values' ? cause.values.map(valueObject) : [],
    precision: cause.kind === 'precision' ? cause.profile : null,
    not_finite: cause.kind === 'not-finite' ? valueObject(cause.value) : null,
    weights:
      cause.kind === 'weights'
        ? cause.weights.map(({ column, inFile, leftSigmas, ...weight }) => ({
            ...weight,
            column: column ?? null,
            in_file: inFile,
            left_sigmas: leftSigmas,
          }))
        : [],
    whereabouts:
      cause.kind === 'unexplained'
        ? cause.whereabouts.map(({ ofUnits, hasInput, gates, ...where }) => ({
            ...where,
            of_units: ofUnits,
            has_input: hasInput,
            gates: Object.fromEntries(Object.entries(gates).map(([gate, change]) => [gate, change ?? null])),
          }))
        : [],
    next_best: nextBest ?? null,
    not_excluded: notExcluded,
    separators,
    tried: { singles: tried.singles, pairs: tried.pairs, of_pairs: tried.ofPairs },
  };
}

function valueObject({ tensor, row, batch, unit, expected, actual }: ChangedValue): object {
  return { tensor, row, batch, unit, expected, actual };
}
