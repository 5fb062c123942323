import {
  type Operands,
  PROFILE_OF,
  PROOFS,
  type Profile,
  type ProfileName,
  profileWith,
} from '../bounds/profiles.js';
import { ROUNDING_SIGMAS } from '../bounds/variance.js';
import type { OnProgress, SpeedOptions } from '../engine/options.js';
import { KINDS, type Kind } from '../kinds.js';
import type { BoundCase } from '../module/bind.js';
import { knownOutputs } from '../module/known-outputs.js';
import { suffix } from '../module/parameters.js';
import { type Known, knownLayers } from '../one-weight/known-layers.js';
import { CHANCE, type Localised, localise } from '../one-weight/localise.js';
import { refine } from '../one-weight/refine.js';
import { type Suspect, valueInFile } from '../one-weight/suspect.js';
import type { FloatDtype } from '../tensor/dtype.js';
import { envelopeInThreads } from '../threads/envelope.js';
import type {
  Cause,
  Convention,
  Finding,
  Pattern,
  Searched,
  Whereabouts,
  WrongWeight,
} from '../verdict/cause.js';
import { allowances } from './conventions/allowance.js';
import { separators } from './conventions/hypotheses.js';
import type { Hypothesis } from './conventions/hypothesis.js';
import { type Misfit, misfit, type Target } from './conventions/misfit.js';
import type { Predicted } from './conventions/predicted.js';
import { readOff } from './conventions/read-off.js';
import {
  type Fit,
  type Found,
  type Search,
  searchAmong,
  searchPairs,
  searchPlaces,
  searchSingles,
} from './conventions/search.js';
import { degenerate, overwritten, padding } from './degenerate.js';
import { firstBeyond } from './first-beyond.js';
import { changedValues, cutToReference, firstNotFinite } from './reference.js';

export interface CauseOptions {
  readonly profile?: ProfileName;
  /** What operands were rounded to before anything was computed. */
  readonly operands?: Operands;
  /** The unit of a layer's output whose values are off as one wrong weight makes them, each within rounding. */
  readonly oneUnit?: { readonly layer: number; readonly unit: number };
  /** A precision whose rounding explains all of the difference; a fault is looked for first, unless that is sure. */
  readonly precision?: { readonly profile: ProfileName; readonly isSure: boolean };
  /** Whether the output agrees in every step: only final states differ then. */
  readonly outputAgrees: boolean;
  /** How far to look: at the reference alone, at every cause alone, or also at two conventions at once. */
  readonly depth: 'reference' | 'alone' | 'pairs';
  /** What follows of the reference. */
  readonly pattern?: Pattern;
  readonly speed?: SpeedOptions;
  /** Called now and then with the part that is done, 0 … 1. */
  readonly onProgress?: OnProgress;
}

/**
 * Finds out why a reference differs from what its weights give. It looks at the reference alone first, and at its
 * precision, then tries every convention, everywhere and in one place, one weight, an unsure precision, values that were
 * changed afterwards, and two conventions at once. What it returns explains all of the reference, or says where the
 * difference begins.
 */
export async function findCause(whole: BoundCase, base: Predicted, options: CauseOptions): Promise<Cause> {
  const { profile, depth, speed } = options;
  const boundCase = cutToReference(whole);
  const target: Target = { boundCase, base, allowances: await allowances(boundCase, profile, speed) };
  const baseline = misfit(target, base, {}, false);
  const searched: Searched = {
    pattern: options.pattern,
    difference: baseline.largest,
    notExcluded: [],
    separators: separatorsOf(boundCase),
    tried: { singles: 0, pairs: 0, ofPairs: 0 },
  };
  const sure = options.precision?.isSure ? precision(options) : undefined;
  const atOnce =
    inReference(target) ??
    (options.oneUnit && (await weightOfUnit(boundCase, options.oneUnit, options))) ??
    sure ??
    (depth === 'reference' ? { kind: 'not-searched' } : undefined);
  if (atOnce) return { ...searched, ...atOnce };

  // The shares of the work that are done after singles, and after places.
  const [afterSingle, afterPlace] = depth === 'pairs' ? [0.4, 0.6] : [2 / 3, 1];
  const singles = await searchSingles({ ...target, speed, onProgress: progressOf(options, 0, afterSingle) });
  const afterSingles: Searched = {
    ...searched,
    notExcluded: singles.withoutEffect
      .filter((hypothesis) => couldShow(hypothesis, boundCase))
      .map(({ says }) => says),
    tried: singles.tried,
    nextBest: nextBest(singles, baseline),
  };
  const convention = conventions(singles);
  if (convention) return { ...afterSingles, ...convention };
  if (options.pattern?.onlyPadding) return { ...afterSingles, ...padding(boundCase) };
  const places = await searchPlaces({
    ...target,
    speed,
    onProgress: progressOf(options, afterSingle, afterPlace),
  });
  const placed = conventions(places);
  const tried = { ...singles.tried, singles: singles.tried.singles + places.count };
  const afterPlaces = { ...afterSingles, tried };
  if (placed) return { ...afterPlaces, ...placed };
  const beyond = await layersBeyond(boundCase, options);
  const alone = weights(beyond) ?? precision(options);
  if (alone) return { ...afterPlaces, ...alone };
  const changed = overwritten(target);
  // What follows from values that were changed afterwards says nothing.
  if (changed) return { ...afterPlaces, pattern: undefined, ...changed };

  const pairs =
    depth === 'pairs'
      ? await searchPairs(
          { ...target, speed, onProgress: progressOf(options, afterPlace, 1) },
          singles.withoutEffect,
        )
      : undefined;
  return {
    ...afterPlaces,
    tried: { ...tried, ...pairs?.tried },
    // What a coarser rounding leaves may hide a second fault: what explains all of it comes first.
    ...((pairs && conventions(pairs)) ??
      (await inCoarserRounding(target, [...singles.near, ...places.near], options)) ??
      (await weightOnGpu(boundCase, beyond, options)) ??
      unexplained(beyond, options)),
  };
}

/**
 * What a float32 reference may have been computed in besides: a GPU's float32; TF32, which it computes in by default, or 16
 * bits. The allowances of bfloat16 would tell nothing apart: those of float16 are wide enough for it as well.
 */
const COARSER_ROUNDINGS = ['cudnn', 'f16'] as const satisfies readonly ProfileName[];

/** Conventions of a reference that was computed in a coarser rounding as well. */
async function inCoarserRounding(
  target: Target,
  near: Found['near'],
  options: CauseOptions,
): Promise<Finding | undefined> {
  const { boundCase } = target;
  if (!mayBeCoarser(boundCase, options)) return undefined;
  for (const profile of COARSER_ROUNDINGS) {
    const search = {
      ...target,
      allowances: await allowances(boundCase, profile, options.speed),
      speed: options.speed,
    };
    // A line for each unit would fit too much of what may be rounding.
    const read = readOff(search).filter(({ change }) => !change.unitScale);
    const { fits } = await searchAmong(search, [...near, ...read.map((hypothesis) => [hypothesis])]);
    if (fits.length)
      return { kind: 'conventions', conventions: fits.map((fit) => ({ ...conventionOf(fit), profile })) };
  }
  return undefined;
}

/** Whether nobody says how a reference in float32 was rounded. */
function mayBeCoarser({ references, decimals }: BoundCase, { profile }: CauseOptions): boolean {
  return !profile && decimals === undefined && references.every(({ dtype }) => dtype === 'F32');
}

/** What a GPU's float32 leaves is fewer standard deviations of other runtimes' than this. */
const MOST_ON_GPU = 1000;
/** … and this share of all squared differences, where a weight makes the most of them. */
const MOST_LEFT_ON_GPU = 0.05;

/** One weight of a reference that a GPU computed: with it, not much is left by the rounding of other runtimes. */
async function weightOnGpu(
  boundCase: BoundCase,
  beyond: readonly LayerBeyond[],
  options: CauseOptions,
): Promise<Finding | undefined> {
  if (!mayBeCoarser(boundCase, options)) return undefined;
  const isNear = beyond.every(({ layer, localised: { farthest, total, suspects } }) => {
    if (farthest <= MOST_ON_GPU) return true;
    const rests = suspects.map((one) => refine(layer, one));
    return rests.some((rest) => rest.farthest <= MOST_ON_GPU && rest.left <= MOST_LEFT_ON_GPU * total);
  });
  return isNear
    ? weights(await layersBeyond(boundCase, { ...options, rounding: PROOFS.generic }))
    : undefined;
}

/** Whether a case like this one could show a convention: not one of tensors that it does not have, nor a rare one. */
function couldShow({ change, alone }: Hypothesis, { sequence, references }: BoundCase): boolean {
  if (alone) return false;
  const hasFinals = references.some(({ name }) => name !== 'output');
  if ((change.state || change.stateOrder) && !sequence.h0 && !sequence.c0) return false;
  return !change.finals || hasFinals;
}

/** Reports the progress of a part of the search, 0 … 1, as that of the whole, `from` … `to`. */
function progressOf({ onProgress }: CauseOptions, from: number, to: number): Search['onProgress'] {
  return onProgress && ((done, stage) => onProgress(from + (to - from) * done, stage));
}

/** What the reference shows without any further run. */
function inReference(target: Target): Finding | undefined {
  const found = degenerate(target);
  if (found) return found;
  const values = changedValues(target);
  if (values.length) return { kind: 'changed-values', values };
  const value = firstNotFinite(target.boundCase, target.base);
  return value && { kind: 'not-finite', value };
}

function conventions({ fits }: Pick<Found, 'fits'>): Finding | undefined {
  return fits.length ? { kind: 'conventions', conventions: fits.map(conventionOf) } : undefined;
}

/** A convention that was compared with a smaller share of the values is not certain. */
const MIN_COMPARED = 0.9;

function conventionOf({ hypotheses, misfit: { largest, values, of } }: Fit): Convention {
  return {
    says: hypotheses.map(({ says }) => says),
    remedies: hypotheses.map(({ remedy }) => remedy),
    left: largest,
    compared: values,
    of,
    partial: values < MIN_COMPARED * of,
  };
}

function nextBest({ nextBest: fit }: Found, baseline: Misfit): Cause['nextBest'] {
  if (!fit) return undefined;
  const explained = 1 - (fit.misfit.rms / baseline.rms) ** 2;
  return { says: fit.hypotheses.map(({ says }) => says), explained };
}

function separatorsOf({ network, sequence }: BoundCase): string[] {
  const biases = network.layers.flat().flatMap(({ biasIh, biasHh }) => [biasIh, biasHh]);
  return separators(network.module, sequence, biases);
}

/** A layer in one direction with residuals beyond rounding. */
interface LayerBeyond {
  readonly layer: Known;
  readonly localised: Localised;
}

/** The layers beyond rounding, among those whose output is known; none if numbers were printed. */
async function layersBeyond(
  boundCase: BoundCase,
  options: Parameters<typeof localisedLayers>[1],
): Promise<LayerBeyond[]> {
  if (boundCase.decimals !== undefined) return [];
  return (await localisedLayers(boundCase, options)).filter(
    ({ localised }) => localised.farthest > ROUNDING_SIGMAS,
  );
}

/** The layers whose output is known, and what single weights would explain of their residuals. */
async function localisedLayers(
  boundCase: BoundCase,
  {
    profile,
    operands,
    rounding,
    speed,
  }: Pick<CauseOptions, 'profile' | 'operands' | 'speed'> & { readonly rounding?: Profile },
): Promise<LayerBeyond[]> {
  const outputs = knownOutputs(boundCase);
  const dtype = outputs.find((output) => output)?.dtype;
  if (!dtype) return [];
  const { layers } = await envelopeInThreads(boundCase.network, boundCase.sequence, {
    profile: rounding ?? profileWith(profile ?? PROFILE_OF[dtype as FloatDtype], operands),
    operands,
    model: 'likely',
    known: outputs.map((output) => output && { values: output.data }),
    speed,
  });
  return knownLayers(boundCase, layers).map((layer) => ({ layer, localised: localise(layer) }));
}

/** The weight that makes all steps of one unit differ, though each of them is within rounding. */
async function weightOfUnit(
  boundCase: BoundCase,
  { layer, unit }: NonNullable<CauseOptions['oneUnit']>,
  options: CauseOptions,
): Promise<Finding | undefined> {
  const { hidden_size } = boundCase.network.module;
  // Directions are beside each other in a row of the output.
  const known = (await localisedLayers(boundCase, options)).filter((one) => one.layer.layer === layer);
  const own = known[Math.floor(unit / hidden_size)];
  const ofUnit = wrongWeights(own).filter((weight) => weight.unit === unit % hidden_size);
  return ofUnit.length ? { kind: 'weights', weights: ofUnit } : undefined;
}

/** Looks for one wrong weight: only one direction of one layer is beyond rounding then. */
function weights(beyond: readonly LayerBeyond[]): Finding | undefined {
  if (beyond.length !== 1) return undefined;
  const found = wrongWeights(beyond[0]);
  return found.length ? { kind: 'weights', weights: found } : undefined;
}

/** The weights that explain all of a layer's difference, each alone; what leaves the least comes first. */
function wrongWeights({ layer, localised: { suspects, farthest } }: LayerBeyond): WrongWeight[] {
  const end = suffix(layer.module, layer.layer, layer.direction);
  return suspects
    .map((suspect) => ({ suspect, ...refine(layer, suspect) }))
    .filter(({ change, farthest: left }) => Number.isFinite(change) && left <= ROUNDING_SIGMAS)
    .filter(({ suspect: { unit } }) => valuesOf(layer, unit) >= FEWEST_VALUES)
    .sort((a, b) => a.left - b.left)
    .filter(({ left }, _, [best]) => left <= best.left + CHANCE)
    .map(({ suspect, change, farthest: left }) => {
      const { row, column, gate, unit, deviation, alike } = suspect;
      const inFile = valueInFile(layer, suspect);
      return {
        tensors: tensorsOf(layer.module.kind, suspect).map((name) => name + end),
        row,
        column,
        gate,
        unit,
        inFile,
        implied: inFile + change,
        deviation,
        leftSigmas: left,
        sigmas: farthest,
        alike,
      };
    });
}

/** Any weight explains one value, and some weight explains two. */
const FEWEST_VALUES = 3;

/** How many values of a unit count. */
function valuesOf({ module, sigma }: Known, unit: number): number {
  return sigma.filter((deviation, i) => i % module.hidden_size === unit && deviation > 0).length;
}

/** The tensors that may be wrong: both biases where they are added to the same sum. */
function tensorsOf(kind: Kind, { tensor, gate }: Suspect): string[] {
  const areBiasesAdded = KINDS[kind].reset?.of !== gate;
  return tensor.startsWith('bias') && areBiasesAdded ? ['bias_ih', 'bias_hh'] : [tensor];
}

function precision({ precision: found }: CauseOptions): Finding | undefined {
  return found && { kind: 'precision', ...found };
}

function unexplained(beyond: readonly LayerBeyond[], { outputAgrees }: CauseOptions): Finding {
  return { kind: 'unexplained', outputAgrees, whereabouts: beyond.map(whereabouts) };
}

function whereabouts({ layer, localised }: LayerBeyond): Whereabouts {
  return {
    ...firstBeyond(layer, ROUNDING_SIGMAS),
    layer: layer.layer,
    direction: layer.direction,
    hasInput: layer.hasInput,
    explained: localised.gates,
  };
}
