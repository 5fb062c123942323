import type { Comparison } from './compare/comparison.js';
import { explain } from './compare/conditioning.js';
import { resolveTolerance } from './compare/tolerance.js';
import { type ForwardOptions, forward, type Outputs } from './engine/forward.js';
import { directions, type Module } from './module/parameters.js';
import type { FloatDtype, Floats } from './tensor/dtype.js';
import type { Run } from './verify.js';

interface Rounding {
  /** How a second run rounds as a reference of this dtype was rounded. */
  readonly run: Pick<ForwardOptions, 'compute' | 'storeAs'>;
  /**
   * The part of a difference by which the runs must part to explain it. Measured on PyTorch's outputs: in 16 bits the
   * usual error is near the tolerance and leaves less room than in float32 and float64.
   */
  readonly share: number;
}

const ROUNDING: Readonly<Record<FloatDtype, Rounding>> = {
  F64: { run: { compute: 'float64', storeAs: 'F64' }, share: 0.03 },
  F32: { run: { compute: 'float32' }, share: 0.03 },
  F16: { run: { compute: 'float32', storeAs: 'F16' }, share: 0.1 },
  BF16: { run: { compute: 'float32', storeAs: 'BF16' }, share: 0.1 },
};

/** Where cellcheck itself computes in float32, its own rounding is told by a run in float64. */
const EXACT: Rounding = { run: { compute: 'float64' }, share: 0.03 };

/** |h| where tanh and the gates bound it; a projection, relu and cell states are not bounded. */
function largestOutput({ kind, nonlinearity, projSize }: Module, h0: Floats | undefined): number {
  if (nonlinearity === 'relu' || projSize) return Number.POSITIVE_INFINITY;
  // A GRU's h is a mean of tanh's values and of the h before.
  const before = kind === 'GRU' ? Array.from(h0 ?? [], Math.abs) : [];
  return before.reduce((a, b) => Math.max(a, b), 1);
}

/**
 * Parity if every element passes. Else the network is run once more with the rounding of the reference's dtype: an
 * element that fails before the two runs part is a difference; if all fail only after that, the network is
 * ill-conditioned on this input, and there is no verdict.
 */
export async function judge(run: Run): Promise<Pick<Comparison, 'verdict' | 'first' | 'partsAt'>> {
  const { bound, outputs, tensors, settings } = run;
  const { network, sequence, references } = bound;
  const roundedRuns = new Map<Rounding, Outputs>();
  const partings: number[] = [];
  for (const [i, tensor] of tensors.entries()) {
    if (tensor.mismatches === 0) continue;
    const reference = references[i];
    const dtype = reference.dtype as FloatDtype;
    const rounding =
      settings.compute === 'float32' && (dtype === 'F32' || dtype === 'F64') ? EXACT : ROUNDING[dtype];
    const { onProgress } = settings;
    const rounded =
      roundedRuns.get(rounding) ?? (await forward(network, sequence, { ...rounding.run, onProgress }));
    roundedRuns.set(rounding, rounded);
    const runs = {
      steps: sequence.steps,
      batch: sequence.batch,
      directions: directions(network.module).length,
      lengths: sequence.lengths,
      actual: outputs,
      rounded,
    };
    const { rtol, atol } = tensor.tolerance;
    const usual = resolveTolerance(tensor.name, dtype, []);
    const margin = {
      share: rounding.share,
      allowance: (magnitude: number) =>
        Math.max(rtol * magnitude + atol, usual.rtol * magnitude + usual.atol),
      bound: tensor.name === 'c_n' ? Number.POSITIVE_INFINITY : largestOutput(network.module, sequence.h0),
    };
    const { unexplained, partsAt } = explain(
      reference,
      runs,
      { rtol, atol, equalNan: settings.equal_nan },
      margin,
    );
    if (unexplained) return { verdict: 'differs', first: { tensor: tensor.name, place: unexplained } };
    partings.push(partsAt ?? sequence.steps - 1);
  }
  return partings.length
    ? { verdict: 'ill-conditioned', partsAt: Math.min(...partings) }
    : { verdict: 'parity' };
}
