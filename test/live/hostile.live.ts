import fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scratch } from '../cli.js';
import { CORPUS, faults, lay } from '../hostile/corpus.js';
import { CANARY, wasRun } from '../hostile/names.js';
import { type Measured, measured } from './process.js';

// Runs the corpus with a process for each case, so that its memory can be measured and a hang ends with the process.
const SMALL = 10e6;
const MOST_MEGABYTES = 150;
// A tenth of that is usual: the rest is for a machine that has other work.
const MOST_SECONDS = 4;

beforeAll(() => fs.rmSync(CANARY, { force: true }));

const costs: (Measured & { name: string })[] = [];

afterAll(() => {
  const worst = (by: 'seconds' | 'megabytes') =>
    costs
      .toSorted((a, b) => b[by] - a[by])
      .slice(0, 5)
      .map(({ name, seconds, megabytes }) => ({ name, seconds, megabytes }));
  console.table(worst('seconds'));
  console.table(worst('megabytes'));
});

// Cases that only check how text is printed need no process.
const cases = CORPUS.filter(({ name }) => !name.startsWith('text that'));

test.each(cases.map((hostile) => [hostile.name, hostile] as const))('%s', async (name, hostile) => {
  const { files = {} } = hostile;
  for (const content of Object.values(files)) expect(content.length).toBeLessThanOrEqual(SMALL);
  const cwd = scratch();
  const result = await measured(lay(hostile, cwd), cwd);
  costs.push({ name, ...result });
  expect(faults(hostile, result.code ?? -1, result.output)).toEqual([]);
  expect(result.megabytes).toBeGreaterThan(20);
  expect(result.megabytes).toBeLessThanOrEqual(MOST_MEGABYTES);
  expect(result.seconds).toBeLessThanOrEqual(MOST_SECONDS);
  expect(wasRun()).toBe(false);
});
