import type { Direction, TensorName } from '../kinds.js';
import type { Dtype, Floats } from './dtype.js';
import type { Printed } from './tensor.js';

/** Which part of a network the elements of a reference belong to. */
export interface Axes {
  /** The layer whose output a sequence is; absent for a final state, which has a row for each layer and direction. */
  readonly layer?: number;
  readonly directions: readonly Direction[];
  /** Steps of the input, and of each batch row where they differ: a final state is that after a row's last step. */
  readonly steps: number;
  readonly lengths?: readonly number[];
}

/** A reference tensor in the layout of what is computed: rows are steps, or layers × directions. */
export interface Reference<Name extends TensorName = TensorName> {
  readonly name: Name;
  /** The narrowest float dtype down to float32 that holds all of the values: they were computed in it. */
  readonly dtype: Dtype;
  /** The dtype that the values are stored in, where that is wider. */
  readonly stored?: Dtype;
  readonly rows: number;
  readonly batch: number;
  readonly units: number;
  /** [rows, batch, units] */
  readonly data: Floats;
  /** Where the tensor was printed: its decimals, and how far each value may be from the number printed. */
  readonly printed?: Printed;
  readonly axes: Axes;
}

/** Where one element of a reference is. */
export interface Position {
  /** Index in the tensor's first dimension: a step of `output`; layer·directions + direction of `h_n` and `c_n`. */
  readonly row: number;
  readonly step: number;
  readonly layer: number;
  readonly direction: Direction;
  readonly batch: number;
  /** Index in the tensor's last dimension: units of the reverse direction come after those of the forward one. */
  readonly unit: number;
}

/** Whether the `i`-th element of a sequence is padding: beyond the length of its batch row. */
export function isPadding(reference: Omit<Reference, 'data'>, i: number): boolean {
  const { row, batch } = positionOf(reference, i);
  return row >= (reference.axes.lengths?.[batch] ?? reference.rows);
}

/** The position of the `i`-th element of a reference. */
export function positionOf({ batch: rows, units, axes }: Omit<Reference, 'data'>, i: number): Position {
  const { layer, directions, steps, lengths } = axes;
  const row = Math.floor(i / (rows * units));
  const batch = Math.floor(i / units) % rows;
  const unit = i % units;
  if (layer !== undefined) {
    const direction = directions[Math.floor(unit / (units / directions.length))];
    return { row, step: row, layer, direction, batch, unit };
  }
  const direction = directions[row % directions.length];
  const step = direction === 'forward' ? (lengths?.[batch] ?? steps) - 1 : 0;
  return { row, step, layer: Math.floor(row / directions.length), direction, batch, unit };
}
