import type { ProfileName } from '../bounds/profiles.js';
import { ROUNDING_SIGMAS } from '../bounds/variance.js';
import type { SpeedOptions } from '../engine/options.js';
import { KINDS } from '../kinds.js';
import type { BoundCase } from '../module/bind.js';
import { suffix } from '../module/parameters.js';
import type { Cause, Convention, Whereabouts, WrongWeight } from '../verdict/cause.js';
import { allowances } from './conventions/allowance.js';
import { separators } from './conventions/hypotheses.js';
import type { Predicted } from './conventions/predicted.js';
import {
  type Fit,
  type Found,
  type Misfit,
  misfit,
  type Search,
  searchPairs,
  searchSingles,
} from './conventions/search.js';
import { firstBeyond } from './one-weight/first-beyond.js';
import { type Known, knownLayers } from './one-weight/known-layers.js';
import { type Localised, localise } from './one-weight/localise.js';
import { refine } from './one-weight/refine.js';
import { type Suspect, valueInFile } from './one-weight/suspect.js';
import { changedValues, cutToReference, firstNotFinite } from './reference.js';

export interface CauseOptions {
  readonly profile?: ProfileName;
  /** The precision that explains all of it, where one does. */
  readonly precision?: () => ProfileName | undefined;
  /** Whether the output agrees in every step, so that only final states differ. */
  readonly outputAgrees: boolean;
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
  const unsearched = {
    difference: baseline.largest,
    notExcluded: [],
    separators: separatorsOf(boundCase),
    tried: { singles: 0, pairs: 0, ofPairs: 0 },
  };
  const changed = changedValues(search, base);
  if (changed.length) return { ...unsearched, kind: 'changed-values', values: changed };
  const notFinite = firstNotFinite(boundCase, base);
  if (notFinite) return { ...unsearched, kind: 'not-finite', value: notFinite };
  if (depth === 'reference') return { ...unsearched, kind: 'not-searched' };
  const found = await searchSingles(search);
  const searched = {
    ...unsearched,
    notExcluded: found.withoutEffect.map(({ says }) => says),
    tried: found.tried,
    nextBest: nextBest(found, baseline),
  };
  if (found.fits.length) return { ...searched, kind: 'conventions', conventions: found.fits.map(convention) };
  const known = boundCase.decimals === undefined ? knownLayers(boundCase, profile) : [];
  const beyond = known
    .map((layer) => ({ layer, located: localise(layer) }))
    .filter(({ located }) => located.farthest > ROUNDING_SIGMAS);
  // A weight is of one layer in one direction.
  const weights = beyond.length === 1 ? wrongWeights(beyond[0]) : [];
  if (weights.length) return { ...searched, kind: 'weights', weights };
  const precision = options.precision?.();
  if (precision) return { ...searched, kind: 'precision', profile: precision };
  const two = pairs
    ? await searchPairs(
        { ...search, onProgress: onProgress && ((done) => onProgress((1 + done) / 2)) },
        found.withoutEffect,
      )
    : undefined;
  const tried = two?.tried ?? found.tried;
  if (two?.fits.length)
    return { ...searched, tried, kind: 'conventions', conventions: two.fits.map(convention) };
  return {
    ...searched,
    tried,
    kind: 'unexplained',
    outputAgrees: options.outputAgrees,
    whereabouts: beyond.map(whereabouts),
  };
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
      const inFile = valueInFile(layer, suspect);
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
