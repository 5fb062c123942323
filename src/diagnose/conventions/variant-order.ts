import { pick } from '../../engine/forward.js';
import { directionsOf, type Module, outputSize } from '../../module/parameters.js';
import type { Floats } from '../../tensor/dtype.js';

// Orders of states and of time steps: variants change them before a run (variant-sequence.ts) and after it
// (variant-outputs.ts).

/** The states of all layers and directions, before a run or after it. */
export interface States {
  /** [layers·directions, batch, output size] */
  readonly h?: Floats;
  /** [layers·directions, batch, hidden_size], LSTM only */
  readonly c?: Floats;
}

/** Whether h and c have the same size, without which no program can confuse them: a projection makes h smaller. */
export function sameSize(module: Module): boolean {
  return outputSize(module) === module.hidden_size;
}

/** States in another order: `order[i]` is the old index of the state that moves to index i. */
export function reorderStates({ h, c }: States, order: readonly number[]): States {
  const reorder = (values: Floats | undefined) =>
    values && pick(values, order, 1, order.length, values.length / order.length);
  return { h: reorder(h), c: reorder(c) };
}

/** The indices of a [rows, columns] table, column by column. */
export function byColumn(rows: number, columns: number): number[] {
  return Array.from({ length: columns }, (_, column) =>
    Array.from({ length: rows }, (_, row) => row * columns + column),
  ).flat();
}

/** The indices of all states, those of the last layer first; a layer's directions keep their order. */
export function lastLayerFirst(module: Module): number[] {
  const directionCount = directionsOf(module).length;
  return Array.from({ length: module.num_layers }, (_, layer) =>
    Array.from({ length: directionCount }, (_, d) => (module.num_layers - 1 - layer) * directionCount + d),
  ).flat();
}

/** Values [steps, …] with the last step first. */
export function reverseTime(values: Floats, steps: number): Floats {
  const order = Array.from({ length: steps }, (_, t) => steps - 1 - t);
  return pick(values, order, 1, steps, values.length / steps);
}

/** Values [steps, …] one step earlier or later. `edge` […] fills the step that becomes free. */
export const SHIFTS: Readonly<Record<'early' | 'late', (values: Floats, edge: Floats) => Floats>> = {
  early(values, edge) {
    const shifted = new Float64Array(values.length); // [steps, …]
    shifted.set(values.subarray(edge.length));
    shifted.set(edge, values.length - edge.length);
    return shifted;
  },
  late(values, edge) {
    const shifted = new Float64Array(values.length); // [steps, …]
    shifted.set(edge);
    shifted.set(values.subarray(0, values.length - edge.length), edge.length);
    return shifted;
  },
};
