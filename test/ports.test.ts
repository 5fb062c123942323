import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cli, ROOT } from './cli.js';
import { readJson } from './write.js';

const PORTS = path.join(ROOT, 'test', 'data', 'ports');

interface Expected {
  readonly exit: 0 | 1 | 2;
  readonly options?: readonly string[];
  /** What the report says, whatever its lines are broken into. */
  readonly says?: readonly string[];
}

const cases = readJson(path.join(PORTS, 'cases.json')) as unknown as Record<string, Expected>;

/** All folders that have weights, by their paths below `folder`. */
function portsBelow(folder: string): string[] {
  const names = fs.readdirSync(path.join(PORTS, folder), { withFileTypes: true });
  if (names.some(({ name }) => name.startsWith('weights.'))) return [folder];
  return names.flatMap((entry) => (entry.isDirectory() ? portsBelow(path.join(folder, entry.name)) : []));
}

test('every port has a verdict, and the other way round', () => {
  expect(portsBelow('').toSorted()).toEqual(Object.keys(cases).toSorted());
});

test.each(Object.entries(cases))('%s has the verdict that is right', async (name, expected) => {
  const { exit, options = [], says = [] } = expected;
  const cwd = path.join(PORTS, name);
  const files = ['weights', 'input', 'port'].flatMap((role, i) => [
    ['--weights', '--input', '--expected'][i],
    `${role}.safetensors`,
  ]);
  const which = fs.existsSync(path.join(cwd, 'case.json')) ? ['.'] : files;
  const { code, stdout, stderr } = await cli(['verify', ...which, ...options], { cwd });
  const text = (stdout + stderr).replace(/\s+/g, ' ');
  expect({ code, text }).toEqual({ code: exit, text });
  for (const part of says) expect(text).toContain(part);
});

test('a line a case names the profile that is not that of the dtype', async () => {
  const names = ['ort-rnn-tiny', 'torch-float32-in-F64'].map((name) => path.join(PORTS, name));
  const { code, stdout } = await cli(['verify', ...names]);
  expect(code).toBe(0);
  const [tiny, exact] = stdout.split(/(?=parity)/).slice(1);
  expect(tiny.replace(/\s+/g, ' ')).toContain('(profile exponential)');
  expect(exact).not.toContain('profile');
});
