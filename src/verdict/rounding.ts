import type { Envelope, EnvelopeOptions, Spread } from '../bounds/envelope.js';
import type { Overflow } from '../bounds/layer.js';
import {
  PROFILE_OF,
  PROFILES,
  PROOFS,
  type Profile,
  type ProfileName,
  profileWith,
  UNROUNDED,
} from '../bounds/profiles.js';
import { sampleFreeLayers } from '../bounds/samples.js';
import { ROUNDING_SIGMAS } from '../bounds/variance.js';
import {
  type AutoRule,
  type Judgement,
  judgeByRounding,
  type Prediction,
  rowsToProve,
  withFaultyUnit,
} from '../compare/by-rounding.js';
import { rootMeanSquare, standardDeviation } from '../compare/deviation.js';
import type { BoundCase } from '../module/bind.js';
import { allReferences, knownOutputs, outputFor } from '../module/known-outputs.js';
import { type Known, knownLayers } from '../one-weight/known-layers.js';
import { wrongUnit } from '../one-weight/wrong-unit.js';
import type { FloatDtype, Floats } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import { envelopeInThreads } from '../threads/envelope.js';
import type { Settings } from './settings.js';

/** The judgement of a reference, and what it rests on. */
export interface RoundingJudgement extends Judgement {
  readonly reference: Reference;
  readonly profile: ProfileName;
  /** Whether every step began from the reference's own h, and not from the h computed for the step before. */
  readonly forced: boolean;
  /** The number of decimals that the case was printed with: then it is judged by bounds. */
  readonly decimals?: number;
  /** What every value should be. */
  readonly predicted: Floats;
  /** The first sum that may overflow in one order of adding and not in another, where there is one. */
  readonly overflow?: Overflow;
}

type RoundingSettings = Pick<Settings, 'profile' | 'operands' | 'proofs' | 'speed' | 'onProgress'> & {
  /** The errors of layers that run free, where they were sampled. */
  readonly samples?: EnvelopeOptions['samples'];
};

/** A bound wider than this share of a value (or of 1), or of the spread of the values, says too little. */
const USEFUL = 0.5;
/** Values whose spread is a smaller share of their size are constant: their size replaces the spread. */
const CONSTANT = 0.01;

/**
 * Judges every reference by what rounding can do to it: the rule `auto`. Where the whole output is known, every step of
 * the last layer begins from the reference's own h, so that an error holds the rounding of one step only. Layers below
 * it, and all layers where the output is not known, run free. Printed numbers are held within the bounds of what their
 * missing digits can do, from whichever beginning gives the narrower bound.
 */
export async function judgeRounding(
  boundCase: BoundCase,
  settings: RoundingSettings,
): Promise<RoundingJudgement[]> {
  const { network, decimals } = boundCase;
  const outputs = knownOutputs(boundCase);
  const references = allReferences(boundCase);
  const asked = references.map(
    (reference): Asked => ({
      reference,
      profile: profileOf(reference, references, settings),
      forced: outputs[reference.axes.layer ?? network.layers.length - 1] !== undefined,
      decimals: reference.printed?.decimals ?? decimals,
    }),
  );
  return decimals === undefined
    ? judgeStored(boundCase, settings, outputs, asked)
    : judgePrinted(boundCase, settings, outputs, asked);
}

/** A reference, and how it is judged. */
type Asked = Pick<RoundingJudgement, 'reference' | 'profile' | 'forced' | 'decimals'>;
type KnownReferences = readonly (Reference | undefined)[];

/** What is likely of a reference, and the batch rows in which it is held against what is possible. */
interface Likely {
  readonly one: Asked;
  readonly likely: Envelope;
  readonly rule: Omit<AutoRule, 'bounds'>;
  readonly predicted: Spread;
  readonly rows: readonly number[];
}

async function judgePrinted(
  boundCase: BoundCase,
  { speed, onProgress }: RoundingSettings,
  outputs: KnownReferences,
  asked: readonly Asked[],
): Promise<RoundingJudgement[]> {
  const envelopesBy = cached((profile) =>
    printedBounds(boundCase, outputs, PROFILES[profile], { speed, onProgress }),
  );
  const judgements: RoundingJudgement[] = [];
  for (const one of asked) {
    const { reference } = one;
    const spreads = (await envelopesBy(one.profile)).map((from) => spreadOf(reference, from));
    const bounds = widened(spreads.reduce(tighter), reference);
    const rule: AutoRule = {
      limit: 1,
      unit: 'bounds',
      meanSquare: Number.POSITIVE_INFINITY,
      proofNeeded: false,
      areCounted: true,
      bounds: () => bounds,
    };
    judgements.push({ ...judgeByRounding(reference, bounds, rule), ...one, predicted: bounds.values });
  }
  return judgements;
}

async function judgeStored(
  boundCase: BoundCase,
  settings: RoundingSettings,
  outputs: KnownReferences,
  asked: readonly Asked[],
): Promise<RoundingJudgement[]> {
  const { network, sequence } = boundCase;
  const { speed, onProgress, operands, samples } = settings;
  const known = outputs.map((output) => output && { values: output.data });
  const passOptions = { known, operands, speed, onProgress };
  const likelyBy = cached((profile) => {
    const rounding = profileWith(profile, operands);
    const asLikely = { profile: rounding, model: 'likely', samples, ...passOptions } as const;
    return envelopeInThreads(network, sequence, asLikely);
  });
  const likelyOnes: Likely[] = [];
  for (const one of asked) {
    const likely = await likelyBy(one.profile);
    const rule = {
      limit: ROUNDING_SIGMAS,
      unit: 'sigmas',
      meanSquare: PROFILES[one.profile].meanSquare,
      proofNeeded: likely.coherent,
      areCounted: settings.proofs !== false,
    } as const;
    const predicted = spreadOf(one.reference, likely);
    likelyOnes.push({ one, likely, rule, predicted, rows: rowsToProve(one.reference, predicted, rule) });
  }
  const boundsBy = cached((profile) => {
    const proof = settings.profile ? undefined : PROOFS[profile];
    const worst = {
      profile: proof ?? profileWith(profile, operands),
      model: 'worst',
      ...passOptions,
    } as const;
    const rows = likelyOnes.flatMap((other) => (other.one.profile === profile ? other.rows : []));
    return envelopeInThreads(network, sequence, worst, [...new Set(rows)]);
  });
  const judgements: RoundingJudgement[] = [];
  for (const { one, likely, rule, predicted, rows } of likelyOnes) {
    const bounds = rows.length ? spreadOf(one.reference, await boundsBy(one.profile)) : predicted;
    const judgement = judgeByRounding(one.reference, predicted, { ...rule, bounds: () => bounds });
    judgements.push({ ...judgement, ...one, predicted: predicted.values, overflow: likely.overflows[0] });
  }
  if (judgements.some(({ faults }) => faults.includes(1))) return judgements;
  return judgements.map((judgement, i) => {
    const roundoff = ROUNDOFFS[judgement.profile];
    const layer = outputs.indexOf(judgement.reference);
    const { layers, coherent } = likelyOnes[i].likely;
    // Final states are of the same steps.
    if (!roundoff || layer < 0 || coherent) return judgement;
    const known = knownLayers(boundCase, layers).filter((other) => other.layer === layer);
    return asOneWeight(judgement, known, roundoff);
  });
}

/** The profiles by which a wrong weight may stay within the rounding of every value, and what they round weights to. */
const ROUNDOFFS: Readonly<Partial<Record<ProfileName, number>>> = { f16: 2 ** -11, bf16: 2 ** -8 };

/** A judgement without a fault, and what all steps of each unit show together. */
function asOneWeight(
  judgement: RoundingJudgement,
  layers: readonly Known[],
  roundoff: number,
): RoundingJudgement {
  const found = wrongUnit(layers, roundoff);
  if (!found) return judgement;
  // Directions are beside each other in a row.
  const unit = layers.indexOf(found.layer) * found.layer.module.hidden_size + found.unit;
  const faulty = withFaultyUnit(judgement, judgement.reference, { unit, weightSigmas: found.sigmas });
  return { ...judgement, ...faulty };
}

/** Whether values stay undecided because layers run free, whose errors can be sampled. */
export function needsSamples(boundCase: BoundCase, judgements: readonly RoundingJudgement[]): boolean {
  if (boundCase.decimals !== undefined || !knownOutputs(boundCase).includes(undefined)) return false;
  return judgements.some(({ counts, overflow }) => counts.undecided > 0 && !overflow);
}

/** Samples the errors of the layers that run free, by the profile that judges the last reference. */
export async function sampleErrors(
  boundCase: BoundCase,
  settings: RoundingSettings,
): Promise<NonNullable<RoundingSettings['samples']>> {
  const { network, sequence } = boundCase;
  const all = allReferences(boundCase);
  const profile = profileOf(all[all.length - 1], all, settings);
  const known = knownOutputs(boundCase).map((output) => output?.data);
  return sampleFreeLayers(network, sequence, known, profileWith(profile, settings.operands), settings.speed);
}

/**
 * The profile of each reference. A runtime that stores one of its outputs in 16 bits computes in them, in whatever dtype
 * it stores the others.
 */
export function profileOf(
  { dtype }: Reference,
  all: readonly Reference[],
  { profile }: Pick<Settings, 'profile'>,
): ProfileName {
  if (profile) return profile;
  const narrow = all.find((other) => other.dtype === 'F16' || other.dtype === 'BF16');
  return PROFILE_OF[(dtype === 'F32' && narrow ? narrow.dtype : dtype) as FloatDtype];
}

/** The same function, which computes the result of each profile once. */
function cached<T>(compute: (profile: ProfileName) => Promise<T>): (profile: ProfileName) => Promise<T> {
  const results = new Map<ProfileName, Promise<T>>();
  return (profile) => {
    const result = results.get(profile) ?? compute(profile);
    results.set(profile, result);
    return result;
  };
}

/** The spread of a reference's values. */
function spreadOf(reference: Reference, { layers, h_n, c_n }: Envelope): Spread {
  return outputFor(reference, { output: layers[layers.length - 1], h_n, c_n, layers });
}

/**
 * Bounds of what the missing digits and likely rounding can do together: once with every step from the reference's own
 * h, whose digits are missing too, and once from the initial state on.
 */
async function printedBounds(
  boundCase: BoundCase,
  outputs: readonly (Reference | undefined)[],
  profile: Profile,
  passOptions: Pick<EnvelopeOptions, 'speed' | 'onProgress'>,
): Promise<Envelope[]> {
  const { network, sequence, uncertainty } = boundCase;
  const boundsFrom = async (known: NonNullable<EnvelopeOptions['known']>): Promise<Envelope> => {
    // The digits that h lacks go into the bounds, not into the rounding.
    const exact = known.map((output) => output && { values: output.values });
    const asLikely = { profile, model: 'likely', known: exact, ...passOptions } as const;
    const likely = await envelopeInThreads(network, sequence, asLikely);
    // Standard deviations of coherent errors are too small: their rounding goes into the bounds as well.
    const rounding = likely.coherent ? profile : UNROUNDED;
    const worst = { profile: rounding, model: 'worst', known, uncertainty, ...passOptions } as const;
    const missing = await envelopeInThreads(network, sequence, worst);
    return likely.coherent ? missing : withRounding(missing, likely);
  };
  const forced = outputs.map(
    (output) => output && { values: output.data, uncertainty: output.printed?.halfUnits },
  );
  const free = await boundsFrom([]);
  return forced.some((output) => output) ? [await boundsFrom(forced), free] : [free];
}

/** Bounds with the standard deviations that still are rounding added. */
function withRounding(bounds: Envelope, likely: Envelope): Envelope {
  const both = (a: Spread, b: Spread): Spread => ({
    values: a.values,
    error: a.error.map((limit, i) => limit + ROUNDING_SIGMAS * b.error[i]),
    undecided: a.undecided.map((flag, i) => flag | b.undecided[i]),
  });
  return {
    ...bounds,
    layers: bounds.layers.map((layer, i) => both(layer, likely.layers[i])),
    h_n: both(bounds.h_n, likely.h_n),
    c_n: bounds.c_n && both(bounds.c_n, likely.c_n!),
  };
}

/** The narrower of two bounds, value by value. */
function tighter(a: Spread, b: Spread): Spread {
  const takesB = Array.from(
    a.error,
    (limit, i) => !b.undecided[i] && (a.undecided[i] !== 0 || !(limit <= b.error[i])),
  );
  const taken = (ofA: Floats, ofB: Floats) => ofA.map((value, i) => (takesB[i] ? ofB[i] : value));
  return {
    values: taken(a.values, b.values),
    error: taken(a.error, b.error),
    undecided: a.undecided.map((flag, i) => (takesB[i] ? 0 : flag)),
  };
}

/**
 * Bounds with the missing digits of the reference itself. Where a bound is too wide to say much, a value within it is
 * undecided; a value beyond it is a fault all the same.
 */
function widened({ values, error, undecided }: Spread, { data, printed }: Reference): Prediction {
  const bounds = error.map((limit, i) => limit + (printed?.halfUnits[i] ?? 0));
  const [spread, size] = [standardDeviation(values), rootMeanSquare(values)];
  const usual = USEFUL * (spread > CONSTANT * size ? spread : size);
  return {
    values,
    error: bounds,
    undecided: undecided.map((flag, i) => {
      const wide = bounds[i] > Math.min(usual, USEFUL * Math.max(1, Math.abs(values[i])));
      return flag || (wide && Math.abs(data[i] - values[i]) <= bounds[i]) ? 1 : 0;
    }),
  };
}
