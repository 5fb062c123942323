import { KINDS } from '../kinds.js';
import type { Parameters } from '../module/bind.js';
import type { Module } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';

/**
 * Twins are rows of weights that are equal: such units round alike, and their errors add up linearly. Group numbers of
 * the hidden units of a layer in one direction, and of its outputs; undefined where no two are equal.
 */
export function twinsOf(
  { kind, hidden_size, proj_size }: Module,
  { weightIh, weightHh, biasIh, biasHh, weightHr }: Parameters,
): { readonly units?: readonly number[]; readonly outputs?: readonly number[] } {
  const gates = KINDS[kind].gates.length;
  const matrices = [weightIh, weightHh, biasIh, biasHh].filter((matrix) => matrix !== undefined);
  const rowsOf = (unit: number) =>
    matrices.flatMap((matrix) => {
      const size = matrix.length / (gates * hidden_size);
      return Array.from({ length: gates }, (_, gate) => {
        const from = (gate * hidden_size + unit) * size;
        return matrix.subarray(from, from + size);
      });
    });
  const input_size = weightIh.length / (gates * hidden_size);
  const units = groups(hidden_size, (unit) => weightIh[unit * input_size], rowsOf);
  if (!weightHr) return { units, outputs: units };
  const projected = (row: number) => [weightHr.subarray(row * hidden_size, (row + 1) * hidden_size)];
  const outputs = groups(proj_size, (row) => weightHr[row * hidden_size], projected);
  return { units, outputs };
}

/** Group numbers of rows by their values, undefined where all differ. Most rows differ in their first value. */
function groups(
  count: number,
  firstOf: (index: number) => number,
  rowsOf: (index: number) => Floats[],
): number[] | undefined {
  const byFirst = new Map<number, number[]>();
  const ids: number[] = [];
  let twins = false;
  for (let index = 0; index < count; index++) {
    const first = firstOf(index);
    const candidates = byFirst.get(first) ?? [];
    byFirst.set(first, candidates);
    const rows = candidates.length ? rowsOf(index) : [];
    const equal = candidates.find((other) =>
      rowsOf(other).every((row, i) => row.every((value, k) => value === rows[i][k])),
    );
    ids.push(equal === undefined ? index : ids[equal]);
    if (equal === undefined) candidates.push(index);
    else twins = true;
  }
  return twins ? ids : undefined;
}

/** The part of the units that the largest group of twins has. */
export function largestGroup(ids: readonly number[] | undefined): number {
  if (!ids) return 0;
  const counts = new Map<number, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return Math.max(...counts.values()) / ids.length;
}

/** |W[j, k]| Σ |W[j, l]| over the twins l of k, in the place of W[j, k]². */
export function coherent(weight: Floats, columns: number, twins: readonly number[]): Float64Array {
  const size = weight.length / columns;
  const result = new Float64Array(weight.length);
  const sums = new Float64Array(size);
  for (let row = 0; row < columns; row++) {
    const from = row * size;
    sums.fill(0);
    for (let k = 0; k < size; k++) sums[twins[k]] += Math.abs(weight[from + k]);
    for (let k = 0; k < size; k++) result[from + k] = Math.abs(weight[from + k]) * sums[twins[k]];
  }
  return result;
}
