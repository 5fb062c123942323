import { KINDS } from '../../kinds.js';
import type { Parameters } from '../../module/bind.js';
import { type Module, outputSize } from '../../module/parameters.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Variant } from './variant.js';

/** The tensors that have a row for every unit of every gate. */
type Rows = Pick<Parameters, 'weightIh' | 'weightHh' | 'biasIh' | 'biasHh'>;

/** The parameters that a variant computes with, where the file has `inFile`. */
export function variantParameters(module: Module, inFile: Parameters, variant: Variant): Parameters {
  const { order, hiddenFrom, interleaved, biases, weightHh, weightIh, quantised, stride, columns, without } =
    variant;
  let parameters: Rows = inFile;
  const gates = KINDS[module.kind].gates;
  if (variant.matrices && inFile.weightIh.length === inFile.weightHh.length)
    parameters = { ...parameters, weightIh: inFile.weightHh, weightHh: inFile.weightIh };
  if (order) {
    const blocks = gates.map((gate) => order.indexOf(gate));
    const names = TENSORS[variant.orderOf ?? 'all'];
    parameters = mapRows(parameters, names, (values) => pickBlocks(values, blocks));
  }
  if (hiddenFrom) {
    const [gate, from] = hiddenFrom.map((name) => gates.indexOf(name));
    const blocks = gates.map((_, k) => (k === gate ? from : k));
    parameters = mapRows(parameters, ['weightHh', 'biasHh'], (values) => pickBlocks(values, blocks));
  }
  if (biases) {
    const changed = { ...parameters, ...BIASES[biases](parameters) };
    const gate = variant.biasesOf === undefined ? undefined : gates.indexOf(variant.biasesOf);
    parameters =
      gate === undefined
        ? changed
        : ofGate(parameters, changed, gate * module.hidden_size, module.hidden_size);
  }
  const size = outputSize(module);
  if (weightHh)
    parameters = { ...parameters, weightHh: TRANSPOSED[weightHh](parameters.weightHh, gates.length, size) };
  if (weightIh) {
    const inputs = parameters.weightIh.length / (gates.length * module.hidden_size);
    parameters = { ...parameters, weightIh: TRANSPOSED[weightIh](parameters.weightIh, gates.length, inputs) };
  }
  const rows = gates.length * module.hidden_size;
  if (stride) parameters = { ...parameters, [stride[0]]: withStride(parameters[stride[0]], rows, stride[1]) };
  if (columns)
    parameters = { ...parameters, [columns[0]]: withColumns(parameters[columns[0]], rows, columns[1]) };
  if (without) {
    const [name, gate] = without;
    const values = parameters[name].slice(); // [gates·hidden, …]
    const block = values.length / gates.length;
    values.fill(0, gates.indexOf(gate) * block, (gates.indexOf(gate) + 1) * block);
    parameters = { ...parameters, [name]: values };
  }
  if (interleaved)
    parameters = mapRows(parameters, TENSORS.all, (values) =>
      byGate(values, gates.length, module.hidden_size),
    );
  if (typeof quantised === 'object')
    parameters = mapRows(parameters, TENSORS.all, (values) => mapped(values, toDecimals(quantised.decimals)));
  else if (quantised) parameters = mapRows(parameters, TENSORS.weights, QUANTISED[quantised]);
  return { ...inFile, ...parameters };
}

const TENSORS = {
  all: ['weightIh', 'weightHh', 'biasIh', 'biasHh'],
  weights: ['weightIh', 'weightHh'],
  weight_ih: ['weightIh'],
  weight_hh: ['weightHh'],
  biases: ['biasIh', 'biasHh'],
} as const satisfies Record<string, readonly (keyof Rows)[]>;

/** Changes some of the tensors, as far as they are present. */
function mapRows(rows: Rows, names: readonly (keyof Rows)[], change: (values: Floats) => Floats): Rows {
  const changed = names.flatMap((name) => {
    const values = rows[name];
    return values ? [[name, change(values)]] : [];
  });
  return { ...rows, ...Object.fromEntries(changed) };
}

/** The row blocks of a tensor in another order: `blocks[i]` is the old index of the block that moves to index i. */
function pickBlocks(values: Floats, blocks: readonly number[]): Floats {
  const size = values.length / blocks.length;
  const result = values.slice(); // [gates·hidden, …]
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

/** The biases of one gate as they are in `changed`; zeros where a bias is absent. */
function ofGate(rows: Rows, changed: Rows, from: number, count: number): Rows {
  const merged = (name: 'biasIh' | 'biasHh') => {
    const own = rows[name];
    if (!own) return own;
    const result = own.slice(); // [gates·hidden]
    for (let i = from; i < from + count; i++) result[i] = changed[name]?.[i] ?? 0;
    return result;
  };
  return { ...rows, biasIh: merged('biasIh'), biasHh: merged('biasHh') };
}

/** A matrix [rows, …] whose rows begin `stride` values apart; what is beyond its end is 0. */
function withStride(values: Floats, rows: number, stride: number): Floats {
  const columns = values.length / rows;
  return values.map((_, i) => values[Math.floor(i / columns) * stride + (i % columns)] ?? 0);
}

/** A matrix [rows, …] of which only the first `count` columns are used. */
function withColumns(values: Floats, rows: number, count: number): Floats {
  const columns = values.length / rows;
  return values.map((value, i) => (i % columns < count ? value : 0));
}

/**
 * Weights [gates·hidden, columns] whose blocks are transposed, or whose values are those of the transposed shape without
 * having been moved.
 */
const TRANSPOSED = {
  transposed(values: Floats, gates: number, columns: number): Floats {
    const rows = values.length / gates / columns;
    // Only square blocks keep their shape.
    if (rows !== columns) return values;
    const result = values.slice(); // [gates·hidden, columns]
    for (let gate = 0; gate < gates; gate++)
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++)
          result[(gate * rows + row) * columns + column] = values[(gate * rows + column) * columns + row];
    return result;
  },
  reshaped(values: Floats, _gates: number, columns: number): Floats {
    const rows = values.length / columns;
    const result = values.slice(); // [gates·hidden, columns]
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        result[row * columns + column] = values[column * rows + row];
    return result;
  },
  'reshaped by gate'(values: Floats, gates: number, columns: number): Floats {
    const size = values.length / gates;
    const result = values.slice(); // [gates·hidden, columns]
    for (let gate = 0; gate < gates; gate++) {
      const block = values.subarray(gate * size, (gate + 1) * size);
      result.set(TRANSPOSED.reshaped(block, 1, columns), gate * size);
    }
    return result;
  },
};

/** Puts rows that go unit by unit into the order gate by gate. */
function byGate(values: Floats, gates: number, hidden: number): Floats {
  const size = values.length / (gates * hidden);
  const result = values.slice(); // [gates·hidden, …]
  for (let gate = 0; gate < gates; gate++)
    for (let unit = 0; unit < hidden; unit++) {
      const from = (unit * gates + gate) * size;
      result.set(values.subarray(from, from + size), (gate * hidden + unit) * size);
    }
  return result;
}

const QUANTISED: Readonly<Record<Extract<Variant['quantised'], string>, (values: Floats) => Floats>> = {
  F16: (values) => mapped(values, toHalf),
  BF16: (values) => mapped(values, rounding(8)),
  int8: (values) => {
    let largest = 0;
    for (const value of values) largest = Math.max(largest, Math.abs(value));
    const scale = largest / 127 || 1;
    return mapped(values, (value) => scale * Math.round(value / scale));
  },
};

/** Rounds to decimals, as printing does. */
export function toDecimals(decimals: number): (value: number) => number {
  const scale = 10 ** decimals;
  return (value) => Math.round(value * scale) / scale;
}

/** Applies a function to every value, in float64: ten times as fast as Float64Array.from. */
export function mapped(values: Floats, change: (value: number) => number): Float64Array {
  const result = new Float64Array(values.length); // the shape of values
  for (let i = 0; i < values.length; i++) result[i] = change(values[i]);
  return result;
}

/** Rounds to a number of significant bits, at any exponent, by Dekker's splitting. */
function rounding(bits: number): (value: number) => number {
  const split = 2 ** (53 - bits) + 1;
  return (value) => {
    const product = split * value;
    return product - (product - value);
  };
}

/** Rounds as TF32 rounds the operands of a product: to 11 bits. */
export const toTf32 = rounding(11);

// Doubles of this size are 2^-24 apart: adding this and subtracting it again rounds a small number to a multiple of that.
const HALF_GRID = 1.5 * 2 ** 28;

/** Rounds to float16: to 11 bits as TF32, and below 2^-14 to multiples of 2^-24. */
function toHalf(value: number): number {
  if (Math.abs(value) < 2 ** -14) return value + HALF_GRID - HALF_GRID;
  const rounded = toTf32(value);
  return Math.abs(rounded) > 65504 ? Math.sign(value) * Number.POSITIVE_INFINITY : rounded;
}
