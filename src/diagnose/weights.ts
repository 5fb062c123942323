import { KINDS } from '../kinds.js';
import type { Parameters } from '../module/bind.js';
import { type Module, outputSize } from '../module/parameters.js';
import { type Floats, roundTo } from '../tensor/dtype.js';
import type { Variant } from './variant.js';

type Rows = Pick<Parameters, 'weightIh' | 'weightHh' | 'biasIh' | 'biasHh'>;

/** A layer's parameters as a variant has them. */
export function variantParameters(module: Module, own: Parameters, variant: Variant): Parameters {
  const { order, hiddenFrom, interleaved, biases, weightHh, weightIh, quantised } = variant;
  let parameters: Rows = own;
  const gates = KINDS[module.kind].gates;
  if (order) {
    const blocks = gates.map((gate) => order.indexOf(gate));
    const moved = TENSORS[variant.orderOf ?? 'all'];
    parameters = mapRows(parameters, moved, (values) => pickBlocks(values, blocks));
  }
  if (hiddenFrom) {
    const [gate, from] = hiddenFrom.map((name) => gates.indexOf(name));
    const blocks = gates.map((_, k) => (k === gate ? from : k));
    parameters = mapRows(parameters, ['weightHh', 'biasHh'], (values) => pickBlocks(values, blocks));
  }
  if (biases) parameters = { ...parameters, ...BIASES[biases](parameters) };
  const size = outputSize(module);
  if (weightHh)
    parameters = { ...parameters, weightHh: TRANSPOSED[weightHh](parameters.weightHh, gates.length, size) };
  if (weightIh) {
    const inputs = parameters.weightIh.length / (gates.length * module.hiddenSize);
    parameters = { ...parameters, weightIh: TRANSPOSED[weightIh](parameters.weightIh, gates.length, inputs) };
  }
  if (interleaved)
    parameters = mapRows(parameters, TENSORS.all, (values) =>
      byGate(values, gates.length, module.hiddenSize),
    );
  if (quantised) parameters = mapRows(parameters, TENSORS.weights, QUANTISED[quantised]);
  return { ...own, ...parameters };
}

const TENSORS = {
  all: ['weightIh', 'weightHh', 'biasIh', 'biasHh'],
  weights: ['weightIh', 'weightHh'],
  weight_ih: ['weightIh'],
  weight_hh: ['weightHh'],
  biases: ['biasIh', 'biasHh'],
} as const satisfies Record<string, readonly (keyof Rows)[]>;

function mapRows(rows: Rows, names: readonly (keyof Rows)[], change: (values: Floats) => Floats): Rows {
  const changed = names.flatMap((name) => {
    const values = rows[name];
    return values ? [[name, change(values)]] : [];
  });
  return { ...rows, ...Object.fromEntries(changed) };
}

/** The blocks of a tensor in another order. */
function pickBlocks(values: Floats, blocks: readonly number[]): Floats {
  const size = values.length / blocks.length;
  const result = values.slice();
  for (const [to, from] of blocks.entries())
    result.set(values.subarray(from * size, (from + 1) * size), to * size);
  return result;
}

const BIASES: Readonly<Record<NonNullable<Variant['biases']>, (rows: Rows) => Partial<Rows>>> = {
  ih: () => ({ biasHh: undefined }),
  hh: () => ({ biasIh: undefined }),
  none: () => ({ biasIh: undefined, biasHh: undefined }),
  doubled: ({ biasIh, biasHh }) => ({
    biasIh: biasIh?.map((value) => 2 * value),
    biasHh: biasHh?.map((value) => 2 * value),
  }),
  'ih twice': ({ biasIh }) => ({ biasHh: biasIh }),
  exchanged: ({ biasIh, biasHh }) => ({ biasIh: biasHh, biasHh: biasIh }),
};

/** Transposes a weight [gates·hidden, columns] into the same shape, by the block or as a whole. */
const TRANSPOSED = {
  transposed(values: Floats, gates: number, columns: number): Floats {
    const rows = values.length / gates / columns;
    // Only square blocks have the same shape.
    if (rows !== columns) return values;
    const result = values.slice();
    for (let gate = 0; gate < gates; gate++)
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++)
          result[(gate * rows + row) * columns + column] = values[(gate * rows + column) * columns + row];
    return result;
  },
  reshaped(values: Floats, _gates: number, columns: number): Floats {
    const rows = values.length / columns;
    const result = values.slice();
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        result[row * columns + column] = values[column * rows + row];
    return result;
  },
};

/** Rows that go by unit, put by gate. */
function byGate(values: Floats, gates: number, hidden: number): Floats {
  const size = values.length / (gates * hidden);
  const result = values.slice();
  for (let gate = 0; gate < gates; gate++)
    for (let unit = 0; unit < hidden; unit++) {
      const from = (unit * gates + gate) * size;
      result.set(values.subarray(from, from + size), (gate * hidden + unit) * size);
    }
  return result;
}

const QUANTISED: Readonly<Record<NonNullable<Variant['quantised']>, (values: Floats) => Floats>> = {
  F16: (values) => Float64Array.from(values, (value) => roundTo(value, 'F16')),
  BF16: (values) => Float64Array.from(values, (value) => roundTo(value, 'BF16')),
  int8: (values) => {
    let most = 0;
    for (const value of values) most = Math.max(most, Math.abs(value));
    const scale = most / 127 || 1;
    return Float64Array.from(values, (value) => scale * Math.round(value / scale));
  },
};

// Dekker's splitting leaves so many of a double's 53 bits.
const TF32_SPLIT = 2 ** (53 - 11) + 1;

/** To 11 bits, as TF32 rounds the operands of a product. */
export function toTf32(value: number): number {
  const product = TF32_SPLIT * value;
  return product - (product - value);
}
