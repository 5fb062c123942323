import { type Operands, PROFILE_OF, PROFILES, type ProfileName, profileWith } from '../bounds/profiles.js';
import { ROUNDING_SIGMAS } from '../bounds/variance.js';
import { RARE_FACTOR } from '../compare/by-rounding.js';
import { rootMeanSquare } from '../compare/deviation.js';
import type { BoundCase } from '../module/bind.js';
import { allReferences, knownOutputs } from '../module/known-outputs.js';
import {
  type ActivationProfile,
  areActivationErrors,
  areSmall,
  isSmallModule,
  isSpread,
} from './activations.js';
import {
  type Coarser,
  type CoarserProfile,
  couldBe,
  gridPrecisions,
  isWidespread,
  OFF_GRID,
  roundingOf,
  WEIGHTS,
} from './coarser.js';
import { withRoundedOperands } from './operands.js';
import { beginning, farthestRow } from './part.js';
import type { RoundingJudgement } from './rounding.js';
import { judgedByRounding, judgementsOf, type Run, runBound } from './run.js';
import type { Settings } from './settings.js';
import { judge, type Ruling } from './verdict.js';

/** What a reference that differs by the profile of its dtype turns out to be. */
export interface Wider {
  /** No fault by a wider profile, as float32 runtimes are known to round, or by sampled errors. */
  readonly explained?: { readonly run: Run; readonly ruling: Ruling };
  /** It differs, but less than where operands are rounded as the profile says first. */
  readonly closer?: { readonly run: Run; readonly ruling: Ruling };
  /** It differs, but no more than this precision rounds. */
  readonly coarser?: Coarser;
}

/** Profiles of float32 runtimes whose activations err more than those of `generic`, the narrowest first. */
const ACTIVATIONS: readonly ActivationProfile[] = ['exponential', 'cudnn', 'coarse'];

/** Tries a reference that differs by its profile on wider ones, then by sampled errors. */
export async function widen(run: Run): Promise<Wider> {
  const wider = await byProfiles(run);
  if (wider.explained || wider.coarser) return wider;
  return { ...wider, explained: await bySamples(run) };
}

/** Where somebody states the profile, only the other ways are tried in which it may round operands. */
async function byProfiles(run: Run): Promise<Wider> {
  const { settings, boundCase } = run;
  const references = allReferences(boundCase);
  const narrow = references.find(({ dtype }) => dtype === 'F16' || dtype === 'BF16')?.dtype;
  const profile = settings.profile ?? (narrow && PROFILE_OF[narrow as 'F16' | 'BF16']);
  if (profile) return withOtherOperands(run, profile);
  if (references.some(({ dtype }) => dtype !== 'F32')) return {};
  const grid = gridPrecisions(run);
  if (grid) return { coarser: await firstPrecision(run, grid) };
  const mayBePrecision = isWidespread(run);
  const weights = mayBePrecision ? await firstPrecision(run, WEIGHTS, 'generic') : undefined;
  if (weights) return { coarser: weights };
  const explained = await byActivations(run);
  if (explained || !mayBePrecision) return { explained };
  return { coarser: await firstPrecision(run, OFF_GRID) };
}

type Tried = Pick<Settings, 'profile' | 'operands' | 'sampled' | 'proofs'>;

/** The same case computed by another profile, or with its operands rounded in another way. */
function recomputed({ asGiven, settings, rerun }: Run, other: Tried): Promise<Run> {
  return runBound(asGiven, { ...settings, ...other }, rerun);
}

/** A part of a case, and the least that a fault in it must be off to be one of the whole. */
interface Part {
  readonly asGiven: BoundCase;
  readonly leastSigmas: number;
}

/** Among few values a deviation of so many σ is a fault that may be rare among many. */
const NOT_RARE = RARE_FACTOR * ROUNDING_SIGMAS;

/** The parts of a case that are tried before the whole, to save time: what cannot explain them cannot explain it. */
function partsOf(run: Run): Part[] {
  const [first, farthest] = [beginning(run.asGiven), farthestRow(run)];
  return [
    ...(first ? [{ asGiven: first, leastSigmas: 0 }] : []),
    ...(farthest ? [{ asGiven: farthest, leastSigmas: NOT_RARE }] : []),
  ];
}

/** Whether a profile leaves something in one of these parts that is beyond rounding. */
async function hasFaults({ settings }: Run, parts: readonly Part[], other: Tried): Promise<boolean> {
  const judgedBy = { ...settings, sampled: false, ...other, proofs: false };
  for (const { asGiven, leastSigmas } of parts) {
    const boundCase = withRoundedOperands(asGiven, judgedBy.operands ?? {});
    const judgements = await judgedByRounding(boundCase, judgedBy);
    const isFault = ({ faults, sigmas }: RoundingJudgement) =>
      faults.some((fault, i) => fault === 1 && sigmas[i] > leastSigmas);
    if (judgements.some(isFault)) return true;
  }
  return false;
}

async function withOtherOperands(run: Run, profile: ProfileName): Promise<Wider> {
  // What overflows is undecided, and what grows is ill-conditioned: neither is a fault.
  let explained: Wider['explained'];
  let closer: Wider['closer'];
  const others: readonly Operands[] = PROFILES[profile].operands.slice(1);
  const isOneWeight = beyondIn(run) === 0;
  for (const operands of others) {
    // Rounding of products is a matter of chance: in a small module it cannot be told from a wrong weight.
    if (operands.but?.products && isSmallModule(run)) continue;
    const other = await recomputed(run, { operands });
    // A weight that stands out by one reading is not excused by one that fits worse.
    if (isOneWeight && sizeOfErrors(other) > sizeOfErrors(run)) continue;
    const ruling = await judge(other);
    if (ruling.verdict === 'differs') {
      if (beyondIn(other) < beyondIn(closer?.run ?? run)) closer = { run: other, ruling };
      continue;
    }
    const isExact = profileWith(profile, operands).products === 0;
    if (!isExact && !isNegligible(other) && !isSpread(other)) continue;
    if (ruling.verdict === 'parity') return { explained: { run: other, ruling } };
    explained ??= { run: other, ruling };
  }
  return { explained, closer };
}

/** The root mean square of the errors, in σ, of the tensor where it is largest. */
function sizeOfErrors(run: Run): number {
  return Math.max(...judgementsOf(run).map(({ sigmas }) => rootMeanSquare(sigmas)));
}

function undecidedIn(run: Run): number {
  return judgementsOf(run).reduce((sum, { counts }) => sum + counts.undecided, 0);
}

/** How many values are beyond the limit: none where only all steps of a unit together are a fault. */
function beyondIn(run: Run): number {
  const beyond = ({ sigmas, limit }: RoundingJudgement) => sigmas.filter((sigma) => sigma > limit).length;
  return judgementsOf(run).reduce((sum, judgement) => sum + beyond(judgement), 0);
}

/** Deviations of so few σ say nothing: the reference was computed more precisely than its profile allows. */
const NEGLIGIBLE = 0.3;

function isNegligible(run: Run): boolean {
  return judgementsOf(run).every(({ sigmas }) => !sigmas.some((sigma) => sigma > NEGLIGIBLE));
}

async function byActivations(run: Run): Promise<Wider['explained']> {
  if (!areSmall(run)) return undefined;
  const parts = partsOf(run);
  for (const profile of ACTIVATIONS) {
    if (await hasFaults(run, parts, { profile })) continue;
    const wider = await run.rejudge({ profile, proofs: false });
    if (!areActivationErrors(run, wider)) continue;
    const ruling = await judge(wider);
    if (ruling.verdict !== 'differs') return { run: wider, ruling };
  }
  return undefined;
}

/** Of correct references of chaotic layers none was seen beyond ten limits: farther ones are not worth sampling. */
const NEAR = 16;

/**
 * Judges by sampled errors where layers run free: variances take the errors of units for independent, which makes them
 * too small in a chaotic layer. A wrong weight of the layer above it is off in one unit more than in others.
 */
async function bySamples(run: Run): Promise<Wider['explained']> {
  const asSampled = { sampled: true };
  const isNear = ({ sigmas, limit }: RoundingJudgement) => !sigmas.some((sigma) => sigma > NEAR * limit);
  if (!knownOutputs(run.boundCase).includes(undefined) || !judgementsOf(run).every(isNear)) return undefined;
  if (await hasFaults(run, partsOf(run), asSampled)) return undefined;
  const sampled = await run.rejudge(asSampled);
  // What samples leave undecided they do not explain.
  if (undecidedIn(sampled) > undecidedIn(run)) return undefined;
  const ruling = await judge(sampled);
  return ruling.verdict !== 'differs' && isSpread(sampled) ? { run: sampled, ruling } : undefined;
}

/** Precisions that are as likely as this are not told from each other: then the one with more rounding is taken. */
const AS_LIKELY = 0.7;

/** The first precision that explains all of it, with these activations instead of its own; of several, the likeliest. */
async function firstPrecision(
  run: Run,
  precisions: readonly CoarserProfile[],
  activations?: ProfileName,
): Promise<Coarser | undefined> {
  let likeliest: Coarser | undefined;
  const parts = partsOf(run);
  for (const precision of precisions) {
    if (!couldBe(precision, run)) continue;
    for (const operands of PROFILES[precision].operands) {
      const settings = { profile: activations ?? precision, operands, sampled: false, proofs: false };
      if (await hasFaults(run, parts, settings)) continue;
      const other = await recomputed(run, settings);
      const found = roundingOf(precision, other, run);
      if (found && found.likelihood === undefined) return found;
      if (found && !(likeliest && likeliest.likelihood! >= found.likelihood! + AS_LIKELY)) likeliest = found;
    }
  }
  return likeliest;
}
