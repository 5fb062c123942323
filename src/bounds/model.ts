import type { Kind, Nonlinearity } from '../kinds.js';
import type { Floats } from '../tensor/dtype.js';

/** A matrix and its bias as a product of errors takes them. */
interface ErrorFactor {
  readonly weight: Floats;
  readonly bias?: Floats;
}

/** What is known of a weight matrix beside its values. */
interface FactorFacts {
  /** Group number of every column's input: inputs of one group err alike. */
  readonly twins?: readonly number[];
  /** How far a weight and a bias may be from what is written. */
  readonly uncertainty?: { readonly weight: Floats; readonly bias?: Floats };
}

/** One step of a layer, as errors go through a cell. All of it is for `rows` batch rows. */
export interface ErrorStep {
  readonly rows: number;
  readonly hiddenSize: number;
  /** W_ih x + b_ih and W_hh h + b_hh, from `at` and `hiddenAt` on [rows, gates·hidden]. */
  readonly gates: Floats;
  readonly at: number;
  readonly hidden: Floats;
  readonly hiddenAt: number;
  /** The error of each, in the same places. */
  readonly gatesError: Floats;
  readonly hiddenError: Floats;
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

/**
 * How errors go through a network: as variances of what is likely, or as bounds of what is possible. "Error" below is
 * the one or the other.
 */
export interface ErrorModel {
  /**
   * The matrices that make the error of `W x + b`: one for what `operands` writes first, and one for the second where
   * there is any.
   * @param terms how many terms the sum has
   * @param inexact whether x has an error of its own
   */
  factors(
    weight: Floats,
    bias: Floats | undefined,
    columns: number,
    terms: number,
    inexact: boolean,
    facts: FactorFacts,
  ): { readonly first: ErrorFactor; readonly second?: ErrorFactor };
  /** What the two products take, from `count` values and their errors (none where they are exact). */
  operands(
    x: Floats,
    error: Floats | undefined,
    count: number,
    terms: number,
    first: Floats,
    second: Floats | undefined,
  ): void;
  /** Makes the error of `count` sums `a` out of the two products; into `first`. */
  sums(a: Floats, first: Floats, second: Floats | undefined, count: number, terms: number): void;
  /** Adds what storing a gate's sums costs, where that is more than a sum's own rounding. */
  storeGates(a: Floats, error: Floats, count: number): void;
  /** Adds what storing h costs, where it is the sums of a projection. */
  storeProjected(h: Floats, error: Floats, count: number): void;
  readonly cells: Readonly<Record<Kind, (step: ErrorStep) => void>>;
  /** As it is reported: a standard deviation, or a bound. */
  reported(error: number): number;
  /** Whether the errors of a row of h say nothing about it any more; and what stands for each of them then. */
  lost?(h: Floats, error: Floats, from: number, to: number): boolean;
  readonly lostError: number;
  /** The model's error of a value that lies within ± this. */
  within(uncertainty: number): number;
}

/** σ(x), without overflow; sigmoid's slope, and tanh's, without cancellation. */
export function sigmoid(a: number): number {
  const q = Math.exp(-Math.abs(a));
  return a >= 0 ? 1 / (1 + q) : q / (1 + q);
}

export function sigmoidSlope(a: number): number {
  const q = Math.exp(-a);
  return q / ((1 + q) * (1 + q));
}

export function tanhSlope(a: number): number {
  const q = Math.exp(-2 * a);
  return (4 * q) / ((1 + q) * (1 + q));
}
