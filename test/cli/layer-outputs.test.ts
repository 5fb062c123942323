import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { DIAGNOSIS_SCHEMA } from '../../schemas/diagnosis.js';
import { REPORT_SCHEMA } from '../../schemas/report.js';
import { loadCase, verify } from '../../src/index.js';
import { caseOf } from '../../src/module/case.js';
import { stateDict } from '../../src/tensor/state-dict.js';
import { tensor } from '../../src/tensor/tensor.js';
import { cli, copySample, SAMPLES } from '../cli.js';
import { raw, writeJson, writeSafetensors } from '../write.js';

const SAMPLE = path.join(SAMPLES, 'gru-layer-outputs');

/** The sample with one number of a file changed. */
async function changed(file: 'weights' | 'layers', name: string, at: number, by: number): Promise<string> {
  const folder = copySample('gru-layer-outputs');
  const one = await loadCase(SAMPLE);
  const tensors =
    file === 'weights'
      ? one.weights.load([...one.weights.specs.keys()])
      : new Map([...one.tensors].filter(([role]) => role.startsWith('output_l')));
  const all = [...tensors].map(([key, { shape, data }]) => {
    const values = data.slice();
    if (key === name) values[at] += by;
    return [key, raw(shape, values)] as const;
  });
  writeSafetensors(path.join(folder, `${file}.safetensors`), Object.fromEntries(all));
  return folder;
}

test('outputs of the lower layers are compared, step by step, each from its own states', async () => {
  const { stdout, code } = await cli(['verify', SAMPLE, '--reporter', 'json']);
  expect(code).toBe(0);
  const [result] = REPORT_SCHEMA.parse(JSON.parse(stdout)).cases;
  if (result.verdict === 'error') throw new Error(result.error.message);
  expect(result.tensors.map(({ name }) => name)).toEqual(['output_l0', 'output_l1', 'output', 'h_n']);
  for (const { name, rule, rows } of result.tensors.slice(0, 3)) {
    expect(rule, name).toMatchObject({ name: 'auto', teacher_forced: true });
    expect(rows).toHaveLength(10);
  }
  expect((await cli(['verify', SAMPLE, '--rule', 'close'])).code).toBe(0);
});

test('one changed value of a lower layer is never parity, by either rule', async () => {
  for (const name of ['output_l0', 'output_l1']) {
    const folder = await changed('layers', name, 100, 1e-3);
    for (const rule of ['auto', 'close']) {
      const { stdout, code } = await cli(['verify', folder, '--rule', rule]);
      expect(code, `${name} ${rule}`).toBe(1);
      expect(stdout).toContain(`first at ${name}, step 4 [batch 0, unit 4, forward]`);
    }
  }
});

test('a wrong weight of a lower layer is named, which the last output alone does not show', async () => {
  const folder = await changed('weights', 'weight_hh_l1_reverse', 7 * 6 + 2, 0.01);
  const { stdout, code } = await cli(['diagnose', folder, '--reporter', 'json']);
  expect(code).toBe(1);
  const { cause } = DIAGNOSIS_SCHEMA.parse(JSON.parse(stdout));
  expect(cause!.weights[0]).toMatchObject({
    tensors: ['weight_hh_l1_reverse'],
    row: 7,
    column: 2,
    gate: 'z',
  });
});

test('a file of layers on the command line wins over the case, and stands beside three files', async () => {
  const folder = await changed('layers', 'output_l0', 0, 1e-3);
  const layers = path.join(folder, 'layers.safetensors');
  expect((await cli(['verify', SAMPLE, '--layer-outputs', layers])).code).toBe(1);
  const files = ['weights', 'input', 'expected'].flatMap((file) => [
    `--${file}`,
    path.join(SAMPLE, `${file}.safetensors`),
  ]);
  expect((await cli(['verify', ...files, '--layer-outputs', layers])).code).toBe(1);
  expect((await cli(['verify', ...files])).code).toBe(0);
});

test('outputs of layers that the module does not have, or of the wrong shape, are errors', async () => {
  const folder = copySample('gru-layer-outputs');
  const file = path.join(folder, 'layers.safetensors');
  const of = async (name: string, shape: number[]) => {
    writeSafetensors(file, { [name]: raw(shape, new Float32Array(shape.reduce((a, b) => a * b))) });
    const { code, stderr } = await cli(['verify', folder]);
    expect(code).toBe(2);
    return stderr;
  };
  expect(await of('output_l2', [10, 2, 12])).toContain("The last layer's output is named output");
  expect(await of('output_l3', [10, 2, 12])).toContain('the module has 3 layers, from 0');
  expect(await of('output_l0', [10, 2, 11])).toMatch(/layers\.safetensors: output_l0: found \[10, 2, 11\]/);
  expect(await of('layer0', [10, 2, 12])).toContain('expected output_l0, output_l1, …');
  fs.rmSync(file);
  expect((await cli(['verify', folder])).code).toBe(2);
});

test('a lower layer alone is something to compare', async () => {
  const one = await loadCase(SAMPLE);
  const { input, output_l0 } = Object.fromEntries(one.tensors);
  const weights = stateDict(Object.fromEntries(one.weights.load([...one.weights.specs.keys()])));
  const { verdict, tensors, notChecked } = await verify(
    caseOf(weights, { input, output_l0 }, { module: 'GRU', batch_first: false }),
  );
  expect(verdict).toBe('parity');
  expect(tensors.map(({ name }) => name)).toEqual(['output_l0']);
  expect(notChecked).toEqual(['output', 'h_n']);
  const wrong = tensor(
    output_l0.shape,
    output_l0.data.map((value) => value + 1e-4),
  );
  expect((await verify(caseOf(weights, { input, output_l0: wrong }))).verdict).toBe('differs');
});

test('what has the name of a layer output and is no tensor is refused, not left out', async () => {
  const folder = copySample('gru-layer-outputs');
  const { tensors } = await loadCase(SAMPLE);
  const { shape, data } = tensors.get('output_l1')!;
  const layer = { dtype: 'float32', shape, data: [...data] };
  writeJson(path.join(folder, 'layers.json'), { output_l0: ['none'], output_l1: layer });
  const { code, stdout, stderr } = await cli([
    'verify',
    folder,
    '--layer-outputs',
    path.join(folder, 'layers.json'),
  ]);
  expect(stdout + stderr).toContain('output_l0: entry [0] is text, not a number');
  expect(code).toBe(2);
});
