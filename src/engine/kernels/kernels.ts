import type { Kind, Nonlinearity } from '../../kinds.js';
import type { Floats } from '../../tensor/dtype.js';

/** What one gate step works on. All buffers hold `rows` batch rows, the first of a step. */
export interface GateStep {
  readonly rows: number;
  readonly hidden_size: number;
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

/** One step of a layer, as errors go through a cell. All of it is for `rows` batch rows. */
export interface ErrorStep {
  readonly rows: number;
  readonly hidden_size: number;
  /** W_ih x + b_ih and W_hh h + b_hh, from `at` and `hiddenAt` on [rows, gates·hidden]. */
  readonly gates: Floats;
  readonly at: number;
  readonly hidden: Floats;
  readonly hiddenAt: number;
  /** What the products of errors came to, of each, in the same places; and how many terms each is a sum of. */
  readonly gatesError: Floats;
  readonly hiddenError: Floats;
  readonly terms: number;
  /** b_ih + b_hh [gates·hidden] */
  readonly bias: Floats;
  /** In: h of the step before, of a GRU only. Out: h of this one. [rows, hidden] */
  readonly h: Floats;
  readonly hError: Floats;
  /** In and out, LSTM only [rows, hidden]. */
  readonly c: Floats;
  readonly cError: Floats;
  readonly nonlinearity: Nonlinearity;
}

/** What a variance's growth depends on, in the order in which kernels take it: variances, but for the first. */
export interface VarianceTerms {
  /** So many standard deviations around a value are looked at for the largest slope. */
  readonly sigmas: number;
  /** Of W x + b, in parts of its square; of any stored value, and of the biases' sum. */
  readonly part: number;
  readonly rounding: number;
  readonly biases: number;
  /** Of an activation, in parts of its value's square; and what σ's has in any case. */
  readonly tanh: number;
  readonly sigmoid: number;
  readonly sigmoidAbsolute: number;
  /** Of a value near zero. */
  readonly floor: number;
}

/** A matrix that products are made with, as the file has it. */
export interface Factor {
  /** [columns, size] */
  readonly weight: Floats;
  /** [columns]; zeros if absent */
  readonly bias?: Floats;
  readonly columns: number;
  /** Whether it is for products of one row, or of many: both work, in either case. */
  readonly rows: 'one' | 'many';
  /** Whether the products are with the squares of the weights, in float64; no copy of them is made where they are many. */
  readonly squared?: boolean;
}

/**
 * `out[r, j] = bias[j] + Σ_k x[r, k] weight[j, k]` for the first `rows` rows of x [rows, size], into out [rows, columns]
 * from its start. Every element is one accumulation in ascending k, whatever the implementation.
 */
export type Product = (out: Floats, x: Floats, rows: number) => void;

/** What a layer works with: the two operations of the forward pass, and the only buffers that may go into them. */
export interface Workspace<B extends string> {
  /** By the names that the factors have. */
  readonly products: Readonly<Record<string, Product>>;
  readonly gateStep: Readonly<Record<Kind, (step: GateStep) => void>>;
  /** The same with the variance of every value, where there is something faster than bounds/cells.ts for it. */
  readonly varianceStep?: Readonly<Record<Kind, (step: ErrorStep, terms: VarianceTerms) => void>>;
  readonly buffers: Readonly<Record<B, Floats>>;
}

/** The arithmetic of a forward pass, in one precision. */
export interface Kernels {
  readonly store: GateStep['store'];
  /** Room for what is kept. */
  allocate(length: number): Floats;
  /**
   * All that one layer works with, at once: its matrices, and buffers of so many values, which may hold anything. It
   * lasts until the next one is asked for.
   */
  workspace<B extends string>(
    factors: Readonly<Record<string, Factor>>,
    lengths: Readonly<Record<B, number>>,
  ): Workspace<B>;
}
