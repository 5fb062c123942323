import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli, ROOT } from '../cli.js';
import { pythonWithTorch } from './python.js';

const SEED = Number(process.env.LIVE_SEED ?? Date.now() % 1_000_000);
const CASES = Number(process.env.LIVE_CASES ?? 300);
const SCRIPT = fileURLToPath(new URL('gates.py', import.meta.url));
const FARTHEST = 1e-12;

interface Line {
  readonly words: string;
  readonly kind: string;
  /** The largest difference; null where names or shapes are not the same. */
  readonly worst: number | null;
  readonly names: readonly string[];
}

const out = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-gates-'));
let python = '';

beforeAll(() => {
  console.log(`LIVE_SEED=${SEED}`);
  python = pythonWithTorch();
});

afterAll(() => fs.rmSync(out, { recursive: true, force: true }));

const run = (...argv: (string | number)[]) =>
  execFileSync(python, [SCRIPT, ...argv.map(String)], { encoding: 'utf8', maxBuffer: 2 ** 26 });

test(`every gate, h and c of ${CASES} random modules is what PyTorch’s operations give, to 1e-12`, async () => {
  run('make', out, SEED, CASES);
  for (let i = 0; i < CASES; i++) {
    const argv = ['inspect', `${i}.safetensors`, '-q', '--save', `${i}.saved.safetensors`];
    expect(await cli(argv, { cwd: out })).toEqual({ code: 0, stdout: '', stderr: '' });
  }
  const lines: Line[] = run('check', out)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.length).toBe(CASES);
  expect(lines.filter(({ worst }) => worst === null || !(worst <= FARTHEST))).toEqual([]);

  // The cases cover every kind of module and option, and every state and gate is saved.
  const worst = lines.reduce((a, line) => Math.max(a, line.worst!), 0);
  const count = (pattern: RegExp) => lines.filter(({ words }) => pattern.test(words)).length;
  console.log(`largest difference ${worst.toExponential(1)}`);
  const patterns = [
    /^RNN/,
    /^GRU/,
    /^LSTM/,
    /Cell/,
    /bidirectional=True/,
    /num_layers=[234]/,
    /proj_size/,
    /lengths/,
    /h_0/,
  ];
  for (const pattern of patterns) expect(count(pattern), String(pattern)).toBeGreaterThan(CASES / 60);
  for (const { kind, names } of lines) {
    const gates = { RNN: 'h', GRU: 'hnrz', LSTM: 'cfghio' }[kind];
    const first = names.filter((name) => name.startsWith('layer0.forward.'));
    expect(first.map((name) => name.split('.')[2]).join('')).toBe(gates);
  }
}, 900_000);

test('numbers that are a little wrong are found', () => {
  const one = fs.readdirSync(out).find((file) => file.endsWith('.saved.safetensors'))!;
  const bytes = fs.readFileSync(path.join(out, one));
  const at = 8 + Number(bytes.readBigUInt64LE());
  bytes.writeDoubleLE(bytes.readDoubleLE(at) + 1e-11, at);
  fs.writeFileSync(path.join(out, one), bytes);
  const wrong = run('check', out)
    .trim()
    .split('\n')
    .map((line): Line => JSON.parse(line))
    .filter(({ worst }) => !(worst! <= FARTHEST));
  expect(wrong.length).toBe(1);
});

test.each([
  ['gru-lengths', 'batch_first'],
  ['lstm-projection', 'time_first'],
  ['rnn-stacked', 'batch_first'],
])('%s: Python reads the same numbers from each format', async (name, layout) => {
  const folder = path.join(out, name);
  fs.mkdirSync(folder);
  for (const ending of ['safetensors', 'json', 'csv']) {
    const file = path.join(folder, `saved.${ending}`);
    expect((await cli(['inspect', path.join(ROOT, 'samples', name), '-q', '--save', file])).code).toBe(0);
  }
  expect(run('formats', folder, layout)).toBe('same\n');
});
