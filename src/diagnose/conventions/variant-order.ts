import { pick } from '../../engine/forward.js';
import type { Sequence } from '../../module/bind.js';
import { directionsOf, type Module, outputSize } from '../../module/parameters.js';
import type { Floats } from '../../tensor/dtype.js';
import { swapFirstAxes } from '../../tensor/tensor.js';
import type { Memory } from './variant.js';

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

/** Values [steps, batch, …] as a program has them that takes their memory for that of another order of axes. */
export function inMemoryOrder(values: Floats, steps: number, batch: number, memory: Memory): Floats {
  const size = values.length / steps / batch;
  switch (memory) {
    case 'swapped':
      return swapFirstAxes(values, batch, steps, size);
    case 'swapped back':
      return swapFirstAxes(values, steps, batch, size);
    case 'transposed':
      return transposed(values, [size, batch, steps]);
    case 'transposed back':
      return transposed(values, [steps, batch, size]);
  }
}

/** Values of this shape with their axes in the opposite order. */
function transposed(values: Floats, [first, middle, last]: readonly [number, number, number]): Floats {
  const result = new Float64Array(values.length); // [last, middle, first]
  for (let i = 0; i < first; i++)
    for (let j = 0; j < middle; j++)
      for (let k = 0; k < last; k++)
        result[(k * middle + j) * first + i] = values[(i * middle + j) * last + k];
  return result;
}

/** Values [steps, batch, …] with the valid steps of each row at its end, and zeros before them. */
export function atTheEnd(values: Floats, { steps, batch, lengths }: Sequence): Floats {
  if (!lengths) return values;
  const size = values.length / steps / batch;
  const moved = new Float64Array(values.length); // [steps, batch, …]
  for (const [row, length] of lengths.entries())
    for (let t = 0; t < length; t++) {
      const from = (t * batch + row) * size;
      moved.set(values.subarray(from, from + size), ((t + steps - length) * batch + row) * size);
    }
  return moved;
}
