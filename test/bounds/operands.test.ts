import { describe, expect, test } from 'vitest';
import { type EnvelopeOptions, envelope } from '../../src/bounds/envelope.js';
import { PROFILES, UNROUNDED } from '../../src/bounds/profiles.js';
import { varianceModel } from '../../src/bounds/variance.js';
import type { Network, Sequence } from '../../src/module/bind.js';
import { roundTo, spacing } from '../../src/tensor/dtype.js';
import { moduleOf } from '../engine/module.js';

// Two layers of one unit each, whose states are rounded to bfloat16 before they are multiplied.

const STATE = 'BF16';
const [W, U, V, R] = [0.7, 0.45, 0.8, -0.35];
const of = (...values: readonly number[]) => Float64Array.from(values);
const NETWORK: Network = {
  module: moduleOf('RNN', { bias: false, num_layers: 2 }),
  layers: [[{ weightIh: of(W), weightHh: of(U) }], [{ weightIh: of(V), weightHh: of(R) }]],
};
const SEQUENCE: Sequence = { steps: 3, batch: 1, input: of(0.3, -0.9, 0.55), h0: of(0.123456, 0.654321) };
const WAYS = [undefined, 'input', 'hidden'] as const;

const rounded = (value: number) => roundTo(value, STATE);
const slope = (value: number) => 1 - value * value;

/** The steps of both layers, of which the parts that are named are rounded. */
function passOf(only: (typeof WAYS)[number], known?: Float64Array) {
  const asInput = only === 'hidden' ? (value: number) => value : rounded;
  const asHidden = only === 'input' ? (value: number) => value : rounded;
  let [one, other] = SEQUENCE.h0!;
  const layers: [number[], number[]] = [[], []];
  for (const [t, x] of SEQUENCE.input.entries()) {
    one = Math.tanh(W * x + U * asHidden(one));
    layers[0].push(one);
    other = Math.tanh(V * asInput(one) + R * asHidden(other));
    layers[1].push(other);
    if (known) other = known[t];
  }
  return layers;
}

const run = (only: (typeof WAYS)[number], options: Omit<EnvelopeOptions, 'operands'>) =>
  envelope(NETWORK, SEQUENCE, { ...options, operands: { state: STATE, only } }).layers;

describe.each(WAYS)('h rounded before it is multiplied, in the products of: %s', (only) => {
  test('the values are those of such a runtime', () => {
    const layers = run(only, { profile: PROFILES.generic, model: 'likely' });
    for (const [layer, expected] of passOf(only).entries())
      for (const [t, value] of expected.entries())
        expect(layers[layer].values[t], `${layer}, ${t}`).toBeCloseTo(value, 14);
  });

  test('so are those of a layer whose output is known', () => {
    const known = of(0.111111, -0.222222, 0.333333);
    const options = {
      profile: PROFILES.generic,
      model: 'likely',
      known: [undefined, { values: known }],
    } as const;
    const [, last] = run(only, options);
    const [, expected] = passOf(only, known);
    for (const [t, value] of expected.entries()) expect(last.values[t]).toBeCloseTo(value, 14);
  });

  test('rounding may go to either side of what has an error, by a step of the grid', () => {
    const layers = run(only, { profile: UNROUNDED, model: 'worst' });
    const [lower, upper] = passOf(only);
    const ofInput = only === 'hidden' ? 0 : 1;
    const ofHidden = only === 'input' ? 0 : 1;
    const ofState = (h: number, e: number) => e + ofHidden * spacing(h, STATE);
    // The initial states count as states.
    let [e, f] = [0, 0];
    let [h, g] = SEQUENCE.h0!;
    for (const t of SEQUENCE.input.keys()) {
      e = slope(lower[t]) * U * ofState(h, e);
      f = slope(upper[t]) * (V * (e + ofInput * spacing(lower[t], STATE)) + Math.abs(R) * ofState(g, f));
      [h, g] = [lower[t], upper[t]];
      expect(layers[0].error[t], `lower ${t}`).toBeCloseTo(e, 4);
      expect(layers[1].error[t], `upper ${t}`).toBeCloseTo(f, 4);
    }
  });

  test('what is known is rounded as the runtime rounds it', () => {
    const known = of(0.111111, -0.222222, 0.333333);
    const [, last] = run(only, {
      profile: UNROUNDED,
      model: 'worst',
      known: [{ values: known }, { values: known }],
    });
    expect(Math.max(...last.error)).toBeLessThan(1e-12);
  });

  test('as a variance, likewise', () => {
    const model = varianceModel(PROFILES.generic);
    const [lower, upper] = run(only, { profile: PROFILES.generic, model: 'likely' });
    const ofHidden = (h: number, e: number) =>
      only === 'input' ? e ** 2 : model.rounded(e ** 2, spacing(h, STATE));
    const ofInput = (h: number, e: number) =>
      only === 'hidden' ? e ** 2 : model.rounded(e ** 2, spacing(h, STATE));
    for (const t of [1, 2]) {
      const [h, g, x] = [lower.values[t - 1], upper.values[t - 1], lower.values[t]];
      const [e, f, d] = [lower.error[t - 1], upper.error[t - 1], lower.error[t]];
      // What a step adds itself is about as much as the first one adds, and next to nothing beside the grid.
      const own = lower.error[0] ** 2;
      const v = own + slope(lower.values[t]) ** 2 * U ** 2 * ofHidden(h, e);
      const w = own + slope(upper.values[t]) ** 2 * (V ** 2 * ofInput(x, d) + R ** 2 * ofHidden(g, f));
      if (only === 'input') expect(d, `lower ${t}`).toBeLessThan(1e-6);
      else {
        expect(d / Math.sqrt(v), `lower ${t}`).toBeGreaterThan(0.85);
        expect(d / Math.sqrt(v), `lower ${t}`).toBeLessThan(1.15);
      }
      expect(upper.error[t] / Math.sqrt(w), `upper ${t}`).toBeGreaterThan(0.85);
      expect(upper.error[t] / Math.sqrt(w), `upper ${t}`).toBeLessThan(1.15);
    }
  });
});
