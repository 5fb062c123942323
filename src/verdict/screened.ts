import { PROFILES, type Profile, profileWith } from '../bounds/profiles.js';
import { SURE, screenOf } from '../bounds/screening.js';
import { ROUNDING_SIGMAS } from '../bounds/variance.js';
import { judgeByRounding, sortSpreads, spreadsOf } from '../compare/by-rounding.js';
import { ROUNDING } from '../compare/close.js';
import type { TensorScreening } from '../compare/tensor.js';
import type { Outputs } from '../engine/forward.js';
import type { Screen, Screened } from '../engine/screen.js';
import type { BoundCase } from '../module/bind.js';
import { allReferences, knownOutputs } from '../module/known-outputs.js';
import type { Floats } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import { profileOf } from './rounding.js';
import { type Settings, toleranceOf } from './settings.js';

/**
 * What the forward pass screens, so that most cases whose references are within rounding need no envelope; undefined where
 * a screening would tell nothing: lower precisions, printed numbers, outputs of lower layers.
 */
export function screenFor(boundCase: BoundCase, settings: Settings): Screen | undefined {
  const { network, sequence, decimals } = boundCase;
  const { rule, operands = {}, speed = {} } = settings;
  const profile = profileOfAll(boundCase, settings);
  if (rule !== 'auto' || decimals !== undefined || !profile) return undefined;
  if (operands.weights || operands.input || operands.state) return undefined;
  const last = lastOutput(boundCase);
  const sequences = allReferences(boundCase).filter(({ axes }) => axes.layer !== undefined);
  if (sequences.some((reference) => reference !== last)) return undefined;
  const expected = last && {
    values: last.data,
    closeness: { ...toleranceOf(last, settings), margin: ROUNDING },
  };
  return screenOf(network, sequence, profile, expected, speed);
}

/** The profile of every reference; undefined where they have several, or operands are rounded by it. */
function profileOfAll(boundCase: BoundCase, settings: Settings): Profile | undefined {
  const all = allReferences(boundCase);
  const [name, ...others] = new Set(all.map((reference) => profileOf(reference, all, settings)));
  const isExact = name && !PROFILES[name].operands[0].weights;
  return isExact && others.length === 0 ? profileWith(name, settings.operands) : undefined;
}

function lastOutput(boundCase: BoundCase): Reference | undefined {
  return knownOutputs(boundCase).at(-1);
}

/** The screenings of all references; undefined where one of them is not told. */
export function screeningsOf(
  boundCase: BoundCase,
  outputs: Outputs,
  settings: Settings,
): Map<Reference, TensorScreening> | undefined {
  const { screened } = outputs;
  const profile = profileOfAll(boundCase, settings);
  if (!screened?.isTold || !profile) return undefined;
  const found = new Map<Reference, TensorScreening>();
  const all = allReferences(boundCase);
  for (const reference of all) {
    const screening =
      reference.axes.layer === undefined
        ? ofStates(reference, outputs, screened, profile)
        : ofOutput(reference, screened, profile);
    if (!screening) return undefined;
    const last = lastOutput(boundCase);
    const { layer = boundCase.network.layers.length - 1 } = reference.axes;
    const forced = last !== undefined && layer === boundCase.network.layers.length - 1;
    found.set(reference, { ...screening, profile: profileOf(reference, all, settings), forced });
  }
  return found;
}

type Found = Omit<TensorScreening, 'profile' | 'forced'>;

function ofOutput(
  reference: Reference,
  { farthest, differences, squares, counts }: Screened,
  { meanSquare }: Profile,
): Found | undefined {
  const { rows, units, batch } = reference;
  if (!isZeroBeyondLengths(reference)) return undefined;
  const overRows = (values: Floats) => {
    const sums = new Float64Array(units);
    for (let i = 0; i < batch * units; i++) sums[i % units] += values[i];
    return sums;
  };
  const { faulty, suspicious } = sortSpreads(
    spreadsOf(overRows(squares), overRows(counts)),
    SURE * meanSquare,
  );
  if (faulty.length) return undefined;
  return { limit: ROUNDING_SIGMAS, farthest: farthest.subarray(0, rows), differences, suspicious };
}

/** Padding has no rounding. */
function isZeroBeyondLengths({ rows, batch, units, data, axes: { lengths } }: Reference): boolean {
  if (!lengths) return true;
  for (let row = 0; row < rows; row++) {
    for (const [b, length] of lengths.entries()) {
      if (row < length) continue;
      const from = (row * batch + b) * units;
      for (let i = from; i < from + units; i++) if (data[i] !== 0) return false;
    }
  }
  return true;
}

function ofStates(
  reference: Reference,
  outputs: Outputs,
  screened: Screened,
  profile: Profile,
): Found | undefined {
  const { name, rows, batch, units } = reference;
  const [values, differences, variances] =
    name === 'c_n' ? [outputs.c_n!, screened.dc, screened.cV] : [outputs.h_n, screened.dh, screened.hV];
  const predicted = {
    values: values.map((value, i) => value + differences[i]),
    error: Float64Array.from(variances, (variance) => profile.store * Math.sqrt(variance)),
    undecided: new Uint8Array(values.length),
  };
  const limit = SURE * ROUNDING_SIGMAS;
  const { faults, sigmas } = judgeByRounding(reference, predicted, {
    limit,
    unit: 'sigmas',
    proofNeeded: false,
    meanSquare: profile.meanSquare,
    bounds: () => predicted,
    areCounted: false,
  });
  if (faults.includes(1)) return undefined;
  const farthest = Float64Array.from({ length: rows }, (_, row) =>
    sigmas.subarray(row * batch * units, (row + 1) * batch * units).reduce((a, b) => Math.max(a, b), 0),
  );
  return { limit: ROUNDING_SIGMAS, farthest, suspicious: [] };
}
