import { rootMeanSquare } from '../../compare/deviation.js';
import type { OnProgress, SpeedOptions } from '../../engine/options.js';
import type { BoundCase } from '../../module/bind.js';
import { directionsOf } from '../../module/parameters.js';
import { hypothesesOf } from './case-hypotheses.js';
import type { Hypothesis } from './hypothesis.js';
import { inputScale } from './input-scale.js';
import { distanceBetween, type Misfit, misfit, type Target } from './misfit.js';
import { type Limit, predict } from './predict.js';
import type { Predicted } from './predicted.js';
import { readOff } from './read-off.js';
import { PLACEABLE, type Spot, type Variant } from './variant.js';
import { fullWork, limitedWork, needsAllSteps } from './work.js';

/** One or two hypotheses, and how far from the references they lead. */
export interface Fit {
  readonly hypotheses: readonly Hypothesis[];
  readonly misfit: Misfit;
}

export interface Found {
  /** Each explains all of the difference, the likeliest first; several where the case does not tell them apart. */
  readonly fits: readonly Fit[];
  /** Of the others, the one that explains most. */
  readonly nextBest?: Fit;
  /** Those that leave so little in the first steps that a coarser rounding may be what is left. */
  readonly near: readonly (readonly Hypothesis[])[];
  /** The hypotheses that change nothing on this case, so that it neither confirms nor excludes them. */
  readonly withoutEffect: readonly Hypothesis[];
  readonly tried: { readonly singles: number; readonly pairs: number; readonly ofPairs: number };
}

export interface Search extends Target {
  readonly speed?: SpeedOptions;
  /** Called now and then with the part that is done, 0 … 1. */
  readonly onProgress?: OnProgress;
}

/** A fit must cut the RMS difference to 1/20. */
const MAX_LEFT = 1 / 20;
/** Rounding in the coarsest precision leaves less than this share of the values, as a root mean square. */
const COARSEST = 2 ** -7;
/** A hypothesis that is off by more allowances than this in the first steps is not run in full. */
const HOPELESS = 4;
/** What is tried before the whole sequence; of pairs, which are many, one step is tried even before that. */
const FIRST: Limit = { steps: 2, rows: 1 };
const VERY_FIRST: Limit = { steps: 1, rows: 1 };
/** The most multiplications of a search: some seconds. */
const MAX_WORK = 2 ** 33;
/** The most multiplications for single places: a second or two. */
const MAX_PLACE_WORK = 2 ** 32;
/** The most multiplications for pairs: a second or two. */
const MAX_PAIR_WORK = 2 ** 31;
/** The most multiplications of a run that only confirms that a hypothesis changes nothing. */
const MAX_INERT_WORK = 2 ** 24;
/** How many hypotheses are usually run in full. */
const FULL_RUNS = 12;

/** The work of trying every hypothesis alone, in multiplications. */
export function searchWork(boundCase: BoundCase): number {
  const count = hypothesesOf(boundCase).length;
  // The first steps can be compared only if the case has an output of every step.
  const hasOutput = boundCase.references.some(({ name }) => name === 'output');
  const full = hasOutput ? FULL_RUNS : count;
  return count * limitedWork(boundCase, FIRST) + full * fullWork(boundCase);
}

/** Tries every hypothesis alone. */
export async function searchSingles(search: Search): Promise<Found> {
  const { boundCase, base } = search;
  const hypotheses = [...hypothesesOf(boundCase), ...readOff(search), ...inputScale(search)];
  const start = predict(boundCase.network, boundCase.sequence, {}, { limit: FIRST });
  // If PyTorch's own first steps are far off, a hypothesis that does not change them cannot fit.
  const startIsOff = misfit(search, start, {}, true).ratio > HOPELESS;
  const ifUnchanged = startIsOff && fullWork(boundCase) > MAX_INERT_WORK ? 'skip' : 'run';
  const withoutEffect: Hypothesis[] = [];
  const { count, ...found } = await tryAll(search, {
    candidates: hypotheses.map((hypothesis) => [hypothesis]),
    limits: [FIRST],
    maxWork: MAX_WORK,
    exhaustive: true,
    afterFirst: (first) => (distanceBetween(search, first, start) <= 1 ? ifUnchanged : 'compare'),
    isSettled: (predicted, [hypothesis]) => {
      const isInert = distanceBetween(search, predicted, base) <= 1;
      if (isInert) withoutEffect.push(hypothesis);
      return isInert;
    },
  });
  return {
    ...found,
    withoutEffect,
    tried: { singles: count, pairs: 0, ofPairs: 0 },
  };
}

/** Tries every hypothesis that may hold in one place in each layer, direction, and direction of a layer. */
export async function searchPlaces(search: Search): Promise<Tried> {
  const { boundCase } = search;
  const places = placesIn(boundCase);
  const placed = hypothesesOf(boundCase).flatMap((hypothesis) =>
    mayBePlaced(hypothesis, boundCase) ? places.map((place) => [inPlace(hypothesis, place)]) : [],
  );
  const tried = await tryAll(search, { candidates: placed, limits: [FIRST], maxWork: MAX_PLACE_WORK });
  await search.onProgress?.(1, 'searching');
  return tried;
}

/** Tries some of them again, with other allowances. */
export function searchAmong(search: Search, candidates: Found['near']): Promise<Tried> {
  return tryAll(search, { candidates, limits: [FIRST], maxWork: MAX_PLACE_WORK });
}

interface NamedSpot extends Spot {
  readonly name: string;
}

/** The places in which a fault may be that is not everywhere. */
function placesIn({ network: { module } }: BoundCase): NamedSpot[] {
  const directions = directionsOf(module);
  const layers = module.num_layers > 1 ? [...Array(module.num_layers).keys()] : [];
  const ways = directions.length > 1 ? ([0, 1] as const) : [];
  return [
    ...layers.map((layer) => ({ layer, name: `in layer ${layer}` })),
    ...ways.map((direction) => ({ direction, name: `in the ${directions[direction]} direction` })),
    ...layers.flatMap((layer) =>
      ways.map((direction) => ({ layer, direction, name: `in layer ${layer} ${directions[direction]}` })),
    ),
  ];
}

function mayBePlaced({ change }: Hypothesis, { sequence }: BoundCase): boolean {
  if (change.state && !sequence.h0 && !sequence.c0) return false;
  return Object.keys(change).every((field) => (PLACEABLE as readonly string[]).includes(field));
}

function inPlace(
  { name, change, says, remedy }: Hypothesis,
  { name: where, layer, direction }: NamedSpot,
): Hypothesis {
  return {
    name: `${name}, ${where}`,
    change: { ...change, only: { layer, direction } },
    says: `${where} alone: ${says}`,
    remedy: `${where}: ${remedy}`,
    alone: true,
  };
}

/** Tries pairs of hypotheses, the likeliest first, as long as the work allows. */
export async function searchPairs(
  search: Search,
  withoutEffect: readonly Hypothesis[],
): Promise<Pick<Found, 'fits' | 'nextBest'> & { readonly tried: Omit<Found['tried'], 'singles'> }> {
  const { boundCase } = search;
  const hypotheses = hypothesesOf(boundCase);
  const pairs = pairsOf(hypotheses);
  const { fits, nextBest, count } = await tryAll(search, {
    candidates: pairs,
    limits: needsAllSteps(boundCase) ? [FIRST] : [VERY_FIRST, FIRST],
    maxWork: MAX_PAIR_WORK,
  });
  // A hypothesis that changes nothing alone is only a distraction if there are fits without it.
  const plain = fits.filter((fit) => !fit.hypotheses.some((part) => withoutEffect.includes(part)));
  return {
    fits: plain.length ? plain : fits,
    nextBest,
    tried: { pairs: count, ofPairs: pairs.length },
  };
}

/** All pairs of hypotheses that can be combined, the likeliest first. */
function pairsOf(hypotheses: readonly Hypothesis[]): (readonly Hypothesis[])[] {
  const pairable = hypotheses.filter(({ alone }) => !alone);
  return pairable
    .flatMap((a, i) =>
      pairable.slice(i + 1).flatMap((b, j) => (combine([a, b]) ? [{ pair: [a, b], rank: 2 * i + j }] : [])),
    )
    .sort((first, second) => first.rank - second.rank)
    .map(({ pair }) => pair);
}

interface Trials {
  /** What to try, in this order: one or more hypotheses at once. */
  readonly candidates: readonly (readonly Hypothesis[])[];
  /** Parts of the sequence that are tried before all of it, the shorter first. */
  readonly limits: readonly Limit[];
  readonly maxWork: number;
  /** Whether the work counts only once something fits. */
  readonly exhaustive?: boolean;
  /** What to do with a candidate after its first steps: compare them with the reference, or not. */
  readonly afterFirst?: (first: Predicted) => 'skip' | 'run' | 'compare';
  /** Whether a candidate's full prediction need not be compared with the reference. */
  readonly isSettled?: (predicted: Predicted, hypotheses: readonly Hypothesis[]) => boolean;
}

/** What fits of those that were tried, and how many were. */
type Tried = Pick<Found, 'fits' | 'nextBest' | 'near'> & { readonly count: number };

/** Predicts every candidate and compares it with the references, until the work is spent. */
async function tryAll(
  search: Search,
  { candidates, limits, maxWork, exhaustive = false, afterFirst, isSettled }: Trials,
): Promise<Tried> {
  const { boundCase, base, speed, onProgress } = search;
  const { network, sequence } = boundCase;
  const tried: Fit[] = [];
  const near: (readonly Hypothesis[])[] = [];
  const isNear = nearness(search, limits[limits.length - 1]);
  const baseline = misfit(search, base, {}, false);
  let spent = 0;
  let isFound = false;
  let count = 0;
  for (const hypotheses of candidates) {
    if (spent > maxWork && (isFound || !exhaustive)) break;
    await onProgress?.(Math.max(count / candidates.length, spent / maxWork), 'searching');
    count++;
    const change = combine(hypotheses)!;
    const isHopeless = limits.some((limit) => {
      spent += limitedWork(boundCase, limit);
      const first = predict(network, sequence, change, { limit, base });
      const next = afterFirst?.(first) ?? 'compare';
      if (next !== 'compare') return next === 'skip';
      const left = misfit(search, first, change, true);
      if (limit === limits[limits.length - 1] && isNear(left)) near.push(hypotheses);
      return left.ratio > HOPELESS;
    });
    if (isHopeless) continue;
    spent += fullWork(boundCase);
    const predicted = predict(network, sequence, change, { speed, base });
    if (isSettled?.(predicted, hypotheses)) continue;
    const left = misfit(search, predicted, change, false);
    isFound ||= left.ratio <= 1;
    tried.push({ hypotheses, misfit: left });
    if (!near.includes(hypotheses) && left.rms <= MAX_LEFT * baseline.rms) near.push(hypotheses);
  }
  return { ...separateFits(tried, baseline), near, count };
}

/** Whether a misfit in the first steps is so much smaller than PyTorch's, or so small, that the rest may be rounding. */
function nearness(search: Search, limit: Limit): (left: Misfit) => boolean {
  const { network, sequence, references } = search.boundCase;
  const start = misfit(search, predict(network, sequence, {}, { limit }), {}, true);
  const size = Math.max(...references.map(({ data }) => rootMeanSquare(data)));
  const most = Math.max(MAX_LEFT * start.rms, COARSEST * size);
  return ({ rms, values }) => values > 0 && rms <= most;
}

/** The changes of several hypotheses as one variant; undefined if two of them change the same. */
function combine(hypotheses: readonly Hypothesis[]): Variant | undefined {
  const entries = hypotheses.flatMap(({ change }) =>
    Object.entries(change).filter(([, value]) => value !== undefined),
  );
  const variant = Object.fromEntries(entries);
  return Object.keys(variant).length === entries.length ? variant : undefined;
}

/** Separates what explains the whole difference from the best of the rest. */
function separateFits(tried: readonly Fit[], baseline: Misfit): Pick<Found, 'fits' | 'nextBest'> {
  const explainsAll = ({ misfit: { ratio, rms, values } }: Fit) =>
    values > 0 && ratio <= 1 && rms <= MAX_LEFT * baseline.rms;
  const others = tried.filter((fit) => !explainsAll(fit) && fit.misfit.rms < baseline.rms);
  return {
    fits: tried.filter(explainsAll),
    nextBest: others.length ? others.reduce((a, b) => (b.misfit.rms < a.misfit.rms ? b : a)) : undefined,
  };
}
