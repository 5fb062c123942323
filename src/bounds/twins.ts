import { KINDS } from '../kinds.js';
import type { Parameters } from '../module/bind.js';
import type { Module } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';

/**
 * Twins are units with equal rows of weights: they round alike, so that their errors add up linearly. Units with the
 * same group number are twins.
 * @returns the group numbers of the hidden units and of the outputs of a layer in one direction; undefined where no two
 *   are equal
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
  const units = groupNumbers(hidden_size, (unit) => weightIh[unit * input_size], rowsOf);
  if (!weightHr) return { units, outputs: units };
  const projected = (row: number) => [weightHr.subarray(row * hidden_size, (row + 1) * hidden_size)];
  const outputs = groupNumbers(proj_size, (row) => weightHr[row * hidden_size], projected);
  return { units, outputs };
}

/**
 * Group numbers by values: the index of the first element with the same rows. Elements are sorted by their first value
 * before rows are compared, because most differ there already.
 * @returns undefined where all elements differ
 */
function groupNumbers(
  count: number,
  firstValueOf: (index: number) => number,
  rowsOf: (index: number) => Floats[],
): number[] | undefined {
  const byFirstValue = new Map<number, number[]>();
  const numbers: number[] = [];
  let hasTwins = false;
  for (let index = 0; index < count; index++) {
    const first = firstValueOf(index);
    const candidates = byFirstValue.get(first) ?? [];
    byFirstValue.set(first, candidates);
    const rows = candidates.length ? rowsOf(index) : [];
    const equal = candidates.find((other) =>
      rowsOf(other).every((row, i) => row.every((value, k) => value === rows[i][k])),
    );
    numbers.push(equal === undefined ? index : numbers[equal]);
    if (equal === undefined) candidates.push(index);
    else hasTwins = true;
  }
  return hasTwins ? numbers : undefined;
}

/** The fraction of the units that belong to the largest group of twins. */
export function largestGroup(groups: readonly number[] | undefined): number {
  if (!groups) return 0;
  const counts = new Map<number, number>();
  for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + 1);
  return Math.max(...counts.values()) / groups.length;
}

/**
 * The matrix that takes the variances of x to those of W x where some x[k] are twins: their errors add up linearly, so
 * that W[j, k]² becomes |W[j, k]| Σ |W[j, l]| over the twins l of k, k itself included. [columns, size]
 */
export function twinProducts(weight: Floats, columns: number, twins: readonly number[]): Float64Array {
  const size = weight.length / columns;
  const result = new Float64Array(weight.length); // [columns, size]
  const sums = new Float64Array(size); // by group number
  for (let row = 0; row < columns; row++) {
    const from = row * size;
    sums.fill(0);
    for (let k = 0; k < size; k++) sums[twins[k]] += Math.abs(weight[from + k]);
    for (let k = 0; k < size; k++) result[from + k] = Math.abs(weight[from + k]) * sums[twins[k]];
  }
  return result;
}
