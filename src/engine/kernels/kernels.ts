import type { Kind, Nonlinearity } from '../../kinds.js';
import type { Floats } from '../../tensor/dtype.js';
import type { GateStep } from '../cells/gate-step.js';

/**
 * What a cell computes one time step and its errors from, and where it writes them. Errors are variances or bounds.
 * Buffers hold the first `rows` batch rows.
 */
export interface ErrorStep {
  readonly rows: number;
  readonly hidden_size: number;
  /** `W_ih x + b_ih` [rows, gates·hidden], beginning at index `gatesAt`. */
  readonly gates: Floats;
  readonly gatesAt: number;
  /** `W_hh h + b_hh` [rows, gates·hidden], beginning at index `hiddenAt`. */
  readonly hidden: Floats;
  readonly hiddenAt: number;
  /** The errors of these two products before they are stored, at the same indices. */
  readonly gatesError: Floats;
  readonly hiddenError: Floats;
  /** How many terms each product sums up. */
  readonly terms: number;
  /** What rounding the biases adds to the error of each sum [gates·hidden]. */
  readonly biasError: Floats;
  /** In: h of the previous step; only GRU reads it. Out: h of this step. [rows, hidden] */
  readonly h: Floats;
  readonly hError: Floats;
  /** LSTM only. In: c of the previous step. Out: c of this step. [rows, hidden] */
  readonly c: Floats;
  readonly cError: Floats;
  /** RNN only. */
  readonly nonlinearity: Nonlinearity;
}

/**
 * The constants that variances depend on. All but `sigmas` are variances; those marked relative are multiplied by the
 * square of the value.
 */
export interface VarianceTerms {
  /** Derivatives are the largest within ± this many standard deviations. */
  readonly sigmas: number;
  /** Of W x + b, relative. */
  readonly affine: number;
  /** Of storing any value, relative. */
  readonly rounding: number;
  /** Of tanh, relative. */
  readonly tanh: number;
  /** Of tanh, absolute. */
  readonly tanhAbsolute: number;
  /** Of σ, relative. */
  readonly sigmoid: number;
  /** Of σ, absolute. */
  readonly sigmoidAbsolute: number;
  /** Of any stored value, absolute: what underflow does. */
  readonly floor: number;
}

/** A matrix for products `W x + b`, as the file has it. */
export interface Factor {
  /** [columns, size] */
  readonly weight: Floats;
  /** [columns]; zeros if absent */
  readonly bias?: Floats;
  /** Columns of the result. */
  readonly columns: number;
  /**
   * How many rows x usually has: kernels may choose a faster layout for one. Any number of rows gives right results.
   */
  readonly rows: 'one' | 'many';
  /** Multiplies with the squares of the weights, in float64. Large matrices are not copied for it. */
  readonly squared?: boolean;
}

/**
 * `out[r, j] = bias[j] + Σ_k x[r, k] weight[j, k]` for the first `rows` rows of x [rows, size], written to the
 * beginning of out [rows, columns]. Every implementation sums each element in ascending k.
 */
export type Product = (out: Floats, x: Floats, rows: number) => void;

/** The operations and buffers of one layer. Operations accept only these buffers. */
export interface Workspace<B extends string> {
  /** By the names of the factors. */
  readonly products: Readonly<Record<string, Product>>;
  readonly gateStep: Readonly<Record<Kind, (step: GateStep) => void>>;
  /** A cell step with the variance of every value; absent where bounds/cells.ts is all there is. */
  readonly varianceStep?: Readonly<Record<Kind, (step: ErrorStep, terms: VarianceTerms) => void>>;
  readonly buffers: Readonly<Record<B, Floats>>;
}

/** The arithmetic of a forward pass, in one precision. */
export interface Kernels {
  readonly store: GateStep['store'];
  /** Zeros, in memory that outlives the workspace. */
  allocate(length: number): Floats;
  /**
   * The operations and buffers of one layer: products for these factors, and buffers of these lengths whose contents
   * are arbitrary. Valid until the next call.
   */
  workspace<B extends string>(
    factors: Readonly<Record<string, Factor>>,
    lengths: Readonly<Record<B, number>>,
  ): Workspace<B>;
}
