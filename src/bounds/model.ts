import type { VarianceTerms } from '../engine/kernels/kernels.js';
import type { Floats } from '../tensor/dtype.js';

/** A matrix and its bias as a product of errors takes them. */
interface ErrorFactor {
  readonly weight: Floats;
  readonly bias?: Floats;
  /** Whether the squares of the weights are meant. */
  readonly squared?: boolean;
}

/** What is known of a weight matrix beside its values. */
interface FactorFacts {
  /** Group number of every column's input: inputs of one group err alike. */
  readonly twins?: readonly number[];
  /** How far a weight and a bias may be from what is written. */
  readonly uncertainty?: { readonly weight: Floats; readonly bias?: Floats };
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
  /** Of a gate's part a = W x + b, a sum of so many terms, as it is stored; e is what the products came to. */
  part(a: number, e: number, terms: number): number;
  /** The same of an h that is the sum of a projection. */
  projected(h: number, e: number, terms: number): number;
  /** Of a stored sum a of two parts with these errors; the biases in it add up to b, which a runtime may store too. */
  sum(a: number, one: number, other: number, b: number): number;
  /** Of an activation's value at a, which has the error e. */
  tanh(a: number, value: number, e: number): number;
  sigmoid(a: number, value: number, e: number): number;
  relu(a: number, e: number): number;
  /** Of x y, where x is a gate: not negative. */
  product(x: number, eX: number, y: number, eY: number): number;
  /** Of a GRU's h' = (1 − z) n + z h. */
  mix(z: number, eZ: number, n: number, eN: number, h: number, eH: number, next: number): number;
  /** Of an LSTM's c' = f c + i g. */
  carry(f: number, eF: number, c: number, eC: number, i: number, eI: number, g: number, eG: number): number;
  /** Of an LSTM's h' = o t, where t = tanh(c'). */
  output(o: number, eO: number, t: number, eT: number): number;
  /** Of variances, what kernels take that have them go through a cell; bounds go through bounds/cells.ts only. */
  readonly kernelTerms?: (terms: number) => VarianceTerms;
  /** As it is reported: a standard deviation, or a bound. */
  reported(error: number): number;
  /** Whether the errors of a row of h say nothing about it any more; and what stands for each of them then. */
  lost?(h: Floats, error: Floats, from: number, to: number): boolean;
  readonly lostError: number;
  /** The model's error of a value that lies within ± this. */
  within(uncertainty: number): number;
}

/** Below this a value is far enough from 1 that what is left of it has all its digits. */
const NEAR_ONE = 1 - 2 ** -13;
/** Most reaches are shorter: then e^reach is there by its series, to all digits. */
const SHORT = 0.01;

/** The largest slope of σ within ± reach of a, where its value is known: without another exponential, mostly. */
export function sigmoidSlope(a: number, value: number, reach: number): number {
  const size = Math.abs(a);
  if (size <= reach) return 0.25;
  const q =
    value < NEAR_ONE && reach < SHORT
      ? (a < 0 ? value / (1 - value) : (1 - value) / value) * exp(reach)
      : Math.exp(reach - size);
  return q / ((1 + q) * (1 + q));
}

/** The same of tanh. */
export function tanhSlope(a: number, value: number, reach: number): number {
  const size = Math.abs(a);
  if (size <= reach) return 1;
  const t = Math.abs(value);
  const q =
    t < NEAR_ONE && reach < SHORT / 2 ? ((1 - t) / (1 + t)) * exp(2 * reach) : Math.exp(2 * (reach - size));
  return (4 * q) / ((1 + q) * (1 + q));
}

/** e^x for 0 ≤ x < SHORT. */
function exp(x: number): number {
  return 1 + x * (1 + (x / 2) * (1 + (x / 3) * (1 + (x / 4) * (1 + (x / 5) * (1 + x / 6)))));
}
