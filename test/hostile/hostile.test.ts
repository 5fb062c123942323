import fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LIST_SCHEMA } from '../../schemas/list.js';
import { REPORT_SCHEMA } from '../../schemas/report.js';
import { cli, scratch } from '../cli.js';
import { argvOf, CORPUS, faults, lay } from './corpus.js';
import { CANARY, wasRun } from './names.js';

beforeAll(() => fs.rmSync(CANARY, { force: true }));
afterAll(() => expect(wasRun()).toBe(false));

test('the corpus is large, and its names tell its cases apart', () => {
  expect(CORPUS.length).toBeGreaterThan(2000);
  expect(new Set(CORPUS.map(({ name }) => name)).size).toBe(CORPUS.length);
});

test.each(CORPUS.map((hostile) => [hostile.name, hostile] as const))('%s', async (_, hostile) => {
  const cwd = scratch();
  const argv = lay(hostile, cwd);
  const { code, stdout, stderr } = await cli(argv, { cwd });
  expect(faults(hostile, code, stdout + stderr)).toEqual([]);
  expect(wasRun()).toBe(false);

  if (argv.includes('--reporter')) return;
  const json = await cli([...argv, '--reporter', 'json'], { cwd });
  expect(faults({ ...hostile, says: [] }, json.code, json.stdout + json.stderr)).toEqual([]);
  if (json.stdout) REPORT_SCHEMA.parse(JSON.parse(json.stdout));
});

/** The file that is spoilt, where it can be listed: a case, a bundle, or the weights of a case in three files. */
const listable = (argv: readonly string[]) =>
  argv.length === 1 && !argv[0].startsWith('-')
    ? argv[0]
    : argv[0] === '--weights' && argv.length === 6
      ? argv[1]
      : undefined;
const files = CORPUS.filter((hostile) => listable(argvOf(hostile)) !== undefined);

test('most of the corpus are files that can be listed and inspected', () => {
  expect(files.length).toBeGreaterThan(1800);
});

test.each(files.map((hostile) => [hostile.name, hostile] as const))(
  'listed and inspected: %s',
  async (_, hostile) => {
    const cwd = scratch();
    const [, ...argv] = lay(hostile, cwd);
    const file = listable(argv)!;
    for (const command of [
      ['list', file],
      ['list', file, '--reporter', 'json'],
      ['inspect', ...argv, '--save', 'saved.json', '--force'],
    ]) {
      const { code, stdout, stderr } = await cli(command, { cwd });
      expect([0, 2]).toContain(code);
      const found = faults({ ...hostile, exit: code as 0 | 2, says: [] }, code, stdout + stderr);
      // What is asked for is a list of all that is there.
      const long = command[0] === 'list' ? /characters long$/ : /^$/;
      expect(found.filter((fault) => !long.test(fault))).toEqual([]);
      if (code === 2) expect(stdout + stderr).toMatch(/\S/);
      if (command.includes('json') && stdout) LIST_SCHEMA.parse(JSON.parse(stdout));
    }
  },
);
