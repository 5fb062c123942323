import { count } from '../compare/element.js';
import type { BoundCase } from '../module/bind.js';
import { type FloatDtype, roundTo } from '../tensor/dtype.js';
import { judgeRounding, type RoundingJudgement } from './rounding.js';
import type { Settings } from './settings.js';

/** A precision coarser than a reference's dtype, in which it may have been computed. */
export type CoarserProfile = 'tf32' | 'f16' | 'bf16';

/** Profiles whose values lie on a 16-bit grid. bfloat16 comes first: nearly all of its values are in float16 too. */
const GRIDS: readonly [CoarserProfile, FloatDtype][] = [
  ['bf16', 'BF16'],
  ['f16', 'F16'],
];
/** Rounding in a coarser precision shows in most of the values, and as large as it is expected (0.3 σ to 0.7 σ). */
const MOST = 0.5;
const LEAST_SPREAD = 0.1;
/** TF32's values lie on no grid: only the direction of the errors can tell, which needs some units. */
const FEWEST_UNITS = 4;
/** A fault leaves errors along one direction in the space of the units: more than this share of them all. */
const MOST_ALIGNED = 0.5;

/**
 * A coarser profile in which all differences are rounding, where there is one. A small fault would fit many profiles, so
 * most of the values must differ.
 */
export function coarserProfile(
  boundCase: BoundCase,
  judgements: readonly RoundingJudgement[],
  settings: Pick<Settings, 'profile' | 'speed'>,
): CoarserProfile | undefined {
  const { references, decimals } = boundCase;
  if (decimals !== undefined || references.some(({ dtype }) => dtype !== 'F32')) return undefined;
  const total = sumOf(judgements, ({ faults }) => faults.length);
  if (sumOf(judgements, ({ faults }) => count(faults)) < MOST * total) return undefined;
  const onGrid = GRIDS.filter(([, dtype]) =>
    references.every(({ data }) =>
      data.every((value) => Number.isNaN(value) || roundTo(value, dtype) === value),
    ),
  ).map(([profile]) => profile);
  return [...onGrid, 'tf32' as const].find((profile) => {
    const rejudged = judgeRounding(boundCase, { ...settings, profile });
    if (profile === 'tf32' && !looksLikeNoise(rejudged)) return false;
    if (rejudged.some(({ faults }) => faults.includes(1))) return false;
    const decided = total - sumOf(rejudged, ({ counts }) => counts.undecided);
    const squares = sumOf(rejudged, ({ sigmas }) =>
      sigmas.reduce((sum, sigma) => sum + (Number.isNaN(sigma) ? 0 : sigma * sigma), 0),
    );
    return decided > MOST * total && squares > LEAST_SPREAD * LEAST_SPREAD * decided;
  });
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}

/** Whether the errors of the output point in all directions of the space of its units, as rounding does. */
function looksLikeNoise(judgements: readonly RoundingJudgement[]): boolean {
  const output = judgements.find(({ reference }) => reference.name === 'output');
  if (!output || output.reference.units < FEWEST_UNITS) return false;
  const { units, data } = output.reference;
  const errors = output.sigmas.map((sigma, i) => {
    if (Number.isNaN(sigma)) return 0;
    return data[i] < output.predicted[i] ? -sigma : sigma;
  });
  const rows = errors.length / units;
  const total = errors.reduce((sum, error) => sum + error * error, 0);
  // The largest share that lies along one direction, by the power method.
  let direction = Float64Array.from({ length: units }, (_, unit) => Math.cos(unit + 1));
  let aligned = 0;
  for (let round = 0; round < 30; round++) {
    const next = new Float64Array(units);
    for (let row = 0; row < rows; row++) {
      let along = 0;
      for (let unit = 0; unit < units; unit++) along += errors[row * units + unit] * direction[unit];
      for (let unit = 0; unit < units; unit++) next[unit] += along * errors[row * units + unit];
    }
    aligned = Math.hypot(...next);
    direction = next.map((value) => value / aligned);
  }
  // Without any error there is no direction: NaN.
  return aligned <= MOST_ALIGNED * total;
}
