import type { BoundCase } from '../module/bind.js';
import { layoutWord } from '../module/layout.js';
import { describeParts, directionsOf } from '../module/parameters.js';
import type { Subject } from './comparison.js';
import type { Settings } from './settings.js';

/** The facts of a run that a report names. */
export function subjectOf(
  { network, layout }: BoundCase,
  { compute, equal_nan }: Pick<Settings, 'compute' | 'equal_nan'>,
): Subject {
  const { module } = network;
  const layoutWords = layoutWord(module, layout);
  const { kind, cell, nonlinearity, input_size, hidden_size, proj_size, num_layers, bias, prefix } = module;
  return {
    kind,
    cell,
    nonlinearity,
    input_size,
    hidden_size,
    proj_size,
    num_layers,
    bias,
    prefix,
    directions: directionsOf(module),
    steps: layout.steps,
    batch: layout.batch,
    batch_first: layout.batch_first,
    compute,
    equal_nan,
    words: [...describeParts(module), ...(layoutWords ? [layoutWords] : [])],
  };
}
