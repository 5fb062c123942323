import { pick } from '../engine/forward.js';
import { type BoundCase, firstSteps } from '../module/bind.js';
import { allReferences } from '../module/known-outputs.js';
import { directionsOf } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import { rowsOf } from '../threads/rows.js';
import type { Run } from './run.js';

/** So many steps show a fault that is in all of them. */
const ENOUGH = 16;
/** In a sequence not longer than this, the first steps would take as long as all. */
const FEW = 4 * ENOUGH;
/** In fewer batch rows than this, likewise. */
const FEWEST_ROWS = 4;

/**
 * The first steps of a case, with those references that have an output of every step: what cannot explain them cannot
 * explain the case. Undefined where there is nothing to gain, and where a direction begins at the end.
 */
export function beginning(boundCase: BoundCase): BoundCase | undefined {
  const { network, sequence, references, layerOutputs } = boundCase;
  const { steps, batch } = sequence;
  if (steps <= FEW || directionsOf(network.module).length > 1) return undefined;
  const hasSteps = ({ axes }: Reference) => axes.layer !== undefined;
  if (!allReferences(boundCase).some(hasSteps)) return undefined;
  const cut = <R extends Reference>(reference: R): R => {
    const { data, units, axes, printed } = reference;
    const rows = Math.min(reference.rows, ENOUGH);
    const count = rows * batch * units;
    return {
      ...reference,
      rows,
      data: data.subarray(0, count),
      printed: printed && { ...printed, halfUnits: printed.halfUnits.subarray(0, count) },
      axes: { ...axes, steps: ENOUGH, lengths: axes.lengths?.map((length) => Math.min(length, ENOUGH)) },
    };
  };
  return {
    ...boundCase,
    sequence: firstSteps(sequence, ENOUGH),
    references: references.filter(hasSteps).map(cut),
    layerOutputs: layerOutputs.map(cut),
  };
}

/** A case of the batch row with the value that is farthest off. Undefined where one row hardly takes less time than all. */
export function farthestRow({ asGiven, tensors }: Pick<Run, 'asGiven' | 'tensors'>): BoundCase | undefined {
  const { network, sequence, references, layerOutputs } = asGiven;
  if (sequence.batch < FEWEST_ROWS) return undefined;
  let [farthest, row] = [0, 0];
  for (const { judgement, reference } of tensors)
    for (const [i, sigma] of judgement?.sigmas.entries() ?? [])
      if (sigma > farthest) [farthest, row] = [sigma, Math.floor(i / reference.units) % reference.batch];
  const ofRow = <R extends Reference>(reference: R): R => {
    const { data, rows, batch, units, printed, axes } = reference;
    const picked = <V extends Floats>(values: V): V => pick(values, [row], rows, batch, units);
    return {
      ...reference,
      batch: 1,
      data: picked(data),
      printed: printed && { ...printed, halfUnits: picked(printed.halfUnits) },
      axes: { ...axes, lengths: axes.lengths && [axes.lengths[row]] },
    };
  };
  return {
    ...asGiven,
    sequence: rowsOf(sequence, [row], network.module),
    references: references.map(ofRow),
    layerOutputs: layerOutputs.map(ofRow),
  };
}
