import type { Kind } from '../../kinds.js';
import { type FloatDtype, type Floats, roundTo } from '../../tensor/dtype.js';
import type { GateStep, Kernels } from './kernels.js';

/**
 * Kernels that store their results in another dtype: a computation in float16 or bfloat16 accumulates in float32
 * and rounds what it stores; for F64 the grid is a few bits coarser than double's, so that the two part
 * where two computations in double do.
 */
export function rounded(kernels: Kernels, dtype: FloatDtype): Kernels {
  const round = (values: Floats, from: number, to: number) => {
    for (let i = from; i < to; i++) values[i] = roundTo(values[i], dtype);
  };
  const step = (kind: Kind) => (work: GateStep) => {
    kernels.gateStep[kind](work);
    const size = work.rows * work.hiddenSize;
    round(work.h, 0, size);
    if (kind === 'LSTM') round(work.c, 0, size);
  };
  return {
    allocate: kernels.allocate,
    convert: kernels.convert,
    product: (out, x, xAt, rows, weight, columns, bias) => {
      kernels.product(out, x, xAt, rows, weight, columns, bias);
      round(out, 0, rows * columns);
    },
    gateStep: { RNN: step('RNN'), GRU: step('GRU'), LSTM: step('LSTM') },
  };
}
