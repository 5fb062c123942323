import type { FloatDtype } from '../tensor/dtype.js';

/**
 * How a runtime rounds, in relative units unless it says otherwise. Errors of its activations are given twice: the
 * largest, and the root of the mean square.
 */
export interface Profile {
  /** Unit roundoff of the sums that products accumulate in. */
  readonly accumulate: number;
  /** Unit roundoff of what is stored: pre-activations, gates, states. */
  readonly store: number;
  /** Of tanh, in units of `store`, relative to its value. */
  readonly tanh: Sizes;
  /** Of σ, in units of `store`, relative to its value. */
  readonly sigmoid: Sizes;
  /** Of σ, in units of `store`, absolute. */
  readonly sigmoidAbsolute: Sizes;
  /** Unit roundoff of a product's operands. */
  readonly operands: number;
  /** Unit roundoff of b_ih + b_hh, where a runtime stores their sum. */
  readonly biases: number;
  /** The least error of a stored value: half the smallest subnormal, or what is flushed to zero. Absolute. */
  readonly floor: number;
  /** Above this magnitude a stored value may have overflowed; and a sum, of which a part may be larger than all of it. */
  readonly huge: number;
  readonly hugeSum: number;
  /**
   * The mean square of a unit's errors, in variances, above which it is a fault: activations that are rational functions
   * err in the same way wherever a unit stands still, by up to `worst / typical`.
   */
  readonly meanSquare: number;
}

interface Sizes {
  readonly worst: number;
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

/** No rounding at all: what other errors do by themselves. */
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
 * By name. `torch` is PyTorch on a CPU (Sleef, oneDNN); `generic` covers other runtimes too, such as ONNX Runtime, whose
 * tanh and σ are rational approximations. The constants were measured on their activations: docs/numerics.md.
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
  // Both sides round: the unit is the sum of the two.
  f64: { ...generic, accumulate: 2 ** -52, store: 2 ** -52, floor: 2 ** -500, huge: 1e307, hugeSum: 1e307 },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;

/** The profile of a reference of which no more is known than its dtype. */
export const PROFILE_OF: Readonly<Record<FloatDtype, ProfileName>> = {
  F64: 'f64',
  F32: 'generic',
  F16: 'f16',
  BF16: 'bf16',
};
