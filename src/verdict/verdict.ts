import { firstFault } from '../compare/by-rounding.js';
import { explainByRounding, type RoundingExplanation } from '../compare/conditioning.js';
import { standardDeviation } from '../compare/deviation.js';
import { failures } from '../compare/tensor.js';
import { resolveTolerance } from '../compare/tolerance.js';
import type { ForwardOptions, Outputs } from '../engine/forward.js';
import type { Compute } from '../engine/options.js';
import { KINDS } from '../kinds.js';
import { outputFor } from '../module/known-outputs.js';
import type { Module } from '../module/parameters.js';
import type { FloatDtype, Floats } from '../tensor/dtype.js';
import { forwardInThreads } from '../threads/forward.js';
import type { Comparison } from './comparison.js';
import type { ComparedTensor, Run } from './run.js';

interface Rounding {
  /** Passes that round as a reference of this dtype was rounded. They are made one by one, until one explains. */
  readonly runs: readonly Pick<ForwardOptions, 'compute' | 'storage'>[];
  /**
   * The share of a difference by which the runs must diverge to explain it. Measured on PyTorch's outputs: in 16 bits the
   * usual error is near the tolerance and leaves less room than in float32 and float64.
   */
  readonly share: number;
}

/**
 * The first run rounds to the nearest, which often gives a 16-bit reference itself. Three more round at random: one alone
 * may stay close by chance.
 */
function runsIn(dtype: 'F32' | 'F16' | 'BF16'): Rounding['runs'] {
  return [undefined, 1, 2, 3].map((seed) => ({ storage: { dtype, seed } }));
}

const ROUNDING: Readonly<Record<FloatDtype, Rounding>> = {
  F64: { runs: [{ storage: { dtype: 'F64' } }], share: 0.03 },
  F32: { runs: runsIn('F32'), share: 0.08 },
  F16: { runs: runsIn('F16'), share: 0.25 },
  BF16: { runs: runsIn('BF16'), share: 0.25 },
};

/** Where cellcheck itself computes in float32, a run in float64 shows its own rounding. */
const EXACT: Rounding = { runs: [{ compute: 'float64' }], share: 0.03 };

/** If two runs diverge too little by this factor, more runs will not diverge enough. */
const HOPELESS = 25;

/** The largest possible |h|. With relu or a projection nothing bounds it. */
function largestOutput({ kind, nonlinearity, proj_size }: Module, h0: Floats | undefined): number {
  if (nonlinearity === 'relu' || proj_size) return Number.POSITIVE_INFINITY;
  const before = KINDS[kind].averagesH ? Array.from(h0 ?? [], Math.abs) : [];
  return before.reduce((a, b) => Math.max(a, b), 1);
}

/** A verdict, and the place or step that it rests on. */
export type Ruling = Pick<Comparison, 'verdict' | 'first' | 'divergesAt' | 'overflow'>;

/**
 * Parity if every element passes, and most of them were decided. A value beyond rounding by the rule `auto` differs. Else
 * the network is run again with the rounding of the reference's dtype: an element that fails before these runs diverge is
 * a difference; if every element fails only after that, the network is ill-conditioned on this input, and there is no
 * verdict. Where printed digits cannot tell, or a sum may have overflowed, there is none either.
 */
export async function judge(run: Run): Promise<Ruling> {
  const { boundCase, tensors, settings } = run;
  for (const { reference, actual, judgement } of tensors) {
    const place = judgement && firstFault(reference, actual, judgement);
    if (place) return { verdict: 'differs', first: { tensor: reference.name, place } };
  }
  const failing = tensors.filter(({ comparison }) => comparison.mismatches > 0);
  if (settings.rule === 'auto' && boundCase.decimals !== undefined && failing.length)
    return { verdict: 'undecided' };
  const roundedRuns = new Map<Rounding, Outputs[]>();
  const partings: number[] = [];
  for (const tensor of failing) {
    const rounding = roundingOf(tensor.reference.dtype as FloatDtype, settings.compute);
    const runs = roundedRuns.get(rounding) ?? [];
    roundedRuns.set(rounding, runs);
    const { unexplained, divergesAt } = await explainTensor(run, tensor, rounding, runs);
    const overflow = tensor.judgement?.overflow;
    if (unexplained && overflow) return { verdict: 'undecided', overflow };
    if (unexplained)
      return { verdict: 'differs', first: { tensor: tensor.reference.name, place: unexplained } };
    partings.push(divergesAt ?? boundCase.sequence.steps - 1);
  }
  if (partings.length) return { verdict: 'ill-conditioned', divergesAt: Math.min(...partings) };
  return { verdict: tensors.some(saysNothing) ? 'undecided' : 'parity' };
}

function roundingOf(dtype: FloatDtype, compute: Compute): Rounding {
  return compute === 'float32' && (dtype === 'F32' || dtype === 'F64') ? EXACT : ROUNDING[dtype];
}

/** A tensor says nothing if more than MOST_UNDECIDED of its values are undecided, under a tolerance of WIDE their spread. */
const MOST_UNDECIDED = 0.5;
const WIDE = 0.25;

/** Whether finite values pass because nothing could tell them from others. */
function saysNothing({ reference, judgement, comparison }: ComparedTensor): boolean {
  if (!judgement) return false;
  let [finite, undecided] = [0, 0];
  const { data } = reference;
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) continue;
    finite++;
    undecided += judgement.undecided[i];
  }
  if (undecided <= MOST_UNDECIDED * finite) return false;
  const { rtol, atol } = comparison.tolerance;
  const spread = standardDeviation(reference.data);
  return atol + rtol * spread >= WIDE * spread;
}

/** @param runs the rounded runs made so far; more are added where they could make a difference */
async function explainTensor(
  { boundCase, outputs, settings }: Run,
  { reference, actual, judgement, comparison }: ComparedTensor,
  rounding: Rounding,
  runs: Outputs[],
): Promise<RoundingExplanation> {
  const { network, sequence } = boundCase;
  const { name, dtype, axes } = reference;
  // The output of a layer is the output of the layers up to it.
  const upToLayer = (all: Outputs) =>
    axes.layer === undefined ? all : { ...all, output: outputFor(reference, all) };
  const { rtol, atol } = comparison.tolerance;
  const usual = resolveTolerance(name, dtype, []);
  const margin = {
    share: rounding.share,
    allowance: (magnitude: number) => Math.max(rtol * magnitude + atol, usual.rtol * magnitude + usual.atol),
    largestPossible: name === 'c_n' ? Number.POSITIVE_INFINITY : largestOutput(network.module, sequence.h0),
  };
  const fails = failures(reference, actual, { rtol, atol, equal_nan: settings.equal_nan }, judgement);
  for (let count = 1; ; count++) {
    if (runs.length < count) {
      const { onProgress, speed } = settings;
      const layers = outputs.layers !== undefined;
      const options = { ...rounding.runs[runs.length], layers, speed, onProgress };
      runs.push(await forwardInThreads(network, sequence, options));
    }
    const explanation = explainByRounding(
      reference,
      { actual: upToLayer(outputs), rounded: runs.map(upToLayer) },
      fails,
      margin,
    );
    const { unexplained, missing = 0 } = explanation;
    if (!unexplained || count === rounding.runs.length || (count > 1 && missing > HOPELESS))
      return explanation;
  }
}
