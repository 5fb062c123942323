import type { FloatDtype, Precision } from '../tensor/dtype.js';
import type { TanhName } from './model.js';

/**
 * How a runtime rounds: what each part of a step is rounded to. Roundoffs and errors are relative unless stated
 * otherwise. The error of an activation is given as the largest one and as a root mean square.
 */
export interface Profile {
  /** How operands are rounded. Runtimes of one precision differ in it; the first way that explains a reference counts. */
  readonly operands: readonly Operands[];
  /** Unit roundoff of both operands of a product, where it is not known what they were before. */
  readonly products: number;
  /** Unit roundoff of the sums that products accumulate in. */
  readonly accumulate: number;
  /** Unit roundoff of stored values: sums before activations, gates, states. */
  readonly store: number;
  /** tanh as it is computed, where that is known; its errors are those that are left. */
  readonly tanhOf: TanhName;
  /** Error of tanh, in units of `store`, relative to its value. */
  readonly tanh: ActivationError;
  /** Error of tanh, in units of `store`, absolute; added to the relative one. */
  readonly tanhAbsolute: ActivationError;
  /** Error of σ, in units of `store`, relative to its value. */
  readonly sigmoid: ActivationError;
  /** Error of σ, in units of `store`, absolute; added to the relative one. */
  readonly sigmoidAbsolute: ActivationError;
  /** Unit roundoff of b_ih + b_hh, where a runtime stores their sum. */
  readonly biases: number;
  /** Unit roundoff of products that are stored before a bias is added to them. */
  readonly parts: number;
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

/**
 * The dtypes that operands are rounded to before anything is computed. That is known exactly, so it is done to the case.
 * Those that are absent stay as they are.
 */
export interface Operands {
  readonly weights?: Precision;
  readonly biases?: Precision;
  readonly input?: Precision;
  readonly initialStates?: Precision;
  /** h and the outputs of lower layers, where they are stored wider. */
  readonly state?: Precision;
  /** Only W_ih and what it is multiplied by are rounded, or only W_hh and h. */
  readonly only?: 'input' | 'hidden';
  /** What else of the profile is not the same. */
  readonly but?: Partial<Profile>;
}

interface ActivationError {
  /** The largest error. */
  readonly worst: number;
  /** The root mean square. */
  readonly typical: number;
}

const F32 = 2 ** -24;
const F16 = 2 ** -11;
const BF16 = 2 ** -8;

const torch: Profile = {
  operands: [{}],
  products: 0,
  accumulate: F32,
  store: F32,
  tanhOf: 'tanh',
  tanh: { worst: 2, typical: 0.5 },
  tanhAbsolute: { worst: 0, typical: 0 },
  sigmoid: { worst: 5, typical: 0.95 },
  sigmoidAbsolute: { worst: 0, typical: 0 },
  biases: 0,
  parts: 0,
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

const exponential: Profile = {
  ...generic,
  tanh: { worst: 9, typical: 2.5 },
  tanhAbsolute: { worst: 5.2, typical: 1.3 },
  sigmoidAbsolute: { worst: 4.1, typical: 1.3 },
};

const coarse: Profile = {
  ...exponential,
  tanh: { worst: 18, typical: 5 },
  tanhAbsolute: { worst: 5.2, typical: 2 },
  sigmoid: { worst: 6, typical: 3 },
  sigmoidAbsolute: { worst: 12, typical: 4 },
};

/** What tanh.approx differs from tanh by, relative to it. */
const FARTHEST_TANH: ActivationError = { worst: 180, typical: 75 };

/**
 * tanh.approx has steps of up to 13 roundoffs, smaller ones near zero; which of two a sum near the edge belongs to is a
 * matter of rounding.
 */
const tanhOnGpu = {
  tanhOf: 'tanh.approx',
  tanh: { worst: 22, typical: 7 },
  tanhAbsolute: { worst: 3.5, typical: 1.3 },
} as const satisfies Partial<Profile>;

/** All operands in one dtype, as module.half() has them. */
const allIn = (dtype: FloatDtype): Operands => ({
  weights: dtype,
  biases: dtype,
  input: dtype,
  initialStates: dtype,
});

/**
 * All operands in one dtype; as they are, where only what is stored is rounded; or with products or parts of sums rounded
 * as well.
 */
const narrow = (dtype: FloatDtype, products: number): readonly Operands[] => [
  allIn(dtype),
  {},
  { ...allIn(dtype), but: { products } },
];

const f16: Profile = {
  ...torch,
  operands: narrow('F16', F16),
  store: F16,
  tanh: { worst: 2, typical: 0.6 },
  sigmoid: { worst: 3, typical: 0.9 },
  biases: F16,
  parts: F16,
  floor: 2 ** -25,
  huge: 2000,
  // Where sums are added up in float16.
  hugeSum: 60_000,
};

const bf16: Profile = {
  ...f16,
  operands: narrow('BF16', BF16),
  store: BF16,
  sigmoidAbsolute: { worst: 1, typical: 0.5 },
  biases: BF16,
  parts: BF16,
  floor: 2 ** -126,
  huge: 1e37,
  hugeSum: 1e38,
};

/** Weights in 16 bits, everything else in float32; biases too, or not. */
const narrowWeights = (dtype: FloatDtype): Profile => ({
  ...exponential,
  operands: [{ weights: dtype, biases: dtype }, { weights: dtype }],
});

/** Products and gates in 16 bits, states in float32. */
const autocast = (profile: Profile, dtype: FloatDtype): Profile => ({
  ...profile,
  operands: [
    { ...allIn(dtype), state: dtype },
    { ...allIn(dtype), biases: undefined, state: dtype },
  ],
});

/**
 * The profiles by name. docs/numerics.md says what each stands for, and how its constants were measured.
 */
export const PROFILES = {
  torch,
  generic,
  exponential,
  coarse,
  cudnn: { ...generic, ...tanhOnGpu },
  f16,
  bf16,
  'f16-weights': narrowWeights('F16'),
  'bf16-weights': narrowWeights('BF16'),
  'autocast-f16': autocast(f16, 'F16'),
  'autocast-bf16': autocast(bf16, 'BF16'),
  tf32: {
    ...generic,
    operands: [
      { weights: 'TF32', input: 'TF32', state: 'TF32', but: { products: 0 } },
      // As cuDNN does, where h is multiplied in float32.
      { weights: 'TF32', input: 'TF32', state: 'TF32', only: 'input', but: { products: 0, ...tanhOnGpu } },
      // As XLA does for an input of one feature, which it does not multiply as a matrix.
      { weights: 'TF32', state: 'TF32', only: 'hidden', but: { products: 0 } },
      { but: { tanh: FARTHEST_TANH } },
    ],
    products: F16,
  },
  // The unit roundoff is doubled, because cellcheck's own float64 rounds too.
  f64: { ...generic, accumulate: 2 ** -52, store: 2 ** -52, floor: 2 ** -500, huge: 1e307, hugeSum: 1e307 },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;

const variants = new Map<Partial<Profile>, Partial<Record<ProfileName, Profile>>>();

/** A profile in one of its ways to round operands; the same object for the same one. */
export function profileWith(name: ProfileName, { but }: Operands = {}): Profile {
  if (!but) return PROFILES[name];
  const known = variants.get(but) ?? {};
  variants.set(but, known);
  known[name] ??= { ...PROFILES[name], ...but };
  return known[name];
}

/**
 * The profiles by whose bounds a fault is proven, where nobody states how a reference was rounded: all that float32
 * runtimes are known to do.
 */
export const PROOFS: Partial<Record<ProfileName, Profile>> = {
  generic: { ...coarse, tanh: FARTHEST_TANH },
};

/** The profile of a reference of which only the dtype is known. */
export const PROFILE_OF: Readonly<Record<FloatDtype, ProfileName>> = {
  F64: 'f64',
  F32: 'generic',
  F16: 'f16',
  BF16: 'bf16',
};
