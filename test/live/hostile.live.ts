import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CORPUS, faults, lay } from '../hostile/corpus.js';
import { CANARY, wasRun } from '../hostile/names.js';
import { type Measured, measured } from './process.js';

// Runs the corpus with a process for each case, so that its memory can be measured and a hang ends with the process.
const SMALL = 10e6;
const MOST_MEGABYTES = 150;
// Processor time, as a multiple of the usual case's: the same on a slow machine.
const MOST_TIMES = 14;

const results = new Map<string, Measured>();
let usual: number;

afterAll(() => {
  const worst = (by: 'seconds' | 'megabytes') =>
    [...results]
      .map(([name, result]) => ({ name, ...result }))
      .toSorted((a, b) => b[by] - a[by])
      .slice(0, 5)
      .map(({ name, seconds, megabytes }) => ({ name, seconds, megabytes }));
  console.table(worst('seconds'));
  console.table(worst('megabytes'));
});

// Cases that only check how text is printed need no process.
const cases = CORPUS.filter(({ name }) => !name.startsWith('text that'));

// As many processes at once as there are cores.
beforeAll(async () => {
  fs.rmSync(CANARY, { force: true });
  const waiting = [...cases];
  const work = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-'));
      results.set(next.name, await measured(lay(next, cwd), cwd));
      fs.rmSync(cwd, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, work));
  const times = [...results.values()].map(({ seconds }) => seconds).toSorted((a, b) => a - b);
  usual = times[Math.floor(times.length / 2)];
  console.log(`the usual case takes ${usual} s`);
});

test.each(cases.map((hostile) => [hostile.name, hostile] as const))('%s', (name, hostile) => {
  const { files = {} } = hostile;
  for (const content of Object.values(files)) expect(content.length).toBeLessThanOrEqual(SMALL);
  const result = results.get(name)!;
  expect(faults(hostile, result.code ?? -1, result.output)).toEqual([]);
  expect(result.megabytes).toBeGreaterThan(20);
  expect(result.megabytes).toBeLessThanOrEqual(MOST_MEGABYTES);
  expect(result.seconds / usual).toBeLessThanOrEqual(MOST_TIMES);
});

test('nothing in a file was run', () => {
  expect(wasRun()).toBe(false);
});
