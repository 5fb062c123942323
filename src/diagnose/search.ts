import { workOf } from '../engine/kernels/choose.js';
import type { SpeedOptions } from '../engine/options.js';
import type { Bound } from '../module/bind.js';
import { directions } from '../module/parameters.js';
import type { Allowance } from './allowance.js';
import { type Hypothesis, hypothesesFor } from './hypotheses.js';
import { type Limit, type Predicted, predict } from './predict.js';
import type { Variant } from './variant.js';

/** How far what hypotheses predict is from a reference. */
export interface Misfit {
  /** The largest difference in allowances. */
  readonly ratio: number;
  readonly largest: number;
  /** Root of the mean square. */
  readonly rms: number;
  /** How many values were held against each other. */
  readonly values: number;
}

export interface Fit {
  /** One, or two at once. */
  readonly hypotheses: readonly Hypothesis[];
  readonly misfit: Misfit;
}

export interface Found {
  /** What explains all of it, the likeliest first: more than one where this case does not tell them apart. */
  readonly fits: readonly Fit[];
  /** Of those that don't, the one that explains most. */
  readonly nextBest?: Fit;
  /** What makes no difference on this case, and so is neither shown nor excluded. */
  readonly withoutEffect: readonly Hypothesis[];
  readonly tried: { readonly singles: number; readonly pairs: number; readonly ofPairs: number };
}

export interface Search {
  readonly bound: Bound;
  readonly allowances: readonly Allowance[];
  /** What PyTorch's own way gives. */
  readonly base: Predicted;
  readonly speed?: SpeedOptions;
  /** Called now and then with the part that is done, 0 … 1. */
  readonly onProgress?: (done: number) => void | Promise<void>;
}

/** A cause leaves at most so much of the difference: 1/20 of it is 99.75 % of its energy. */
const LEAVES = 1 / 20;
/** What is this far off in the first steps will not fit in the others. */
const HOPELESS = 4;
/** Steps and batch rows that are tried first. */
const FIRST: Limit = { steps: 2, rows: 2 };
/** Multiplications that pairs may take: some seconds. */
const MOST_PAIR_WORK = 2 ** 32;
/** Multiplications of a run that is made only to know that it changes nothing. */
const MOST_IDLE_WORK = 2 ** 24;

/** What holding every hypothesis against the reference takes, in multiplications. */
export function searchWork(bound: Bound): number {
  const { network, sequence } = bound;
  const count = hypothesesFor(network.module, sequence).length;
  return count * limitedWork(bound, limitFor(bound)) + FULL_RUNS * workOf(network, sequence);
}

/** So many hypotheses are usually run to the end. */
const FULL_RUNS = 12;

/** Holds every hypothesis against the reference, each alone. */
export async function searchSingles(search: Search): Promise<Found> {
  const { bound, base, onProgress } = search;
  const { network, sequence } = bound;
  const limit = limitFor(bound);
  const hypotheses = hypothesesFor(network.module, sequence);
  const baseline = misfit(search, base, {}, false);
  const start = predict(network, sequence, {}, limit);
  // What changes nothing in steps that differ does not fit.
  const differsAtOnce = misfit(search, start, {}, true).ratio > HOPELESS;
  const idle = differsAtOnce && workOf(network, sequence) > MOST_IDLE_WORK;
  const tried: Fit[] = [];
  const withoutEffect: Hypothesis[] = [];
  for (const [i, hypothesis] of hypotheses.entries()) {
    await onProgress?.(i / hypotheses.length);
    const { change } = hypothesis;
    const first = predict(network, sequence, change, limit);
    const inert = apart(search, first, start) <= 1;
    if (inert ? idle : misfit(search, first, change, true).ratio > HOPELESS) continue;
    const predicted = predict(network, sequence, change, undefined, search.speed);
    if (apart(search, predicted, base) <= 1) withoutEffect.push(hypothesis);
    else tried.push({ hypotheses: [hypothesis], misfit: misfit(search, predicted, change, false) });
  }
  return {
    ...sorted(tried, baseline),
    withoutEffect,
    tried: { singles: hypotheses.length, pairs: 0, ofPairs: 0 },
  };
}

/** Holds every two hypotheses at once against the reference, the likeliest first, as far as work allows. */
export async function searchPairs(search: Search): Promise<Pick<Found, 'fits' | 'nextBest' | 'tried'>> {
  const { bound, base, onProgress } = search;
  const { network, sequence } = bound;
  const limit = limitFor(bound);
  const hypotheses = hypothesesFor(network.module, sequence);
  const baseline = misfit(search, base, {}, false);
  const pairs = hypotheses
    .flatMap((a, i) =>
      hypotheses.slice(i + 1).flatMap((b, j) => (combine(a, b) ? [{ a, b, rank: 2 * i + j }] : [])),
    )
    .sort((one, other) => one.rank - other.rank);
  const each = limitedWork(bound, limit);
  const most = Math.min(pairs.length, Math.ceil(MOST_PAIR_WORK / each));
  const tried: Fit[] = [];
  for (const [i, { a, b }] of pairs.slice(0, most).entries()) {
    await onProgress?.(i / most);
    const change = combine(a, b)!;
    const first = predict(network, sequence, change, limit);
    if (misfit(search, first, change, true).ratio > HOPELESS) continue;
    const predicted = predict(network, sequence, change, undefined, search.speed);
    tried.push({ hypotheses: [a, b], misfit: misfit(search, predicted, change, false) });
  }
  return {
    ...sorted(tried, baseline),
    tried: { singles: hypotheses.length, pairs: most, ofPairs: pairs.length },
  };
}

/** Two changes that say nothing about the same. */
function combine({ change: a }: Hypothesis, { change: b }: Hypothesis): Variant | undefined {
  const said = (change: Variant) =>
    Object.entries(change).flatMap(([key, value]) => (value === undefined ? [] : [key]));
  const ofA = said(a);
  return said(b).some((key) => ofA.includes(key)) ? undefined : { ...a, ...b };
}

function sorted(tried: readonly Fit[], baseline: Misfit): Pick<Found, 'fits' | 'nextBest'> {
  const explains = ({ misfit: { ratio, rms, values } }: Fit) =>
    values > 0 && ratio <= 1 && rms <= LEAVES * baseline.rms;
  const others = tried.filter((fit) => !explains(fit) && fit.misfit.rms < baseline.rms);
  return {
    fits: tried.filter(explains),
    nextBest: others.length ? others.reduce((a, b) => (b.misfit.rms < a.misfit.rms ? b : a)) : undefined,
  };
}

/** The reverse direction of an upper layer takes all of the lower one: then one row is enough. */
function limitFor({ network: { module } }: Bound): Limit {
  return module.bidirectional && module.numLayers > 1 ? { ...FIRST, rows: 1 } : FIRST;
}

function limitedWork({ network, sequence }: Bound, limit: Limit): number {
  const { module } = network;
  const deep = directions(module).length > 1 && module.numLayers > 1;
  const steps = deep ? sequence.steps : Math.min(limit.steps, sequence.steps);
  const batch = Math.min(limit.rows, sequence.batch);
  // Transforming the weights costs about as much as one more row.
  return workOf(network, { steps: steps * batch + 1, batch: 1 });
}

/** Whether a variant moves values along time: then they have the allowance of any step. */
function moves({ axes, outputOrder, outputShift, reverse, lengths, finals }: Variant): boolean {
  return Boolean(axes || outputOrder || outputShift || reverse === 'in its own order' || lengths || finals);
}

/** @param partial whether what is NaN was only not computed */
export function misfit(
  { bound: { references }, allowances }: Search,
  predicted: Predicted,
  variant: Variant,
  partial: boolean,
): Misfit {
  let ratio = 0;
  let largest = 0;
  let squares = 0;
  let values = 0;
  const anywhere = moves(variant);
  for (const [r, { name, rows, batch, units, data }] of references.entries()) {
    const held = predicted[name];
    if (!held) continue;
    const { rows: allowed, largest: most } = allowances[r];
    for (let row = 0; row < rows; row++) {
      if (allowed[row] === Number.POSITIVE_INFINITY) continue;
      const allowance = anywhere ? most : allowed[row];
      for (let i = row * batch * units; i < (row + 1) * batch * units; i++) {
        if (partial && Number.isNaN(held[i])) continue;
        values++;
        if (held[i] === data[i]) continue;
        const difference = Math.abs(held[i] - data[i]);
        if (!(difference / allowance <= ratio))
          ratio = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference / allowance;
        largest = Math.max(largest, difference);
        squares += difference * difference;
      }
    }
  }
  return { ratio, largest, rms: Math.sqrt(squares / Math.max(values, 1)), values };
}

/** How far two predictions are apart in allowances, where both have values. */
function apart({ bound: { references }, allowances }: Search, one: Predicted, other: Predicted): number {
  let ratio = 0;
  for (const [r, { name, rows, batch, units }] of references.entries()) {
    const a = one[name];
    const b = other[name];
    // What has no counterpart is no effect on it.
    if (!a || !b) continue;
    const { rows: allowed } = allowances[r];
    for (let i = 0; i < rows * batch * units; i++) {
      if (a[i] === b[i] || (Number.isNaN(a[i]) && Number.isNaN(b[i]))) continue;
      const difference = Math.abs(a[i] - b[i]);
      if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
      const allowance = allowed[Math.floor(i / (batch * units))];
      if (allowance !== Number.POSITIVE_INFINITY) ratio = Math.max(ratio, difference / allowance);
    }
  }
  return ratio;
}
