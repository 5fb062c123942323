import { type BoundCase, firstSteps } from '../module/bind.js';
import { allReferences } from '../module/known-outputs.js';
import { directionsOf } from '../module/parameters.js';
import type { Reference } from '../tensor/reference.js';

/** So many steps show a fault that is in all of them. */
const ENOUGH = 16;
/** In a sequence not longer than this, the first steps would take as long as all. */
const FEW = 4 * ENOUGH;

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
