import { firstFault } from '../compare/by-rounding.js';
import { failures } from '../compare/compare.js';
import type { Comparison } from '../compare/comparison.js';
import { explainByRounding, type RoundingExplanation } from '../compare/conditioning.js';
import { spreadOf } from '../compare/spread.js';
import { resolveTolerance, type Tolerance } from '../compare/tolerance.js';
import type { ForwardOptions, Outputs } from '../engine/forward.js';
import { KINDS } from '../kinds.js';
import { directionsOf, type Module } from '../module/parameters.js';
import type { FloatDtype, Floats } from '../tensor/dtype.js';
import { forwardInThreads } from '../threads/forward.js';
import type { Run } from '../verify.js';

interface Rounding {
  /** Runs of ours that round as a reference of this dtype was rounded, as many of them as are needed to explain. */
  readonly runs: readonly Pick<ForwardOptions, 'compute' | 'storage'>[];
  /**
   * The part of a difference by which the runs must part to explain it. Measured on PyTorch's outputs: in 16 bits the
   * usual error is near the tolerance and leaves less room than in float32 and float64.
   */
  readonly share: number;
}

/** The run to the nearest is often a 16-bit reference itself; where it is not, one run alone may be lucky. */
function runsIn(dtype: 'F32' | 'F16' | 'BF16'): Rounding['runs'] {
  return [undefined, 1, 2, 3].map((seed) => ({ storage: { dtype, seed } }));
}

const ROUNDING: Readonly<Record<FloatDtype, Rounding>> = {
  F64: { runs: [{ storage: { dtype: 'F64' } }], share: 0.03 },
  F32: { runs: runsIn('F32'), share: 0.08 },
  F16: { runs: runsIn('F16'), share: 0.25 },
  BF16: { runs: runsIn('BF16'), share: 0.25 },
};

/** Where cellcheck itself computes in float32, its own rounding is told by a run in float64. */
const EXACT: Rounding = { runs: [{ compute: 'float64' }], share: 0.03 };

/** Where two runs part too little by this factor, more of them won't part enough. */
const HOPELESS = 25;

/** |h| where tanh and the gates bound it; a projection, relu and cell states are not bounded. */
function largestOutput({ kind, nonlinearity, proj_size }: Module, h0: Floats | undefined): number {
  if (nonlinearity === 'relu' || proj_size) return Number.POSITIVE_INFINITY;
  // A GRU's h is a mean of tanh's values and of the h before.
  const before = KINDS[kind].averagesH ? Array.from(h0 ?? [], Math.abs) : [];
  return before.reduce((a, b) => Math.max(a, b), 1);
}

export type Judged = Pick<Comparison, 'verdict' | 'first' | 'partsAt'>;

/**
 * Parity if every element passes, and most of them were decided; what is beyond rounding by the automatic rule differs.
 * Else the network is run again with the rounding of the reference's dtype: an element that fails before the runs part is
 * a difference; if all fail only after that, the network is ill-conditioned on this input, and there is no verdict. What
 * the bounds of printed numbers say nothing of is no difference either.
 */
export async function judge(run: Run): Promise<Judged> {
  const { boundCase, compared, tensors, settings, judgements } = run;
  for (const [i, judgement] of (judgements ?? []).entries()) {
    const place = firstFault(compared[i], compared[i].actual, judgement);
    if (place) return { verdict: 'differs', first: { tensor: compared[i].name, place } };
  }
  const failing = tensors.some(({ mismatches }) => mismatches > 0);
  if (judgements && boundCase.decimals !== undefined && failing) return { verdict: 'undecided' };
  const roundedRuns = new Map<Rounding, Outputs[]>();
  const partings: number[] = [];
  for (const [i, tensor] of tensors.entries()) {
    if (tensor.mismatches === 0) continue;
    const dtype = compared[i].dtype as FloatDtype;
    const rounding =
      settings.compute === 'float32' && (dtype === 'F32' || dtype === 'F64') ? EXACT : ROUNDING[dtype];
    const runs = roundedRuns.get(rounding) ?? [];
    roundedRuns.set(rounding, runs);
    const { unexplained, partsAt } = await explainTensor(run, i, rounding, runs);
    if (unexplained) return { verdict: 'differs', first: { tensor: tensor.name, place: unexplained } };
    partings.push(partsAt ?? boundCase.sequence.steps - 1);
  }
  if (partings.length) return { verdict: 'ill-conditioned', partsAt: Math.min(...partings) };
  const open = (judgements ?? []).some(({ undecided }, i) =>
    saysNothing(compared[i].data, undecided, tensors[i].tolerance),
  );
  return { verdict: open ? 'undecided' : 'parity' };
}

/** More undecided values than this part of a tensor, held to a tolerance that is this part of how far they are apart. */
const MOST_UNDECIDED = 0.5;
const WIDE = 0.25;

/** Whether finite values pass for want of anything that could tell them from others. */
function saysNothing(expected: Floats, undecided: Uint8Array, { rtol, atol }: Tolerance): boolean {
  let [finite, open] = [0, 0];
  for (const [i, value] of expected.entries()) {
    if (!Number.isFinite(value)) continue;
    finite++;
    open += undecided[i];
  }
  if (open <= MOST_UNDECIDED * finite) return false;
  const spread = spreadOf(expected);
  return atol + rtol * spread >= WIDE * spread;
}

/** @param runs those made so far; more are added where they could make a difference */
async function explainTensor(
  run: Run,
  i: number,
  rounding: Rounding,
  runs: Outputs[],
): Promise<RoundingExplanation> {
  const { boundCase, outputs, compared, tensors, settings, judgements } = run;
  const { network, sequence, layerOutputs } = boundCase;
  const reference = compared[i];
  const { name, tolerance } = tensors[i];
  const layer = layerOutputs.findIndex((one) => one?.name === name);
  // A layer's output is the output of the layers up to it.
  const ofLayer = (all: Outputs) => (layer < 0 ? all : { ...all, output: all.layers![layer] });
  const { rtol, atol } = tolerance;
  const usual = resolveTolerance(name, reference.dtype, []);
  const margin = {
    share: rounding.share,
    allowance: (magnitude: number) => Math.max(rtol * magnitude + atol, usual.rtol * magnitude + usual.atol),
    largestPossible: name === 'c_n' ? Number.POSITIVE_INFINITY : largestOutput(network.module, sequence.h0),
  };
  for (let count = 1; ; count++) {
    if (runs.length < count) {
      const { onProgress, speed } = settings;
      const layers = outputs.layers !== undefined;
      const options = { ...rounding.runs[runs.length], layers, speed, onProgress };
      runs.push(await forwardInThreads(network, sequence, options));
    }
    const explanation = explainByRounding(
      reference,
      {
        steps: sequence.steps,
        batch: sequence.batch,
        directions: directionsOf(network.module).length,
        lengths: sequence.lengths,
        actual: ofLayer(outputs),
        rounded: runs.map(ofLayer),
      },
      failures(reference, reference.actual, { rtol, atol, equal_nan: settings.equal_nan }, judgements?.[i]),
      margin,
    );
    const { unexplained, missing = 0 } = explanation;
    if (!unexplained || count === rounding.runs.length || (count > 1 && missing > HOPELESS))
      return explanation;
  }
}
