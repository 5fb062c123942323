import type { Comparison } from './compare/comparison.js';
import { type Explanation, explain } from './compare/conditioning.js';
import { type ForwardOptions, forward, type Outputs } from './engine/forward.js';
import { directions } from './module/parameters.js';
import type { FloatDtype } from './tensor/dtype.js';
import type { Run } from './verify.js';

interface Rounding {
  /** How a second run rounds as the reference did. */
  readonly run: Pick<ForwardOptions, 'compute' | 'storeAs'>;
  /** The part of the tolerance by which the runs must part before rounding counts as an explanation. */
  readonly share: number;
}

const ROUNDING: Readonly<Record<FloatDtype, Rounding>> = {
  F64: { run: { compute: 'float64', storeAs: 'F64' }, share: 0.1 },
  F32: { run: { compute: 'float32' }, share: 0.1 },
  F16: { run: { compute: 'float32', storeAs: 'F16' }, share: 0.1 },
  BF16: { run: { compute: 'float32', storeAs: 'BF16' }, share: 0.1 },
};

/**
 * Parity if every element passes. Else the network is run once more with the rounding of the reference's dtype: an
 * element that fails before the two runs part is a difference; if all fail after that, the network is
 * ill-conditioned on this input, and there is no verdict.
 */
export async function judge(run: Run): Promise<Pick<Comparison, 'verdict' | 'first' | 'partsAt'>> {
  const { bound, outputs, tensors, settings } = run;
  const { network, sequence, references } = bound;
  const roundedRuns = new Map<Rounding, Outputs>();
  const explanations: Explanation[] = [];
  for (const [i, tensor] of tensors.entries()) {
    if (tensor.mismatches === 0) continue;
    const reference = references[i];
    const rounding = roundingOf(reference.dtype as FloatDtype, settings.compute);
    const rounded = roundedRuns.get(rounding) ?? (await forward(network, sequence, rounding.run));
    roundedRuns.set(rounding, rounded);
    const runs = {
      steps: sequence.steps,
      batch: sequence.batch,
      directions: directions(network.module).length,
      lengths: sequence.lengths,
      actual: outputs,
      rounded,
    };
    const threshold = { tolerance: tensor.tolerance, share: rounding.share };
    const explanation = explain(reference, runs, threshold, settings.equal_nan);
    if (explanation.unexplained) {
      return { verdict: 'differs', first: { tensor: tensor.name, place: explanation.unexplained } };
    }
    explanations.push(explanation);
  }
  if (explanations.length === 0) return { verdict: 'parity' };
  const steps = explanations.flatMap(({ partsAt }) => partsAt ?? []);
  return { verdict: 'ill-conditioned', partsAt: steps.length ? Math.min(...steps) : sequence.steps - 1 };
}

/** Where cellcheck itself computes in float32, its own rounding is told by a run in float64. */
function roundingOf(dtype: FloatDtype, compute: Run['settings']['compute']): Rounding {
  const alike = compute === 'float32' && (dtype === 'F32' || dtype === 'F64');
  return alike ? FLOAT32_COMPUTED : ROUNDING[dtype];
}

const FLOAT32_COMPUTED: Rounding = { run: { compute: 'float64' }, share: 0.1 };
