import { firstSteps } from '../../module/bind.js';
import { outputSize } from '../../module/parameters.js';
import type { Hypothesis } from './hypothesis.js';
import type { Target } from './misfit.js';
import { type Limit, predict } from './predict.js';
import type { Variant } from './variant.js';
import { limitedWork, needsAllSteps } from './work.js';

/** The steps that the numbers are read off. */
const FIRST: Limit = { steps: 3, rows: 1 };
/** The most multiplications that are spent on it: a fraction of a second. */
const MAX_WORK = 2 ** 27;
/** Factors from which the method begins: from 10^-4 to 10^4. */
const FACTORS = Array.from({ length: 65 }, (_, i) => 10 ** (i / 8 - 4));
const ROUNDS = 12;
const NUDGE = 1e-6;
/** What may be left of the first steps' difference. */
const MOST_LEFT = 1e-3;
/** Two numbers fit anything that has fewer values than this. */
const FEWEST_VALUES = 24;
/** A factor and a shift that are nearer to 1 and 0 than this are those of the case. */
const SAME = 1e-3;

/** The input multiplied by a factor, and with a number added: both read off the first steps by Newton's method. */
export function inputScale(target: Target): Hypothesis[] {
  const { boundCase } = target;
  const output = boundCase.references.find(({ name }) => name === 'output');
  const work = limitedWork(boundCase, FIRST) * (FACTORS.length + 3 * ROUNDS);
  if (!output || output.data.length < FEWEST_VALUES) return [];
  if (needsAllSteps(boundCase) || work > MAX_WORK) return [];
  const { network } = boundCase;
  const sequence = firstSteps(boundCase.sequence, Math.min(FIRST.steps, boundCase.sequence.steps));
  // The reverse direction begins elsewhere.
  const isForward = (i: number) => i % output.units < outputSize(network.module);
  const expected = output.data.subarray(0, sequence.steps * output.batch * output.units);
  const residuals = (factor: number, shift: number): number[] => {
    const change: Variant = { inputScale: [factor, shift] };
    const { output: values } = predict(network, sequence, change, { limit: FIRST });
    const isKnown = (i: number) => isForward(i) && !Number.isNaN(values[i]);
    return [...expected].flatMap((value, i) => (isKnown(i) ? [values[i] - value] : []));
  };
  const unchanged = sumOfSquares(residuals(1, 0));
  let best = { factor: 1, shift: 0, left: unchanged };
  for (const factor of FACTORS) {
    const left = sumOfSquares(residuals(factor, 0));
    if (left < best.left) best = { factor, shift: 0, left };
  }
  for (let round = 0; round < ROUNDS; round++) {
    const next = newtonStep(residuals, best.factor, best.shift);
    const left = next && sumOfSquares(residuals(next.factor, next.shift));
    if (!next || !(left! < best.left)) break;
    best = { ...next, left: left! };
  }
  const { factor, shift, left } = best;
  if (!(left <= MOST_LEFT ** 2 * unchanged)) return [];
  if (Math.abs(factor - 1) < SAME && Math.abs(shift) < SAME) return [];
  const isShifted = Math.abs(shift) > SAME * Math.abs(factor);
  const shown = (value: number) => String(Number(value.toPrecision(5)));
  return [
    {
      name: 'input scale',
      change: { inputScale: isShifted ? [factor, shift] : [factor, 0] },
      says: isShifted
        ? `the input is scaled otherwise: ${shown(factor)} x ${shift < 0 ? '−' : '+'} ${shown(Math.abs(shift))}`
        : `the input is multiplied by ${shown(factor)}`,
      remedy: 'give both sides the same input: normalise it in one place',
      alone: true,
    },
  ];
}

/** A step of Gauss and Newton for the two numbers; undefined where the output depends on neither. */
function newtonStep(
  residuals: (factor: number, shift: number) => number[],
  factor: number,
  shift: number,
): { factor: number; shift: number } | undefined {
  const now = residuals(factor, shift);
  const [byFactor, byShift] = [NUDGE * factor, NUDGE];
  const a = residuals(factor + byFactor, shift).map((value, i) => (value - now[i]) / byFactor);
  const b = residuals(factor, shift + byShift).map((value, i) => (value - now[i]) / byShift);
  const dot = (u: readonly number[], v: readonly number[]) =>
    u.reduce((sum, value, i) => sum + value * v[i], 0);
  const [aa, ab, bb, ar, br] = [dot(a, a), dot(a, b), dot(b, b), dot(a, now), dot(b, now)];
  const determinant = aa * bb - ab * ab;
  if (!(Math.abs(determinant) > 0)) return undefined;
  return {
    factor: factor - (bb * ar - ab * br) / determinant,
    shift: shift - (aa * br - ab * ar) / determinant,
  };
}

function sumOfSquares(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}
