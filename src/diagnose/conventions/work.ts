import { workOf } from '../../engine/kernels/choose.js';
import type { BoundCase, Network } from '../../module/bind.js';
import { directionsOf } from '../../module/parameters.js';
import type { Limit } from './predict.js';

// The work of predictions, in multiplications.

/** The work of one unit in one step beside its products. */
const UNIT_WORK = 200;

/** The work of a prediction of the first steps. */
export function limitedWork(boundCase: BoundCase, limit: Limit): number {
  const { network, sequence } = boundCase;
  const steps = needsAllSteps(boundCase) ? sequence.steps : Math.min(limit.steps, sequence.steps);
  const batch = Math.min(limit.rows, sequence.batch);
  // Transforming the weights costs about as much as one more row.
  return workOfRows(network, steps * batch + 1);
}

export function fullWork({ network, sequence }: BoundCase): number {
  return workOfRows(network, sequence.steps * sequence.batch);
}

/** Whether the output's first steps need all steps of a layer below, since a reverse direction begins at the last. */
export function needsAllSteps({ network: { module } }: BoundCase): boolean {
  return module.bidirectional && module.num_layers > 1;
}

function workOfRows(network: Network, rows: number): number {
  const { hidden_size, num_layers } = network.module;
  const units = hidden_size * num_layers * directionsOf(network.module).length;
  return workOf(network, { steps: rows, batch: 1 }) + UNIT_WORK * units * rows;
}
