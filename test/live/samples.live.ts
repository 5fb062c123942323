import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPORT_SCHEMA } from '../../schemas/report.js';
import { cli, ROOT, SAMPLES } from '../cli.js';
import { readJson } from '../write.js';
import { pythonWithTorch } from './python.js';

// The numbers are new in every run; LIVE_SEED with the printed seed repeats one.
const SEED = Number(process.env.LIVE_SEED ?? Date.now() % 1_000_000);
const ROUNDS = 8;

const out = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-live-'));
const folders = Array.from({ length: ROUNDS }, (_, i) => path.join(out, String(i)));
let python = '';

beforeAll(() => {
  console.log(`LIVE_SEED=${SEED}`);
  python = pythonWithTorch();
  for (const [i, folder] of folders.entries()) {
    const script = path.join(SAMPLES, 'generate.py');
    execFileSync(python, ['-W', 'ignore', script, folder, String(SEED + i)], { stdio: 'inherit' });
  }
});

afterAll(() => fs.rmSync(out, { recursive: true, force: true }));

const report = async (...paths: string[]) => {
  const { code, stdout } = await cli(['verify', ...paths, '--reporter', 'json'], { cwd: ROOT });
  return { code, ...REPORT_SCHEMA.parse(JSON.parse(stdout)) };
};

test.each(folders)('%s: PyTorch’s outputs are parity, float64 to 1e-14', async (folder) => {
  const { code, cases } = await report(folder, path.join(folder, 'bundles', '*'));
  expect(cases.filter(({ verdict }) => verdict !== 'parity')).toEqual([]);
  expect(cases.length).toBeGreaterThanOrEqual(23);
  expect(code).toBe(0);
  for (const one of cases) {
    if (one.verdict === 'error' || !one.case.endsWith('float64')) continue;
    for (const { worst } of one.tensors) expect(worst.difference).toBeLessThan(1e-14);
  }
});

test.each(folders)('%s: what was done wrong on purpose differs, first where it was done', async (folder) => {
  const { code, cases } = await report(path.join(folder, 'failing', '*'));
  expect(code).toBe(1);
  expect(cases.length).toBeGreaterThanOrEqual(4);
  for (const one of cases) {
    const { first_step } = readJson(path.join(one.case, 'injected.json'));
    expect(one).toMatchObject({ verdict: 'differs', first: { tensor: 'output', step: first_step } });
  }
});

test('the README’s Python exports a case that is parity', async () => {
  const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const [, code] = /^```python\n([\s\S]*?)^```$/m.exec(readme)!;
  execFileSync(python, ['-c', code], { cwd: out, env: { ...process.env, PYTHONPATH: SAMPLES } });
  expect(await cli(['verify', 'cases'], { cwd: out })).toMatchObject({ code: 0, stderr: '' });
});
