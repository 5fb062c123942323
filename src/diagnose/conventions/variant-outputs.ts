import type { Sequence } from '../../module/bind.js';
import { directionsOf, type Module, outputSize } from '../../module/parameters.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Predicted } from './predicted.js';
import type { Variant } from './variant.js';
import {
  byColumn,
  lastLayerFirst,
  reorderStates,
  reverseTime,
  SHIFTS,
  type States,
  sameSize,
} from './variant-order.js';

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

function variantOutput(
  module: Module,
  { steps, h0, batch }: Sequence,
  output: Floats,
  { outputOrder, outputShift }: Variant,
): Floats {
  const ordered = outputOrder ? reverseTime(output, steps) : output;
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
  { batchOrder }: Variant,
  batch: number,
  allRows: number,
): Predicted {
  if (batch === allRows && !batchOrder) return { output, h_n, c_n };
  const size = outputSize(module);
  const spread = (values: Floats, inner: number) => {
    const outer = values.length / batch / inner;
    const all = new Float64Array(outer * allRows * inner).fill(Number.NaN); // [outer, allRows, inner]
    for (let i = 0; i < outer; i++)
      for (let row = 0; row < batch; row++) {
        const from = (i * batch + row) * inner;
        // A limited run computes few steps: this skips the others quickly.
        if (Number.isNaN(values[from]) && Number.isNaN(values[from + inner - 1])) continue;
        const newRow = batchOrder ? allRows - 1 - row : row;
        all.set(values.subarray(from, from + inner), (i * allRows + newRow) * inner);
      }
    return all;
  };
  return {
    output: spread(output, directionsOf(module).length * size),
    h_n: h_n && spread(h_n, size),
    c_n: c_n && spread(c_n, module.hidden_size),
  };
}
