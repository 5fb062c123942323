import { isSequence, type TensorName } from '../kinds.js';
import { DTYPES, type Dtype, type FloatDtype, type Floats } from '../tensor/dtype.js';

/** An element is close when |actual − expected| ≤ atol + rtol·|expected|. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
  /** Where it comes from, in words: `float32 default`. */
  readonly source: string;
  /** Whether nobody asked for another than the default. */
  readonly usual: boolean;
}

export interface ToleranceOption {
  readonly rtol?: number;
  readonly atol?: number;
}

/** Tolerances as a case or a command line states them: in general, and for single outputs. */
export interface ToleranceOptions extends ToleranceOption {
  /** Who says so, for the report. */
  readonly source: string;
  readonly output?: ToleranceOption;
  readonly h_n?: ToleranceOption;
  readonly c_n?: ToleranceOption;
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
 * Of a reference that was printed: five times what each of its numbers may be off by at most, for weights are off too, and
 * their errors reach an output about that often in a short sequence.
 * @returns none where it was not printed
 */
export function printedTolerances(
  printed: { readonly decimals: number; readonly halfUnits: Floats } | undefined,
): ToleranceOptions[] {
  if (!printed) return [];
  let largest = 0;
  for (const half of printed.halfUnits) largest = Math.max(largest, half);
  const { decimals } = printed;
  const source = `${decimals} printed ${decimals === 1 ? 'decimal' : 'decimals'}`;
  return [{ rtol: 0, atol: Number((5 * largest).toPrecision(2)), source }];
}

/**
 * The tolerance of one output.
 * @param layers the stronger first: each may say rtol or atol for that output, or in general
 */
export function resolveTolerance(
  name: TensorName,
  dtype: Dtype,
  layers: readonly ToleranceOptions[],
): Tolerance {
  // A layer's output has the tolerance of the whole.
  const own = isSequence(name) ? 'output' : name;
  const usual = { ...DEFAULTS[dtype as FloatDtype], source: `${DTYPES[dtype].torch} default` };
  const said = (key: 'rtol' | 'atol') => {
    for (const layer of layers) {
      const value = layer[own]?.[key] ?? layer[key];
      if (value !== undefined) return { value, source: layer.source, usual: false };
    }
    return { value: usual[key], source: usual.source, usual: true };
  };
  const rtol = said('rtol');
  const atol = said('atol');
  return {
    rtol: rtol.value,
    atol: atol.value,
    source: rtol.source === atol.source ? rtol.source : `rtol ${rtol.source}, atol ${atol.source}`,
    usual: rtol.usual && atol.usual,
  };
}
