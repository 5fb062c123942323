import type { CheckpointDiff, ModuleDiff } from '../diff/diff.js';
import { shortened } from '../errors.js';
import { json } from './json.js';
import type { Reporter, ReporterOptions } from './reporter.js';

/** One JSON document; its schema is schemas/published/diff.schema.json. */
export function diffJson({ version }: ReporterOptions): Reporter<'diff'> {
  return {
    begin: () => '',
    result: (diff) => `${json({ version: 1, cellcheck: version, ...diffObject(diff) })}\n`,
    end: () => '',
  };
}

function diffObject({ labels, modules, only, equal }: CheckpointDiff): object {
  return {
    first: shortened(labels[0]),
    second: shortened(labels[1]),
    equal,
    modules: modules.map(moduleObject),
    only_in_first: only[0].map(shortened),
    only_in_second: only[1].map(shortened),
  };
}

function moduleObject({ prefixes, parameters, only, mergedBiases }: ModuleDiff): object {
  return {
    first_prefix: shortened(prefixes[0]),
    second_prefix: shortened(prefixes[1]),
    parameters: parameters.map(({ name, relation, shapes, gates }) => ({
      name,
      relation: relation.kind,
      ...(relation.kind === 'rounded' && { rounded: relation.rounded, rounded_to: relation.to }),
      ...(relation.kind === 'gates-permuted' && { order: relation.order }),
      first_shape: shapes[0],
      second_shape: shapes[1],
      changes: gates.map(({ gate, largest, rms }) => ({
        ...(gate !== undefined && { gate }),
        largest,
        rms,
      })),
    })),
    only_in_first: only[0],
    only_in_second: only[1],
    merged_biases: mergedBiases,
  };
}
