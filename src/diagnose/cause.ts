import type { ProfileName } from '../bounds/profiles.js';
import { ROUNDING_SIGMAS } from '../bounds/variance.js';
import type { SpeedOptions } from '../engine/options.js';
import { type Direction, KINDS } from '../kinds.js';
import type { BoundCase } from '../module/bind.js';
import { suffix } from '../module/parameters.js';
import { allowances } from './conventions/allowance.js';
import { separators } from './conventions/hypotheses.js';
import type { Predicted } from './conventions/predict.js';
import {
  type Fit,
  type Found,
  type Misfit,
  misfit,
  type Search,
  searchPairs,
  searchSingles,
} from './conventions/search.js';
import { type Known, knownLayers } from './one-weight/known-layers.js';
import {
  firstBeyond,
  type Localised,
  localise,
  refine,
  type Suspect,
  weightOf,
} from './one-weight/localise.js';
import { type ChangedValue, changedValues, cutToReference, firstNotFinite } from './reference.js';

/** A convention, or two at once, with which the weights give the reference. */
export interface Convention {
  readonly says: readonly string[];
  readonly remedies: readonly string[];
  /** The largest difference that is left. */
  readonly left: number;
  /** How many values were compared, and how many there are: rounding may have taken the others anywhere. */
  readonly compared: number;
  readonly of: number;
  /** Whether that is too little of it to be sure. */
  readonly partial: boolean;
}

/** A weight with which the reference follows, where another stands in the file. */
export interface WrongWeight {
  /** `weight_ih_l0`; both biases where either would do. */
  readonly tensors: readonly string[];
  readonly row: number;
  readonly column?: number;
  readonly gate: string;
  readonly unit: number;
  readonly inFile: number;
  readonly implied: number;
  /** The standard deviation of `implied`. */
  readonly deviation: number;
  /** The largest difference that is left, in standard deviations of rounding, and that was there. */
  readonly leftSigmas: number;
  readonly sigmas: number;
  /** How many other weights of the gate this case does not tell from it. */
  readonly alike: number;
}

/** Where the difference is, as every step from the reference's own h shows it. */
export interface Whereabouts {
  readonly layer: number;
  readonly direction: Direction;
  /** The first step that is beyond rounding, in the order in which the direction runs; and the farthest of its units. */
  readonly step: number;
  readonly batch: number;
  readonly unit: number;
  /** Units with any value beyond rounding, and how many there are. */
  readonly units: readonly number[];
  readonly ofUnits: number;
  /** What each gate's sum would have to be off by at that step and unit; absent where no change would do. */
  readonly gates: Readonly<Record<string, number | undefined>>;
  /** The part of all that each gate explains where every unit has its best weight changed. */
  readonly explained: Readonly<Record<string, number>>;
}

/** Why a reference differs: the first of these that is there. */
export interface Cause {
  /** Beyond rounding by so much: the largest difference. */
  readonly difference: number;
  /** Each explains all of it; more than one where this case does not tell them apart. */
  readonly conventions: readonly Convention[];
  /** A coarser precision whose rounding all of it is. */
  readonly precision?: ProfileName;
  readonly changed: readonly ChangedValue[];
  /** The first value that is NaN or infinite, and should not be. */
  readonly notFinite?: ChangedValue;
  /** A single weight; more than one where each of them alone would do. */
  readonly weights: readonly WrongWeight[];
  /** Nothing explains all of it: where it begins, in each layer and direction whose output is known. */
  readonly whereabouts?: readonly Whereabouts[];
  /** Of the conventions that don't fit the one that explains most, and which part. */
  readonly nextBest?: { readonly says: readonly string[]; readonly explained: number };
  /** What makes no difference on this case, and so is neither shown nor excluded. */
  readonly notExcluded: readonly string[];
  /** What a case would need to tell apart what this one does not. */
  readonly separators: readonly string[];
  readonly tried: Found['tried'];
}

export interface CauseOptions {
  readonly profile?: ProfileName;
  /** The precision that explains all of it, where one does. */
  readonly precision?: () => ProfileName | undefined;
  /** How far to look: at the reference alone, at every cause alone, or at two at once, too. */
  readonly depth: 'reference' | 'alone' | 'pairs';
  readonly speed?: SpeedOptions;
  readonly onProgress?: (done: number) => void | Promise<void>;
}

/**
 * Finds out why a reference differs from what its weights give: first what needs no other run, then every convention
 * alone, then a precision and one weight, then two conventions at once. What is returned fits all of the reference, or
 * says where it begins to differ.
 */
export async function findCause(whole: BoundCase, base: Predicted, options: CauseOptions): Promise<Cause> {
  const { profile, depth, speed, onProgress } = options;
  const pairs = depth === 'pairs';
  const boundCase = cutToReference(whole);
  const search: Search = {
    boundCase,
    base,
    allowances: allowances(boundCase, profile),
    speed,
    onProgress: onProgress && ((done) => onProgress(pairs ? done / 2 : done)),
  };
  const baseline = misfit(search, base, {}, false);
  const nothing = {
    difference: baseline.largest,
    changed: [],
    weights: [],
    conventions: [],
    notExcluded: [],
    separators: separatorsOf(boundCase),
    tried: { singles: 0, pairs: 0, ofPairs: 0 },
  };
  const changed = changedValues(search, base);
  if (changed.length) return { ...nothing, changed };
  const notFinite = firstNotFinite(boundCase, base);
  if (notFinite) return { ...nothing, notFinite };
  if (depth === 'reference') return nothing;
  const found = await searchSingles(search);
  const rest = {
    ...nothing,
    notExcluded: found.withoutEffect.map(({ says }) => says),
    tried: found.tried,
    nextBest: nextBest(found, baseline),
  };
  if (found.fits.length) return { ...rest, conventions: found.fits.map(convention) };
  const known = boundCase.decimals === undefined ? knownLayers(boundCase, profile) : [];
  const beyond = known
    .map((layer) => ({ layer, located: localise(layer) }))
    .filter(({ located }) => located.farthest > ROUNDING_SIGMAS);
  // A weight is of one layer in one direction.
  const weights = beyond.length === 1 ? wrongWeights(beyond[0]) : [];
  if (weights.length) return { ...rest, weights };
  const precision = options.precision?.();
  if (precision) return { ...rest, precision };
  const two = pairs
    ? await searchPairs(
        { ...search, onProgress: onProgress && ((done) => onProgress((1 + done) / 2)) },
        found.withoutEffect,
      )
    : undefined;
  const tried = two?.tried ?? found.tried;
  if (two?.fits.length) return { ...rest, tried, conventions: two.fits.map(convention) };
  return { ...rest, tried, whereabouts: beyond.map(whereabouts) };
}

/** A cause that was held against less of the values than this is not sure. */
const ENOUGH = 0.9;

function convention({ hypotheses, misfit: { largest, values, of } }: Fit): Convention {
  return {
    says: hypotheses.map(({ says }) => says),
    remedies: hypotheses.map(({ remedy }) => remedy),
    left: largest,
    compared: values,
    of,
    partial: values < ENOUGH * of,
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

interface Located {
  readonly layer: Known;
  readonly located: Localised;
}

/** Weights each of which alone explains all of a layer's difference, what leaves least first. */
function wrongWeights({ layer, located: { suspects, farthest } }: Located): WrongWeight[] {
  const end = suffix(layer.module, layer.layer, layer.direction);
  return suspects
    .map((suspect) => ({ suspect, ...refine(layer, suspect) }))
    .filter(({ change, farthest: left }) => Number.isFinite(change) && left <= ROUNDING_SIGMAS)
    .sort((a, b) => a.left - b.left)
    .map(({ suspect, change, farthest: left }) => {
      const { row, column, gate, unit, deviation, alike } = suspect;
      const inFile = weightOf(layer, suspect);
      return {
        tensors: namesOf(layer.module.kind, suspect).map((name) => name + end),
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

/** Both biases are added to one sum, except those of a GRU's n. */
function namesOf(
  kind: Known['module']['kind'],
  { tensor, gate }: Pick<Suspect, 'tensor' | 'gate'>,
): string[] {
  const either = tensor.startsWith('bias') && KINDS[kind].reset?.of !== gate;
  return either ? ['bias_ih', 'bias_hh'] : [tensor];
}

function whereabouts({ layer, located }: Located): Whereabouts {
  return {
    ...firstBeyond(layer, ROUNDING_SIGMAS),
    layer: layer.layer,
    direction: layer.direction,
    explained: located.gates,
  };
}
