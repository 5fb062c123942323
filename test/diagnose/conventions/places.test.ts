import { expect, test } from 'vitest';
import { allowances } from '../../../src/diagnose/conventions/allowance.js';
import { hypothesesOf } from '../../../src/diagnose/conventions/case-hypotheses.js';
import { distanceBetween } from '../../../src/diagnose/conventions/misfit.js';
import { predict } from '../../../src/diagnose/conventions/predict.js';
import { searchPlaces, searchSingles } from '../../../src/diagnose/conventions/search.js';
import { PLACEABLE, type Spot } from '../../../src/diagnose/conventions/variant.js';
import type { Kind } from '../../../src/kinds.js';
import type { Network, Sequence } from '../../../src/module/bind.js';
import { moduleOf } from '../../engine/module.js';
import { networkOf, sequenceOf } from '../../engine/random-network.js';
import { randomFrom } from '../../engines/judge.js';
import { boundOf } from '../bound.js';

interface Regime {
  readonly steps?: number;
  readonly batch?: number;
  readonly input_size?: number;
  readonly hidden_size?: number;
  readonly zeroStates?: true;
  readonly zeroBiases?: true;
  readonly constant?: true;
}

const REGIMES: Readonly<Record<string, Regime>> = {
  usual: {},
  larger: { hidden_size: 16, steps: 12 },
  'zero biases': { zeroBiases: true },
  'zero states': { zeroStates: true },
  'one step': { steps: 1 },
  'one step from zeros': { steps: 1, zeroStates: true },
  'one unit': { hidden_size: 1 },
  'one row without states and biases': { batch: 1, zeroStates: true, zeroBiases: true },
  'as many inputs as units': { input_size: 5, hidden_size: 5 },
  'a constant input': { constant: true },
  'one row': { batch: 1 },
  'one input': { input_size: 1 },
};

const PLACES: readonly Spot[] = [
  { layer: 0 },
  { layer: 1 },
  { direction: 0 },
  { direction: 1 },
  { layer: 0, direction: 1 },
  { layer: 1, direction: 0 },
];

/** Two layers in both directions, and what they run over. */
function drawn(kind: Kind, regime: Regime, seed: number): { network: Network; sequence: Sequence } {
  const { steps = 6, batch = 3, input_size = 4, hidden_size = 4 } = regime;
  const module = moduleOf(kind, { input_size, hidden_size, num_layers: 2, bidirectional: true });
  const { layers } = networkOf(module, seed);
  const zeros = (values: Float64Array | Float32Array | undefined) => values?.map(() => 0);
  const input = sequenceOf(module, steps, batch, seed + 1).input;
  const first = batch * input_size;
  const states = (more: number) =>
    sequenceOf({ ...module, input_size: hidden_size }, 1, 4 * batch, seed + more).input.map(
      (value) => value / 4,
    );
  return {
    network: {
      module,
      layers: regime.zeroBiases
        ? layers.map((ways) =>
            ways.map((one) => ({ ...one, biasIh: zeros(one.biasIh), biasHh: zeros(one.biasHh) })),
          )
        : layers,
    },
    sequence: {
      steps,
      batch,
      input: regime.constant ? input.map((_, i) => input[i % first]) : input,
      ...(!regime.zeroStates && { h0: states(2), ...(kind === 'LSTM' && { c0: states(3) }) }),
    },
  };
}

const DRAWS = 3;

test.each(Object.entries(REGIMES))('a fault in one place is found there: %s', async (_, regime) => {
  const random = randomFrom(3);
  const any = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)];
  for (const kind of ['RNN', 'GRU', 'LSTM'] as const) {
    const { network, sequence } = drawn(kind, regime, 11);
    const base = predict(network, sequence, {});
    const placeable = hypothesesOf(boundOf(network, sequence, {})).filter(({ change }) =>
      Object.keys(change).every((field) => (PLACEABLE as readonly string[]).includes(field)),
    );
    for (let draw = 0; draw < DRAWS; draw++) {
      const [{ name, change }, only] = [any(placeable), any(PLACES)];
      const { output, h_n, c_n } = predict(network, sequence, { ...change, only });
      const boundCase = boundOf(network, sequence, { output, h_n, c_n });
      const target = { boundCase, base, allowances: await allowances(boundCase, undefined) };
      // What makes no difference here cannot be found.
      if (distanceBetween(target, { output, h_n, c_n }, base) <= 1) continue;
      const { fits } = await searchPlaces(target);
      const found = fits.map(({ hypotheses: [first] }) => first.change);
      const isFound = found.some((one) => {
        const { only: place, ...rest } = one;
        const isThere = place?.layer === only.layer && place?.direction === only.direction;
        return isThere && JSON.stringify(rest) === JSON.stringify(change);
      });
      // Or something that holds everywhere looks alike.
      const everywhere = isFound ? [] : (await searchSingles(target)).fits;
      expect(isFound || everywhere.length > 0, `${kind}: ${name} in ${JSON.stringify(only)}`).toBe(true);
    }
  }
});
