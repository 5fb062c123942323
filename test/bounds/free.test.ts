import { expect, test } from 'vitest';
import { type EnvelopeOptions, envelope } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import type { Network, Sequence } from '../../src/module/bind.js';
import { moduleOf } from '../engine/module.js';

const of = (...values: readonly number[]) => Float64Array.from(values);
const likely: EnvelopeOptions = { profile: PROFILES.bf16, model: 'likely' };

test('what runs free is undecided from the first step on that is, though a later one is saturated', () => {
  const parameters = { weightIh: of(1), weightHh: of(30) };
  const network: Network = { module: moduleOf('RNN', { bias: false }), layers: [[parameters]] };
  // The second step's sum is what is left of two large ones; at the third tanh is flat.
  const input = of(0.5, -30 * Math.tanh(0.5), 200, 200);
  const sequence = { steps: 4, batch: 1, input };
  const free = envelope(network, sequence, likely);
  expect([...free.layers[0].undecided]).toEqual([0, 1, 1, 1]);
  expect([...free.h_n.undecided]).toEqual([1]);
  const { values } = free.layers[0];
  const forced = envelope(network, sequence, { ...likely, known: [{ values }] });
  expect([...forced.layers[0].undecided]).toEqual([0, 1, 0, 0]);
  expect([...forced.h_n.undecided]).toEqual([0]);
});

test.each([
  ['relu', [0.5, 0.25], true],
  ['tanh', [0.5, 0.25], false],
  ['tanh', [0.5, 0.5], true],
] as const)('errors of %s with the weights %j add up in step: %s', (nonlinearity, weights, coherent) => {
  const parameters = { weightIh: of(...weights), weightHh: new Float64Array(4) };
  const module = moduleOf('RNN', { hidden_size: 2, bias: false, nonlinearity });
  const network: Network = { module, layers: [[parameters]] };
  const sequence = { steps: 1, batch: 1, input: of(1) };
  const free = envelope(network, sequence, likely);
  expect(free.coherent).toBe(coherent);
  // What begins from what is known has nothing to add up.
  const known = [{ values: free.layers[0].values }];
  expect(envelope(network, sequence, { ...likely, known }).coherent).toBe(false);
});

test('copies of a unit err as the one unit does, in their own layer and in the one above', () => {
  const sequence: Sequence = { steps: 6, batch: 1, input: of(0.3, -0.2, 0.5, 0.1, -0.4, 0.2) };
  const errors = (copies: number) => {
    const all = (value: number, length = copies) => new Float64Array(length).fill(value);
    const network: Network = {
      module: moduleOf('RNN', { hidden_size: copies, num_layers: 2, bias: false }),
      layers: [
        [{ weightIh: all(1), weightHh: all(0.9 / copies, copies * copies) }],
        [{ weightIh: all(8 / copies, copies * copies), weightHh: all(0, copies * copies) }],
      ],
    };
    const { layers } = envelope(network, sequence, { profile: PROFILES.f16, model: 'likely' });
    return layers.map(({ error }) => error.filter((_, i) => i % copies === 0));
  };
  const [one, many] = [errors(1), errors(16)];
  for (const [layer, expected] of one.entries())
    for (const [t, error] of expected.entries())
      expect(many[layer][t] / error, `layer ${layer}, step ${t}`).toBeCloseTo(1, 2);
});
