import { envelope } from '../bounds/envelope.js';
import { PROFILE_OF, PROFILES, type ProfileName } from '../bounds/profiles.js';
import { SIGMAS } from '../bounds/variance.js';
import type { SpeedOptions } from '../engine/options.js';
import type { Direction } from '../kinds.js';
import type { Bound } from '../module/bind.js';
import { directions, layerInputSize, outputSize, suffix } from '../module/parameters.js';
import type { FloatDtype, Floats } from '../tensor/dtype.js';
import { allowances } from './allowance.js';
import { separators } from './hypotheses.js';
import {
  firstBeyond,
  type KnownLayer,
  type Localised,
  localise,
  refine,
  type Suspect,
  weightOf,
} from './localise.js';
import type { Predicted } from './predict.js';
import {
  type Fit,
  type Found,
  type Misfit,
  misfit,
  type Search,
  searchPairs,
  searchSingles,
} from './search.js';

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

/** A value of a reference that was changed after it was computed: all that follows from it is as if it were not. */
interface ChangedValue {
  readonly tensor: 'output' | 'h_n' | 'c_n';
  readonly row: number;
  readonly batch: number;
  readonly unit: number;
  readonly expected: number;
  readonly actual: number;
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
  readonly decimals?: number;
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
export async function findCause(whole: Bound, base: Predicted, options: CauseOptions): Promise<Cause> {
  const { profile, decimals, depth, speed, onProgress } = options;
  const pairs = depth === 'pairs';
  const bound = cutToReference(whole);
  const search: Search = {
    bound,
    base,
    allowances: allowances(bound, profile, decimals),
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
    separators: separatorsOf(bound),
    tried: { singles: 0, pairs: 0, ofPairs: 0 },
  };
  const changed = changedValues(search, base);
  if (changed.length) return { ...nothing, changed };
  const notFinite = firstNotFinite(bound, base);
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
  const known = decimals === undefined ? knownLayers(bound, profile) : [];
  const beyond = known
    .map((layer) => ({ layer, located: localise(layer) }))
    .filter(({ located }) => located.farthest > SIGMAS);
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

/** Without the steps beyond the longest of the lengths, where the reference ends before them. */
function cutToReference(bound: Bound): Bound {
  const { sequence, references } = bound;
  const steps = references.find(({ name }) => name === 'output')?.rows ?? sequence.steps;
  if (steps === sequence.steps) return bound;
  const input = sequence.input.subarray(0, (sequence.input.length / sequence.steps) * steps);
  return { ...bound, sequence: { ...sequence, steps, input } };
}

/** The first value of the reference that is NaN or infinite, where it should not be. */
function firstNotFinite({ references }: Bound, base: Predicted): ChangedValue | undefined {
  for (const { name, data, batch, units } of references) {
    const i = data.findIndex((value, at) => !Number.isFinite(value) && Number.isFinite(base[name]![at]));
    if (i >= 0) return valueAt(name, { batch, units, data }, base, i);
  }
  return undefined;
}

function valueAt(
  tensor: ChangedValue['tensor'],
  { batch, units, data }: { readonly batch: number; readonly units: number; readonly data: Floats },
  base: Predicted,
  i: number,
): ChangedValue {
  return {
    tensor,
    row: Math.floor(i / (batch * units)),
    batch: Math.floor(i / units) % batch,
    unit: i % units,
    expected: data[i],
    actual: base[tensor]![i],
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

function separatorsOf({ network, sequence }: Bound): string[] {
  const biases = network.layers.flat().flatMap(({ biasIh, biasHh }) => [biasIh, biasHh]);
  return separators(network.module, sequence, biases);
}

/** Changed values stand out against the others by this factor, and are at most this part of all. */
const STANDS_OUT = 10;
const FEW = 0.02;
const MOST_CHANGED = 20;

/**
 * Values that are off on their own: what is off in a network goes on to the other units, and to the steps after it.
 * Where no step follows, or the same unit is off again, it may be the network.
 */
function changedValues({ bound, allowances: allowed }: Search, base: Predicted): ChangedValue[] {
  const { references, network, sequence } = bound;
  const output = references.find(({ name }) => name === 'output');
  if (!output) return [];
  const off: (ChangedValue & { readonly ratio: number })[] = [];
  let usual = 0;
  let total = 0;
  for (const [r, reference] of references.entries()) {
    const { name, data, batch, units } = reference;
    for (const [i, expected] of data.entries()) {
      const allowance = allowed[r].rows[Math.floor(i / (batch * units))];
      if (allowance === Number.POSITIVE_INFINITY) continue;
      total++;
      const actual = base[name]![i];
      const ratio = actual === expected ? 0 : Math.abs(actual - expected) / allowance;
      if (ratio <= 1) usual = Math.max(usual, ratio);
      else
        off.push({
          ...valueAt(name, reference, base, i),
          ratio: Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio,
        });
    }
  }
  const most = Math.min(MOST_CHANGED, Math.ceil(FEW * total));
  if (off.length === 0 || off.length > most || off.length === total) return [];
  const size = outputSize(network.module);
  const standsOut = (ratio: number) => ratio >= STANDS_OUT * Math.max(usual, 1 / STANDS_OUT);
  const followed = ({ tensor, row, batch, unit }: ChangedValue) => {
    // Where every h is right, no other state is that.
    if (tensor !== 'output') return off.every((one) => one.tensor === tensor);
    const length = sequence.lengths?.[batch] ?? sequence.steps;
    return unit < size ? row + 1 < length : row > 0 && row < length;
  };
  const again = off.some((one, i) =>
    off.slice(0, i).some(({ tensor, unit }) => tensor === one.tensor && unit === one.unit),
  );
  if (again || !off.every((one) => standsOut(one.ratio) && followed(one))) return [];
  return off.map(({ ratio: _, ...value }) => value);
}

/** A layer whose output is known, with its name. */
interface Known extends KnownLayer {
  readonly layer: number;
  readonly direction: Direction;
}

/** Every direction of the layers whose whole output is known, where nothing comes between it and the cells. */
function knownLayers(
  { network, sequence, references, layerOutputs }: Bound,
  said: ProfileName | undefined,
): Known[] {
  const { module, layers } = network;
  if (module.projSize) return [];
  const output = references.find(({ name }) => name === 'output');
  const truths = layers.map((_, layer) => (layer === layers.length - 1 ? output : layerOutputs[layer]));
  const dtype = truths.find((truth) => truth)?.dtype;
  if (!dtype) return [];
  const profile = PROFILES[said ?? PROFILE_OF[dtype as FloatDtype]];
  const known = truths.map((truth) => truth && { values: truth.data });
  const made = envelope(network, sequence, { profile, model: 'likely', known });
  const { steps, batch, lengths } = sequence;
  const { hiddenSize } = module;
  const ways = directions(module);
  const width = ways.length * hiddenSize;
  return truths.flatMap((truth, layer) => {
    if (!truth) return [];
    const below = layer === 0 ? sequence.input : (truths[layer - 1]?.data ?? made.layers[layer - 1].values);
    const input = new Float64Array(steps * batch * layerInputSize(module, layer));
    input.set(below);
    return ways.map((direction, d): Known => {
      const index = layer * ways.length + d;
      const state = (values: Floats | undefined) =>
        values?.subarray(index * batch * hiddenSize, (index + 1) * batch * hiddenSize);
      const own = (values: Floats) => {
        const result = new Float64Array(steps * batch * hiddenSize);
        for (let at = 0; at < values.length / width; at++) {
          const from = at * width + d * hiddenSize;
          result.set(values.subarray(from, from + hiddenSize), at * hiddenSize);
        }
        return result;
      };
      const { error, undecided } = made.layers[layer];
      return {
        layer,
        direction,
        module,
        parameters: layers[layer][d],
        reverse: direction === 'reverse',
        steps,
        batch,
        lengths,
        input,
        inputSize: layerInputSize(module, layer),
        h0: state(sequence.h0),
        c0: state(sequence.c0),
        expected: own(truth.data),
        // What is undecided says nothing.
        sigma: own(error.map((sigma, i) => (undecided[i] ? 0 : sigma))),
      };
    });
  });
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
    .filter(({ change, farthest: left }) => Number.isFinite(change) && left <= SIGMAS)
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
  const either = tensor.startsWith('bias') && !(kind === 'GRU' && gate === 'n');
  return either ? ['bias_ih', 'bias_hh'] : [tensor];
}

function whereabouts({ layer, located }: Located): Whereabouts {
  return {
    ...firstBeyond(layer, SIGMAS),
    layer: layer.layer,
    direction: layer.direction,
    explained: located.gates,
  };
}
