import type { VarianceTerms } from '../engine/kernels/kernels.js';
import type { Floats } from '../tensor/dtype.js';
import { tanhApprox } from './tanh-approx.js';

/** The functions that runtimes are known to compute tanh by. */
export const TANHS = { tanh: Math.tanh, 'tanh.approx': tanhApprox } as const;

export type TanhName = keyof typeof TANHS;

/** A matrix and bias whose product gives an error. */
interface ErrorFactor {
  readonly weight: Floats;
  readonly bias?: Floats;
  /** Whether the product takes the squares of the weights. */
  readonly squared?: boolean;
}

/** What is known about a weight matrix besides its values. */
interface FactorFacts {
  /** Group number of every input column: inputs of one group have the same error (twins.ts). */
  readonly twins?: readonly number[];
  /** Half-width of the interval in which each weight and bias lies, where they were printed with few digits. */
  readonly uncertainty?: { readonly weight: Floats; readonly bias?: Floats };
}

/**
 * How errors propagate through a network: as variances (variance.ts) or as bounds (worst-case.ts). "Error" below means
 * the one or the other. In the parameters, `eX` is the error of x.
 */
export interface ErrorModel {
  /**
   * The error of `W x + b` is the sum of one or two products; these are their matrices. `operands` gives their inputs.
   * @param weight [columns, size]
   * @param terms how many terms each sum has
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
  /**
   * Writes into `first` and `second` what the matrices of the same names (see `factors`) are multiplied by, from the first
   * `count` values of x and their errors.
   * @param xError absent where x is exact
   */
  operands(
    x: Floats,
    xError: Floats | undefined,
    count: number,
    terms: number,
    first: Floats,
    second: Floats | undefined,
  ): void;
  /** Error of a = W x + b after storing it. `terms`: length of the sum; `e`: the sum of the products of `factors`. */
  affine(a: number, e: number, terms: number): number;
  /** The same for h = W_hr h', an LSTM's projection. */
  projected(h: number, e: number, terms: number): number;
  /** Error of a stored sum a of two values. `eBiases`: what rounding its biases adds. */
  sum(a: number, eOne: number, eOther: number, eBiases: number): number;
  /**
   * What rounding two biases adds to the error of the sum that they are in: a runtime may store their sum, and may store
   * a product before it adds a bias.
   * @param areAdded whether they are in one sum: those of a GRU's n are not
   */
  biases(bIh: number, bHh: number, areAdded: boolean): number;
  /** The function that computes tanh; its own errors are in `tanh`. */
  readonly tanhOf: (a: number) => number;
  /** Error of the stored activation `value` of a, where `e` is the error of a. */
  tanh(a: number, value: number, e: number): number;
  sigmoid(a: number, value: number, e: number): number;
  relu(a: number, e: number): number;
  /** Error of a stored product x y, where x ≥ 0 is a gate. */
  product(x: number, eX: number, y: number, eY: number): number;
  /** Error of a GRU's h' = (1 − z) n + z h; `next` is h'. */
  mix(z: number, eZ: number, n: number, eN: number, h: number, eH: number, next: number): number;
  /** Error of an LSTM's c' = f c + i g. */
  carry(f: number, eF: number, c: number, eC: number, i: number, eI: number, g: number, eG: number): number;
  /** Error of an LSTM's h' = o t, where t = tanh(c'). */
  output(o: number, eO: number, t: number, eT: number): number;
  /** The constants for kernels that propagate variances; absent where only bounds/cells.ts propagates them. */
  readonly kernelTerms?: (terms: number) => VarianceTerms;
  /** The standard deviation or bound that an error stands for. */
  reported(error: number): number;
  /**
   * Whether h[from … to − 1] is undecided: its errors are so large that they predict nothing about the following steps.
   * Bounds never are.
   */
  isUndecided?(h: Floats, error: Floats, from: number, to: number): boolean;
  /** The least error of an undecided value. */
  readonly undecidedError: number;
  /** The error of a value with this error after it was rounded to multiples of `spacing`, as the exact one was. */
  rounded(error: number, spacing: number): number;
}

/** Below this, 1 − value loses so few digits that it can be used. */
const NEAR_ONE = 1 - 2 ** -13;
/** Below this reach, which most are, six terms of its series give e^reach to all digits. */
const SHORT_REACH = 0.01;

/**
 * The largest slope of σ within ± reach of a. The known value σ(a) mostly saves another exponential: with
 * q = e^(reach − |a|), the slope is q / (1 + q)².
 */
export function sigmoidSlope(a: number, value: number, reach: number): number {
  const size = Math.abs(a);
  if (size <= reach) return 0.25;
  const q =
    value < NEAR_ONE && reach < SHORT_REACH
      ? (a < 0 ? value / (1 - value) : (1 - value) / value) * exp(reach)
      : Math.exp(reach - size);
  return q / ((1 + q) * (1 + q));
}

/**
 * The largest slope of tanh within ± reach of a, where `value` is tanh(a): 4 q / (1 + q)² with q = e^(2 (reach − |a|)).
 */
export function tanhSlope(a: number, value: number, reach: number): number {
  const size = Math.abs(a);
  if (size <= reach) return 1;
  const t = Math.abs(value);
  const q =
    t < NEAR_ONE && reach < SHORT_REACH / 2
      ? ((1 - t) / (1 + t)) * exp(2 * reach)
      : Math.exp(2 * (reach - size));
  return (4 * q) / ((1 + q) * (1 + q));
}

/** e^x for 0 ≤ x < SHORT_REACH. */
function exp(x: number): number {
  return 1 + x * (1 + (x / 2) * (1 + (x / 3) * (1 + (x / 4) * (1 + (x / 5) * (1 + x / 6)))));
}
