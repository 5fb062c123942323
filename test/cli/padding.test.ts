import path from 'node:path';
import { expect, test } from 'vitest';
import { cli, ROOT } from '../cli.js';

const REPORTS = path.join(ROOT, 'test', 'data', 'reports', 'padding-not-zero');
const GIVEN = ['--weights', 'weights', '--input', 'input', '--expected', 'port'].map((word) =>
  word.startsWith('--') ? word : `${word}.safetensors`,
);

const verify = (state: string, ...more: readonly string[]) =>
  cli(['verify', ...GIVEN, ...more], { cwd: path.join(REPORTS, state) });

test.each([
  ['fail-padding-value-minus-1', ['--padding', '-1'], 0],
  ['fail-padding-value-minus-1', ['--padding', 'ignore'], 0],
  ['fail-padding-value-minus-1', ['--padding', '-2'], 1],
  ['fail-padding-value-minus-1', [], 1],
  ['fail-garbage', ['--padding', 'ignore'], 0],
  ['fail-garbage', ['--padding', '-1'], 1],
  // A fault within the lengths stays one.
  ['fail-padded-before', ['--padding', 'ignore'], 1],
] as const)('%s with %o: exit %d', async (state, more, exit) => {
  expect((await verify(state, ...more)).code).toBe(exit);
});

test('what is no padding is said', async () => {
  const { code, stderr } = await verify('fail-garbage', '--padding', 'none');
  expect(code).toBe(2);
  expect(stderr).toContain('It takes a number, as -1, or ignore.');
});

test('a case without lengths has no padding', async () => {
  const { code, stderr } = await cli(['verify', path.join(ROOT, 'samples', 'gru'), '--padding', '0']);
  expect(code).toBe(2);
  expect(stderr).toContain('padding: is for a case with lengths');
});
