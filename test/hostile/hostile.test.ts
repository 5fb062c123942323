import { expect, test } from 'vitest';
import { REPORT_SCHEMA } from '../../schemas/report.js';
import { cli, scratch } from '../cli.js';
import { CORPUS, faults, lay } from './corpus.js';

test('the corpus is large, and its names tell its cases apart', () => {
  expect(CORPUS.length).toBeGreaterThan(800);
  expect(new Set(CORPUS.map(({ name }) => name)).size).toBe(CORPUS.length);
});

test.each(CORPUS.map((hostile) => [hostile.name, hostile] as const))('%s', async (_, hostile) => {
  const cwd = scratch();
  const argv = lay(hostile, cwd);
  const { code, stdout, stderr } = await cli(argv, { cwd });
  expect(faults(hostile, code, stdout + stderr)).toEqual([]);

  if (argv.includes('--reporter')) return;
  const json = await cli([...argv, '--reporter', 'json'], { cwd });
  expect(faults({ ...hostile, says: [] }, json.code, json.stdout + json.stderr)).toEqual([]);
  if (json.stdout) REPORT_SCHEMA.parse(JSON.parse(json.stdout));
});
