import { isSequence } from '../kinds.js';
import type { Floats } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import { distance } from './close.js';
import { count, type Place, placeAt } from './element.js';

/** What every element of a tensor should be, and how far rounding may take it. */
export interface Prediction {
  readonly values: Floats;
  /** Standard deviations, or bounds. */
  readonly error: Floats;
  /** 1 where nothing can be said. */
  readonly undecided: Uint8Array;
}

export interface AutoRule {
  /** So many errors are rounding: 6 where they are standard deviations, 1 where they are bounds. */
  readonly limit: number;
  readonly unit: 'sigmas' | 'bounds';
  /** Whether a fault must be proven too: the errors are not independent of each other. */
  readonly proofNeeded: boolean;
  /** The mean square of a unit's errors above which it is a fault, in variances. */
  readonly meanSquare: number;
  /** Bounds of what rounding can do, for elements that are beyond what is likely; made when they are asked for. */
  readonly bounds: () => Prediction;
}

/** A unit's mean square, in variances, over all of its steps. */
export interface UnitSpread {
  /** Of the tensor's last dimension. */
  readonly unit: number;
  readonly meanSquare: number;
}

/** What the automatic rule says of each element of a tensor, and of all. */
export interface Judgement {
  /** Above so many an element is a fault. */
  readonly limit: number;
  /** 1 where an element is beyond rounding. */
  readonly faults: Uint8Array;
  /** |expected − predicted| in standard deviations, or in bounds; NaN where undecided. */
  readonly sigmas: Float64Array;
  readonly undecided: Uint8Array;
  /**
   * How many of the elements are undecided; of the faults, how many are beyond what rounding can do at all; and how many
   * are no faults though they are beyond the limit, for so few of so many are.
   */
  readonly counts: { readonly undecided: number; readonly proven: number; readonly rare: number };
  /** Units whose mean square alone is a fault. */
  readonly units: readonly UnitSpread[];
  /** Units whose mean square is larger than is usual: no fault. */
  readonly suspicious: readonly UnitSpread[];
}

/** With fewer values one of them within 6 σ could be too much on its own. */
const FEWEST_VALUES = 9;

/**
 * Among so many values one is beyond 6 σ now and then (two in ten million were, the farther one at 6.6 σ): the sums of a
 * few have larger parts on the way than is usual. Such a value is within the bound, and below this multiple of the limit.
 */
const MANY = 10_000;
const RARE = 1.5;

/** So few of `count` values beyond the limit are no sign of a fault. */
function rareAmong(count: number): number {
  return count < MANY ? 0 : 1 + Math.floor(count / (100 * MANY));
}

/** Judges a reference by what it should be, element by element. */
export function judgeByRounding(reference: Reference, predicted: Prediction, rule: AutoRule): Judgement {
  const { data: expected } = reference;
  const { length } = expected;
  const sigmas = new Float64Array(length);
  const faults = new Uint8Array(length);
  const undecided = predicted.undecided.slice(0, length);
  let beyond = false;
  const { values, error } = predicted;
  const { limit } = rule;
  for (let i = 0; i < length; i++) {
    const apart = Math.abs(expected[i] - values[i]) / error[i];
    sigmas[i] = apart;
    if (apart <= limit && undecided[i] === 0) continue;
    // Equal infinities, or what has no rounding in it: then no other number is near.
    if (Number.isNaN(apart)) sigmas[i] = expected[i] === values[i] ? 0 : Number.POSITIVE_INFINITY;
    if (undecided[i]) sigmas[i] = Number.NaN;
    if (sigmas[i] > limit) {
      faults[i] = 1;
      beyond = true;
    }
  }
  let proven = 0;
  let rare = 0;
  if (beyond) {
    const worst = rule.bounds();
    const few: number[] = [];
    for (let i = 0; i < length; i++) {
      if (!faults[i]) continue;
      const possible = worst.undecided[i] || distance(expected[i], worst.values[i]) <= worst.error[i];
      if (!possible) proven++;
      else if (rule.proofNeeded) {
        faults[i] = 0;
        sigmas[i] = Number.NaN;
        undecided[i] = 1;
      }
      if (faults[i] && possible && sigmas[i] <= RARE * limit) few.push(i);
    }
    const all = count(faults);
    if (rule.unit === 'sigmas' && all === few.length && all <= rareAmong(length)) {
      rare = all;
      for (const i of few) faults[i] = 0;
    }
  }
  const spreads = rule.proofNeeded || rule.unit === 'bounds' ? [] : unitSpreads(reference, sigmas, faults);
  const units = spreads.filter(({ meanSquare }) => meanSquare > rule.meanSquare);
  for (const { unit } of units) {
    // The elements that make it one.
    const far = Math.sqrt(rule.meanSquare);
    for (let i = unit; i < length; i += reference.units) if (sigmas[i] > far) faults[i] = 1;
  }
  return {
    limit,
    faults,
    sigmas,
    undecided,
    counts: { undecided: count(undecided), proven, rare },
    units,
    suspicious: spreads.filter(
      ({ meanSquare, values }) => meanSquare <= rule.meanSquare && meanSquare > 1 + 4 * Math.sqrt(2 / values),
    ),
  };
}

/** The mean squares of units none of whose elements is a fault itself. */
function unitSpreads(
  { units, name }: Reference,
  sigmas: Float64Array,
  faults: Uint8Array,
): (UnitSpread & { values: number })[] {
  // Rows of h_n and c_n are layers, whose units have no more in common than their numbers.
  if (!isSequence(name)) return [];
  const sums = new Float64Array(units);
  const values = new Uint32Array(units);
  const faulty = new Uint8Array(units);
  for (let from = 0; from < sigmas.length; from += units) {
    for (let unit = 0; unit < units; unit++) {
      if (faults[from + unit]) faulty[unit] = 1;
      const one = sigmas[from + unit];
      // What is exact, as padding is, has no rounding in it.
      if (!(one > 0)) continue;
      sums[unit] += one * one;
      values[unit]++;
    }
  }
  return Array.from({ length: units }, (_, unit) => ({
    unit,
    meanSquare: sums[unit] / values[unit],
    values: values[unit],
  })).filter(({ unit, values }) => !faulty[unit] && values >= FEWEST_VALUES);
}

/** The first fault in the order of the rows. */
export function firstFault(reference: Reference, actual: Floats, { faults }: Judgement): Place | undefined {
  const i = faults.indexOf(1);
  return i < 0 ? undefined : placeAt(reference, actual, i);
}
