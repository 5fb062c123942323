import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, SAMPLES, sampleNames, scratch } from './cli.js';

// The real program with more cases than one thread verifies alone.
const BIN = path.join(ROOT, 'bin', 'cellcheck.cjs');
const CASES = [...sampleNames(), ...sampleNames('failing')];

/** A folder with so many cases: copies of the samples. */
function many(count: number): string {
  const folder = scratch();
  for (let i = 0; i < count; i++) {
    const sample = CASES[i % CASES.length];
    const name = `${String(i).padStart(4, '0')}-${path.basename(sample)}`;
    fs.cpSync(path.join(SAMPLES, sample), path.join(folder, 'cases', name), { recursive: true });
  }
  return folder;
}

test('order, verdicts and JSON are the same, byte by byte, for any number of jobs and threads', () => {
  const cwd = many(330);
  const run = (...argv: string[]) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [BIN, 'verify', 'cases', '--reporter', 'json', ...argv],
      { cwd, encoding: 'utf8', maxBuffer: 2 ** 28 },
    );
    return { status, stdout, stderr };
  };
  const alone = run('--jobs', '1');
  expect(alone).toMatchObject({ status: 1, stderr: '' });
  const others = [
    [],
    ['--jobs', '2'],
    ['--jobs', '7'],
    ['--threads', '2'],
    ['--jobs', '2', '--threads', '1'],
  ];
  for (const argv of others) expect(run(...argv)).toEqual(alone);
});

test('shards that the program writes are merged to the report of the whole', () => {
  const cwd = scratch();
  const run = (...argv: string[]) => spawnSync(process.execPath, [BIN, ...argv], { cwd, encoding: 'utf8' });
  const cases = [SAMPLES, path.join(SAMPLES, 'failing')];
  const whole = run('verify', ...cases, '--reporter', 'json');
  for (const i of ['1', '2', '3'])
    expect(run('verify', ...cases, '--shard', `${i}/3`, '--reporter', `json=${i}.json`).stderr).toBe('');
  expect(run('merge', '?.json', '--reporter', 'json')).toMatchObject({ status: 1, stdout: whole.stdout });
});

test('a case that disappears on the way is an error, and all others are reported', async () => {
  const cwd = many(400);
  const [last] = fs.readdirSync(path.join(cwd, 'cases')).slice(-1);
  const child = spawn(process.execPath, [BIN, 'verify', 'cases', '-q'], { cwd });
  let text = '';
  child.stdout.on('data', (piece) => {
    if (text === '') fs.rmSync(path.join(cwd, 'cases', last), { recursive: true });
    text += piece;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(2);
  expect(text).toContain(`error     cases/${last}`);
  expect(text).toContain('there is no such file');
  expect(text).toMatch(/, 1 without a verdict \(400 cases/);
});

test('after Ctrl-C what is known so far is reported, in every report, with exit code 130', async () => {
  const cwd = scratch();
  // Some seconds, however late the interruption comes.
  const cases = Array.from({ length: 1000 }, () => path.join(SAMPLES, 'gru-long'));
  const child = spawn(
    process.execPath,
    [BIN, 'verify', ...cases, '-q', '--reporter', 'table', '--reporter', 'json=r.json'],
    { cwd },
  );
  let [text, errors] = ['', ''];
  child.stdout.on('data', (piece) => {
    if (text.length < 2000 && text.length + piece.length >= 2000) child.kill('SIGINT');
    text += piece;
  });
  child.stderr.on('data', (piece) => {
    errors += piece;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(130);
  expect(text).toMatch(/\d+ parity, \d+ differs, \d+ not run \(\d+ cases/);
  const { cases: report, summary } = JSON.parse(fs.readFileSync(path.join(cwd, 'r.json'), 'utf8'));
  expect(summary.exit_code).toBe(130);
  expect(summary.not_run).toBeGreaterThan(0);
  expect(report.length + summary.not_run).toBe(1000);
  expect(errors).toMatch(/^cellcheck: interrupted after \d+ of 1000 cases\n$/);
});
