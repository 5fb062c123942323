import { isSequence, type TensorName } from '../kinds.js';
import { DTYPES, type Dtype, type FloatDtype, type Floats } from '../tensor/dtype.js';

/** Who states a tolerance: the default of a dtype, the case, the caller, or the decimals of a printed reference. */
export type ToleranceSource =
  | { readonly kind: 'dtype'; readonly dtype: string }
  | { readonly kind: 'case'; readonly reason?: string }
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

/** Tolerances as a case or a caller states them: in general, and for single outputs. */
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
 * (https://docs.pytorch.org/docs/stable/testing.html); references in 16 bits are rounded at every step, so exact
 * arithmetic needs more room beside them than another computation in 16 bits would.
 */
const DEFAULTS: Readonly<Record<FloatDtype, Required<ToleranceOption>>> = {
  F64: { rtol: 1e-7, atol: 1e-7 },
  F32: { rtol: 1.3e-6, atol: 1e-5 },
  F16: { rtol: 2e-3, atol: 2e-3 },
  BF16: { rtol: 2e-2, atol: 2e-2 },
};

/**
 * The tolerance of a printed reference: five times the largest rounding error of its numbers. The weights were rounded
 * as well, and in a short sequence their errors reach an output about five times.
 * @returns none where it was not printed
 */
export function printedTolerances(
  printed: { readonly decimals: number; readonly halfUnits: Floats } | undefined,
): StatedTolerance[] {
  if (!printed) return [];
  let largest = 0;
  for (const half of printed.halfUnits) largest = Math.max(largest, half);
  const { decimals } = printed;
  const atol = Number((5 * largest).toPrecision(2));
  return [{ rtol: 0, atol, source: { kind: 'printed', decimals } }];
}

/**
 * The tolerance of one output.
 * @param stated the stronger first: each may state rtol or atol for that output, or in general
 */
export function resolveTolerance(
  name: TensorName,
  dtype: Dtype,
  stated: readonly StatedTolerance[],
): Tolerance {
  // The output of a layer has the tolerance of the last layer's.
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
