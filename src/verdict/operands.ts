import type { Operands } from '../bounds/profiles.js';
import type { BoundCase, Parameters } from '../module/bind.js';
import { type Floats, type Precision, roundTo } from '../tensor/dtype.js';
import { isOnGrid } from '../tensor/grid.js';

/** The case as a runtime has it that rounds its operands before it computes anything. */
export function withRoundedOperands(boundCase: BoundCase, operands: Operands): BoundCase {
  const { weights, biases, initialStates, only } = operands;
  const input = only === 'hidden' ? undefined : operands.input;
  if (![weights, biases, input, initialStates].some((dtype) => dtype)) return boundCase;
  const { network, sequence } = boundCase;
  const layers = network.layers.map((directions) =>
    directions.map(
      ({ weightIh, weightHh, weightHr, biasIh, biasHh }): Parameters => ({
        weightIh: rounded(weightIh, only === 'hidden' ? undefined : weights),
        weightHh: rounded(weightHh, only === 'input' ? undefined : weights),
        weightHr: rounded(weightHr, only ? undefined : weights),
        biasIh: rounded(biasIh, biases),
        biasHh: rounded(biasHh, biases),
      }),
    ),
  );
  return {
    ...boundCase,
    network: { ...network, layers },
    sequence: {
      ...sequence,
      input: rounded(sequence.input, input),
      h0: rounded(sequence.h0, initialStates),
      c0: rounded(sequence.c0, initialStates),
    },
  };
}

const roundings = new WeakMap<Floats, Map<Precision, Floats>>();

/** Kept, because the same weights are rounded for every profile that a case is tried with. */
function rounded<T extends Floats | undefined>(values: T, to: Precision | undefined): T {
  if (!values || !to) return values;
  const known = roundings.get(values) ?? new Map<Precision, Floats>();
  roundings.set(values, known);
  const found = known.get(to) ?? (isOnGrid(values, to) ? values : values.map((value) => roundTo(value, to)));
  known.set(to, found);
  return found as T;
}
