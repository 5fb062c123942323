import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPORT_SCHEMA } from '../../schemas/report.js';
import { openTensors } from '../../src/files/contents.js';
import { readTensors } from '../../src/formats/read-tensors.js';
import type { StateDict } from '../../src/tensor/state-dict.js';
import type { Tensor, TensorSpec } from '../../src/tensor/tensor.js';
import { cli } from '../cli.js';
import { readJson, writeJson } from '../write.js';
import { measured } from './process.js';
import { pythonWithTorch } from './python.js';

// The numbers are new in every run; LIVE_SEED with the printed seed repeats one.
const SEED = Number(process.env.LIVE_SEED ?? Date.now() % 1_000_000);
const SCRIPT = fileURLToPath(new URL('forms.py', import.meta.url));

interface Form {
  /** Of several files: their folder, or their index. */
  readonly file: string;
  /** What stands before the names in this form. */
  readonly before: string;
  /** Tensors beside those of the state_dict, at least. */
  readonly others: number;
  /** The safetensors file with the same tensors. */
  readonly reference?: string;
}

interface WrittenCase {
  readonly folder: string;
  readonly right: boolean;
  readonly options: Readonly<Record<string, unknown>>;
  /** As a case.json names a raw file. */
  readonly input: object;
  /** The expected outputs in every form, as a case.json names them. */
  readonly expected: Readonly<Record<string, unknown>>;
}

/** What the script prints. */
interface Written {
  readonly forms: Readonly<Record<string, readonly Form[]>>;
  readonly refused: readonly { readonly file: string; readonly before: string }[];
  readonly cases: readonly WrittenCase[];
  readonly effective: readonly { readonly folder: string; readonly prefix: string }[];
}

const out = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-forms-'));
let python = '';
let written: Written = { forms: {}, refused: [], cases: [], effective: [] };

beforeAll(() => {
  console.log(`LIVE_SEED=${SEED}`);
  python = pythonWithTorch();
  const text = execFileSync(python, ['-W', 'ignore', SCRIPT, out, String(SEED)], { encoding: 'utf8' });
  written = JSON.parse(text);
});

afterAll(() => fs.rmSync(out, { recursive: true, force: true }));

/** Which of the tensors are not those of the reference, bit by bit. */
function differing(
  reference: StateDict,
  found: StateDict,
  before: string,
  load = (names: readonly string[]) => found.load(names),
): string[] {
  const names = [...reference.specs.keys()];
  const originals = reference.load(names);
  const loaded = load(names.map((name) => before + name));
  return names.filter((name) => {
    const [original, tensor] = [originals.get(name)!, loaded.get(before + name)!];
    const spec = found.specs.get(before + name)!;
    return (
      describe(original) !== describe(tensor) ||
      describe(original) !== describe({ ...tensor, ...spec }) ||
      !bytesOf(original).equals(bytesOf(tensor))
    );
  });
}

const describe = ({ dtype, shape }: TensorSpec) => `${dtype} [${shape}]`;
// Formats of text keep float32 in a Float64Array.
const bytesOf = ({ data }: Tensor) => Buffer.from(Float64Array.from(data).buffer);

test('every form of a state_dict has the tensors of its safetensors file, bit by bit', () => {
  const wrong: string[] = [];
  let count = 0;
  for (const [model, forms] of Object.entries(written.forms)) {
    const folder = path.join(out, 'forms', model);
    for (const { file, before, others, reference = 'reference.safetensors' } of forms) {
      const original = readTensors(fs.readFileSync(path.join(folder, reference)), reference);
      const place = path.join(folder, file);
      // What consists of several files is read from its folder.
      const isOneFile = !fs.statSync(place).isDirectory() && !file.includes('/');
      const open = () => (isOneFile ? readTensors(fs.readFileSync(place), file) : openTensors(place, file));
      const fail = (problem: unknown) => wrong.push(`${model}/${file}: ${problem}`);
      try {
        const found = open();
        const size = original.specs.size;
        const surplus = found.specs.size - size;
        if (others === 0 ? surplus !== 0 : surplus < others) fail(`${found.specs.size} tensors, not ${size}`);
        differing(original, found, before).forEach(fail);
        // What is read alone may begin elsewhere in its storage.
        const apart = open();
        const oneByOne = (names: readonly string[]) =>
          new Map(names.flatMap((name) => [...apart.load([name])]));
        for (const name of differing(original, apart, before, oneByOne)) fail(`${name} alone`);
      } catch (error) {
        fail(error);
      }
      count++;
    }
  }
  expect(wrong).toEqual([]);
  expect(count).toBeGreaterThan(650);
});

test('an archive is read that torch.save wrote without checksums', () => {
  const folder = path.join(out, 'rare');
  const original = openTensors(path.join(folder, 'reference.safetensors'), 'reference');
  const found = openTensors(path.join(folder, 'without-checksums.pt'), 'without-checksums.pt');
  expect(differing(original, found, '')).toEqual([]);
});

test.each(['protocol-4.ckpt', 'protocol-5.pt', 'legacy-4.bin'])(
  '%s: a protocol of pickle that torch.load does not take is named',
  async (file) => {
    const { code, stderr } = await cli(['list', file], { cwd: path.join(out, 'rare') });
    expect(code).toBe(2);
    expect(stderr).toContain('pickle_protocol');
  },
);

test('a changed bit of a file is seen', () => {
  const folder = path.join(out, 'forms', 'lstm');
  const original = readTensors(fs.readFileSync(path.join(folder, 'reference.safetensors')), 'safetensors');
  const bytes = fs.readFileSync(path.join(folder, 'legacy.pt'));
  bytes[bytes.length - 4] ^= 1;
  expect(differing(original, readTensors(bytes, 'legacy.pt'), '')).toHaveLength(1);
});

test('the Python for a file that torch.load refuses makes one that is read', async () => {
  const folder = path.join(out, 'refused');
  const original = openTensors(path.join(folder, 'reference.safetensors'), 'reference');
  const wrong: string[] = [];
  for (const { file, before } of written.refused) {
    const { code, output } = await measured(['list', file], folder);
    expect(code, file).toBe(2);
    const lines = output.split('\n');
    const start = lines.findIndex((line) => line.trim() === 'import torch');
    expect(start, output).toBeGreaterThan(0);
    const indent = lines[start].length - lines[start].trimStart().length;
    const script = lines.slice(start).map((line) => line.slice(indent));
    execFileSync(python, ['-W', 'ignore', '-c', script.join('\n')], { cwd: folder });
    const made = file.replace(/\.[^.]*$/, '-tensors.pt');
    const listed = await cli(['list', made], { cwd: folder });
    if (listed.code !== 0) wrong.push(`${file}: ${listed.stderr}`);
    else wrong.push(...differing(original, openTensors(path.join(folder, made), made), before));
  }
  expect(wrong).toEqual([]);
  expect(written.refused.length).toBe(7);
});

/** What the built program says of these cases, in one process. */
async function verdicts(...paths: string[]) {
  const file = path.join(out, 'report.json');
  const { code, output } = await measured(['verify', ...paths, '-q', '--reporter', `json=${file}`], out);
  expect(fs.existsSync(file), output).toBe(true);
  const { cases } = REPORT_SCHEMA.parse(readJson(file));
  fs.rmSync(file);
  return { code, cases };
}

test('every form of expected outputs is parity, and none with one wrong number', async () => {
  for (const right of [true, false]) {
    const files: string[] = [];
    for (const { folder, options, input, expected } of written.cases.filter((one) => one.right === right)) {
      for (const [form, named] of Object.entries(expected)) {
        const file = path.join(folder, `case-${form}.json`);
        const isRaw = form.startsWith('raw');
        writeJson(file, {
          ...options,
          weights: '../weights.pt',
          input: isRaw ? { ...input, file: '../input.raw' } : '../input.npy',
          expected: named,
        });
        files.push(file);
      }
    }
    const { code, cases } = await verdicts(...files);
    const wanted = right ? 'parity' : 'differs';
    const others = cases.filter(({ verdict }) => verdict !== wanted);
    expect(
      others.map((one) => [
        path.relative(out, one.case),
        one.verdict,
        one.verdict === 'error' ? one.error.message : '',
      ]),
    ).toEqual([]);
    expect(code).toBe(right ? 0 : 1);
    expect(cases.length).toBeGreaterThan(300);
  }
});

test('the same from the command line', async () => {
  const files = [
    'all.npz',
    'output.npy',
    'returned.pt',
    'decimals.csv',
    'digits.csv',
    'printf-semicolons.csv',
  ];
  const results: unknown[] = [];
  const wanted: unknown[] = [];
  for (const { folder, right, options } of written.cases) {
    if (!/(?:lstm-both|rnn-relu)-/.test(folder)) continue;
    for (const file of files) {
      const argv = ['verify', '--weights', '../weights.pt', '--input', '../input.npy', '--expected', file];
      const stated = [
        options.batch_first ? '--batch-first' : '--no-batch-first',
        ...(options.nonlinearity ? ['--nonlinearity', String(options.nonlinearity)] : []),
      ];
      // A few in a process of their own; the others in this one.
      const { code } =
        folder.includes('lstm-both-3') || folder.includes('rnn-relu-unbatched')
          ? await measured([...argv, ...stated], folder)
          : await cli([...argv, ...stated], { cwd: folder });
      results.push([path.relative(out, folder), file, code]);
      wanted.push([path.relative(out, folder), file, right ? 0 : 1]);
    }
  }
  expect(results).toEqual(wanted);
  expect(results.length).toBe(2 * 3 * 2 * files.length);
});

test('rows for a batch of one are read as the array of PyTorch is, whatever is stated', async () => {
  for (const name of ['lstm', 'rnn-relu']) {
    const folder = path.join(out, 'cases', `${name}-1`, 'right');
    const options = name === 'rnn-relu' ? ['--nonlinearity', 'relu'] : [];
    for (const file of ['output.npy', 'digits.csv', 'decimals.csv']) {
      const argv = ['verify', '--weights', '../weights.pt', '--input', '../input.npy', '--expected', file];
      expect(await cli([...argv, ...options], { cwd: folder }), `${name} ${file}`).toMatchObject({ code: 0 });
    }
  }
});

test('weights that weight_norm and WeightDrop compute are PyTorch’s', async () => {
  for (const { folder, prefix } of written.effective) {
    writeJson(path.join(folder, 'case.json'), {
      weights: 'weights.pt',
      prefix,
      input: 'input.npy',
      expected: 'expected.npz',
    });
  }
  const { code, cases } = await verdicts(path.join(out, 'effective'));
  expect(
    cases
      .filter(({ verdict }) => verdict !== 'parity')
      .map((one) => [path.basename(one.case), one.verdict, one.verdict === 'error' ? one.error.message : '']),
  ).toEqual([]);
  expect(code).toBe(0);
  expect(cases.length).toBe(written.effective.length);
  expect(cases.length).toBeGreaterThan(40);

  // With another magnitude the reference is another.
  const other = path.join(out, 'other-magnitude');
  fs.cpSync(path.join(out, 'effective', 'older-lstm-0'), other, { recursive: true });
  fs.copyFileSync(
    path.join(out, 'effective', 'parametrized-lstm-0', 'expected.npz'),
    path.join(other, 'expected.npz'),
  );
  expect(await verdicts('other-magnitude')).toMatchObject({ code: 1 });
});

test('one dict of a checkpoint, by its key and by the ending of its prefix', async () => {
  const folder = path.join(out, 'checkpoints');
  const verify = async (expected: string, ...argv: string[]) => {
    const files = ['--weights', 'checkpoint.pt', '--input', 'input.npy', '--expected', `${expected}.npz`];
    return (await measured(['verify', ...files, ...argv], folder)).code;
  };
  expect(await verify('model')).toBe(2);
  for (const prefix of ['encoder.lstm.', 'lstm.', 'lstm']) {
    const under = (key: string) => ['--key', key, '--prefix', prefix];
    expect(await verify('model', ...under('model_state')), prefix).toBe(0);
    expect(await verify('average', ...under('ema')), prefix).toBe(0);
    expect(await verify('average', ...under('model_state')), prefix).toBe(1);
    expect(await verify('model', ...under('ema')), prefix).toBe(1);
  }
  expect(await verify('model', '--key', 'head')).toBe(2);

  const diff = async (...argv: string[]) => (await measured(['diff', ...argv], folder)).code;
  expect(await diff('checkpoint.pt', 'model.safetensors', '--key', 'model_state')).toBe(0);
  expect(await diff('model.safetensors', 'checkpoint.pt', '--second-key', 'ema')).toBe(1);
  expect(await diff('checkpoint.pt', 'checkpoint.pt', '--key', 'ema', '--second-key', 'ema')).toBe(0);
  expect(await diff('model.safetensors', 'average.safetensors')).toBe(1);
});

test('diff finds every form equal to the safetensors file, and another module not', async () => {
  const results: unknown[] = [];
  for (const [model, forms] of Object.entries(written.forms)) {
    if (!/^(?:lstm-both|gru-bfloat16|rnn-cell|lstm-projected)$/.test(model)) continue;
    const folder = path.join(out, 'forms', model);
    for (const { file, before } of forms) {
      const key = before.split('.')[0];
      const argv = before && key !== 'module' ? ['--second-key', key] : [];
      const { code, stderr } = await cli(['diff', 'reference.safetensors', file, ...argv], { cwd: folder });
      if (code !== 0) results.push([model, file, code, stderr]);
    }
  }
  expect(results).toEqual([]);
  const folder = path.join(out, 'forms');
  const argv = ['diff', 'lstm-both/new.pt', 'lstm-large/legacy.pt'];
  expect(await cli(argv, { cwd: folder })).toMatchObject({ code: 1 });
});
