import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { LIST_SCHEMA } from '../../schemas/list.js';
import { loadCase } from '../../src/index.js';
import { cli, copySample, ROOT, SAMPLES, sampleNames, scratch } from '../cli.js';
import { raw, readJson, writeJson, writeSafetensors } from '../write.js';

const document = async (...argv: string[]) => {
  const { code, stdout } = await cli(['list', ...argv, '--reporter', 'json']);
  return { code, ...LIST_SCHEMA.parse(JSON.parse(stdout)) };
};

test('every module of a checkpoint, with its gates, its shapes, and what is left', async () => {
  const { code, stdout, stderr } = await cli(['list', 'samples/lstm-prefix/weights.safetensors']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  await expect(stdout).toMatchFileSnapshot('../golden/list.txt');
});

test('as a document: sizes, directions, bias, projection, dtype, parameters', async () => {
  const { code, version, files } = await document('samples/lstm-projection', 'samples/rnn-basic');
  expect({ code, version }).toEqual({ code: 0, version: 1 });
  expect(files).toMatchObject([
    {
      file: 'samples/lstm-projection/weights.safetensors',
      more: false,
      others: [],
      modules: [
        {
          prefix: '',
          kind: 'LSTM',
          cell: false,
          input_size: 4,
          hidden_size: 7,
          proj_size: 3,
          num_layers: 2,
          bidirectional: true,
          bias: true,
          dtypes: ['float32'],
          // 2 directions × (28 × (4 + 3 + 2) + 3 × 7 and 28 × (6 + 3 + 2) + 3 × 7)
          parameters: 2 * (28 * 9 + 21 + 28 * 11 + 21),
          gates: [
            { gate: 'i', first: 0, last: 6 },
            { gate: 'f', first: 7, last: 13 },
            { gate: 'g', first: 14, last: 20 },
            { gate: 'o', first: 21, last: 27 },
          ],
          shapes: {
            input: ['T', 'B', 4],
            h_0: [4, 'B', 3],
            c_0: [4, 'B', 7],
            output: ['T', 'B', 6],
            h_n: [4, 'B', 3],
            c_n: [4, 'B', 7],
          },
        },
      ],
    },
    { modules: [{ kind: 'RNN', hidden_size: 1, bias: false, gates: [{ gate: 'h', first: 0, last: 0 }] }] },
  ]);
});

test('the shapes are those that the samples have', async () => {
  const { files } = await document('samples');
  expect(files.length).toBe(sampleNames().length);
  for (const listed of files) {
    if (!('modules' in listed)) throw new Error(listed.file);
    const folder = path.join(ROOT, path.dirname(listed.file));
    const { module, prefix = '' } = readJson(path.join(folder, 'case.json'));
    const own = listed.modules.find((one) => one.prefix === prefix)!;
    if ('error' in own) throw new Error(own.error.message);
    expect(own.kind + (own.cell ? 'Cell' : '')).toBe(module);
    const { weights: _, tensors } = await loadCase(folder);
    const batch_first = readJson(path.join(folder, 'case.json')).batch_first === true;
    for (const role of ['input', 'h_0', 'c_0', 'output', 'h_n', 'c_n'] as const) {
      const there = tensors.get(role);
      if (!there) continue;
      const listedShape = own.shapes[role]!;
      // Without a batch, and in batch_first, they are what PyTorch says of these.
      const batched = there.shape.length === listedShape.length;
      const timeFirst =
        batch_first && batched && (role === 'input' || role === 'output')
          ? [there.shape[1], there.shape[0], there.shape[2]]
          : there.shape;
      const wanted = batched ? listedShape : listedShape.filter((size) => size !== 'B');
      expect(timeFirst.map((size, i) => (typeof wanted[i] === 'number' ? size : wanted[i]))).toEqual(wanted);
    }
  }
});

test('dtypes by name, 16 bits too, and a dtype that is not read', async () => {
  const { files } = await document('samples/gru-bfloat16', 'samples/lstm-float16', 'samples/gru-float64');
  expect(files.map((file) => 'modules' in file && file.modules[0].dtypes)).toEqual([
    ['bfloat16'],
    ['float16'],
    ['float64'],
  ]);
  const file = path.join(scratch(), 'quantised.safetensors');
  const bytes = (count: number) => new Uint8Array(count);
  writeSafetensors(file, {
    weight_ih: { dtype: 'F8_E4M3', shape: [4, 2], bytes: bytes(8) },
    weight_hh: { dtype: 'F8_E4M3', shape: [4, 1], bytes: bytes(4) },
  });
  expect(await cli(['list', file])).toMatchObject({ code: 0, stdout: expect.stringContaining('F8_E4M3') });
});

test('what a checkpoint holds beside good modules does not hide them: exit 2', async () => {
  const file = path.join(scratch(), 'model.safetensors');
  writeSafetensors(file, {
    'a.weight_ih_l0': raw([4, 2], Array(8).fill(1)),
    'a.weight_hh_l0': raw([4, 1], Array(4).fill(1)),
    'b\u001b[31m.weight_ih_l0': raw([4, 2], Array(8).fill(1)),
    'b\u001b[31m.weight_hh_l0': raw([3, 2], Array(6).fill(1)),
    'embedding\n.weight': raw([2, 2], Array(4).fill(1)),
  });
  const { code, stdout, stderr } = await cli(['list', file]);
  expect(code).toBe(2);
  expect(stderr).toBe('');
  expect(stdout).toContain('  a.               LSTM 2 → 1 · 1 layer · no bias · 12 parameters · float32\n');
  expect(stdout).toContain('"b\\u001b[31m."   error · 14 parameters');
  expect(stdout).toContain('of no module: "embedding\\u000a.weight" [2, 2]');
  expect(stdout).not.toContain('\u001b');
  const { files } = await document(file);
  expect(files[0]).toMatchObject({
    modules: [
      { prefix: 'a.', kind: 'LSTM' },
      { error: { message: expect.stringContaining('weight_hh_l0') } },
    ],
    others: [{ name: 'embedding\n.weight', dtype: 'F32', shape: [2, 2] }],
  });
});

test('a file that cannot be read does not stop the others: exit 2, and it is named', async () => {
  const none = path.join(scratch(), 'none.safetensors');
  writeSafetensors(none, { kernel: raw([2], [1, 2]) });
  const { code, stdout, stderr } = await cli(['list', none, 'samples/lstm', 'nowhere.safetensors']);
  expect(code).toBe(2);
  expect(stdout).toContain('samples/lstm/weights.safetensors   1 module\n');
  expect(stderr).toContain(`${none}: holds no recurrent module`);
  expect(stderr).toContain('nowhere.safetensors: there is no such file or folder');
  const { files } = await document(none);
  expect(files).toMatchObject([{ file: none, error: { file: none } }]);
  expect(await cli(['list'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('missing required argument'),
  });
});

test('of a case only the weights are opened, and only where the case may name them', async () => {
  const folder = copySample('lstm');
  fs.rmSync(path.join(folder, 'input.safetensors'));
  expect((await cli(['list', folder])).code).toBe(0);
  const said = readJson(path.join(folder, 'case.json'));
  writeJson(path.join(folder, 'case.json'), {
    ...said,
    weights: path.join(SAMPLES, 'gru', 'weights.safetensors'),
  });
  const cwd = scratch();
  const refused = await cli(['list', folder], { cwd });
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('lies outside') });
  expect((await cli(['list', folder, '--allow-outside'], { cwd })).code).toBe(0);
});

test('a report may go to a file, beside the table', async () => {
  const cwd = scratch();
  const argv = ['list', path.join(SAMPLES, 'gru'), '--reporter', 'table', '--reporter', 'json=list.json'];
  expect((await cli(argv, { cwd })).stdout).toContain('GRU 3 → 1');
  expect(LIST_SCHEMA.safeParse(readJson(path.join(cwd, 'list.json'))).success).toBe(true);
});

test('of a thousand modules and more the first are listed', async () => {
  const file = path.join(scratch(), 'many.safetensors');
  const one = (i: number) => [
    [`layers.${i}.weight_ih_l0`, raw([3, 1], [1, 2, 3])],
    [`layers.${i}.weight_hh_l0`, raw([3, 1], [1, 2, 3])],
  ];
  writeSafetensors(file, Object.fromEntries(Array.from({ length: 1001 }, (_, i) => one(i)).flat()));
  const { code, stdout } = await cli(['list', file]);
  expect(code).toBe(0);
  expect(stdout).toContain('   the first 1,000 modules\n');
  expect(stdout).toContain('of no module: layers.1000.');
});
