import type { Envelope, Spread } from '../../bounds/envelope.js';
import { PROFILE_OF, PROFILES, type ProfileName } from '../../bounds/profiles.js';
import type { SpeedOptions } from '../../engine/options.js';
import type { BoundCase } from '../../module/bind.js';
import type { Dtype, FloatDtype, Floats } from '../../tensor/dtype.js';
import { envelopeInThreads } from '../../threads/envelope.js';

/** How far a prediction may be from a reference. */
export interface Allowance {
  /** Of each row; infinite where rounding may give any number, so that a comparison would say nothing. */
  readonly rows: Float64Array;
  /** The largest that is finite. */
  readonly largest: number;
}

/**
 * The allowance in standard deviations of PyTorch's rounding: three times the 6 of the automatic rule, because another
 * program has other values and other slopes.
 */
const FREE_RUN_SIGMAS = 18;
/** The allowance for printed numbers, in bounds of what their missing decimals can do. */
const PRINTED_BOUNDS = 2;
/** An allowance above this share of the largest value tells nothing apart. */
const MAX_SHARE = 0.1;

/**
 * The allowances of a case's references.
 * @param requested the rounding profile, if the user chose one; otherwise that of each reference's dtype
 */
export async function allowances(
  { network, sequence, references, uncertainty, decimals }: BoundCase,
  requested: ProfileName | undefined,
  speed: SpeedOptions = {},
): Promise<Allowance[]> {
  const isPrinted = decimals !== undefined;
  const envelopes = new Map<ProfileName, Envelope>();
  const profileOf = (dtype: Dtype) => requested ?? PROFILE_OF[dtype as FloatDtype];
  for (const profile of new Set(references.map(({ dtype }) => profileOf(dtype)))) {
    const model = isPrinted ? 'worst' : 'likely';
    const options = { profile: PROFILES[profile], model, uncertainty, speed } as const;
    envelopes.set(profile, await envelopeInThreads(network, sequence, options));
  }
  return references.map(({ name, dtype, rows, data, printed }) => {
    const { layers, ...finals } = envelopes.get(profileOf(dtype))!;
    const spread = name === 'output' ? layers[network.layers.length - 1] : finals[name]!;
    // Rounding is relative: values that are larger than predicted may be off by as much more.
    const scale = Math.max(1, largestFinite(data) / (largestFinite(spread.values) || 1));
    const allowed = (error: number, i: number) =>
      scale * (isPrinted ? PRINTED_BOUNDS * (error + (printed?.halfUnits[i] ?? 0)) : FREE_RUN_SIGMAS * error);
    return allowanceOf(
      spread,
      rows,
      data.length / rows,
      allowed,
      MAX_SHARE * Math.max(1, largestFinite(data)),
    );
  });
}

/** The largest allowance in each row; infinite if it is above `most` or the row has an undecided value. */
function allowanceOf(
  { error, undecided }: Spread,
  rows: number,
  rowSize: number,
  allowed: (error: number, i: number) => number,
  most: number,
): Allowance {
  const result = new Float64Array(rows); // [rows]
  let largest = 0;
  for (let row = 0; row < rows; row++) {
    let worst = 0;
    for (let i = row * rowSize; i < (row + 1) * rowSize; i++)
      worst = Math.max(worst, undecided[i] ? Number.POSITIVE_INFINITY : allowed(error[i], i));
    result[row] = worst > most ? Number.POSITIVE_INFINITY : worst;
    if (worst <= most) largest = Math.max(largest, worst);
  }
  return { rows: result, largest };
}

/** The largest magnitude of the values that are finite. */
function largestFinite(values: Floats): number {
  let largest = 0;
  for (const value of values) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  return largest;
}
