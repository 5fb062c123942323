import type { Comparison } from './compare/comparison.js';
import { explain } from './compare/conditioning.js';
import { resolveTolerance } from './compare/tolerance.js';
import { type ForwardOptions, forward, type Outputs } from './engine/forward.js';
import { directions } from './module/parameters.js';
import type { FloatDtype } from './tensor/dtype.js';
import type { Run } from './verify.js';

type Precision = Pick<ForwardOptions, 'compute' | 'storeAs'>;

/** How a second run rounds as a reference of this dtype was rounded. */
const ROUNDED_AS: Readonly<Record<FloatDtype, Precision>> = {
  F64: { compute: 'float64', storeAs: 'F64' },
  F32: { compute: 'float32' },
  F16: { compute: 'float32', storeAs: 'F16' },
  BF16: { compute: 'float32', storeAs: 'BF16' },
};

/** Where cellcheck itself computes in float32, its own rounding is told by a run in float64. */
const EXACT: Precision = { compute: 'float64' };

/**
 * Parity if every element passes. Else the network is run once more with the rounding of the reference's dtype: an
 * element that fails before the two runs part is a difference; if all fail only after that, the network is
 * ill-conditioned on this input, and there is no verdict.
 */
export async function judge(run: Run): Promise<Pick<Comparison, 'verdict' | 'first' | 'partsAt'>> {
  const { bound, outputs, tensors, settings } = run;
  const { network, sequence, references } = bound;
  const roundedRuns = new Map<Precision, Outputs>();
  const partings: number[] = [];
  for (const [i, tensor] of tensors.entries()) {
    if (tensor.mismatches === 0) continue;
    const reference = references[i];
    const dtype = reference.dtype as FloatDtype;
    const precision =
      settings.compute === 'float32' && (dtype === 'F32' || dtype === 'F64') ? EXACT : ROUNDED_AS[dtype];
    const rounded = roundedRuns.get(precision) ?? (await forward(network, sequence, precision));
    roundedRuns.set(precision, rounded);
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
    const allowance = (expected: number) =>
      Math.max(rtol * Math.abs(expected) + atol, usual.rtol * Math.abs(expected) + usual.atol);
    const { unexplained, partsAt } = explain(
      reference,
      runs,
      { rtol, atol, equalNan: settings.equal_nan },
      allowance,
    );
    if (unexplained) return { verdict: 'differs', first: { tensor: tensor.name, place: unexplained } };
    partings.push(partsAt ?? sequence.steps - 1);
  }
  return partings.length
    ? { verdict: 'ill-conditioned', partsAt: Math.min(...partings) }
    : { verdict: 'parity' };
}
