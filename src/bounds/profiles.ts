import type { FloatDtype } from '../tensor/dtype.js';

/**
 * How a runtime rounds. Roundoffs and errors are relative unless stated otherwise. The error of an activation is given
 * as the largest one and as a root mean square.
 */
export interface Profile {
  /** Unit roundoff of the sums that products accumulate in. */
  readonly accumulate: number;
  /** Unit roundoff of stored values: sums before activations, gates, states. */
  readonly store: number;
  /** Error of tanh, in units of `store`, relative to its value. */
  readonly tanh: ActivationError;
  /** Error of σ, in units of `store`, relative to its value. */
  readonly sigmoid: ActivationError;
  /** Error of σ, in units of `store`, absolute; added to the relative one. */
  readonly sigmoidAbsolute: ActivationError;
  /** Unit roundoff of a product's operands. */
  readonly operands: number;
  /** Unit roundoff of b_ih + b_hh, where a runtime stores their sum. */
  readonly biases: number;
  /** The least error of a stored value, absolute: half the smallest subnormal, or the largest value flushed to zero. */
  readonly floor: number;
  /** Above this magnitude a stored value may have overflowed. */
  readonly huge: number;
  /** Above this magnitude a partial sum may have overflowed, even if the whole sum is smaller. */
  readonly hugeSum: number;
  /**
   * The mean square of a unit's deviations, in variances, above which it is a fault. Activations that are rational
   * functions have the same error at every step while a unit is constant, of up to `worst / typical`.
   */
  readonly meanSquare: number;
}

interface ActivationError {
  /** The largest error. */
  readonly worst: number;
  /** The root mean square. */
  readonly typical: number;
}

const F32 = 2 ** -24;

const torch: Profile = {
  accumulate: F32,
  store: F32,
  tanh: { worst: 2, typical: 0.5 },
  sigmoid: { worst: 5, typical: 0.95 },
  sigmoidAbsolute: { worst: 0, typical: 0 },
  operands: 0,
  biases: 0,
  floor: 2 ** -126,
  huge: 1e37,
  hugeSum: 1e38,
  meanSquare: 4,
};

/** No rounding at all: only uncertain digits cause errors. */
export const UNROUNDED: Profile = {
  ...torch,
  accumulate: 0,
  store: 0,
  tanh: { worst: 0, typical: 0 },
  sigmoid: { worst: 0, typical: 0 },
  floor: 0,
};

const generic: Profile = {
  ...torch,
  tanh: { worst: 6, typical: 2 },
  sigmoid: { worst: 5, typical: 1 },
  sigmoidAbsolute: { worst: 3, typical: 1 },
  meanSquare: 9,
};

const half: Profile = {
  ...torch,
  store: 2 ** -11,
  tanh: { worst: 2, typical: 0.6 },
  sigmoid: { worst: 3, typical: 0.9 },
  biases: 2 ** -11,
  floor: 2 ** -25,
  huge: 2000,
};

/**
 * The profiles by name. `torch` is PyTorch on a CPU (Sleef, oneDNN); `generic` covers other runtimes too, for example
 * ONNX Runtime, whose tanh and σ are rational approximations. docs/numerics.md says how the constants were measured.
 */
export const PROFILES = {
  torch,
  generic,
  f16: half,
  bf16: {
    ...half,
    store: 2 ** -8,
    sigmoidAbsolute: { worst: 1, typical: 0.5 },
    biases: 2 ** -8,
    floor: 2 ** -126,
    huge: 1e37,
  },
  tf32: { ...generic, operands: 2 ** -11 },
  // The unit roundoff is doubled, because cellcheck's own float64 rounds too.
  f64: { ...generic, accumulate: 2 ** -52, store: 2 ** -52, floor: 2 ** -500, huge: 1e307, hugeSum: 1e307 },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;

/** The profile of a reference of which only the dtype is known. */
export const PROFILE_OF: Readonly<Record<FloatDtype, ProfileName>> = {
  F64: 'f64',
  F32: 'generic',
  F16: 'f16',
  BF16: 'bf16',
};
