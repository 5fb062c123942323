import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPORT_SCHEMA } from '../../schemas/report.js';
import { measured } from './process.js';
import { pythonWithTorch } from './python.js';

// The numbers are new in every run; LIVE_SEED with the printed seed repeats one.
const SEED = Number(process.env.LIVE_SEED ?? Date.now() % 1_000_000);
const SCRIPT = fileURLToPath(new URL('capture.py', import.meta.url));

/** What the script prints. */
interface Captured {
  /** The cases that each model should have, with the module of each. */
  readonly modules: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Whether each promise of the context manager was kept. */
  readonly checks: Readonly<Record<string, boolean>>;
  /** The messages for models of which nothing ran. */
  readonly errors: readonly string[];
}

const out = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-capture-'));
let captured: Captured = { modules: {}, checks: {}, errors: [] };

beforeAll(() => {
  console.log(`LIVE_SEED=${SEED}`);
  const text = execFileSync(pythonWithTorch(), [SCRIPT, out, String(SEED)], { encoding: 'utf8' });
  captured = JSON.parse(text);
});

afterAll(() => fs.rmSync(out, { recursive: true, force: true }));

/** What the built program says of these folders; a case that proves little is no parity here. */
async function verified(...folders: string[]) {
  const { code, output } = await measured(['verify', ...folders, '--strict', '--reporter', 'json'], out);
  return { code, ...REPORT_SCHEMA.parse(JSON.parse(output)) };
}

test('every model’s cases have the names of its modules, and are parity', async () => {
  const models = Object.entries(captured.modules);
  expect(models.length).toBeGreaterThanOrEqual(18);
  for (const [model, modules] of models) {
    const { code, cases } = await verified(path.join('models', model));
    expect(cases.map((one) => path.basename(one.case)).toSorted(), model).toEqual(
      Object.keys(modules).toSorted(),
    );
    expect(
      cases.filter(({ verdict }) => verdict !== 'parity'),
      model,
    ).toEqual([]);
    expect(code, model).toBe(0);
  }
});

/** The names of the tensors in a safetensors file. */
function namesIn(...file: string[]): string[] {
  const bytes = fs.readFileSync(path.join(out, ...file));
  return Object.keys(JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE()))));
}

test('a case has the outputs of every layer, and the weights of its module only', async () => {
  for (const [model, modules] of Object.entries(captured.modules)) {
    for (const [name, module] of Object.entries(modules)) {
      const folder = path.join('models', model, name);
      const [one] = (await verified(folder)).cases;
      if (one.verdict === 'error') throw new Error(one.error.message);
      const { kind, num_layers, prefix } = one.module;
      const layers = Array.from({ length: num_layers - 1 }, (_, layer) => `output_l${layer}`);
      const tensors = one.tensors.map((tensor) => tensor.name);
      expect(tensors, folder).toEqual([...layers, 'output', 'h_n', ...(kind === 'LSTM' ? ['c_n'] : [])]);
      expect(prefix, folder).toBe(module === '' ? '' : `${module}.`);
      const weights = namesIn(folder, 'weights.safetensors').map((tensor) => tensor.replace(prefix, ''));
      expect(weights, folder).toContain(one.module.cell ? 'weight_ih' : 'weight_ih_l0');
      expect(
        weights.filter((weight) => !/^(?:weight|bias)_[ih][hr](?:_l\d+(?:_reverse)?)?$/.test(weight)),
      ).toEqual([]);
    }
  }
});

test('the calls of a Cell are the steps of one case', async () => {
  const { cases } = await verified('models/decoder', 'models/both-ways');
  expect(cases.map((one) => one.verdict !== 'error' && one.steps)).toEqual([5, 5, 5, 5, 5, 5, 6, 6]);
});

test('the outputs of another run differ', async () => {
  const folder = path.join(out, 'models', 'both-ways');
  fs.cpSync(path.join(folder, 'cell'), path.join(out, 'exchanged'), { recursive: true });
  fs.cpSync(
    path.join(folder, 'cell-2', 'expected.safetensors'),
    path.join(out, 'exchanged', 'expected.safetensors'),
  );
  expect(await verified('exchanged')).toMatchObject({ code: 1, cases: [{ verdict: 'differs' }] });
});

test('a case of an earlier run is overwritten', async () => {
  expect(await verified('overwritten')).toMatchObject({ code: 0, cases: [{ verdict: 'parity', steps: 4 }] });
});

test('the model is left as it was, and the block’s own exceptions too', () => {
  const { checks } = captured;
  expect(Object.keys(checks).length).toBe(12);
  expect(Object.keys(checks).filter((promise) => !checks[promise])).toEqual([]);
});

test('where nothing recurrent ran, the error says what was looked for', () => {
  const kinds = 'nn.RNN, nn.GRU, nn.LSTM, nn.RNNCell, nn.GRUCell or nn.LSTMCell';
  expect(captured.errors).toEqual([
    `nothing to capture: no ${kinds} of this Sequential ran in the block (it has none)`,
    `nothing to capture: no ${kinds} of this ModuleDict ran in the block (it has idle)`,
  ]);
});
