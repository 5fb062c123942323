import type { Floats } from '../../tensor/dtype.js';
import { gruCell } from '../cells/gru.js';
import { lstmCell } from '../cells/lstm.js';
import { rnnCell } from '../cells/rnn.js';
import {
  type Factor,
  type Kernels,
  type Product,
  rowRuns,
  sizeOf,
  type UnitRange,
  type Workspace,
} from './kernels.js';

/** The cells in plain TypeScript. */
export const gateStep: Workspace<never>['gateStep'] = { RNN: rnnCell, GRU: gruCell, LSTM: lstmCell };

/** The kernels in plain TypeScript and double precision: the reference for every other implementation. */
export const plainFloat64: Kernels = plain({
  store: (value) => value,
  allocate: (length) => new Float64Array(length),
  // Products in float64 read float32 weights directly, at the same speed.
  convert: (values) => values,
  product: (factor) => (factor.squared ? productOfSquares(factor) : productFloat64(factor)),
});

/**
 * The same in single precision: every multiplication and every addition is rounded to float32, as in a runtime that
 * computes in float32. The cells round what they store.
 */
export const plainFloat32: Kernels = plain({
  store: Math.fround,
  allocate: (length) => new Float32Array(length),
  convert: (values) => (values instanceof Float32Array ? values : Float32Array.from(values)),
  product: productFloat32,
});

function plain({
  store,
  allocate,
  convert,
  product,
}: Pick<Kernels, 'store' | 'allocate'> & {
  readonly convert: (values: Floats) => Floats;
  readonly product: (factor: Factor) => Product;
}): Kernels {
  return {
    store,
    allocate,
    workspace: <B extends string, S extends string>(
      factors: Readonly<Record<string, Factor>>,
      lengths: Readonly<Record<B, number>>,
      singles = {} as Readonly<Record<S, number>>,
    ) => ({
      products: mapValues(factors, ({ units, ...factor }) => {
        const { weight, bias, columns } = factor;
        const ofUnits = (values: Floats) => (units ? rowsOfUnits(values, columns, units) : values);
        return product({
          ...factor,
          weight: convert(ofUnits(weight)),
          bias: bias && convert(ofUnits(bias)),
        });
      }),
      gateStep,
      buffers: mapValues(lengths, allocate),
      singles: mapValues(singles, (length: number) => new Float32Array(length)),
    }),
  };
}

/** The rows of a matrix or vector [gates·units.of, …] that belong to these units: [columns, …]. */
function rowsOfUnits(values: Floats, columns: number, units: UnitRange): Floats {
  const size = sizeOf({ weight: values, columns, units });
  const result = values.slice(0, columns * size);
  let at = 0;
  for (const { from, count } of rowRuns({ units }, 0, columns)) {
    result.set(values.subarray(from * size, (from + count) * size), at);
    at += count * size;
  }
  return result;
}

/** The same keys with other values. */
export function mapValues<K extends string, V, W>(
  record: Readonly<Record<K, V>>,
  change: (value: V) => W,
): Record<K, W> {
  const entries = Object.entries(record) as [K, V][];
  return Object.fromEntries(entries.map(([key, value]) => [key, change(value)])) as Record<K, W>;
}

// Four columns at a time: their sums are independent, so that the processor adds to one while it waits for another.
// Every sum still runs in ascending k.
function productFloat64({ weight, bias, columns }: Factor): Product {
  const size = weight.length / columns;
  return (out, x, rows) => {
    for (let row = 0; row < rows; row++) {
      const from = row * size;
      let column = 0;
      for (; column + 4 <= columns; column += 4) {
        const w0 = column * size;
        const w1 = w0 + size;
        const w2 = w1 + size;
        const w3 = w2 + size;
        let sum0 = bias ? bias[column] : 0;
        let sum1 = bias ? bias[column + 1] : 0;
        let sum2 = bias ? bias[column + 2] : 0;
        let sum3 = bias ? bias[column + 3] : 0;
        for (let k = 0; k < size; k++) {
          const value = x[from + k];
          sum0 += weight[w0 + k] * value;
          sum1 += weight[w1 + k] * value;
          sum2 += weight[w2 + k] * value;
          sum3 += weight[w3 + k] * value;
        }
        const outAt = row * columns + column;
        out[outAt] = sum0;
        out[outAt + 1] = sum1;
        out[outAt + 2] = sum2;
        out[outAt + 3] = sum3;
      }
      for (; column < columns; column++) {
        let sum = bias ? bias[column] : 0;
        for (let k = 0; k < size; k++) sum += weight[column * size + k] * x[from + k];
        out[row * columns + column] = sum;
      }
    }
  };
}

/** Squares of a matrix of up to KEPT_SQUARES elements are kept. In a larger one each product squares block by block. */
const KEPT_SQUARES = 2 ** 18;
const SQUARED_COLUMNS = 16;

function productOfSquares({ weight, bias, columns, rows: usualRows }: Factor): Product {
  const size = weight.length / columns;
  const block = weight.length <= KEPT_SQUARES ? columns : Math.min(SQUARED_COLUMNS, columns);
  const squares = new Float64Array(block * size); // [block, size]
  const product = productFloat64({ weight: squares, columns: block, rows: usualRows });
  const square = (first: number, count: number) => {
    for (let i = 0; i < count * size; i++) squares[i] = weight[first * size + i] * weight[first * size + i];
  };
  if (block === columns) square(0, columns);
  let blockOut = new Float64Array(0); // [rows, block]
  return (out, x, rows) => {
    if (blockOut.length < rows * block) blockOut = new Float64Array(rows * block);
    for (let first = 0; first < columns; first += block) {
      const count = Math.min(block, columns - first);
      if (block < columns) square(first, count);
      product(blockOut, x, rows);
      for (let row = 0; row < rows; row++)
        for (let column = first; column < first + count; column++)
          out[row * columns + column] = blockOut[row * block + column - first] + (bias ? bias[column] : 0);
    }
  };
}

function productFloat32({ weight, bias, columns }: Factor): Product {
  const { fround } = Math;
  const size = weight.length / columns;
  return (out, x, rows) => {
    for (let row = 0; row < rows; row++) {
      const from = row * size;
      for (let column = 0; column < columns; column++) {
        let sum = bias ? bias[column] : 0;
        for (let k = 0; k < size; k++) {
          sum = fround(sum + fround(weight[column * size + k] * x[from + k]));
        }
        out[row * columns + column] = sum;
      }
    }
  };
}
