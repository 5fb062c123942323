import { type Envelope, type EnvelopeOptions, envelope, type Spread } from '../bounds/envelope.js';
import { PROFILE_OF, PROFILES, type Profile, type ProfileName, UNROUNDED } from '../bounds/profiles.js';
import { ROUNDING_SIGMAS } from '../bounds/variance.js';
import {
  type AutoRule,
  count,
  type Judgement,
  judgeByRounding,
  type Prediction,
} from '../compare/by-rounding.js';
import type { Compared } from '../compare/compare.js';
import { rootMeanSquare, spreadOf } from '../compare/spread.js';
import type { BoundCase } from '../module/bind.js';
import { type Dtype, type FloatDtype, type Floats, roundTo } from '../tensor/dtype.js';
import type { Printed } from '../tensor/tensor.js';
import type { Settings } from '../verify.js';

/** A tensor's judgement, and what it rests on. */
export interface RoundingJudgement extends Judgement {
  readonly profile: ProfileName;
  /** Whether every step began from the reference's own h, and not from the one before as it was computed. */
  readonly forced: boolean;
  /** With how many decimals the case was printed: then it is judged by bounds. */
  readonly decimals?: number;
  /** What every value should be. */
  readonly predicted: Floats;
}

type Said = Pick<Settings, 'profile' | 'speed'>;

/** Bits of a significand. */
const BITS: Readonly<Record<FloatDtype, number>> = { F64: 53, F32: 24, F16: 11, BF16: 8 };

/** Above this part of a value (or of 1), or of how far the values are apart, a bound says too little. */
const USEFUL = 0.5;
/** Values that are apart by less than this part of their size are constant, and it is their size that a bound tells. */
const CONSTANT = 0.01;

/**
 * Judges every reference by what rounding can do to it: the automatic rule. Where the whole output is known, every step
 * of the last layer begins from the reference's own h, so that nothing but one step's rounding is in play; layers below
 * it, and all of them where the output is not known, run free. Numbers that were printed are held within the bounds of
 * what their missing digits can do, from whichever beginning says more.
 */
export function judgeRounding(boundCase: BoundCase, { profile: said, speed }: Said): RoundingJudgement[] {
  const { network, sequence, references, layerOutputs, decimals } = boundCase;
  const top = network.layers.length - 1;
  const known = knownOutputs(boundCase).map((truth) => truth && { values: truth.data });
  const envelopes = new Map<string, Envelope>();
  const run = (profile: ProfileName, model: EnvelopeOptions['model']): Envelope => {
    const key = `${profile} ${model}`;
    const options = { profile: PROFILES[profile], model, known, speed };
    const made = envelopes.get(key) ?? envelope(network, sequence, options);
    envelopes.set(key, made);
    return made;
  };
  const ofDigits = new Map<ProfileName, Envelope[]>();
  const missing = (profile: ProfileName): Envelope[] => {
    const made = ofDigits.get(profile) ?? printedBounds(boundCase, PROFILES[profile], speed);
    ofDigits.set(profile, made);
    return made;
  };
  const layers = layerOutputs.flatMap((reference, layer) => (reference ? [{ reference, layer }] : []));
  const all = [...layers, ...references.map((reference) => ({ reference, layer: top }))];
  return all.map(({ reference, layer }) => {
    const profile = said ?? PROFILE_OF[reference.dtype as FloatDtype];
    const spread = ({ layers: outputs, h_n, c_n }: Envelope): Spread =>
      reference.name === 'h_n' ? h_n : reference.name === 'c_n' ? c_n! : outputs[layer];
    const worst = () => spread(run(profile, 'worst'));
    const judge = (predicted: Prediction, rule: AutoRule): RoundingJudgement => ({
      ...judgeByRounding(reference, predicted, rule),
      predicted: predicted.values,
      profile,
      forced: known[layer] !== undefined,
      decimals: reference.printed?.decimals ?? decimals,
    });
    if (decimals !== undefined) {
      const bounds = widened(missing(profile).map(spread).reduce(tighter), reference);
      return judge(bounds, {
        limit: 1,
        unit: 'bounds',
        meanSquare: Number.POSITIVE_INFINITY,
        proofNeeded: false,
        bounds: () => bounds,
      });
    }
    const likely = run(profile, 'likely');
    return judge(spread(likely), {
      limit: ROUNDING_SIGMAS,
      unit: 'sigmas',
      meanSquare: PROFILES[profile].meanSquare,
      proofNeeded: likely.coherent,
      bounds: worst,
    });
  });
}

/** The output of every layer as it was in truth, where that is known; what is stored coarser than what comes of it was not. */
export function knownOutputs({
  network,
  references,
  layerOutputs,
}: BoundCase): ({ readonly dtype: Dtype; readonly data: Floats; readonly printed?: Printed } | undefined)[] {
  const output = references.find(({ name }) => name === 'output');
  const truths = network.layers.map((_, layer) =>
    layer === network.layers.length - 1 ? output : layerOutputs[layer],
  );
  const bits = (truth: { readonly dtype: Dtype }) => BITS[truth.dtype as FloatDtype];
  return truths.map((truth, layer) => {
    const coarse = truth && truths.slice(layer + 1).some((above) => above && bits(above) > bits(truth));
    return coarse ? undefined : truth;
  });
}

/**
 * Bounds of what missing digits can do, with what rounding is likely to do: every step from the reference's own h, whose
 * digits are missing too, and from the initial state on.
 */
function printedBounds(boundCase: BoundCase, profile: Profile, speed: Said['speed']): Envelope[] {
  const { network, sequence, uncertainty } = boundCase;
  const truths = knownOutputs(boundCase);
  const run = (known: EnvelopeOptions['known']): Envelope => {
    // What its digits miss is a bound, and no rounding.
    const exact = known?.map((truth) => truth && { values: truth.values });
    const likely = envelope(network, sequence, { profile, model: 'likely', known: exact, speed });
    // Where what is likely is not to be trusted, what is possible is.
    const rounding = likely.coherent ? profile : UNROUNDED;
    const worst = { profile: rounding, model: 'worst', known, uncertainty, speed } as const;
    const missing = envelope(network, sequence, worst);
    return likely.coherent ? missing : joined(missing, likely);
  };
  const forced = truths.map(
    (truth) => truth && { values: truth.data, uncertainty: truth.printed?.halfUnits },
  );
  return forced.some((one) => one) ? [run(forced), run([])] : [run([])];
}

/** Bounds, and so many standard deviations as are still rounding. */
function joined(bounds: Envelope, likely: Envelope): Envelope {
  const both = (a: Spread, b: Spread): Spread => ({
    values: a.values,
    error: a.error.map((limit, i) => limit + ROUNDING_SIGMAS * b.error[i]),
    undecided: a.undecided.map((one, i) => one | b.undecided[i]),
  });
  return {
    ...bounds,
    layers: bounds.layers.map((layer, i) => both(layer, likely.layers[i])),
    h_n: both(bounds.h_n, likely.h_n),
    c_n: bounds.c_n && both(bounds.c_n, likely.c_n!),
  };
}

/** Of two bounds of the same values the narrower one, value by value. */
function tighter(a: Spread, b: Spread): Spread {
  const [values, error, undecided] = [a.values.slice(), a.error.slice(), a.undecided.slice()];
  for (let i = 0; i < values.length; i++) {
    if (b.undecided[i] || (!undecided[i] && error[i] <= b.error[i])) continue;
    [values[i], error[i], undecided[i]] = [b.values[i], b.error[i], 0];
  }
  return { values, error, undecided };
}

/**
 * Bounds of values that may be printed themselves. Where they are too wide to say much, a value within them is undecided;
 * one beyond them is a fault all the same.
 */
function widened({ values, error, undecided }: Spread, { data, printed }: Compared): Prediction {
  const bounds = error.map((limit, i) => limit + (printed?.halfUnits[i] ?? 0));
  const [apart, size] = [spreadOf(values), rootMeanSquare(values)];
  const usual = USEFUL * (apart > CONSTANT * size ? apart : size);
  return {
    values,
    error: bounds,
    undecided: undecided.map((one, i) => {
      const wide = bounds[i] > Math.min(usual, USEFUL * Math.max(1, Math.abs(values[i])));
      return one || (wide && Math.abs(data[i] - values[i]) <= bounds[i]) ? 1 : 0;
    }),
  };
}

/** What is stored in 16 bits has values that are; those of bfloat16 are nearly all in float16 too. */
const GRIDS: readonly [ProfileName, FloatDtype][] = [
  ['bf16', 'BF16'],
  ['f16', 'F16'],
];
/** Their rounding shows everywhere: in most of the values, and as large as it is expected (0.3 σ to 0.7 σ). */
const MOST = 0.5;
const LEAST_SPREAD = 0.1;
/** The values of TF32 tell nothing by themselves. Rounding is alike in no two units: of fewer nobody knows. */
const FEWEST_UNITS = 4;
/** What one direction in the space of the units has more of than this, in parts of all, is a fault's trace. */
const MOST_ALIGNED = 0.5;

/** A coarser profile in which all of it is rounding, where there is one; a small fault would fit many. */
export function coarserProfile(
  boundCase: BoundCase,
  judgements: readonly RoundingJudgement[],
  settings: Said,
): ProfileName | undefined {
  const { references } = boundCase;
  if (boundCase.decimals !== undefined || references.some(({ dtype }) => dtype !== 'F32')) return undefined;
  const total = judgements.reduce((sum, { faults }) => sum + faults.length, 0);
  const faults = judgements.reduce((sum, one) => sum + count(one.faults), 0);
  if (faults < MOST * total) return undefined;
  const onGrid = GRIDS.filter(([, dtype]) =>
    references.every(({ data }) =>
      data.every((value) => Number.isNaN(value) || roundTo(value, dtype) === value),
    ),
  ).map(([profile]) => profile);
  return [...onGrid, 'tf32' as const].find((profile) => {
    const judged = judgeRounding(boundCase, { ...settings, profile });
    if (profile === 'tf32' && !looksLikeNoise(boundCase, judged)) return false;
    if (judged.some((one) => one.faults.includes(1))) return false;
    const decided = total - judged.reduce((sum, { counts }) => sum + counts.undecided, 0);
    const squares = judged.reduce(
      (all, { sigmas }) => all + sigmas.reduce((sum, one) => sum + (Number.isNaN(one) ? 0 : one * one), 0),
      0,
    );
    return decided > MOST * total && squares > LEAST_SPREAD * LEAST_SPREAD * decided;
  });
}

/** Whether what is off goes in all directions in the space of the units of the output, as rounding does. */
function looksLikeNoise({ references }: BoundCase, judged: readonly RoundingJudgement[]): boolean {
  const output = references.find(({ name }) => name === 'output');
  const judgement = output && judged[judged.length - references.length + references.indexOf(output)];
  if (!output || !judgement || output.units < FEWEST_UNITS) return false;
  const { units } = output;
  const off = judgement.sigmas.map((one, i) => {
    if (Number.isNaN(one)) return 0;
    return output.data[i] < judgement.predicted[i] ? -one : one;
  });
  const rows = off.length / units;
  const total = off.reduce((sum, one) => sum + one * one, 0);
  // The largest part that one direction has, by the power method.
  let direction = Float64Array.from({ length: units }, (_, unit) => Math.cos(unit + 1));
  let most = 0;
  for (let round = 0; round < 30; round++) {
    const next = new Float64Array(units);
    for (let row = 0; row < rows; row++) {
      let along = 0;
      for (let unit = 0; unit < units; unit++) along += off[row * units + unit] * direction[unit];
      for (let unit = 0; unit < units; unit++) next[unit] += along * off[row * units + unit];
    }
    most = Math.hypot(...next);
    direction = next.map((one) => one / most);
  }
  // Of nothing at all there is no direction: NaN.
  return most <= MOST_ALIGNED * total;
}
