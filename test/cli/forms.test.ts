import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { DIFF_SCHEMA } from '../../schemas/diff.js';
import { LIST_SCHEMA } from '../../schemas/list.js';
import { cli, ROOT, SAMPLES, scratch } from '../cli.js';
import { writeJson } from '../write.js';

const FILES = path.join(SAMPLES, 'files');
const file = (name: string) => path.join(FILES, name);
const BIN = path.join(ROOT, 'bin', 'cellcheck.cjs');

const verify = (weights: string, ...more: string[]) =>
  cli(['verify', '--weights', weights, '--input', file('x.npy'), '--expected', file('y.npz'), '-q', ...more]);

describe('one network in the files that people have', () => {
  test.each(['model.pt', 'model.onnx'])('%s is parity', async (weights) => {
    const { code, stdout, stderr } = await verify(file(weights));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('parity');
  });

  test('both are equal', async () => {
    const { code, stdout } = await cli(['diff', file('model.pt'), file('model.onnx'), '--reporter', 'json']);
    expect(code).toBe(0);
    const { equal, modules } = DIFF_SCHEMA.parse(JSON.parse(stdout));
    expect(equal).toBe(true);
    expect(modules[0].parameters).toHaveLength(16);
  });

  test('the dict of a checkpoint is chosen by its key, and a key that is not there is an error', async () => {
    expect((await verify(file('model.pt'), '--key', 'model_state')).code).toBe(0);
    const { code, stderr } = await verify(file('model.pt'), '--key', 'model');
    expect(code).toBe(2);
    expect(stderr).toContain('model.pt: holds no tensors under the key model\n  There are model_state.');
  });

  test.each(['encoder.lstm.', 'encoder.lstm', 'lstm.', 'model_state.encoder.lstm.', 'module.encoder.lstm.'])(
    'the prefix %s means the module',
    async (prefix) => expect((await verify(file('model.pt'), '--prefix', prefix)).code).toBe(0),
  );

  test('a prefix that no module ends with is an error', async () => {
    const { code, stderr } = await verify(file('model.pt'), '--prefix', 'stm.');
    expect(code).toBe(2);
    expect(stderr).toContain('holds no module under the prefix stm.');
  });

  test('what is compared is really compared', async () => {
    const cwd = scratch();
    const bytes = fs.readFileSync(file('x.npy'));
    // Another number in the input.
    bytes.writeFloatLE(bytes.readFloatLE(bytes.length - 4) + 0.5, bytes.length - 4);
    fs.writeFileSync(path.join(cwd, 'x.npy'), bytes);
    const argv = [
      'verify',
      '--weights',
      file('model.pt'),
      '--input',
      'x.npy',
      '--expected',
      file('y.npz'),
      '-q',
    ];
    expect((await cli(argv, { cwd })).code).toBe(1);
  });

  test('list shows the modules of every form', async () => {
    const { code, stdout } = await cli(['list', file('model.pt'), file('model.onnx'), '--reporter', 'json']);
    expect(code).toBe(0);
    const { files } = LIST_SCHEMA.parse(JSON.parse(stdout));
    expect(files.map((one) => ('modules' in one ? one.modules.map(({ prefix }) => prefix) : one))).toEqual([
      ['model_state.encoder.lstm.'],
      ['lstm.'],
    ]);
  });

  test('the standard input stands for one of the files', () => {
    const run = (input: string, ...argv: string[]) =>
      spawnSync(process.execPath, [BIN, 'verify', '-q', ...argv], {
        input: fs.readFileSync(file(input)),
        encoding: 'utf8',
      });
    const { status, stdout } = run(
      'model.pt',
      '--weights',
      '-',
      '--input',
      file('x.npy'),
      '--expected',
      file('y.npz'),
    );
    expect(status).toBe(0);
    expect(stdout).toContain('parity');
    const twice = run('x.npy', '--weights', file('model.pt'), '--input', '-', '--expected', '-');
    expect(twice.status).toBe(2);
    expect(twice.stderr).toContain('stdin: can stand for one of the files only');
  });

  test('the exporter is printed as it is', async () => {
    const { code, stdout } = await cli(['exporter']);
    expect(code).toBe(0);
    expect(stdout).toBe(fs.readFileSync(path.join(SAMPLES, 'cellcheck_export.py'), 'utf8'));
  });
});

test('what differs between two checkpoints is shown gate by gate', async () => {
  const cwd = scratch();
  const weights = {
    weight_ih_l0: [[0.1], [0.2], [0.3]],
    weight_hh_l0: [[0.5], [0.25], [0.125]],
    bias_ih_l0: [0.1, 0.2, 0.3],
    bias_hh_l0: [0.4, 0.5, 0.6],
  };
  writeJson(path.join(cwd, 'a.json'), weights);
  const { bias_hh_l0: _, ...rest } = weights;
  writeJson(path.join(cwd, 'b.json'), {
    ...rest,
    weight_ih_l0: [[0.1], [0.3], [0.2]],
    weight_hh_l0: [[0.5], [0.75], [0.125]],
  });
  const { code, stdout } = await cli(['diff', 'a.json', 'b.json'], { cwd });
  expect(code).toBe(1);
  expect(stdout).toContain('weight_ih_l0  equal, with the row blocks in the order r n z');
  expect(stdout).toMatch(/weight_hh_l0 {2}differs\n +z +0\.5 +0\.5\n/);
  expect(stdout).toContain('only in the first: bias_hh_l0');
  expect(stdout).toContain('differ   1 of 3 parameters are equal, 1 in only one of the two');
});

describe('other outputs for a case', () => {
  const sample = path.join(SAMPLES, 'gru-layer-outputs');

  test('take the place of its own', async () => {
    const own = path.join(sample, 'expected.safetensors');
    const same = await cli(['verify', sample, '--expected', own, '-q']);
    expect(same.code).toBe(0);
    // Those of another network with the same shapes are not.
    const other = await cli([
      'verify',
      sample,
      '--expected',
      path.join(SAMPLES, 'lstm', 'expected.safetensors'),
      '-q',
    ]);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain(path.join('lstm', 'expected.safetensors'));
  });

  test('are for one case that has a case.json', async () => {
    const own = path.join(sample, 'expected.safetensors');
    expect((await cli(['verify', sample, sample, '--expected', own])).stderr).toContain(
      '--expected is for one case',
    );
    const bundle = path.join(SAMPLES, 'bundles', 'lstm.safetensors');
    expect((await cli(['verify', bundle, '--expected', own])).stderr).toContain(
      '--expected is for a case.json',
    );
  });
});

test('a case with a key and a file for each tensor', async () => {
  const cwd = scratch();
  fs.cpSync(FILES, cwd, { recursive: true });
  writeJson(path.join(cwd, 'case.json'), {
    weights: 'model.pt',
    key: 'model_state',
    input: { input: 'x.npy' },
    expected: 'y.npz',
  });
  expect((await cli(['verify', '.', '-q'], { cwd })).code).toBe(0);
  expect((await cli(['list', '.'], { cwd })).stdout).toContain('encoder.lstm.');
});

test('the output of a layer above the module is named', async () => {
  const cwd = scratch();
  writeJson(path.join(cwd, 'w.json'), {
    'rnn.weight_ih_l0': [[0.1], [0.2]],
    'rnn.weight_hh_l0': [
      [0.1, 0.2],
      [0.3, 0.4],
    ],
    'head.weight': [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  });
  writeJson(path.join(cwd, 'x.json'), [[1], [2]]);
  writeJson(path.join(cwd, 'y.json'), {
    output: [
      [1, 2, 3],
      [4, 5, 6],
    ],
  });
  const { code, stderr } = await cli(
    ['verify', '--weights', 'w.json', '--input', 'x.json', '--expected', 'y.json'],
    { cwd },
  );
  expect(code).toBe(2);
  expect(stderr).toContain("head.weight makes 3 values of the module's 2: this is the output of that layer.");
});
