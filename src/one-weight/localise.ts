import { type Problem, problemOf, type Regression, regress, totalOf } from './regression.js';
import { largestMagnitude, residuals } from './residuals.js';
import { type KnownLayer, type Part, SENSITIVITIES, teacherForced } from './sensitivity.js';
import { type Suspect, weightOfFeature } from './suspect.js';

export interface Localised {
  /** The sum of squared residuals, each in standard deviations of rounding. */
  readonly total: number;
  /** The largest residual, in standard deviations. */
  readonly farthest: number;
  /** The best weight of every part of a gate's sum, the best first. A GRU's n has two parts: of x and of h. */
  readonly suspects: readonly Suspect[];
  /** The share of the total that each gate explains if the best weight of every unit is changed. */
  readonly gates: Readonly<Record<string, number>>;
}

/** Sums of squared residuals that differ by less than this differ by chance: (4 σ)². */
export const CHANCE = 16;

/**
 * Regresses the residuals on the sensitivity of the output to every weight, each weight alone: if one weight is wrong,
 * it explains most. Every step begins from the reference's own h; an LSTM's c is carried from step to step.
 */
export function localise(layer: KnownLayer): Localised {
  const { module, expected, sigma } = layer;
  const forced = teacherForced(layer);
  const sensitivity = SENSITIVITIES[module.kind](forced);
  const residual = residuals(sensitivity.computed, expected, sigma); // [steps, batch, hidden]
  const problem = problemOf(layer, forced, sensitivity, residual);
  const total = totalOf(problem);
  const suspects: Suspect[] = [];
  const gates: Record<string, number> = {};
  for (const part of sensitivity.parts) {
    const regression = regress(problem, part);
    suspects.push(bestSuspect(problem, part, regression));
    const share = total > 0 ? explainedByUnits(problem, regression) / total : 0;
    gates[part.gate] = Math.max(gates[part.gate] ?? 0, share);
  }
  return {
    total,
    farthest: largestMagnitude(residual),
    suspects: suspects.sort((a, b) => b.explained - a.explained),
    gates,
  };
}

/** What the best weights explain, one of each unit. */
function explainedByUnits({ layer, width }: Problem, { explained, from, to }: Regression): number {
  let sum = 0;
  for (let unit = 0; unit < layer.module.hidden_size; unit++) {
    let best = 0;
    for (let k = from; k < to; k++) best = Math.max(best, explained[unit * width + k]);
    sum += best;
  }
  return sum;
}

/** The weight of a part that explains most. */
function bestSuspect({ layer, width }: Problem, { gate, operand }: Part, regression: Regression): Suspect {
  const { module, input_size } = layer;
  const { explained, from, to, changeOf } = regression;
  let best = { unit: 0, feature: from, i: from };
  for (let unit = 0; unit < module.hidden_size; unit++)
    for (let feature = from; feature < to; feature++) {
      const i = unit * width + feature;
      if (explained[i] > explained[best.i]) best = { unit, feature, i };
    }
  const enough = explained[best.i] - CHANCE;
  const row = best.unit * width;
  const alike = explained.subarray(row + from, row + to).filter((other) => other >= enough).length;
  // Both biases are in one sum, so that they count as one weight.
  const areBothBiasesAlike = operand === 'both' && explained[row + input_size] >= enough;
  return {
    ...weightOfFeature(module, input_size, gate, best.unit, best.feature),
    explained: explained[best.i],
    ...changeOf(best.i),
    alike: alike - (areBothBiasesAlike ? 2 : 1),
  };
}
