import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadCase } from '../../src/index.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { cli, SAMPLES, scratch } from '../cli.js';
import { type Member, zipOf } from '../formats/archive.js';
import { float32, npyBytes } from '../formats/arrays.js';
import { type RawTensor, raw, readJson, safetensorsBytes, writeJson, writeSafetensors } from '../write.js';

// The bundle of an LSTM 3 → 4 over 6 steps of 2 rows, in the files that people have.
let folder: string;
let weights: ReadonlyMap<string, Tensor>;
let roles: ReadonlyMap<string, Tensor>;

beforeEach(async () => {
  folder = scratch();
  const bundle = await loadCase(path.join(SAMPLES, 'bundles', 'lstm.safetensors'));
  const names = [...bundle.weights.specs.keys()].filter((name) => /^(?:weight|bias)_/.test(name));
  weights = bundle.weights.load(names);
  roles = bundle.tensors;
});

const put = (name: string, content: string | Uint8Array) =>
  fs.writeFileSync(path.join(folder, name), content);
const run = (...argv: string[]) => cli(argv, { cwd: folder, columns: 200 });
const array = ({ shape, data }: Tensor, fortran = false) =>
  npyBytes({ shape: `(${shape.map((size) => `${size},`).join(' ')})`, data: float32(...data), fortran });
const npz = (tensors: Iterable<readonly [string, Tensor]>, how: Partial<Member> = {}) =>
  zipOf([...tensors].map(([name, tensor]) => ({ name: `${name}.npy`, content: array(tensor), ...how })));
/** Rows of a batch row under each other, with as many digits as float32 needs, and blank lines between batch rows. */
const csv = ({ shape, data }: Tensor, separator = ',') => {
  const [steps, batch, size] = shape;
  const cell = (t: number, b: number, i: number) => String(data[(t * batch + b) * size + i]);
  const row = (t: number, b: number) => Array.from({ length: size }, (_, i) => cell(t, b, i)).join(separator);
  const block = (b: number) => Array.from({ length: steps }, (_, t) => row(t, b)).join('\n');
  return `${Array.from({ length: batch }, (_, b) => block(b)).join('\n\n')}\n`;
};
const inRoles = (...names: string[]) => [...roles].filter(([role]) => names.includes(role));

const parity = async (...argv: string[]) => {
  const result = await run('verify', ...argv);
  expect(result.stderr).toBe('');
  expect(result.stdout).toContain('parity');
  expect(result.code).toBe(0);
  return result.stdout;
};

test('an archive of arrays is a case, compressed or not', async () => {
  for (const how of [{}, { deflated: true }]) {
    put('case.npz', npz([...weights, ...roles], how));
    const shown = await parity('case.npz');
    expect(shown).not.toContain('not checked');
    expect((await run('list', 'case.npz')).stdout).toContain('LSTM 3 → 4');
  }
});

test('one changed value in an archive is found', async () => {
  const { shape, data } = roles.get('h_n')!;
  const changed = {
    dtype: 'F32',
    shape,
    data: data.map((value, i) => (i === 3 ? value + 1e-3 : value)),
  } as Tensor;
  put('case.npz', npz([...weights, ...new Map(roles).set('h_n' as never, changed)]));
  expect((await run('verify', 'case.npz')).code).toBe(1);
});

test('archives and arrays as three files', async () => {
  put('w.npz', npz(weights));
  put('i.npz', npz(inRoles('input', 'h_0', 'c_0')));
  put('output.npy', array(roles.get('output')!));
  await parity('--weights', 'w.npz', '--input', 'i.npz', '--expected', 'output.npy');
});

test('rows of numbers, in any separator and with names on top', async () => {
  put('w.npz', npz(weights));
  const spec = {
    weights: 'w.npz',
    input: { input: 'x.csv', h_0: 'h.npy', c_0: 'c.npy' },
    expected: { output: 'y.csv' },
  };
  writeJson(path.join(folder, 'case.json'), spec);
  put('h.npy', array(roles.get('h_0')!));
  put('c.npy', array(roles.get('c_0')!));
  for (const separator of [',', ';', ' ', '\t']) {
    put('x.csv', csv(roles.get('input')!, separator));
    put('y.csv', `${['a', 'b', 'c', 'd'].join(separator)}\n${csv(roles.get('output')!, separator)}`);
    await parity('.');
    await parity('.', '--batch-first');
    await parity('.', '--no-batch-first');
  }
  // The batch rows in each other's places.
  const [first, second] = csv(roles.get('output')!).trimEnd().split('\n\n');
  put('y.csv', `${second}\n\n${first}\n`);
  expect((await run('verify', '.')).code).toBe(1);
});

test('a state in rows has no axis for layers, and a note says how it is read', async () => {
  put('w.npz', npz(weights));
  put('i.npz', npz(inRoles('input', 'h_0', 'c_0')));
  const { shape, data } = roles.get('h_n')!;
  put('h_n.csv', csv({ dtype: 'F32', shape: [2, 1, shape[2]], data }));
  writeJson(path.join(folder, 'case.json'), {
    weights: 'w.npz',
    input: 'i.npz',
    expected: { h_n: 'h_n.csv' },
  });
  expect(await parity('.')).toContain('h_n [2, 4] is read as [1, 2, 4]');
});

describe('a checkpoint in several files', () => {
  const shards = () => {
    const entries = [...weights].map(([name, { shape, data }]) => [`rnn.${name}`, raw(shape, data)] as const);
    const parts = { 'a.safetensors': entries.slice(0, 2), 'b.safetensors': entries.slice(2) };
    for (const [file, part] of Object.entries(parts))
      writeSafetensors(path.join(folder, file), Object.fromEntries(part));
    const weight_map = Object.fromEntries(
      Object.entries(parts).flatMap(([file, part]) => part.map(([name]) => [name, file])),
    );
    weight_map['head.weight'] = 'c.safetensors';
    writeJson(path.join(folder, 'model.safetensors.index.json'), { weight_map });
    put('i.npz', npz(inRoles('input', 'h_0', 'c_0')));
    put('e.npz', npz(inRoles('output', 'h_n', 'c_n')));
  };
  const files = (given: string) => ['--weights', given, '--input', 'i.npz', '--expected', 'e.npz'];

  test('is read by its index or its folder, though a file that is not needed is not there', async () => {
    shards();
    for (const given of ['model.safetensors.index.json', '.']) await parity(...files(given));
    // A list shows the other tensors too.
    expect((await run('list', 'model.safetensors.index.json')).stderr).toContain(
      'c.safetensors: there is no such',
    );
    writeSafetensors(path.join(folder, 'c.safetensors'), { 'head.weight': raw([1, 4], [1, 2, 3, 4]) });
    expect((await run('list', 'model.safetensors.index.json')).stdout).toContain('LSTM 3 → 4');
  });

  test('without one that is needed is refused', async () => {
    shards();
    fs.rmSync(path.join(folder, 'b.safetensors'));
    const { code, stderr } = await run('verify', ...files('model.safetensors.index.json'));
    expect(stderr).toContain('b.safetensors: there is no such file');
    expect(code).toBe(2);
  });
});

describe('of several dicts in a file of weights', () => {
  const nested = () => {
    const values = (scale: number) =>
      Object.fromEntries(
        [...weights].map(([name, { shape, data }]) => [
          `net.${name}`,
          { dtype: 'float32', shape, data: Array.from(data, (value) => scale * value) },
        ]),
      );
    writeJson(path.join(folder, 'w.json'), { epoch: 3, model_state: values(1), ema: values(0.5) });
    put('i.npz', npz(inRoles('input', 'h_0', 'c_0')));
    put('e.npz', npz(inRoles('output', 'h_n', 'c_n')));
    return ['--weights', 'w.json', '--input', 'i.npz', '--expected', 'e.npz'];
  };

  test('--key takes one', async () => {
    const files = nested();
    expect(await parity(...files, '--key', 'model_state')).toContain('left aside, no tensors: epoch');
    expect((await run('verify', ...files, '--key', 'ema')).code).toBe(1);
  });

  test('one must be chosen, and a prefix may do that too', async () => {
    const files = nested();
    const { code, stderr } = await run('verify', ...files);
    expect(code).toBe(2);
    expect(stderr).toContain('holds 2 modules; choose one with --prefix');
    await parity(...files, '--prefix', 'model_state.net');
    expect((await run('verify', ...files, '--prefix', 'ema.net.')).code).toBe(1);
    expect((await run('verify', ...files, '--prefix', 'net')).stderr).toContain('holds 2 modules');
  });

  test('one that is not there is told with those that there are', async () => {
    const { code, stderr } = await run('verify', ...nested(), '--key', 'model');
    expect(code).toBe(2);
    expect(stderr).toContain('w.json: holds no tensors under the key model');
    expect(stderr).toContain('There are model_state, ema.');
  });

  test('a case may say which, and the command line otherwise', async () => {
    nested();
    const spec = { weights: 'w.json', input: 'i.npz', expected: 'e.npz', key: 'ema' };
    writeJson(path.join(folder, 'case.json'), spec);
    expect((await run('verify', '.')).code).toBe(1);
    await parity('.', '--key', 'model_state');
    writeJson(path.join(folder, 'case.json'), { ...spec, key: 'model_state' });
    await parity('.');
    expect(readJson(path.join(folder, 'case.json')).key).toBe('model_state');
  });
});

test('weights before WeightDrop are used, as evaluation does, and a note says so', async () => {
  const entries = [...weights].map(([name, { shape, data }]) => [`module.${name}`, raw(shape, data)]);
  const stored: Record<string, RawTensor> = Object.fromEntries(entries);
  stored.weight_hh_l0_raw = stored['module.weight_hh_l0'];
  stored['module.weight_hh_l0'] = raw([16, 4], Array(64).fill(0));
  put('w.safetensors', safetensorsBytes(stored));
  put('i.npz', npz(inRoles('input', 'h_0', 'c_0')));
  put('e.npz', npz(inRoles('output')));
  const shown = await parity('--weights', 'w.safetensors', '--input', 'i.npz', '--expected', 'e.npz');
  expect(shown).toContain('the weights before WeightDrop are used');
  expect((await run('list', 'w.safetensors')).stdout).toContain('LSTM 3 → 4');
});
