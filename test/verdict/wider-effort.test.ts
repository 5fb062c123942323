import { beforeEach, expect, test, vi } from 'vitest';
import { caseOf } from '../../src/module/case.js';
import { runCase } from '../../src/verdict/run.js';
import { settle } from '../../src/verdict/settings.js';
import { widen } from '../../src/verdict/wider.js';
import { drawn, to, withWeight } from './drawn-port.js';
import { computedBy, TANH } from './runtime.js';

const parts = vi.hoisted(() => ({ judged: 0, computed: 0 }));

// Counts what the search for another profile judges before the whole case, and how often it computes the whole.
vi.mock('../../src/verdict/run.js', async (original) => {
  const run = await original<typeof import('../../src/verdict/run.js')>();
  return {
    ...run,
    judgedByRounding: (...argv: Parameters<typeof run.judgedByRounding>) => {
      parts.judged++;
      return run.judgedByRounding(...argv);
    },
    runBound: (...argv: Parameters<typeof run.runBound>) => {
      parts.computed++;
      return run.runBound(...argv);
    },
  };
});

beforeEach(() => Object.assign(parts, { judged: 0, computed: 0 }));

type Port = ReturnType<typeof drawn>;

/** What a search finds for a port's outputs, and how much it judges and computes. */
async function search(one: Port, { output, h_n }: Partial<ReturnType<typeof computedBy>>) {
  const loaded = caseOf(one.weights, { input: one.input, output, h_n }, { batch_first: false });
  const run = await runCase(loaded, settle(loaded, { speed: { threads: 1 } }));
  let rejudged = 0;
  const rejudge: typeof run.rejudge = (other) => {
    rejudged++;
    return run.rejudge(other);
  };
  const { explained, coarser } = await widen({ ...run, rejudge });
  const profile = explained?.run.tensors[0].judgement?.profile;
  return { profile, coarser: coarser?.profile, rejudged, ...parts };
}

test.each([
  ['the first steps of a long sequence', { steps: 80, batch: 1 }],
  ['the batch row that is farthest off', { steps: 20, batch: 6 }],
] as const)('activations that cannot explain %s are not tried on the whole', async (_, size) => {
  const one = drawn({ hidden_size: 16, ...size });
  const outputs = computedBy(one.network, one.sequence);
  const wrong = { ...one, weights: withWeight(one.weights, 'weight_hh_l0', 7, 1.0001) };
  const none = { profile: undefined, coarser: undefined };
  expect(await search(wrong, outputs)).toEqual({ ...none, judged: 3, rejudged: 0, computed: 0 });
});

test.each([
  { steps: 80, batch: 1 },
  { steps: 20, batch: 6 },
  { steps: 80, batch: 6 },
])('what explains the parts is tried on the whole: %o', async (size) => {
  const one = drawn({ hidden_size: 16, size: 1e-3, ...size });
  const { output } = computedBy(one.network, one.sequence, { tanh: TANH['2 σ(2x) − 1'] });
  expect(await search(one, { output })).toMatchObject({ profile: 'exponential', rejudged: 1, computed: 0 });
});

test('what is quite another is held against no precision', async () => {
  const one = drawn({ hidden_size: 16 });
  const { output } = computedBy(one.network, one.sequence);
  const other = { ...output, data: output.data.map((value, i) => (i % 2 ? -value : 1 - value)) };
  expect(await search(one, { output: other })).toMatchObject({ judged: 0, rejudged: 0, computed: 0 });
});

test.each([
  { steps: 40, batch: 2 },
  { steps: 80, batch: 6 },
])('the first precision that surely explains all of it ends the search: %o', async (size) => {
  const one = drawn({ hidden_size: 16, ...size });
  const { output } = computedBy(one.network, one.sequence, { weights: to('BF16'), biases: to('BF16') });
  const { coarser, computed } = await search(one, { output });
  // Both ways of float16 are ruled out by a part, where there is one.
  expect({ coarser, computed }).toEqual({ coarser: 'bf16-weights', computed: size.steps > 64 ? 1 : 3 });
});
