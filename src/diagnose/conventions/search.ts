import { workOf } from '../../engine/kernels/choose.js';
import type { SpeedOptions } from '../../engine/options.js';
import type { BoundCase, Network } from '../../module/bind.js';
import { directionsOf } from '../../module/parameters.js';
import type { Allowance } from './allowance.js';
import { type Hypothesis, hypothesesFor } from './hypotheses.js';
import { type Limit, predict } from './predict.js';
import type { Predicted } from './predicted.js';
import type { Variant } from './variant.js';

/** How far what hypotheses predict is from a reference. */
export interface Misfit {
  /** The largest difference in allowances. */
  readonly ratio: number;
  readonly largest: number;
  /** Root of the mean square. */
  readonly rms: number;
  /** How many values were held against each other, and how many there are: rounding may have taken some anywhere. */
  readonly values: number;
  readonly of: number;
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
  readonly boundCase: BoundCase;
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
/** Steps and batch rows that are tried first; of pairs, which are many, one step even before that. */
const FIRST: Limit = { steps: 2, rows: 1 };
const VERY_FIRST: Limit = { steps: 1, rows: 1 };
/** Multiplications that a search may take: some seconds for conventions alone, and a second or two for pairs. */
const MOST_WORK = 2 ** 33;
const MOST_PAIR_WORK = 2 ** 31;
/** Multiplications of a run that is made only to know that it changes nothing. */
const MOST_IDLE_WORK = 2 ** 24;
/** What a step of a unit takes beside its products, in multiplications. */
const UNIT_WORK = 200;
/** So many hypotheses are usually run to the end. */
const FULL_RUNS = 12;

/** What holding every hypothesis against the reference takes, in multiplications. */
export function searchWork(boundCase: BoundCase): number {
  const count = hypothesesOf(boundCase).length;
  // Without the output of every step nothing is to be seen in the first ones.
  const full = boundCase.references.some(({ name }) => name === 'output') ? FULL_RUNS : count;
  return count * firstWork(boundCase, FIRST) + full * fullWork(boundCase);
}

/** Holds every hypothesis against the reference, each alone. */
export async function searchSingles(search: Search): Promise<Found> {
  const { boundCase, base } = search;
  const { network, sequence } = boundCase;
  const hypotheses = hypothesesOf(boundCase);
  const start = predict(network, sequence, {}, { limit: FIRST });
  // What changes nothing in steps that differ does not fit.
  const differsAtOnce = misfit(search, start, {}, true).ratio > HOPELESS;
  const idle = differsAtOnce && fullWork(boundCase) > MOST_IDLE_WORK;
  const withoutEffect: Hypothesis[] = [];
  const tried = await tryAll(
    search,
    hypotheses.map((one) => [one]),
    [FIRST],
    MOST_WORK,
    (first) => apart(search, first, start) <= 1 && (idle ? 'skip' : 'run'),
    (predicted, [hypothesis]) => {
      const inert = apart(search, predicted, base) <= 1;
      if (inert) withoutEffect.push(hypothesis);
      return inert;
    },
  );
  return {
    ...sorted(tried.fits, misfit(search, base, {}, false)),
    withoutEffect,
    tried: { singles: tried.count, pairs: 0, ofPairs: 0 },
  };
}

/** Holds every two hypotheses at once against the reference, the likeliest first, as far as work allows. */
export async function searchPairs(
  search: Search,
  without: readonly Hypothesis[],
): Promise<Pick<Found, 'fits' | 'nextBest' | 'tried'>> {
  const { boundCase, base } = search;
  const hypotheses = hypothesesOf(boundCase).filter(({ alone }) => !alone);
  const pairs = hypotheses
    .flatMap((a, i) =>
      hypotheses.slice(i + 1).flatMap((b, j) => (combine([a, b]) ? [{ pair: [a, b], rank: 2 * i + j }] : [])),
    )
    .sort((one, other) => one.rank - other.rank)
    .map(({ pair }) => pair);
  const { fits, count } = await tryAll(
    search,
    pairs,
    isDeep(boundCase) ? [FIRST] : [VERY_FIRST, FIRST],
    MOST_PAIR_WORK,
  );
  const sure = sorted(fits, misfit(search, base, {}, false));
  // One that changes nothing says nothing beside another, if there are pairs that do without it.
  const lean = sure.fits.filter((fit) => !fit.hypotheses.some((one) => without.includes(one)));
  return {
    fits: lean.length ? lean : sure.fits,
    nextBest: sure.nextBest,
    tried: { singles: hypothesesOf(boundCase).length, pairs: count, ofPairs: pairs.length },
  };
}

/**
 * Holds hypotheses against the reference, one or more at once, in this order, until the work is spent.
 * @param limits parts of the sequence that are tried before all of it, the shorter first
 * @param early says of the first steps whether one need not be held against the reference there
 * @param settled whether nothing more is to be said of what one predicts
 */
async function tryAll(
  search: Search,
  all: readonly (readonly Hypothesis[])[],
  limits: readonly Limit[],
  mostWork: number,
  early: (first: Predicted) => 'skip' | 'run' | false = () => false,
  settled: (predicted: Predicted, hypotheses: readonly Hypothesis[]) => boolean = () => false,
): Promise<{ fits: Fit[]; count: number }> {
  const { boundCase, base, speed, onProgress } = search;
  const { network, sequence } = boundCase;
  const fits: Fit[] = [];
  let spent = 0;
  let count = 0;
  for (const hypotheses of all) {
    if (spent > mostWork) break;
    await onProgress?.(Math.max(count / all.length, spent / mostWork));
    count++;
    const change = combine(hypotheses)!;
    const hopeless = limits.some((limit) => {
      spent += firstWork(boundCase, limit);
      const first = predict(network, sequence, change, { limit, base });
      const seen = early(first);
      return seen === 'skip' || (!seen && misfit(search, first, change, true).ratio > HOPELESS);
    });
    if (hopeless) continue;
    spent += fullWork(boundCase);
    const predicted = predict(network, sequence, change, { speed, base });
    if (!settled(predicted, hypotheses))
      fits.push({ hypotheses, misfit: misfit(search, predicted, change, false) });
  }
  return { fits, count };
}

/** All that makes sense for a case; and lengths, where the reference has zeros at its end and the case has none. */
function hypothesesOf({ network, sequence, references }: BoundCase): readonly Hypothesis[] {
  const all = hypothesesFor(network.module, sequence);
  const output = references.find(({ name }) => name === 'output');
  if (!output || sequence.lengths) return all;
  const { rows, batch, units, data } = output;
  const lengths = Array.from({ length: batch }, (_, row) => {
    let end = rows;
    const isZero = (t: number) =>
      data.subarray((t * batch + row) * units, (t * batch + row + 1) * units).every((value) => value === 0);
    while (end > 1 && isZero(end - 1)) end--;
    return end;
  });
  if (lengths.every((length) => length === rows)) return all;
  const text = lengths.length > 8 ? `${lengths.slice(0, 8).join(', ')}, …` : lengths.join(', ');
  const padded: Hypothesis = {
    name: 'lengths missing',
    change: { lengths },
    says: `the reference ends early: its rows are zero from the steps ${text} on`,
    remedy: 'give the lengths to the case (an input tensor named lengths)',
  };
  return [padded, ...all];
}

/** Changes that say nothing about the same. */
function combine(hypotheses: readonly Hypothesis[]): Variant | undefined {
  const entries = hypotheses.flatMap(({ change }) =>
    Object.entries(change).filter(([, value]) => value !== undefined),
  );
  const all = Object.fromEntries(entries);
  return Object.keys(all).length === entries.length ? all : undefined;
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

/** Whether a reverse direction of an upper layer takes all steps of the lower one before its first. */
function isDeep({ network: { module } }: BoundCase): boolean {
  return directionsOf(module).length > 1 && module.num_layers > 1;
}

/** What the first steps take, in multiplications. */
function firstWork(boundCase: BoundCase, limit: Limit): number {
  const { network, sequence } = boundCase;
  const steps = isDeep(boundCase) ? sequence.steps : Math.min(limit.steps, sequence.steps);
  const batch = Math.min(limit.rows, sequence.batch);
  // Transforming the weights costs about as much as one more row.
  return runWork(network, steps * batch + 1);
}

function fullWork({ network, sequence }: BoundCase): number {
  return runWork(network, sequence.steps * sequence.batch);
}

function runWork(network: Network, rows: number): number {
  const { hidden_size, num_layers } = network.module;
  const units = hidden_size * num_layers * directionsOf(network.module).length;
  return workOf(network, { steps: rows, batch: 1 }) + UNIT_WORK * units * rows;
}

/** Whether a variant moves values along time: then they have the allowance of any step. */
function moves({ axes, outputOrder, outputShift, reverse, lengths, finals }: Variant): boolean {
  return Boolean(axes || outputOrder || outputShift || reverse === 'in its own order' || lengths || finals);
}

/** @param partial whether what is NaN was only not computed */
export function misfit(
  { boundCase: { references }, allowances, base }: Search,
  predicted: Predicted,
  variant: Variant,
  partial: boolean,
): Misfit {
  let ratio = 0;
  let largest = 0;
  let squares = 0;
  let values = 0;
  let of = 0;
  const anywhere = moves(variant);
  for (const [r, { name, rows, batch, units, data }] of references.entries()) {
    // Of what a variant has no say in, what PyTorch's own way gives must be right.
    const held = predicted[name] ?? base[name]!;
    const { rows: allowed, largest: most } = allowances[r];
    of += data.length;
    for (let row = 0; row < rows; row++) {
      if (allowed[row] === Number.POSITIVE_INFINITY) continue;
      const allowance = anywhere ? most : allowed[row];
      for (let from = row * batch * units; from < (row + 1) * batch * units; from += units) {
        // Most of a limited run's steps are not known.
        if (partial && Number.isNaN(held[from]) && Number.isNaN(held[from + units - 1])) continue;
        for (let i = from; i < from + units; i++) {
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
  }
  return { ratio, largest, rms: Math.sqrt(squares / Math.max(values, 1)), values, of };
}

/** How far two predictions are apart in allowances, where both have values. */
function apart({ boundCase: { references }, allowances }: Search, one: Predicted, other: Predicted): number {
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
