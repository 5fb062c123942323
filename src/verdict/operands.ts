import type { Operands } from '../bounds/profiles.js';
import type { BoundCase, Parameters } from '../module/bind.js';
import { type FloatDtype, type Floats, roundTo } from '../tensor/dtype.js';
import { isOnGrid } from '../tensor/grid.js';

/** The case as a runtime has it that rounds its operands before it computes anything. */
export function withRoundedOperands(boundCase: BoundCase, operands: Operands): BoundCase {
  const { weights, biases, input } = operands;
  const { network, sequence } = boundCase;
  const layers = network.layers.map((directions) =>
    directions.map(
      ({ weightIh, weightHh, weightHr, biasIh, biasHh }): Parameters => ({
        weightIh: rounded(weightIh, weights),
        weightHh: rounded(weightHh, weights),
        weightHr: rounded(weightHr, weights),
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
      h0: rounded(sequence.h0, input),
      c0: rounded(sequence.c0, input),
    },
  };
}

function rounded<T extends Floats | undefined>(values: T, dtype: FloatDtype | undefined): T {
  if (!values || !dtype || isOnGrid(values, dtype)) return values;
  return values.map((value) => roundTo(value, dtype)) as T;
}
