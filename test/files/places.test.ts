import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openPlace, type Place, placeOfFiles } from '../../src/files/places.js';
import { loadCase, verify } from '../../src/index.js';
import { NAMELESS } from '../../src/tensor/state-dict.js';
import { cli, copySample, scratch } from '../cli.js';
import { linesOf } from '../errors.js';
import { float32, float64, npyBytes } from '../formats/arrays.js';
import { raw, readJson, writeJson, writeSafetensors } from '../write.js';

const place = (file: string): Place => ({ path: `/cases/${file}`, label: `case/${file}` });

describe('where files are', () => {
  test('one with tensors by name', () => {
    expect(placeOfFiles('input', 'w.pt', place)).toEqual({ path: '/cases/w.pt', label: 'case/w.pt' });
  });

  test('one of raw numbers', () => {
    expect(placeOfFiles('input', { file: 'x.raw', dtype: 'float32', shape: [2, 3] }, place)).toEqual({
      path: '/cases/x.raw',
      label: 'case/x.raw',
      raw: { dtype: 'float32', shape: [2, 3] },
    });
  });

  test('one for each tensor, raw or not', () => {
    const places = placeOfFiles(
      'input',
      { input: 'x.npy', h_0: { file: 'h.raw', dtype: 'F32', shape: [1] }, c_0: undefined },
      place,
    );
    expect(places).toMatchObject({ path: '/cases/x.npy', label: 'case/x.npy, case/h.raw' });
    expect([...places.parts!]).toEqual([
      ['input', { path: '/cases/x.npy', label: 'case/x.npy' }],
      ['h_0', { path: '/cases/h.raw', label: 'case/h.raw', raw: { dtype: 'F32', shape: [1] } }],
    ]);
    // A parameter may be named file.
    expect([...placeOfFiles('input', { file: 'f.npy' }, place).parts!.keys()]).toEqual(['file']);
  });

  test('none at all is refused', () => {
    expect(() => placeOfFiles('input', {}, place)).toThrow('names no file');
    expect(() => placeOfFiles('input', { input: undefined }, place)).toThrow('names no file');
  });
});

describe('the tensors of a place', () => {
  const folder = () => {
    const root = scratch();
    fs.writeFileSync(path.join(root, 'x.npy'), npyBytes({ shape: '(2, 1)', data: float32(1, 2) }));
    fs.writeFileSync(path.join(root, 'h.raw'), float64(3, 4));
    writeSafetensors(path.join(root, 'one.safetensors'), { any: raw([1], [5]) });
    writeSafetensors(path.join(root, 'two.safetensors'), { c_0: raw([1], [6]), other: raw([1], [7]) });
    return (file: string): Place => ({ path: path.join(root, file), label: `case/${file}` });
  };

  test('are under their roles, whatever their names are in their files', () => {
    const at = folder();
    const parts = {
      input: 'x.npy',
      h_0: { file: 'h.raw', dtype: 'float64', shape: [2] },
      lengths: 'one.safetensors',
      c_0: 'two.safetensors',
    };
    const { specs, load } = openPlace(placeOfFiles('input', parts, at));
    expect([...specs].map(([role, { dtype, shape }]) => [role, dtype, [...shape]])).toEqual([
      ['input', 'F32', [2, 1]],
      ['h_0', 'F64', [2]],
      ['lengths', 'F32', [1]],
      ['c_0', 'F32', [1]],
    ]);
    const loaded = load(['c_0', 'input', 'h_0']);
    expect([...loaded].map(([role, { data }]) => [role, ...data])).toEqual([
      ['c_0', 6],
      ['input', 1, 2],
      ['h_0', 3, 4],
    ]);
  });

  test('of one file without parts keep their names', () => {
    const at = folder();
    expect([...openPlace(at('two.safetensors')).specs.keys()]).toEqual(['c_0', 'other']);
    expect([...openPlace({ ...at('h.raw'), raw: { dtype: 'F64', shape: [2] } }).specs.keys()]).toEqual([
      NAMELESS,
    ]);
  });

  test('a file of several, of which none has the role', () => {
    const at = folder();
    expect(linesOf(() => openPlace(placeOfFiles('input', { h_0: 'two.safetensors' }, at)))).toEqual([
      'case/two.safetensors: found 2 tensors, expected one, or one that is named h_0',
    ]);
  });

  test('a raw file of another size, with its name', () => {
    const at = folder();
    const wrong = { input: 'x.npy', h_0: { file: 'h.raw', dtype: 'float32', shape: [2] } };
    expect(linesOf(() => openPlace(placeOfFiles('input', wrong, at)))).toEqual([
      'case/h.raw: found 16 bytes, expected 8 for float32 [2]',
      '  A raw file holds nothing but the numbers, in row-major order.',
    ]);
    expect(linesOf(() => openPlace(placeOfFiles('input', { input: 'no.npy' }, at)))[0]).toBe(
      'case/no.npy: there is no such file',
    );
  });

  test('notes are those of all files', () => {
    const root = scratch();
    for (const name of ['a.csv', 'b.csv']) fs.writeFileSync(path.join(root, name), ',h\n0,1\n');
    const at = (file: string): Place => ({ path: path.join(root, file), label: file });
    expect(openPlace(placeOfFiles('input', { output: 'a.csv', h_n: 'b.csv' }, at)).notes).toHaveLength(2);
  });
});

describe('a case.json', () => {
  /** The sample of a GRU with a file for each tensor, in the format that is said. */
  const apart = async (write: (file: string, shape: readonly number[], values: Float64Array) => unknown) => {
    const folder = copySample('gru');
    const { weights, tensors } = await loadCase(folder);
    const put = (name: string, { shape, data }: { shape: readonly number[]; data: ArrayLike<number> }) =>
      write(path.join(folder, name), shape, Float64Array.from(data));
    const fileOf = (
      entries: Iterable<readonly [string, { shape: readonly number[]; data: ArrayLike<number> }]>,
    ) => Object.fromEntries([...entries].map(([name, tensor]) => [name, put(name, tensor)]));
    const roles = [...tensors];
    const isInput = ([role]: readonly [string, unknown]) => /^(?:input|h_0|c_0|lengths)$/.test(role);
    const spec = {
      ...readJson(path.join(folder, 'case.json')),
      weights: fileOf(weights.load([...weights.specs.keys()])),
      input: fileOf(roles.filter(isInput)),
      expected: fileOf(roles.filter((entry) => !isInput(entry))),
    };
    writeJson(path.join(folder, 'case.json'), spec);
    return { folder, spec };
  };
  const npy = (file: string, shape: readonly number[], values: Float64Array) => {
    fs.writeFileSync(
      `${file}.npy`,
      npyBytes({ shape: `(${shape.map((size) => `${size},`).join(' ')})`, data: float32(...values) }),
    );
    return `${path.basename(file)}.npy`;
  };
  const rawNumbers = (file: string, shape: readonly number[], values: Float64Array) => {
    fs.writeFileSync(`${file}.bin`, float32(...values));
    return { file: `${path.basename(file)}.bin`, dtype: 'float32', shape };
  };

  test.each([
    ['arrays of numpy.save', npy],
    ['raw numbers', rawNumbers],
  ])('may name a file for each tensor: %s', async (_, write) => {
    const { folder } = await apart(write);
    const { verdict, tensors } = await verify(await loadCase(folder));
    expect(verdict).toBe('parity');
    const sample = await verify(await loadCase('samples/gru'));
    expect(tensors.map(({ name }) => name)).toEqual(sample.tensors.map(({ name }) => name));
    expect((await cli(['verify', folder])).code).toBe(0);
    expect((await cli(['list', path.join(folder, 'case.json')])).stdout).toContain('GRU');
  });

  test('one changed value in one of the files is found', async () => {
    const { folder } = await apart(rawNumbers);
    const file = path.join(folder, 'h_n.bin');
    const bytes = fs.readFileSync(file);
    bytes.writeFloatLE(bytes.readFloatLE(0) + 1e-3, 0);
    fs.writeFileSync(file, bytes);
    expect((await cli(['verify', folder])).code).toBe(1);
  });

  test.each([
    ['input', { input: '../../../../../../etc/hostname' }],
    ['expected', { output: { file: '/etc/hostname', dtype: 'uint8', shape: [1] } }],
    ['weights', { weight_ih_l0: '../../../../../../etc/hostname' }],
  ])('may not name a file outside of its folder: %s', async (field, files) => {
    const { folder, spec } = await apart(npy);
    writeJson(path.join(folder, 'case.json'), { ...spec, [field]: files });
    const { code, stderr } = await cli(['verify', '.'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain(`${field}: `);
    expect(stderr).toContain('lies outside the case');
  });

  test.each([
    [{ input: 3 }, 'input: is neither'],
    [{ input: ['x.npy'] }, 'input: is neither'],
    [{ input: { inptu: 'x.npy' } }, 'input.inptu: is not a tensor that goes here'],
    [{ input: { output: 'x.npy' } }, 'input.output: is not a tensor that goes here'],
    [{ input: { file: 'x.bin', dtype: 'float32' } }, 'input: is neither'],
    [{ input: { file: 'x.bin', dtype: 'float32', shape: [-1] } }, 'input: is neither'],
    [{ input: { file: 'x.bin', dtype: 'float32', shape: [1.5] } }, 'input: is neither'],
    [{ input: { file: '', dtype: 'float32', shape: [1] } }, 'input: is neither'],
    [{ input: '' }, 'input: is'],
    [{ input: {} }, 'names no file'],
    [{ weights: {} }, 'names no file'],
    [{ expected: { output: null } }, 'expected: is neither'],
  ])('that names them otherwise is refused: %j', async (fields, says) => {
    const { folder, spec } = await apart(npy);
    writeJson(path.join(folder, 'case.json'), { ...spec, ...fields });
    const { code, stderr } = await cli(['verify', '.'], { cwd: folder });
    expect(stderr).toContain(says);
    expect(stderr).toContain('case.json');
    expect(code).toBe(2);
  });

  test('no report is written over any of its files', async () => {
    const { folder, spec } = await apart(rawNumbers);
    for (const name of ['h_n.bin', 'weight_hh_l0.bin']) {
      const { code, stderr } = await cli(['verify', '.', '--reporter', `json=${name}`], { cwd: folder });
      expect(code).toBe(2);
      expect(stderr).toContain(name);
    }
    expect((await verify(await loadCase(folder))).verdict).toBe('parity');
    // Nor where the case is not valid, so that they are never opened.
    writeJson(path.join(folder, 'case.json'), { ...spec, batch_first: 'yes' });
    const before = fs.readFileSync(path.join(folder, 'h_n.bin'));
    await cli(['verify', '.', '--reporter', 'json=h_n.bin'], { cwd: folder });
    expect(Buffer.compare(fs.readFileSync(path.join(folder, 'h_n.bin')), before)).toBe(0);
  });
});
