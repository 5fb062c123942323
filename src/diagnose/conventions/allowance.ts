import { type Envelope, envelope, type Spread } from '../../bounds/envelope.js';
import { PROFILE_OF, PROFILES, type ProfileName } from '../../bounds/profiles.js';
import type { BoundCase } from '../../module/bind.js';
import type { FloatDtype, Floats } from '../../tensor/dtype.js';

/** How far a prediction that runs free may be from its reference. */
export interface Allowance {
  /** Of every row; infinite where rounding may have taken it anywhere. */
  readonly rows: Float64Array;
  /** The largest that is not infinite. */
  readonly largest: number;
}

/**
 * So many standard deviations of PyTorch's own rounding: three times the 6 of the automatic rule, for what another
 * program computes has other values and other slopes.
 */
const FREE_RUN_SIGMAS = 18;
/** So many bounds, where numbers were printed. */
const BOUNDS = 2;
/** An allowance above this part of the largest value tells nothing apart. */
const USEFUL = 0.1;

/** Allowances of each reference. */
export function allowances(
  { network, sequence, references, uncertainty, decimals }: BoundCase,
  said: ProfileName | undefined,
): Allowance[] {
  const model = decimals === undefined ? 'likely' : 'worst';
  const envelopes = new Map<ProfileName, Envelope>();
  return references.map(({ name, dtype, rows, data, printed }) => {
    const profile = said ?? PROFILE_OF[dtype as FloatDtype];
    const made =
      envelopes.get(profile) ??
      envelope(network, sequence, { profile: PROFILES[profile], model, uncertainty });
    envelopes.set(profile, made);
    const spread = name === 'output' ? made.layers[network.layers.length - 1] : made[name]!;
    const scale = Math.max(1, size(data) / (size(spread.values) || 1));
    const each = (error: number, i: number) =>
      scale *
      (decimals === undefined ? FREE_RUN_SIGMAS * error : BOUNDS * (error + (printed?.halfUnits[i] ?? 0)));
    return byRow(spread, rows, data.length / rows, each, USEFUL * Math.max(1, size(data)));
  });
}

function byRow(
  { error, undecided }: Spread,
  rows: number,
  inRow: number,
  allowed: (error: number, i: number) => number,
  most: number,
): Allowance {
  const result = new Float64Array(rows);
  let largest = 0;
  for (let row = 0; row < rows; row++) {
    let worst = 0;
    for (let i = row * inRow; i < (row + 1) * inRow; i++)
      worst = Math.max(worst, undecided[i] ? Number.POSITIVE_INFINITY : allowed(error[i], i));
    result[row] = worst > most ? Number.POSITIVE_INFINITY : worst;
    if (worst <= most) largest = Math.max(largest, worst);
  }
  return { rows: result, largest };
}

/** The largest magnitude that is a number. */
function size(values: Floats): number {
  let most = 0;
  for (const value of values) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  return most;
}
