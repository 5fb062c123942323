import type { Kind, Nonlinearity } from '../../kinds.js';
import type { Floats } from '../../tensor/dtype.js';
import type { GateStep } from '../cells/gate-step.js';
import type { Compute } from '../options.js';

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

/**
 * What a screening cell (wasm/screen.ts) computes a step from, and where it writes. It overwrites the sums of the step. "Free" is the run whose every step begins
 * from its own state; differences are what a step from the reference's state has more. Variances are in units of `ScreenTerms`.
 */
export interface ScreenStep {
  readonly rows: number;
  readonly units: number;
  /** Index of this step in `sumsX`, `sumsH`, `dSums` and `vX`. */
  readonly gatesAt: number;
  /** W_ih x + b_ih and W_hh h + b_hh of the free run, and the difference of the latter [rows, gates·units]. */
  readonly sumsX: Float32Array;
  readonly sumsH: Float32Array;
  readonly dSums: Float32Array;
  /** The sums of the products that give the variances of these two [rows, gates·units]; `vH` begins at `vHAt`. */
  readonly vX: Float32Array;
  readonly vH: Float32Array;
  readonly vHAt: number;
  /** What rounding the biases adds [gates·units]. */
  readonly biasesV: Float32Array;
  /** Out: the difference of h, and its variance [rows, units]. A GRU reads the variance of h before the step. */
  readonly dh: Float32Array;
  readonly hV: Float32Array;
  /** GRU only: the free run's h before the step, and its difference [rows, stride], from index `beforeAt`. */
  readonly before: Float32Array;
  readonly dBefore: Float32Array;
  readonly beforeAt: number;
  readonly stride: number;
  /** LSTM only: the free run's c before the step [rows, units], from index `cAt`. */
  readonly c: Float32Array;
  readonly cAt: number;
  /** LSTM only. In: of c before the step. Out: of c after it. [rows, units] */
  readonly dc: Float32Array;
  readonly cV: Float32Array;
  /** RNN only. */
  readonly nonlinearity: Nonlinearity;
}

/**
 * The constants of a screening. Variances are in units of `unit`², the square of the roundoff of stored values: float32 could
 * not hold them otherwise.
 */
export interface ScreenTerms extends Omit<VarianceTerms, 'sigmas'> {
  /** How far a standard deviation of one `unit` reaches: a sum within that of zero may be positive (relu). */
  readonly reach: number;
  /** The least variance that is told from zero, and the largest one, of sums and of states. */
  readonly least: number;
  readonly most: number;
  readonly mostOfStates: number;
  /** The largest square of a difference, in variances. */
  readonly farthest: number;
  /** 1 / unit */
  readonly perUnit: number;
}

/** The units from … to − 1 of each gate, of `of` units. */
export interface UnitRange {
  readonly from: number;
  readonly to: number;
  readonly of: number;
}

/** A matrix for products `W x + b`, as the file has it. */
export interface Factor {
  /** [columns, size]; with `units` [gates·units.of, size] */
  readonly weight: Floats;
  /** [columns], with `units` [gates·units.of]; zeros if absent */
  readonly bias?: Floats;
  /** Columns of the result. */
  readonly columns: number;
  /** Only these units of each gate, where other threads compute the others; all if absent. */
  readonly units?: UnitRange;
  /**
   * How many rows x usually has: kernels may choose a faster layout for one. Any number of rows gives right results.
   */
  readonly rows: 'one' | 'many';
  /** Multiplies with the squares of the weights. Large matrices are not copied for it. */
  readonly squared?: boolean;
  /** What the product is computed in, and its operands are stored in; as the kernels compute if absent. */
  readonly precision?: Compute;
}

/** The number of values that a factor's product sums up. */
export function sizeOf({ weight, columns, units }: Omit<Factor, 'rows'>): number {
  return (units ? ((units.to - units.from) / units.of) * weight.length : weight.length) / columns;
}

/**
 * The rows of a factor's weight that make its columns first … first + count − 1, as runs of adjacent ones: where each begins,
 * and how many rows it has.
 */
export function rowRuns(
  { units }: Pick<Factor, 'units'>,
  first: number,
  count: number,
): { readonly from: number; readonly count: number }[] {
  if (!units) return [{ from: first, count }];
  const { from, to, of } = units;
  const runs: { from: number; count: number }[] = [];
  for (let column = first; column < first + count; ) {
    const [gate, unit] = [Math.floor(column / (to - from)), column % (to - from)];
    const length = Math.min(to - from - unit, first + count - column);
    runs.push({ from: gate * of + from + unit, count: length });
    column += length;
  }
  return runs;
}

/**
 * `out[r, j] = bias[j] + Σ_k x[r, k] weight[j, k]` for the first `rows` rows of x [rows, size], written to the
 * beginning of out [rows, columns]. Every implementation sums each element in ascending k.
 */
export type Product = (out: Floats, x: Floats, rows: number) => void;

/** The operations and buffers of one layer. Operations accept only these buffers. */
export interface Workspace<B extends string, S extends string = never> {
  /** By the names of the factors. */
  readonly products: Readonly<Record<string, Product>>;
  readonly gateStep: Readonly<Record<Kind, (step: GateStep) => void>>;
  /** A cell step with the variance of every value; absent where bounds/cells.ts is all there is. */
  readonly varianceStep?: Readonly<Record<Kind, (step: ErrorStep, terms: VarianceTerms) => void>>;
  /** What a screening needs; present where float32 buffers are asked for and the kernels have it. */
  readonly screen?: ScreenKernels;
  readonly buffers: Readonly<Record<B, Floats>>;
  /** float32 buffers, for factors of that precision. */
  readonly singles: Readonly<Record<S, Float32Array>>;
}

/** Sums of deviations have rows of a multiple of this many units. */
export const DEVIATIONS = 4;

/** What samples the errors of runs that round at random, after a screening step without differences. */
export interface SampleStep {
  readonly step: ScreenStep;
  /** How many runs. */
  readonly count: number;
  /** W_hh times the errors of h before the step [count, rows, gates·units]. */
  readonly sums: Float32Array;
  /** Errors of h and, LSTM only, of c [count, rows, units]. In: before the step. Out: after it. */
  readonly h: Float32Array;
  readonly c: Float32Array;
  /** The numbers of the batch rows, and of the step: the same random numbers for the same numbers. */
  readonly ids: Float32Array;
  readonly place: number;
}

/** What the differences of a step are taken of: `count` values of the reference, from index `at` on, and of h. */
export interface DifferenceStep {
  readonly reference: Floats;
  readonly at: number;
  readonly h: Floats;
  readonly count: number;
  /** Out, at the same indices as the reference: reference − h. */
  readonly after: Float32Array;
  /** In: the differences of the step before. Out: those of this one. */
  readonly last: Float32Array;
  /** Out, at the same indices as the reference: what `last` held. */
  readonly before: Float32Array;
  /** [rows, DIFFERENCES] */
  readonly told: Floats;
}

/** A rule for single values: |difference| ≤ atol + rtol·|reference|. */
export interface Closeness {
  readonly rtol: number;
  readonly atol: number;
  /** The share of either side that its rounding may take. */
  readonly margin: number;
}

/** How a reference differs from what was computed, in all values of a step; each array has one for every step. */
export interface Differences {
  /** The largest |difference|. */
  readonly largest: Float64Array;
  /** The largest |difference| / |reference|. */
  readonly relative: Float64Array;
  /** The largest |difference| beyond rtol·|reference|, rounded up by the margin. */
  readonly needed: Float64Array;
  /** The number of values of the reference that are not zero, and of those that zero is close to. */
  readonly nonzero: Float64Array;
  readonly nearZero: Float64Array;
}

/** In the order in which kernels tell them: what two parts of a step tell together. */
export const DIFFERENCES = {
  largest: Math.max,
  relative: Math.max,
  needed: Math.max,
  nonzero: (one, other) => one + other,
  nearZero: (one, other) => one + other,
} satisfies Record<keyof Differences, (one: number, other: number) => number>;

export const DIFFERENCE_NAMES = Object.keys(DIFFERENCES) as (keyof Differences)[];

export interface ScreenKernels {
  readonly sample: Readonly<Record<Kind, (sample: SampleStep, terms: ScreenTerms) => void>>;
  /** @returns whether a value is beyond what a screening can tell */
  readonly step: Readonly<Record<Kind, (step: ScreenStep, terms: ScreenTerms) => boolean>>;
  /**
   * The largest deviation |d − dh|, in standard deviations, for d [rows, stride] from index `at`; NaN if one is. Adds their
   * squares, and how many are not zero, to these sums [rows, units rounded up to DEVIATIONS].
   */
  readonly deviations: (
    step: ScreenStep,
    terms: ScreenTerms,
    d: Float32Array,
    at: number,
    sums: Floats,
    counts: Floats,
  ) => number;
  /** `to[i] = factor · from[at + i]²` for `count` values; `to` may be `from`. */
  readonly squares: (to: Float32Array, from: Float32Array, at: number, count: number, factor: number) => void;
  /** Fills `after`, `last` and `before`, and adds what the differences of these values tell to the `row`-th of `told`. */
  readonly differences: (step: DifferenceStep, closeness: Closeness, row: number) => void;
  /** Copies the first `count` values to index `at`. */
  readonly narrow: (to: Float32Array, at: number, from: Floats, count: number) => void;
}

/** The arithmetic of a forward pass, in one precision. */
export interface Kernels {
  readonly store: GateStep['store'];
  /** Zeros, in memory that outlives the workspace. */
  allocate(length: number): Floats;
  /**
   * The operations and buffers of one layer: products for these factors, and buffers of these lengths whose contents
   * are arbitrary; `singles`: lengths of float32 buffers. Valid until the next call.
   */
  workspace<B extends string, S extends string = never>(
    factors: Readonly<Record<string, Factor>>,
    lengths: Readonly<Record<B, number>>,
    singles?: Readonly<Record<S, number>>,
  ): Workspace<B, S>;
}
