import { expect, test } from 'vitest';
import { forwardPass } from '../../src/engine/forward.js';
import { caseOf, tensor, verify } from '../../src/index.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf, weightsOf } from '../engine/random-network.js';

const [STEPS, BATCH, HIDDEN] = [4, 2, 3];
const MODULE = moduleOf('GRU', { input_size: 2, hidden_size: HIDDEN, bidirectional: true });
const NETWORK = networkOf(MODULE, 1);

async function errorOf(combine: (forward: number, reverse: number) => number, batch_first = false) {
  const sequence = sequenceOf(MODULE, STEPS, BATCH, 2);
  const { output } = await forwardPass(NETWORK, sequence);
  const half = Float32Array.from({ length: output.length / 2 }, (_, i) => {
    const at = Math.floor(i / HIDDEN) * 2 * HIDDEN + (i % HIDDEN);
    return combine(output[at], output[at + HIDDEN]);
  });
  const swap = (values: ArrayLike<number>, size: number) =>
    Float32Array.from({ length: values.length }, (_, i) => {
      const [b, t] = [Math.floor(i / (STEPS * size)), Math.floor(i / size) % STEPS];
      return values[(t * BATCH + b) * size + (i % size)];
    });
  const axes = batch_first ? [BATCH, STEPS] : [STEPS, BATCH];
  const input = batch_first ? swap(sequence.input, 2) : sequence.input;
  const made = caseOf(
    weightsOf(NETWORK),
    {
      input: tensor([...axes, 2], input),
      output: tensor([...axes, HIDDEN], batch_first ? swap(half, HIDDEN) : half),
    },
    { module: 'GRU', batch_first },
  );
  return verify(made).then(
    () => 'no error',
    (error: Error) => error.message,
  );
}

test.each<[string, (forward: number, reverse: number) => number]>([
  ['This is the sum of both directions', (forward, reverse) => forward + reverse],
  ['This is the mean of both directions', (forward, reverse) => (forward + reverse) / 2],
  ['This is the product of both directions', (forward, reverse) => forward * reverse],
  ['This is the larger of both directions', Math.max],
  ['This is the forward direction alone', (forward) => forward],
  ['This is the reverse direction alone', (_, reverse) => reverse],
  ["This is one direction's half", (forward, reverse) => forward - reverse],
])('%s', async (said, combine) => {
  for (const batch_first of [false, true]) {
    const message = await errorOf(combine, batch_first);
    expect(message).toContain('output: found');
    expect(message).toContain(said);
  }
});
