import { KINDS } from '../kinds.js';
import { largestMagnitude, residuals, sumOfSquares } from './residuals.js';
import {
  type KnownLayer,
  SENSITIVITIES,
  singleUnit,
  type TeacherForced,
  teacherForced,
  valuesOfUnit,
} from './sensitivity.js';
import type { Suspect, Weight } from './suspect.js';

/** The most steps of Newton's method: the output is not linear in a weight. */
const MAX_ROUNDS = 6;

/** The residuals of a layer's values where a suspect's weight is changed by some amount. */
type ResidualsWith = (change: number) => Float64Array;

/** A change of a weight, and the residuals that it leaves in its own unit [steps, batch]. */
interface Fitted {
  readonly change: number;
  readonly rest: Float64Array;
}

/** What a suspect is taken to be of: its weight, and a first change of it. */
type Beginning = Weight & Pick<Suspect, 'change' | 'deviation'>;

/**
 * A suspect's change that leaves the smallest residuals.
 * @returns the change; what is left with it, as a sum of squares; and the largest residual, in standard deviations
 */
export function refine(
  layer: KnownLayer,
  suspect: Suspect,
): { readonly change: number; readonly left: number; readonly farthest: number } {
  const { module, expected, sigma } = layer;
  const { hidden_size, kind } = module;
  const forced = teacherForced(layer);
  const { computed } = SENSITIVITIES[kind](forced);
  // Every step begins from the reference's own h, so that a weight changes only its own unit.
  const others = residuals(computed, expected, sigma).filter((_, i) => i % hidden_size !== suspect.unit);
  const { change, rest } = fitted(layer, suspect);
  return {
    change,
    left: sumOfSquares(others) + sumOfSquares(rest),
    farthest: Math.max(largestMagnitude(others), largestMagnitude(rest)),
  };
}

/** The change of a suspect's weight that leaves the smallest residuals of its unit. */
export function fitted(layer: KnownLayer, suspect: Beginning): Fitted {
  return fitChange(suspect, residualsOfUnit(layer, teacherForced(layer), suspect));
}

/** Newton's method from a suspect's change on, as long as the sum of squares becomes smaller. */
function fitChange(suspect: Beginning, residualsWith: ResidualsWith): Fitted {
  let best: Fitted = { change: suspect.change, rest: residualsWith(suspect.change) };
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const change = newtonStep(best, suspect.deviation, residualsWith);
    const rest = residualsWith(change);
    if (!(sumOfSquares(rest) < sumOfSquares(best.rest))) break;
    best = { change, rest };
  }
  return best;
}

/** The change that would leave the least if the residuals were linear in it. */
function newtonStep({ change, rest }: Fitted, deviation: number, residualsWith: ResidualsWith): number {
  const nudge = 1e-4 * change || deviation;
  const nudged = residualsWith(change + nudge);
  let products = 0;
  let squares = 0;
  for (let i = 0; i < rest.length; i++) {
    const slope = (nudged[i] - rest[i]) / nudge;
    products -= slope * rest[i];
    squares += slope * slope;
  }
  return squares > 0 ? change + products / squares : change;
}

/** The residuals of a suspect's own unit [steps, batch], as a function of the change of its weight. */
function residualsOfUnit(layer: KnownLayer, forced: TeacherForced, suspect: Weight): ResidualsWith {
  const { unit, gate, tensor } = suspect;
  const { hidden_size, kind } = layer.module;
  const { gates } = KINDS[kind];
  const single = singleUnit(forced, unit);
  const count = single.before.length;
  const expected = valuesOfUnit(layer.expected, hidden_size, unit); // [steps, batch]
  const sigma = valuesOfUnit(layer.sigma, hidden_size, unit); // [steps, batch]
  const factors = factorsOf(layer, forced, suspect);
  const sums = tensor.endsWith('_ih') ? single.inputSums : single.hiddenSums; // [steps, batch, gates]
  const unchanged = sums.slice();
  const column = gates.indexOf(gate);
  return (change) => {
    for (let i = 0; i < count; i++) {
      const k = i * gates.length + column;
      sums[k] = unchanged[k] + change * factors[i];
    }
    return residuals(SENSITIVITIES[kind](single).computed, expected, sigma);
  };
}

/** What a suspect is multiplied by [steps, batch]: x, h, or 1 if it is a bias. */
function factorsOf(
  { steps, batch, input, input_size, module }: KnownLayer,
  { before }: TeacherForced,
  { tensor, column }: Weight,
): Float64Array {
  const factors = new Float64Array(steps * batch).fill(1);
  if (column === undefined) return factors;
  const [values, size] = tensor.endsWith('_ih') ? [input, input_size] : [before, module.hidden_size];
  return factors.map((_, i) => values[i * size + column]);
}
