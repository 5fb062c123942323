import type { Nonlinearity } from '../../kinds.js';
import type { Floats } from '../../tensor/dtype.js';

/**
 * What a cell computes one time step from, and where it writes the result. Buffers hold the first `rows` batch rows.
 */
export interface GateStep {
  readonly rows: number;
  readonly hidden_size: number;
  /**
   * In: `W_ih x + b_ih` [rows, gates·hidden], beginning at index `gatesAt`. Out: the activated gates, in the same
   * place.
   */
  readonly gates: Floats;
  readonly gatesAt: number;
  /** In: `W_hh h + b_hh` [rows, gates·hidden] */
  readonly hidden: Floats;
  /** In: h of the previous step; only GRU reads it. Out: h of this step. [rows, hidden] */
  readonly h: Floats;
  /** LSTM only. In: c of the previous step. Out: c of this step. [rows, hidden] */
  readonly c: Floats;
  /** RNN only. */
  readonly nonlinearity: Nonlinearity;
  /** Rounds a result to the precision in which it is stored. */
  readonly store: (value: number) => number;
}
