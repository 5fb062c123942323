import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPORT_SCHEMA } from '../../schemas/report.js';
import { cli } from '../cli.js';
import { readJson } from '../write.js';
import { measured } from './process.js';
import { pythonWith } from './python.js';

// The numbers are new in every run; LIVE_SEED with the printed seed repeats one.
const SEED = Number(process.env.LIVE_SEED ?? Date.now() % 1_000_000);
const SCRIPT = fileURLToPath(new URL('onnx_cases.py', import.meta.url));
const PACKAGES = ['onnx==1.23.2', 'onnxruntime==1.32.0', 'onnxscript==0.7.2'];

interface Exported {
  readonly folder: string;
  /** Whether the exporter has left no recurrent node. */
  readonly unrolled: boolean;
  /** Whether ONNX Runtime computed the outputs; it has no kernels for some dtypes. */
  readonly ran: boolean;
  /** The module's name in the model. */
  readonly prefix: string;
  /** Which of the exporters wrote it. Only the older one keeps names. */
  readonly dynamo: boolean;
}

interface Exports {
  readonly cases: readonly Exported[];
  /** Copies of cases with one other number in their weights. */
  readonly wrong: readonly string[];
  /** Models of two modules, each with a case of its own. */
  readonly two: readonly { readonly folder: string; readonly dynamo: boolean }[];
}

interface Built {
  readonly cases: readonly string[];
  readonly refused: readonly { readonly folder: string; readonly attribute: string }[];
  /** Folders of models with their test data. */
  readonly data: readonly string[];
}

const out = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-onnx-'));
let exported: Exports = { cases: [], wrong: [], two: [] };
let built: Built = { cases: [], refused: [], data: [] };

beforeAll(async () => {
  console.log(`LIVE_SEED=${SEED}`);
  const python = pythonWith(PACKAGES);
  const write = async (what: string) => {
    const argv = ['-W', 'ignore', SCRIPT, out, what, String(SEED)];
    await promisify(execFile)(python, argv, { maxBuffer: 2 ** 28 });
    return JSON.parse(fs.readFileSync(path.join(out, `${what}.json`), 'utf8'));
  };
  const [newer, older, others] = await Promise.all(['newer', 'older', 'built'].map(write));
  exported = {
    cases: [...older.cases, ...newer.cases],
    wrong: [...older.wrong, ...newer.wrong],
    two: [...older.two, ...newer.two],
  };
  built = others;
});

afterAll(() => fs.rmSync(out, { recursive: true, force: true }));

/** What the built program says of these cases, in one process: the verdicts by folder, or the messages. */
async function verdicts(...folders: string[]) {
  const file = path.join(out, 'report.json');
  const { code, output } = await measured(['verify', ...folders, '-q', '--reporter', `json=${file}`], out);
  expect(fs.existsSync(file), output).toBe(true);
  const { cases } = REPORT_SCHEMA.parse(readJson(file));
  fs.rmSync(file);
  const texts = cases.map((one): [string, string] => [
    path.relative(out, one.case),
    one.verdict === 'error' ? one.error.message : one.verdict,
  ]);
  return { code, verdicts: texts };
}

const without = (verdict: string, all: readonly [string, string][]) =>
  all.filter(([, other]) => other !== verdict);

/** Which of the models `diff` does not find equal to their checkpoints. */
async function unequal(
  folders: readonly string[],
): Promise<{ folder: string; code: number; text: string }[]> {
  const found: { folder: string; code: number; text: string }[] = [];
  for (const folder of folders) {
    const { code, stdout, stderr } = await cli(['diff', 'weights.pt', 'model.onnx'], { cwd: folder });
    if (code !== 0) found.push({ folder: path.relative(out, folder), code, text: stderr || stdout });
  }
  return found;
}

test('what ONNX Runtime computes of an exported module is parity, and its weights are PyTorch’s', async () => {
  const cases = exported.cases.filter(({ unrolled }) => !unrolled).map(({ folder }) => folder);
  const { code, verdicts: all } = await verdicts(...cases);
  expect(without('parity', all)).toEqual([]);
  expect(code).toBe(0);
  expect(all.length).toBe(cases.length);
  expect(all.length).toBeGreaterThan(115);
  expect(await unequal(cases)).toEqual([]);
});

test('ONNX Runtime computed most of them', () => {
  expect(exported.cases.filter(({ ran }) => !ran).length).toBeLessThan(12);
});

test('the older exporter’s models have the names of the modules', async () => {
  for (const { folder, prefix, dynamo } of exported.cases) {
    if (dynamo) continue;
    const { stdout } = await cli(['list', 'model.onnx', '--reporter', 'json'], { cwd: folder });
    expect(JSON.parse(stdout), folder).toMatchObject({ files: [{ modules: [{ prefix }] }] });
  }
});

test('a module that the exporter unrolls is refused as such', async () => {
  const unrolled = exported.cases.filter((one) => one.unrolled);
  // The newer exporter keeps the nodes of LSTM and GRU only.
  expect(unrolled.map(({ folder }) => path.basename(folder))).toEqual(['dynamo-tanh', 'dynamo-relu-2-both']);
  for (const { folder } of unrolled) {
    const files = ['--weights', 'model.onnx', '--input', 'input.npz', '--expected', 'expected.npz'];
    const { code, output } = await measured(['verify', ...files], folder);
    expect(code, folder).toBe(2);
    expect(output).toContain('unrolled');
  }
});

test('where nothing is folded, the advice is to fold', async () => {
  const { code, stderr } = await cli(['list', 'model.onnx'], { cwd: path.join(out, 'not-folded') });
  // Or all that is between the weights and the node is computed.
  if (code === 2) expect(stderr).toContain('constant folding');
  else expect(await verdicts('not-folded')).toMatchObject({ code: 0 });
});

test('one other number in the weights of a model differs', async () => {
  const { code, verdicts: all } = await verdicts(...exported.wrong);
  expect(without('differs', all)).toEqual([]);
  expect(code).toBe(1);
  expect(all.length).toBeGreaterThan(80);
  const others = await unequal(exported.wrong);
  expect(others.length).toBe(exported.wrong.length);
  expect(others.filter((one) => one.code !== 1)).toEqual([]);
});

test('the same from the command line', async () => {
  const files = ['--weights', 'model.onnx', '--input', 'input.npz', '--expected', 'expected.npz'];
  for (const name of ['dynamo-lstm-3-both', 'dynamo-gru-no-bias-batch', 'script-lstm-float64']) {
    const folder = path.join(out, 'exports', name);
    expect(await measured(['verify', ...files], folder), name).toMatchObject({ code: 0 });
    expect(await measured(['diff', 'weights.pt', 'model.onnx'], folder), name).toMatchObject({ code: 0 });
  }
  for (const name of ['dynamo-lstm-3-both', 'dynamo-gru-no-bias-batch']) {
    const folder = path.join(out, 'wrong', name);
    expect(await measured(['verify', ...files], folder), name).toMatchObject({ code: 1 });
    expect(await measured(['diff', 'weights.pt', 'model.onnx'], folder), name).toMatchObject({ code: 1 });
  }
});

test('two modules of a model are told apart', async () => {
  const folders = exported.two.filter(({ dynamo }) => !dynamo).map(({ folder }) => folder);
  const { code, verdicts: all } = await verdicts(...folders);
  expect(without('parity', all)).toEqual([]);
  expect(code).toBe(0);
  expect(all.length).toBe(2 * folders.length);
  expect(await unequal(folders)).toEqual([]);
});

test('two modules of a model of the newer exporter are not taken for one', async () => {
  const wrong: unknown[] = [];
  for (const { folder } of exported.two.filter(({ dynamo }) => dynamo)) {
    const { stdout } = await cli(['list', 'model.onnx', '--reporter', 'json'], { cwd: folder });
    const [{ modules }] = JSON.parse(stdout).files;
    if (modules.length !== 2) wrong.push([path.relative(out, folder), modules.length]);
  }
  expect(wrong).toEqual([]);
});

test('models that no exporter writes: subgraphs, external data, constants, 16 bits', async () => {
  const { code, verdicts: all } = await verdicts(...built.cases);
  expect(without('parity', all)).toEqual([]);
  expect(code).toBe(0);
  expect(all.length).toBeGreaterThanOrEqual(78);
});

test('test data of a model are a case, batch first too', async () => {
  const { code, verdicts: all } = await verdicts(...built.data);
  expect(without('parity', all)).toEqual([]);
  expect(code).toBe(0);
  expect(all.length).toBe(12);
});

test('small outputs of ONNX Runtime’s RNN are parity, though its tanh has an absolute error', async () => {
  expect(await verdicts('small')).toMatchObject({ code: 0 });
});

test('what PyTorch’s modules cannot express is refused by the attribute’s name', async () => {
  expect(built.refused.length).toBeGreaterThanOrEqual(18);
  for (const { folder, attribute } of built.refused) {
    const files = ['--weights', 'model.onnx', '--input', 'input.npz', '--expected', 'expected.npz'];
    const { code, stderr } = await cli(['verify', ...files], { cwd: folder });
    expect(code, folder).toBe(2);
    expect(stderr, folder).toContain(attribute);
  }
});

/** The node tests of the onnx package: what they are refused for, or undefined where they agree. */
const NODE_TESTS: Readonly<Record<string, string | undefined>> = {
  test_gru_batchwise: 'linear_before_reset',
  test_gru_bidirectional: 'linear_before_reset',
  test_gru_defaults: 'linear_before_reset',
  test_gru_reverse: 'direction',
  test_gru_seq_length: 'linear_before_reset',
  test_gru_with_initial_bias: 'linear_before_reset',
  test_lstm_batchwise: undefined,
  test_lstm_bidirectional: undefined,
  test_lstm_defaults: undefined,
  test_lstm_reverse: 'direction',
  test_lstm_with_initial_bias: undefined,
  test_lstm_with_peepholes: 'peepholes',
  test_rnn_seq_length: undefined,
  test_simple_rnn_batchwise: undefined,
  test_simple_rnn_bidirectional: undefined,
  test_simple_rnn_defaults: undefined,
  test_simple_rnn_reverse: 'direction',
  test_simple_rnn_with_initial_bias: undefined,
};

test('every node test of onnx agrees, or is refused by name', async () => {
  const names = fs.readdirSync(path.join(out, 'nodes')).sort();
  expect(names).toEqual(Object.keys(NODE_TESTS));
  const agreeing = names.filter((name) => NODE_TESTS[name] === undefined);
  const { code, verdicts: all } = await verdicts(...agreeing.map((name) => path.join(out, 'nodes', name)));
  expect(without('parity', all)).toEqual([]);
  expect(all.length).toBe(agreeing.length);
  expect(code).toBe(0);
  for (const name of names) {
    const reason = NODE_TESTS[name];
    if (reason === undefined) continue;
    const { code: exit, stderr } = await cli(['verify', name], { cwd: path.join(out, 'nodes') });
    expect(exit, name).toBe(2);
    expect(stderr, name).toContain(reason);
  }
});

test('a node test with another output differs', async () => {
  const folder = path.join(out, 'other-output', 'test_data_set_0');
  fs.cpSync(path.join(out, 'nodes', 'test_lstm_bidirectional'), path.dirname(folder), { recursive: true });
  const file = path.join(folder, 'output_0.pb');
  const bytes = fs.readFileSync(file);
  // Into the exponent of the last number: the data are at the end.
  bytes[bytes.length - 1] ^= 0x02;
  fs.writeFileSync(file, bytes);
  expect(await verdicts(path.dirname(folder))).toMatchObject({ code: 1 });
});
