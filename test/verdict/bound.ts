import { forwardPass } from '../../src/engine/forward.js';
import type { BoundCase, Network, Sequence } from '../../src/module/bind.js';
import { directionsOf } from '../../src/module/parameters.js';
import { type FloatDtype, type Floats, roundTo } from '../../src/tensor/dtype.js';

type State = 'output' | 'h_n' | 'c_n';
interface Stored {
  readonly dtype?: FloatDtype;
  /** How far each value may be from what was printed. */
  readonly halfUnit?: number;
  /** What is added to a value. */
  readonly off?: (i: number) => number;
}

export interface StoredTensors extends Partial<Readonly<Record<State, Stored>>> {
  /** Outputs of layers below the last. */
  readonly layers?: readonly (Stored | undefined)[];
}

/** A network with references as it computes them itself, stored as is said; none where nothing is said. */
export async function boundOf(
  network: Network,
  sequence: Sequence,
  stored: StoredTensors,
  others: Partial<BoundCase> = {},
): Promise<BoundCase> {
  const { module } = network;
  const { steps, batch } = sequence;
  const directionCount = directionsOf(module).length;
  const outputs = await forwardPass(network, sequence, { layers: true });
  const reference = (
    values: Floats,
    rows: number,
    { dtype = 'F32', halfUnit, off }: Stored,
    layer?: number,
  ) => ({
    dtype,
    rows,
    batch,
    units: values.length / rows / batch,
    data: Float64Array.from(values, (value, i) => roundTo(value, dtype) + (off?.(i) ?? 0)),
    axes: { layer, directions: directionsOf(module), steps, lengths: sequence.lengths },
    printed: halfUnit === undefined ? undefined : { decimals: 3, halfUnits: values.map(() => halfUnit) },
  });
  const states = module.num_layers * directionCount;
  const { output, h_n, c_n, layers = [] } = stored;
  return {
    network,
    sequence,
    references: [
      ...(output
        ? [{ name: 'output' as const, ...reference(outputs.output, steps, output, module.num_layers - 1) }]
        : []),
      ...(h_n ? [{ name: 'h_n' as const, ...reference(outputs.h_n, states, h_n) }] : []),
      ...(c_n ? [{ name: 'c_n' as const, ...reference(outputs.c_n!, states, c_n) }] : []),
    ],
    layerOutputs: network.layers.flatMap((_, layer) => {
      const asStored = layers[layer];
      const name = `output_l${layer}` as const;
      return asStored ? [{ name, ...reference(outputs.layers![layer], steps, asStored, layer) }] : [];
    }),
    fewDecimals: [],
    storedFew: false,
    reshaped: [],
    layout: { batch_first: false, batched: true, timed: true, steps, batch },
    otherLayoutFits: false,
    ...others,
  };
}

export const values = (...all: readonly number[]) => Float64Array.from(all);

/** One layer of relu units without biases: the least that has errors which are easy to compute. */
export function reluOf(weightIh: readonly number[], weightHh: readonly number[]): Network {
  const hidden_size = Math.sqrt(weightHh.length);
  const module = {
    kind: 'RNN',
    cell: false,
    nonlinearity: 'relu',
    prefix: '',
    input_size: weightIh.length / hidden_size,
    hidden_size,
    proj_size: 0,
    num_layers: 1,
    bidirectional: false,
    bias: false,
  } as const;
  return { module, layers: [[{ weightIh: values(...weightIh), weightHh: values(...weightHh) }]] };
}
