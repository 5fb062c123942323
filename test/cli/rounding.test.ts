import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { REPORT_SCHEMA } from '../../schemas/report.js';
import { forward, loadCase, stateDict, tensor } from '../../src/index.js';
import { cli, ROOT, scratch } from '../cli.js';
import { readJson, writeJson } from '../write.js';

const sample = (name: string) => path.join(ROOT, 'samples', name);

/** A copy of a sample whose files may be changed. */
function copyOf(name: string): string {
  const folder = path.join(scratch(), 'case');
  fs.cpSync(sample(name), folder, { recursive: true });
  return folder;
}

const change = (file: string, changed: (object: Record<string, unknown>) => object) =>
  writeJson(file, changed(readJson(file)));

const zero = (_: string, value: unknown) => (typeof value === 'number' ? 0 : value);
const flat = (rows: unknown): number[] => [rows].flat(9) as number[];
const shapeOf = (rows: unknown): number[] => (Array.isArray(rows) ? [rows.length, ...shapeOf(rows[0])] : []);

async function report(argv: string[]) {
  const { stdout, code } = await cli(['verify', ...argv, '--reporter', 'json']);
  return { ...REPORT_SCHEMA.parse(JSON.parse(stdout)).cases[0], code };
}

test('the JSON report says what the automatic rule rests on', async () => {
  const result = await report([sample('failing/gru-perturbed-step'), '--rule', 'auto']);
  if (result.verdict === 'error') throw new Error(result.error.message);
  expect(result).toMatchObject({ verdict: 'differs', code: 1 });
  const [output, h_n] = result.tensors;
  expect(output.rule).toMatchObject({
    name: 'auto',
    profile: 'generic',
    teacher_forced: true,
    decimals: null,
  });
  expect(output.auto!.faults).toBeGreaterThan(0);
  expect(h_n.auto).toMatchObject({ faults: 0, undecided: 0 });
  expect(Number(output.rows[42].sigmas)).toBeGreaterThan(1000);
});

test('without the output of every step the pass runs from the initial state, and says so', async () => {
  const folder = copyOf('notebook-lstm');
  change(path.join(folder, 'expected.json'), ({ h_n, c_n }) => ({ h_n, c_n }));
  const { stdout, code } = await cli(['verify', folder]);
  expect(code).toBe(0);
  expect(stdout).toContain('from the initial state on');
});

test('printed numbers: a value beyond what its decimals allow differs, and a missing "decimals" is hinted at', async () => {
  const folder = copyOf('notebook-gru');
  const caseFile = path.join(folder, 'case.json');
  change(path.join(folder, 'expected.json'), ({ output, ...rest }) => {
    const rows = JSON.parse(JSON.stringify(output));
    rows[0][2][0] += 0.0005;
    return { ...rest, output: rows };
  });
  const differs = await report([folder]);
  expect(differs).toMatchObject({ verdict: 'differs', first: { step: 2 } });
  change(caseFile, ({ decimals: _, ...rest }) => rest);
  const { stdout, code } = await cli(['verify', folder]);
  expect(code).toBe(1);
  expect(stdout.replace(/\s+/g, ' ')).toContain('or "decimals": 4 to the case');
  // A tolerance that somebody states is what they want.
  change(caseFile, (rest) => ({ ...rest, decimals: 4, tolerance: { atol: 1e-3 } }));
  expect(await report([folder])).toMatchObject({ verdict: 'parity', tensors: [{ rule: { name: 'close' } }] });
});

test('another reading that fits is advised before decimals are, and whole numbers are no sign of print', async () => {
  const folder = copyOf('notebook-gru');
  change(path.join(folder, 'case.json'), ({ decimals: _, ...rest }) => rest);
  const file = path.join(folder, 'expected.json');
  change(file, ({ output, ...rest }) => ({ ...rest, output: JSON.parse(JSON.stringify(output), zero) }));
  const { stdout } = await cli(['verify', folder]);
  expect(stdout).not.toContain('decimals');

  // [4, 4, …] fits both ways, and only one of them agrees.
  const weights = readJson(path.join(sample('notebook-rnn-hidden'), 'weights.json'));
  const { input: rows } = readJson(path.join(sample('notebook-rnn-hidden'), 'input.json'));
  const input = Array.from({ length: 4 }, () => (rows as unknown[])[0]);
  const asTensor = (values: unknown) => tensor(shapeOf(values), flat(values));
  const tensors = Object.entries(weights).map(([name, values]) => [name, asTensor(values)]);
  const outputs = await forward(
    stateDict(Object.fromEntries(tensors)),
    { input: asTensor(input) },
    { batch_first: true },
  );
  const at = (b: number, t: number, unit: number) =>
    Number(outputs.output!.data[(b * 4 + t) * 2 + unit].toFixed(5));
  const output = input.map((_, b) => input.map((_, t) => [at(b, t, 0), at(b, t, 1)]));
  const square = path.join(scratch(), 'square.json');
  writeJson(square, { ...weights, input, output });
  const advice = (await cli(['verify', square])).stdout;
  expect(advice).toContain('--batch-first');
  expect(advice).not.toContain('--decimals');
});

test('printed numbers that are computed in float32 are held against a tolerance', async () => {
  const result = await report([sample('notebook-gru'), '--compute', 'float32']);
  expect(result).toMatchObject({ verdict: 'parity', tensors: [{ rule: { name: 'close' } }] });
});

test('a reference in float16 or bfloat16 that is saved as float32 is told from a fault', async () => {
  for (const [dtype, name] of [
    ['lstm-float16', 'float16'],
    ['gru-bfloat16', 'bfloat16'],
  ]) {
    const json = path.join(scratch(), 'all.json');
    const one = await loadCase(sample(dtype));
    const tensors = [...one.tensors].map(([role, { shape, data }]) => [
      role,
      { dtype: 'F32', shape, data: [...data] },
    ]);
    const weights = [...one.weights.load([...one.weights.specs.keys()])].map(([key, { shape, data }]) => [
      key,
      { dtype: 'F32', shape, data: [...data] },
    ]);
    writeJson(json, {
      ...Object.fromEntries(weights),
      ...Object.fromEntries(tensors),
      case: { module: one.options.module, batch_first: one.options.batch_first },
    });
    const { stdout, stderr, code } = await cli(['verify', json, '--rule', 'auto']);
    expect({ stderr, code }).toEqual({ stderr: '', code: 1 });
    expect(stdout.replace(/\s+/g, ' ')).toContain(`all of it is within ${name} rounding`);
    expect(
      (await cli(['verify', json, '--rule', 'auto', '--profile', name === 'float16' ? 'f16' : 'bf16'])).code,
    ).toBe(0);
  }
});

test.each([
  [['--profile', 'f16', '--rule', 'close'], 'profile: is for the rule auto'],
  [['--rule', 'auto', '--compute', 'float32'], 'rule: auto predicts in float64'],
])('%j is refused', async (argv, message) => {
  const { stderr, code } = await cli(['verify', sample('gru'), ...argv]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
