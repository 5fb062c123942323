import { sigmoid } from '../../engine/cells/activations.js';
import { pick } from '../../engine/forward.js';
import type { Sequence } from '../../module/bind.js';
import { directionsOf, type Module, outputSize } from '../../module/parameters.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Predicted } from './predicted.js';
import type { Variant } from './variant.js';
import {
  atTheEnd,
  byColumn,
  inMemoryOrder,
  lastLayerFirst,
  reorderStates,
  reverseTime,
  SHIFTS,
  type States,
  sameSize,
} from './variant-order.js';
import { mapped } from './variant-weights.js';

/**
 * The outputs as a variant returns them.
 * @param sequence what the run began from
 * @param outputs what the run computed, in PyTorch's order
 */
export function variantOutputs(
  module: Module,
  sequence: Sequence,
  { output, h_n, c_n }: Predicted,
  variant: Variant,
): Predicted {
  const states = { h: h_n, c: c_n };
  const { h, c } = variant.finals ? FINAL_STATES[variant.finals](states, module) : states;
  return { output: variantOutput(module, sequence, output, variant), h_n: h, c_n: c };
}

function variantOutput(module: Module, sequence: Sequence, output: Floats, variant: Variant): Floats {
  const { steps, h0, batch } = sequence;
  const { outputOrder, outputShift, padding, after, outputScale, unitScale, unitOrder } = variant;
  const width = output.length / steps / batch;
  const picked = unitOrder ? output.map((_, i) => output[i - (i % width) + unitOrder[i % width]]) : output;
  const applied = after ? AFTER[after](picked, width, sequence) : picked;
  const scaled = outputScale ? mapped(applied, scaling(outputScale)) : applied;
  const byUnit = unitScale ? scaled.map((value, i) => onLine(unitScale[i % width], value)) : scaled;
  const padded = padding ? atTheEnd(byUnit, sequence) : byUnit;
  const ordered = outputOrder ? reverseTime(padded, steps) : padded;
  switch (outputShift) {
    case undefined:
      return ordered;
    case 'early':
      // The last step stays where it is.
      return SHIFTS.early(ordered, ordered.slice(ordered.length - ordered.length / steps));
    case 'late':
      return SHIFTS.late(ordered, initialOutput(module, h0, batch));
  }
}

export const AFTER: Readonly<
  Record<NonNullable<Variant['after']>, (output: Floats, width: number, sequence: Sequence) => Floats>
> = {
  'input added': (output, _, { input }) =>
    input.length === output.length ? output.map((value, i) => value + input[i]) : output,
  tanh: (output) => output.map(Math.tanh),
  // What was not computed stays NaN.
  relu: (output) => output.map((value) => (value < 0 ? 0 : value)),
  sigmoid: (output) => output.map(sigmoid),
  'layer norm': (output, width) => {
    const result = output.slice(); // [steps, batch, width]
    for (let from = 0; from < output.length; from += width) {
      const row = [...output.subarray(from, from + width)];
      const mean = row.reduce((a, b) => a + b, 0) / width;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
      for (let k = 0; k < width; k++)
        result[from + k] = (row[k] - mean) / Math.sqrt(variance + LAYER_NORM_EPS);
    }
    return result;
  },
};

function onLine([factor, shift]: readonly [number, number], value: number): number {
  return factor * value + shift;
}

function scaling({
  factor,
  shift = 0,
  whole,
}: NonNullable<Variant['outputScale']>): (value: number) => number {
  if (!whole) return (value) => factor * value + shift;
  const round = whole === 'rounded' ? Math.round : Math.trunc;
  return (value) => (Number.isNaN(value) ? value : round(factor * value));
}

/** PyTorch's default. */
const LAYER_NORM_EPS = 1e-5;

/** The initial h of the last layer in the layout of one step of the output: [batch, directions·output size]. */
function initialOutput(module: Module, h0: Floats | undefined, batch: number): Floats {
  const size = outputSize(module);
  const directionCount = directionsOf(module).length;
  const initial = new Float64Array(batch * directionCount * size);
  if (!h0) return initial;
  const firstState = (module.num_layers - 1) * directionCount;
  for (let d = 0; d < directionCount; d++)
    for (let row = 0; row < batch; row++) {
      const from = ((firstState + d) * batch + row) * size;
      initial.set(h0.subarray(from, from + size), (row * directionCount + d) * size);
    }
  return initial;
}

const FINAL_STATES: Readonly<
  Record<NonNullable<Variant['finals']>, (states: States, module: Module) => States>
> = {
  'direction first': (states, module) =>
    reorderStates(states, byColumn(module.num_layers, directionsOf(module).length)),
  'layers reversed': (states, module) => reorderStates(states, lastLayerFirst(module)),
  exchanged: ({ h, c }, module) => (c && sameSize(module) ? { h: c, c: h } : { h, c }),
  // Each layer takes them from its own output: variant-layers.ts.
  'of the last step': (states) => states,
};

/**
 * Predictions of the first batch rows with room for all rows, in the order in which a variant returns them; the other
 * rows are NaN.
 * @param batch batch rows of `predicted`
 */
export function withAllRows(
  module: Module,
  { output, h_n, c_n }: Predicted,
  { batchOrder, finalOrder, outputMemory }: Variant,
  batch: number,
  allRows: number,
): Predicted {
  if (batch === allRows && !batchOrder && !finalOrder && !outputMemory) return { output, h_n, c_n };
  const size = outputSize(module);
  // The rows that each computed row is returned as.
  const placesIn = (order: Variant['batchOrder']) =>
    Array.from({ length: batch }, (_, row) =>
      order === undefined
        ? [row]
        : order === 'reversed'
          ? [allRows - 1 - row]
          : order.flatMap((from, to) => (from === row ? [to] : [])),
    );
  const places = placesIn(batchOrder);
  const spread = (values: Floats, inner: number) => {
    const outer = values.length / batch / inner;
    const all = new Float64Array(outer * allRows * inner).fill(Number.NaN); // [outer, allRows, inner]
    for (let i = 0; i < outer; i++)
      for (let row = 0; row < batch; row++) {
        const from = (i * batch + row) * inner;
        // A limited run computes few steps: this skips the others quickly.
        if (Number.isNaN(values[from]) && Number.isNaN(values[from + inner - 1])) continue;
        for (const to of places[row])
          all.set(values.subarray(from, from + inner), (i * allRows + to) * inner);
      }
    return all;
  };
  const finals = (values: Floats, inner: number) => {
    const rows = finalOrder?.length;
    return rows ? pick(spread(values, inner), finalOrder, 1, rows, inner) : spread(values, inner);
  };
  const width = directionsOf(module).length * size;
  const all = spread(output, width);
  return {
    output: outputMemory ? inMemoryOrder(all, all.length / allRows / width, allRows, outputMemory) : all,
    h_n: h_n && finals(h_n, size),
    c_n: c_n && finals(c_n, module.hidden_size),
  };
}
