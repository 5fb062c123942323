import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { judged, ONNX, ports, randomFrom } from '../engines/judge.js';
import { pythonWith } from './python.js';

// `npm run engines` does the same for more runtimes and more modules.
const SEED = Number(process.env.LIVE_SEED ?? 1) * 1000;
const MODULES = 12;

let python: string;
let out: string;

beforeAll(() => {
  python = pythonWith(ONNX);
  out = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-engines-'));
  return () => fs.rmSync(out, { recursive: true, force: true });
});

const made = (set: string, ...runtimes: readonly string[]) => [
  ...ports(python, 'ports.py', [out, set, String(SEED), String(MODULES), ...runtimes]),
];

describe.each(['base', 'hard'])('float32 ports of %s modules', (set) => {
  test.each([
    'torch',
    'onnxruntime',
    'onnxruntime nodes',
    'numpy tanh',
    'numpy 2 sigmoid - 1',
    'numpy (e - 1) / (e + 1)',
    'numpy 1 - 2 / (e + 1)',
    'numpy (1 - e) / (1 + e)',
    'c tanhf',
    'c sigmoid',
  ])('are parity, and none with a fault proven: %s', async (runtime) => {
    const all = made(set, runtime);
    expect(all.length).toBe(MODULES);
    const random = randomFrom(SEED);
    let found = 0;
    for (const { spec, tensors } of all) {
      const { verdict, tensors: compared } = await judged(spec, tensors);
      expect({ ...spec, verdict }).toEqual({ ...spec, verdict: 'parity' });
      expect(compared.reduce((sum, { auto }) => sum + auto!.proven, 0)).toBe(0);
      if ((await judged(spec, tensors, { change: 0.05, random })).verdict === 'differs') found++;
    }
    // Many of the hard ones are saturated, or too small for it.
    expect(found).toBeGreaterThan(MODULES / (set === 'base' ? 2 : 4));
  });
});

test.each([
  ['torch bfloat16', 'bf16'],
  ['torch float16', 'f16'],
  ['torch float16 weights', 'f16-weights'],
  ['torch bfloat16 weights', 'bf16-weights'],
  ['onnxruntime float16 weights', 'f16-weights'],
])('%s differs, and its precision is named', async (runtime, profile) => {
  const all = made('base', runtime);
  let named = 0;
  for (const { spec, tensors } of all) {
    const { verdict, coarser } = await judged(spec, tensors);
    expect(verdict).toBe('differs');
    if (coarser) expect({ ...spec, coarser }).toEqual({ ...spec, coarser: profile });
    if (coarser) named++;
  }
  expect(named).toBeGreaterThan(0.85 * all.length);
});
