import type { Kind, Nonlinearity } from '../../kinds.js';
import type { Floats } from '../../tensor/dtype.js';

/** What one gate step works on. All buffers hold `rows` batch rows, the first of a step. */
export interface GateStep {
  readonly rows: number;
  readonly hiddenSize: number;
  /**
   * In: `W_ih x + b_ih`, at `gatesAt` [rows, gates·hidden]. Out: the activated gates, in the same place.
   */
  readonly gates: Floats;
  readonly gatesAt: number;
  /** `W_hh h + b_hh` [rows, gates·hidden] */
  readonly hidden: Floats;
  /** In: h of the step before, where the kind needs it (GRU). Out: h of this one. [rows, hidden] */
  readonly h: Floats;
  /** In and out, LSTM only: c [rows, hidden]. */
  readonly c: Floats;
  /** RNN only. */
  readonly nonlinearity: Nonlinearity;
  /** Rounds a result as the precision does in which it is kept. */
  readonly store: (value: number) => number;
}

/**
 * The two operations of the forward pass, in one precision. Every element of a product is one accumulation in
 * ascending k, whatever the implementation.
 */
export interface Kernels {
  readonly store: GateStep['store'];
  allocate(length: number): Floats;
  /** The values in this precision; the same array where they are already. */
  convert(values: Floats): Floats;
  /** Weights as a product takes them: float64 sums take float32 values as they are, at the same speed. */
  weights(values: Floats): Floats;
  /**
   * `out[r, j] = bias[j] + Σ_k x[r, k] weight[j, k]` for `rows` rows of x [rows, k] from `xAt`;
   * out [rows, columns] from its start, weight [columns, k].
   */
  product(
    out: Floats,
    x: Floats,
    xAt: number,
    rows: number,
    weight: Floats,
    columns: number,
    bias?: Floats,
  ): void;
  readonly gateStep: Readonly<Record<Kind, (step: GateStep) => void>>;
}
