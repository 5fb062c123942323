import { expect, test } from 'vitest';
import { PROFILES } from '../../src/bounds/profiles.js';
import { varianceModel } from '../../src/bounds/variance.js';
import { worstCaseModel } from '../../src/bounds/worst-case.js';

const DRAWS = 20_000;
const SPACING = 0.25;

/** Points that fill the unit cube evenly. */
const point = (i: number) => [0.8191725, 0.6710436, 0.5497005].map((step) => ((i + 0.5) * step) % 1);

test.each([0.001, 0.01, 0.1, 0.3, 1, 3, 10])(
  'a value with an error of %d of the spacing, rounded as the exact one is',
  (size) => {
    const round = (value: number) => SPACING * Math.round(value / SPACING);
    let [squares, largest, farthest] = [0, 0, 0];
    for (let i = 0; i < DRAWS; i++) {
      const [place, radius, angle] = point(i);
      const exact = SPACING * place;
      const error = size * SPACING * Math.sqrt(-2 * Math.log(radius)) * Math.cos(2 * Math.PI * angle);
      const apart = round(exact + error) - round(exact);
      squares += apart ** 2 / DRAWS;
      largest = Math.max(largest, Math.abs(apart));
      farthest = Math.max(farthest, Math.abs(error));
    }
    const variance = varianceModel(PROFILES.bf16).rounded((size * SPACING) ** 2, SPACING);
    expect(variance / squares).toBeGreaterThan(0.8);
    expect(variance / squares).toBeLessThan(1.7);
    const bound = worstCaseModel(PROFILES.bf16).rounded(farthest, SPACING);
    expect(largest).toBeLessThanOrEqual(bound);
    expect(bound).toBe(farthest + SPACING);
  },
);
