import type { Floats } from '../../tensor/dtype.js';
import { gruCell } from '../cells/gru.js';
import { lstmCell } from '../cells/lstm.js';
import { rnnCell } from '../cells/rnn.js';
import type { Kernels } from './kernels.js';

const gateStep: Kernels['gateStep'] = { RNN: rnnCell, GRU: gruCell, LSTM: lstmCell };

/** The kernels in plain TypeScript and double precision: the reference for every other implementation. */
export const plainFloat64: Kernels = {
  store: (value) => value,
  allocate: (length) => new Float64Array(length),
  convert: (values) => (values instanceof Float64Array ? values : Float64Array.from(values)),
  weights: (values) => values,
  product: productFloat64,
  gateStep,
};

/**
 * The same in single precision: every product and every sum is rounded to float32, as a runtime does that computes
 * in it; the cells round what they store.
 */
export const plainFloat32: Kernels = {
  store: Math.fround,
  allocate: (length) => new Float32Array(length),
  convert: toFloat32,
  weights: toFloat32,
  product: productFloat32,
  gateStep,
};

function toFloat32(values: Floats): Floats {
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

// Four columns at a time: their sums are independent of each other, so that the processor need not wait for one
// addition to begin the next, and every sum still runs in ascending k.
function productFloat64(
  out: Floats,
  x: Floats,
  xAt: number,
  rows: number,
  weight: Floats,
  columns: number,
  bias?: Floats,
): void {
  const size = weight.length / columns;
  for (let row = 0; row < rows; row++) {
    const from = xAt + row * size;
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
      const at = row * columns + column;
      out[at] = sum0;
      out[at + 1] = sum1;
      out[at + 2] = sum2;
      out[at + 3] = sum3;
    }
    for (; column < columns; column++) {
      let sum = bias ? bias[column] : 0;
      for (let k = 0; k < size; k++) sum += weight[column * size + k] * x[from + k];
      out[row * columns + column] = sum;
    }
  }
}

function productFloat32(
  out: Floats,
  x: Floats,
  xAt: number,
  rows: number,
  weight: Floats,
  columns: number,
  bias?: Floats,
): void {
  const { fround } = Math;
  const size = weight.length / columns;
  for (let row = 0; row < rows; row++) {
    const from = xAt + row * size;
    for (let column = 0; column < columns; column++) {
      let sum = bias ? bias[column] : 0;
      for (let k = 0; k < size; k++) {
        sum = fround(sum + fround(weight[column * size + k] * x[from + k]));
      }
      out[row * columns + column] = sum;
    }
  }
}
