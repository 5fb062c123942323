import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './cli.js';

test('the picture of a failing verify is what its script makes today', () => {
  const made = execFileSync(process.execPath, [path.join(ROOT, 'docs', 'terminal-picture.js')], {
    encoding: 'utf8',
  });
  expect(made).toBe(fs.readFileSync(path.join(ROOT, 'docs', 'failing-verify.svg'), 'utf8'));
  expect(made).toContain('>DIFFERS</text>');
});
