import path from 'node:path';
import { expect, test } from 'vitest';
import type { Outcome, Work } from '../../src/cli/cases/job.js';
import { inPool } from '../../src/cli/cases/pool.js';
import { ROOT, SAMPLES } from '../cli.js';

const PROGRAM = path.join(ROOT, 'test', 'data', 'mortal-worker.mjs');

/** This thread verifies a sample in the place of any of them, and workers nothing at all. */
const workOf = (label: string): Work => ({
  job: {
    label,
    source: { path: path.join(SAMPLES, 'lstm', 'case.json') },
    load: { cwd: ROOT, allowOutside: false, names: {} },
    options: {},
    strict: false,
    caller: '',
  },
});

async function run(works: readonly Work[], signal = new AbortController().signal, onOutcome?: () => void) {
  const outcomes: Outcome[] = [];
  const options = {
    jobs: 3,
    threads: 1,
    count: works.length,
    seconds: 1e-3,
    speed: {},
    program: PROGRAM,
    signal,
  };
  for await (const outcome of inPool(works.values() as Iterator<Work, undefined>, options)) {
    outcomes.push(outcome);
    onOutcome?.();
  }
  return outcomes;
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `case ${i}`);

test('outcomes come in the order of the cases, from this thread and all workers', async () => {
  const labels = numbered(500);
  const outcomes = await run(labels.map(workOf));
  expect(outcomes.map(({ result }) => result.label)).toEqual(labels);
  // The test's worker says its number in the place of the threads.
  expect(new Set(outcomes.map(({ speed }) => speed?.threads)).size).toBeGreaterThan(1);
});

test('a case that ends its worker says so, and the others are verified all the same', async () => {
  const deadly = (i: number) => (i % 20 === 0 ? 'exits' : i % 20 === 10 ? 'throws' : undefined);
  const labels = numbered(400).map((label, i) => deadly(i) ?? label);
  const outcomes = await run(labels.map(workOf));
  expect(outcomes.map(({ result }) => result.label)).toEqual(labels);
  const failed = outcomes.filter(({ result }) => result.error);
  // Those that this thread did not take.
  expect(new Set(failed.map(({ result }) => result.error!.message.split('\n')[0]))).toEqual(
    new Set([
      'exits: the thread that verified it has ended: worker exited with code: 3',
      'throws: the thread that verified it has ended: thrown',
    ]),
  );
  expect(failed.every(({ verdict }) => verdict === undefined)).toBe(true);
});

test('what is known already keeps its place', async () => {
  const known: Work = { outcome: { result: { label: 'known', error: { message: 'm', hints: [] } } } };
  const outcomes = await run([workOf('a'), known, known, workOf('b')]);
  expect(outcomes.map(({ result }) => result.label)).toEqual(['a', 'known', 'known', 'b']);
});

test('an interruption ends it, with what is known so far', async () => {
  const stop = new AbortController();
  let count = 0;
  const outcomes = await run(numbered(5000).map(workOf), stop.signal, () => {
    if (++count === 10) stop.abort();
  });
  expect(outcomes.length).toBeGreaterThanOrEqual(10);
  expect(outcomes.length).toBeLessThan(200);
});
