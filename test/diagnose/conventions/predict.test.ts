import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hypothesesFor } from '../../../src/diagnose/conventions/hypotheses.js';
import { predict } from '../../../src/diagnose/conventions/predict.js';
import { forwardPass } from '../../../src/engine/forward.js';
import { directionsOf, outputSize } from '../../../src/module/parameters.js';
import type { Floats } from '../../../src/tensor/dtype.js';
import { anyNetwork } from '../../engine/random-network.js';

const apart = (a: Floats | undefined, b: Floats | undefined) => {
  expect(a?.length ?? 0).toBe(b?.length ?? 0);
  let most = 0;
  for (let i = 0; i < (a?.length ?? 0); i++) most = Math.max(most, Math.abs(a![i] - b![i]));
  return most;
};

test('without anything otherwise it is the forward pass of the engine, of any module', async () => {
  await fc.assert(
    fc.asyncProperty(anyNetwork(), async ({ network, sequence }) => {
      const ours = await forwardPass(network, sequence);
      const predicted = predict(network, sequence, {});
      for (const name of ['output', 'h_n', 'c_n'] as const)
        expect(apart(predicted[name], ours[name]), name).toBeLessThan(1e-12);
    }),
    { numRuns: 200 },
  );
});

test('the first steps of the first rows are those of the whole run, whatever is otherwise', () => {
  fc.assert(
    fc.property(anyNetwork(), fc.nat(), ({ network, sequence }, pick) => {
      const hypotheses = hypothesesFor(network.module, sequence);
      const { change, name } = hypotheses[pick % hypotheses.length];
      const whole = predict(network, sequence, change);
      const first = predict(network, sequence, change, { limit: { steps: 2, rows: 2 } });
      let known = 0;
      for (const [i, value] of first.output.entries()) {
        if (Number.isNaN(value)) continue;
        known++;
        // Without its activation a gate may let the state overflow.
        const difference = value === whole.output[i] ? 0 : Math.abs(value - whole.output[i]);
        expect(difference, name).toBeLessThan(1e-12 * Math.max(1, Math.abs(value)));
      }
      expect(first.output.length).toBe(whole.output.length);
      // A row that has the first steps of one direction only cannot be normalised.
      const isMixed = change.after === 'layer norm' && network.module.bidirectional;
      const least = isMixed
        ? 0
        : Math.min(sequence.batch, 2) * outputSize(network.module) * directionsOf(network.module).length;
      expect(known, name).toBeGreaterThanOrEqual(least);
    }),
    { numRuns: 500 },
  );
});
