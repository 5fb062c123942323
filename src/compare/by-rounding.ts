import { isSequence } from '../kinds.js';
import type { Floats } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import { distance } from './close.js';
import { count, type Place, placeAt } from './element.js';

/** What every element of a tensor should be, and how far rounding may move it. */
export interface Prediction {
  readonly values: Floats;
  /** Standard deviations of the rounding errors, or bounds of them (`AutoRule.unit`). */
  readonly error: Floats;
  /** 1 where the rounding error may be too large for a verdict on the element. */
  readonly undecided: Uint8Array;
}

export interface AutoRule {
  /** The largest error that is taken for rounding, in standard deviations (6) or in bounds (1). */
  readonly limit: number;
  readonly unit: 'sigmas' | 'bounds';
  /** Whether only an error beyond the bounds is a fault: standard deviations are too small for correlated errors. */
  readonly proofNeeded: boolean;
  /** The largest mean square of a unit's errors that is taken for rounding, in variances. */
  readonly meanSquare: number;
  /** Bounds of the rounding errors; asked for only where an element is beyond the limit, and only in `rowsToProve`. */
  readonly bounds: () => Prediction;
  /** Whether the proven faults are counted. */
  readonly areCounted: boolean;
}

/** The mean square error of one unit over all of its steps. */
export interface UnitSpread {
  /** Index in the tensor's last dimension. */
  readonly unit: number;
  /** In variances: rounding alone gives about 1. */
  readonly meanSquare: number;
  /**
   * Present where one wrong weight would explain the errors of all steps together: how far it is from that in the file, in
   * standard deviations.
   */
  readonly weightSigmas?: number;
}

/** What the automatic rule finds in a tensor, element by element and unit by unit. */
export interface Judgement {
  /** An element with more sigmas than this is a fault. */
  readonly limit: number;
  /** 1 where an element is beyond rounding. */
  readonly faults: Uint8Array;
  /** |expected − predicted| in standard deviations, or in bounds; NaN where undecided. */
  readonly sigmas: Float64Array;
  readonly undecided: Uint8Array;
  readonly counts: {
    readonly undecided: number;
    /** Faults that are beyond the bounds of rounding. */
    readonly proven: number;
    /** Elements beyond the limit that are not faults: among this many values a few exceed it by chance. */
    readonly rare: number;
  };
  /** Units whose elements may be within the limit, but whose mean square is beyond rounding. */
  readonly units: readonly UnitSpread[];
  /** Units whose mean square is unusually large, but not a fault. */
  readonly suspicious: readonly UnitSpread[];
}

/** Units with fewer values have no mean square: one value within 6 σ could make it too large on its own. */
const FEWEST_VALUES = 9;

/**
 * Among this many values a few exceed 6 σ by chance, because their partial sums, and with them their rounding errors,
 * are larger than usual: 2 of 10 million did, the farther by 6.6 σ.
 */
const MANY_VALUES = 5_000;
/** A rare value is within the bounds, and not farther than this multiple of the limit. */
export const RARE_FACTOR = 1.5;

/** How many of this many values may exceed the limit by chance. */
function rareAmong(values: number): number {
  return values < MANY_VALUES ? 0 : 1 + Math.floor(values / 1e6);
}

type Elements = Pick<Judgement, 'faults' | 'sigmas' | 'undecided'>;

/** Judges a reference by its prediction, element by element, then unit by unit. */
export function judgeByRounding(reference: Reference, predicted: Prediction, rule: AutoRule): Judgement {
  const { data: expected, units } = reference;
  const elements = judgeElements(expected, predicted, rule.limit);
  const { faults, sigmas, undecided } = elements;
  const { proven, rare } = checkFaults(expected, elements, rule);
  const spreads = rule.proofNeeded || rule.unit === 'bounds' ? [] : unitSpreads(reference, sigmas, faults);
  const { faulty, suspicious } = sortSpreads(spreads, rule.meanSquare);
  for (const { unit } of faulty) {
    // Those of its elements that raise the mean square above what is allowed.
    const far = Math.sqrt(rule.meanSquare);
    for (let i = unit; i < expected.length; i += units) if (sigmas[i] > far) faults[i] = 1;
  }
  return {
    limit: rule.limit,
    faults,
    sigmas,
    undecided,
    counts: { undecided: count(undecided), proven, rare },
    units: faulty,
    suspicious,
  };
}

type CountedSpread = UnitSpread & { readonly values: number };

/** The spreads that are a fault, and others that are unusually large. */
export function sortSpreads(spreads: readonly CountedSpread[], largest: number) {
  return {
    faulty: spreads.filter(({ meanSquare }) => meanSquare > largest),
    suspicious: spreads.filter(
      ({ meanSquare, values }) => meanSquare <= largest && meanSquare > 1 + 4 * Math.sqrt(2 / values),
    ),
  };
}

/** The mean squares of units from the sums of their squares and how many values these are of. */
export function spreadsOf(sums: Floats, counts: ArrayLike<number>): CountedSpread[] {
  const spreads: CountedSpread[] = [];
  for (let unit = 0; unit < sums.length; unit++) {
    const values = counts[unit];
    if (values >= FEWEST_VALUES) spreads.push({ unit, meanSquare: sums[unit] / values, values });
  }
  return spreads;
}

/** The error of every element in units of its prediction, and whether that is beyond the limit. */
function judgeElements(expected: Floats, predicted: Prediction, limit: number): Elements {
  const { length } = expected;
  const { values, error } = predicted;
  const sigmas = new Float64Array(length);
  const faults = new Uint8Array(length);
  const undecided = predicted.undecided.slice(0, length);
  for (let i = 0; i < length; i++) {
    const deviation = Math.abs(expected[i] - values[i]) / error[i];
    sigmas[i] = deviation;
    if (deviation <= limit && undecided[i] === 0) continue;
    // ∞ − ∞ and 0/0 agree exactly; any other NaN is a NaN in the values.
    if (Number.isNaN(deviation)) sigmas[i] = expected[i] === values[i] ? 0 : Number.POSITIVE_INFINITY;
    if (undecided[i]) sigmas[i] = Number.NaN;
    if (sigmas[i] > limit) faults[i] = 1;
  }
  return { faults, sigmas, undecided };
}

/** The batch rows with elements beyond the limit, where the bounds decide something about those. */
export function rowsToProve(reference: Reference, predicted: Prediction, rule: ProofRule): number[] {
  const { data, units, batch } = reference;
  const elements = judgeElements(data, predicted, rule.limit);
  if (!isProofOpen(elements, rule)) return [];
  const rows = new Set<number>();
  for (const [i, fault] of elements.faults.entries()) if (fault) rows.add(Math.floor(i / units) % batch);
  return [...rows];
}

type ProofRule = Pick<AutoRule, 'limit' | 'proofNeeded' | 'areCounted'>;

/** Whether bounds decide about faults: they count the proven ones, and tell which are none. */
function isProofOpen({ faults, sigmas }: Pick<Elements, 'faults' | 'sigmas'>, rule: ProofRule): boolean {
  if (!faults.includes(1)) return false;
  if (rule.areCounted || rule.proofNeeded) return true;
  return (
    count(faults) <= rareAmong(faults.length) &&
    faults.every((fault, i) => !fault || sigmas[i] <= RARE_FACTOR * rule.limit)
  );
}

/**
 * Holds the faults against the bounds. Faults within them become undecided where a proof is needed, and are taken back
 * where they are rare.
 */
function checkFaults(
  expected: Floats,
  { faults, sigmas, undecided }: Elements,
  rule: AutoRule,
): Pick<Judgement['counts'], 'proven' | 'rare'> {
  if (!isProofOpen({ faults, sigmas }, rule)) return { proven: 0, rare: 0 };
  const bounds = rule.bounds();
  let proven = 0;
  const nearFaults: number[] = [];
  for (let i = 0; i < expected.length; i++) {
    if (!faults[i]) continue;
    const possible = bounds.undecided[i] || distance(expected[i], bounds.values[i]) <= bounds.error[i];
    if (!possible) proven++;
    else if (rule.proofNeeded) {
      faults[i] = 0;
      sigmas[i] = Number.NaN;
      undecided[i] = 1;
    }
    if (faults[i] && possible && sigmas[i] <= RARE_FACTOR * rule.limit) nearFaults.push(i);
  }
  const faultCount = count(faults);
  const areRare =
    rule.unit === 'sigmas' && faultCount === nearFaults.length && faultCount <= rareAmong(expected.length);
  if (!areRare) return { proven, rare: 0 };
  for (const i of nearFaults) faults[i] = 0;
  return { proven, rare: faultCount };
}

/** The mean squares of the units without a fault. */
function unitSpreads({ units, name }: Reference, sigmas: Float64Array, faults: Uint8Array): CountedSpread[] {
  // Rows of h_n and c_n are layers and directions, so that a column holds a different unit in every row.
  if (!isSequence(name)) return [];
  const sums = new Float64Array(units);
  const values = new Uint32Array(units);
  const faulty = new Uint8Array(units);
  for (let from = 0; from < sigmas.length; from += units) {
    for (let unit = 0; unit < units; unit++) {
      if (faults[from + unit]) faulty[unit] = 1;
      const deviation = sigmas[from + unit];
      // Undecided values have no deviation; exact ones, for example padding, have no rounding error.
      if (!(deviation > 0)) continue;
      sums[unit] += deviation * deviation;
      values[unit]++;
    }
  }
  return spreadsOf(sums, values).filter(({ unit }) => !faulty[unit]);
}

/** The judgement with a fault in one unit, none of whose values needs to be beyond the limit. */
export function withFaultyUnit(
  judgement: Judgement,
  { units }: Reference,
  { unit, weightSigmas }: Required<Pick<UnitSpread, 'unit' | 'weightSigmas'>>,
): Judgement {
  const { sigmas } = judgement;
  const own = sigmas.filter((sigma, i) => i % units === unit && sigma > 0);
  const farthest = own.reduce((a, b) => Math.max(a, b), 0);
  const meanSquare = own.reduce((sum, sigma) => sum + sigma * sigma, 0) / own.length;
  return {
    ...judgement,
    // Those that show it most.
    faults: judgement.faults.map((fault, i) => (i % units === unit && sigmas[i] > farthest / 2 ? 1 : fault)),
    units: [...judgement.units, { unit, meanSquare, weightSigmas }],
  };
}

/** The first fault in the order of the rows. */
export function firstFault(reference: Reference, actual: Floats, { faults }: Judgement): Place | undefined {
  const i = faults.indexOf(1);
  return i < 0 ? undefined : placeAt(reference, actual, i);
}
