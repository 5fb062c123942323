import { expect, test } from 'vitest';
import { KINDS, type Kind } from '../../src/kinds.js';
import { SENSITIVITIES, type TeacherForced } from '../../src/one-weight/sensitivity.js';

const HIDDEN = 3;
const STEPS = 5;
const NUDGE = 1e-6;

/** Some numbers, always the same, from −1 to 1. */
const numbers = (length: number, seed: number) =>
  Float64Array.from({ length }, (_, i) => Math.sin(12.9898 * i + 78.233 * seed));

function forcedOf(kind: Kind, relu: boolean): TeacherForced {
  const columns = KINDS[kind].gates.length * HIDDEN;
  return {
    hidden_size: HIDDEN,
    batch: 1,
    relu,
    stepsOf: () => Array.from({ length: STEPS }, (_, t) => t),
    before: numbers(STEPS * HIDDEN, 1),
    inputSums: numbers(STEPS * columns, 2),
    hiddenSums: numbers(STEPS * columns, 3),
    c0: numbers(HIDDEN, 4),
  };
}

test.each([
  ['RNN', false],
  ['RNN', true],
  ['GRU', false],
  ['LSTM', false],
] as const)('the slopes of %s (relu: %s) are those of its values by every gate', (kind, relu) => {
  const forced = forcedOf(kind, relu);
  const { computed, parts, cellSlope } = SENSITIVITIES[kind](forced);
  const { gates } = KINDS[kind];
  for (const { gate, operand, slope, carried } of parts) {
    for (let i = 0; i < STEPS * HIDDEN; i++) {
      const [step, unit] = [Math.floor(i / HIDDEN), i % HIDDEN];
      const at = step * gates.length * HIDDEN + gates.indexOf(gate) * HIDDEN + unit;
      const sums = operand === 'h' ? 'hiddenSums' : 'inputSums';
      const nudged = (by: number) => {
        const changed = forced[sums].slice();
        changed[at] += by;
        return SENSITIVITIES[kind]({ ...forced, [sums]: changed }).computed[i];
      };
      const expected = (nudged(NUDGE) - nudged(-NUDGE)) / (2 * NUDGE);
      expect(slope[i] * (carried ? cellSlope![i] : 1), `${gate} at ${i}`).toBeCloseTo(expected, 7);
    }
  }
  expect(computed).toHaveLength(STEPS * HIDDEN);
});
