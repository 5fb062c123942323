import { isSequence, type TensorName } from '../kinds.js';
import { DTYPES, type Dtype, type FloatDtype, type Floats } from '../tensor/dtype.js';

/**
 * Who states a tolerance: the default of a dtype, the case, the configuration of a suite, the caller, or the decimals of a
 * printed reference.
 */
export type ToleranceSource =
  | { readonly kind: 'dtype'; readonly dtype: string }
  | { readonly kind: 'case'; readonly reason?: string }
  | { readonly kind: 'config'; readonly file: string }
  | { readonly kind: 'caller' }
  | { readonly kind: 'printed'; readonly decimals: number };

/** An element is close when |actual − expected| ≤ atol + rtol·|expected|. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
  readonly source: { readonly rtol: ToleranceSource; readonly atol: ToleranceSource };
}

export interface ToleranceOption {
  readonly rtol?: number;
  readonly atol?: number;
}

/** Tolerances as a case or a caller states them: for all outputs, and for single ones. */
export interface ToleranceOptions extends ToleranceOption {
  readonly output?: ToleranceOption;
  readonly h_n?: ToleranceOption;
  readonly c_n?: ToleranceOption;
}

/** Tolerances, and who states them. */
export interface StatedTolerance extends ToleranceOptions {
  readonly source: ToleranceSource;
}

/**
 * By the dtype of the expected tensor: for float32 and float64 those of torch.testing.assert_close
 * (https://docs.pytorch.org/docs/stable/testing.html). A reference in 16 bits is rounded at every step, and is farther
 * from an exact computation than from another one in 16 bits: its tolerance is larger than PyTorch's.
 */
const DEFAULTS: Readonly<Record<FloatDtype, Required<ToleranceOption>>> = {
  F64: { rtol: 1e-7, atol: 1e-7 },
  F32: { rtol: 1.3e-6, atol: 1e-5 },
  F16: { rtol: 2e-3, atol: 2e-3 },
  BF16: { rtol: 2e-2, atol: 2e-2 },
};

/**
 * The tolerance of a printed reference: five times the largest rounding error of its numbers. The weights were rounded
 * too, and in a short sequence their errors add up to about five times that in an output.
 * @returns an empty list where it was not printed
 */
export function printedTolerances(
  printed: { readonly decimals: number; readonly halfUnits: Floats } | undefined,
): StatedTolerance[] {
  if (!printed) return [];
  let largest = 0;
  for (const halfUnit of printed.halfUnits) largest = Math.max(largest, halfUnit);
  const { decimals } = printed;
  const atol = Number((5 * largest).toPrecision(2));
  return [{ rtol: 0, atol, source: { kind: 'printed', decimals } }];
}

/**
 * The tolerance of one output.
 * @param stated in order of precedence; each may state rtol or atol for that output, or for all
 */
export function resolveTolerance(
  name: TensorName,
  dtype: Dtype,
  stated: readonly StatedTolerance[],
): Tolerance {
  // The outputs of all layers have the tolerance of `output`.
  const output = isSequence(name) ? 'output' : name;
  const source: ToleranceSource = { kind: 'dtype', dtype: DTYPES[dtype].torch };
  const resolve = (key: 'rtol' | 'atol') => {
    for (const tolerance of stated) {
      const value = tolerance[output]?.[key] ?? tolerance[key];
      if (value !== undefined) return { value, source: tolerance.source };
    }
    return { value: DEFAULTS[dtype as FloatDtype][key], source };
  };
  const [rtol, atol] = [resolve('rtol'), resolve('atol')];
  return { rtol: rtol.value, atol: atol.value, source: { rtol: rtol.source, atol: atol.source } };
}
