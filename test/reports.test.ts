import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cli, ROOT } from './cli.js';
import { readJson } from './write.js';

const REPORTS = path.join(ROOT, 'test', 'data', 'reports');

interface Answer {
  readonly exit: 0 | 1 | 2;
  readonly args?: readonly string[];
  /** What follows, in the words of the report. */
  readonly follows?: readonly string[];
  /** The first cause; empty where nothing fits. */
  readonly says?: readonly string[];
  readonly error?: readonly string[];
}

const answers = readJson(path.join(REPORTS, 'answers.json')) as unknown as Record<string, Answer>;

test('every report has an answer, and the other way round', () => {
  const folders = fs
    .readdirSync(REPORTS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => fs.readdirSync(path.join(REPORTS, name)).map((state) => `${name}/${state}`));
  expect(folders.toSorted()).toEqual(Object.keys(answers).toSorted());
});

const GIVEN = [
  ['--weights', 'weights'],
  ['--input', 'input'],
  ['--expected', 'port'],
].flatMap(([option, name]) => [option, `${name}.safetensors`]);

test.each(Object.entries(answers))('%s', async (name, { exit, args = [], follows, says, error }) => {
  const cwd = path.join(REPORTS, name);
  const { code, stdout, stderr } = await cli(['diagnose', ...GIVEN, ...args, '--reporter', 'json'], { cwd });
  expect(code).toBe(exit);
  if (error) expect(stderr.trim().split('\n')).toEqual(error);
  if (exit !== 1) return;
  const { cause } = JSON.parse(stdout);
  const [first] = cause.conventions;
  expect(cause.follows?.says ?? []).toEqual(follows ?? []);
  expect(cause.degenerate ? [cause.degenerate.says] : (first?.says ?? [])).toEqual(says);
  // The first screen has all of the answer.
  const text = await cli(['diagnose', ...GIVEN, ...args], { cwd });
  expect(text.stdout.trim().split('\n').length).toBeLessThanOrEqual(40);
});
