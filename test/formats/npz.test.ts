import { describe, expect, test } from 'vitest';
import { CellcheckError } from '../../src/errors.js';
import { bounded } from '../../src/formats/bytes.js';
import { npz } from '../../src/formats/npz.js';
import { type Member, zipOf } from './archive.js';
import { float32, float64, npyBytes } from './arrays.js';
import { sourceOf } from './source.js';

const open = (bytes: Uint8Array) => npz.open(bounded(sourceOf(bytes))).tensors();
const array = (name: string, shape: string, ...values: number[]): Member => ({
  name: `${name}.npy`,
  content: npyBytes({ shape, data: float32(...values) }),
});
const INPUT = array('input', '(2, 1, 2)', 1, 2, 3, 4);
const H_N = array('h_n', '(1, 1, 2)', 5, 6);
const damaged = (name: string) => new RegExp(`^${name}: .*\\n {2}The archive is damaged`);

test.each([
  ['savez', {}],
  ['savez_compressed', { deflated: true }],
  // As NumPy writes to a pipe.
  ['savez to a stream', { streamed: true }],
  ['savez of large arrays', { zip64: true }],
])('arrays by name, as %s writes them', (_, how) => {
  const { specs, load } = open(zipOf([INPUT, H_N].map((member) => ({ ...member, ...how }))));
  expect([...specs]).toMatchObject([
    ['input', { dtype: 'F32', shape: [2, 1, 2] }],
    ['h_n', { dtype: 'F32', shape: [1, 1, 2] }],
  ]);
  const loaded = load(['h_n', 'input']);
  expect([...loaded].map(([name, { dtype, shape, data }]) => [name, dtype, shape, [...data]])).toEqual([
    ['h_n', 'F32', [1, 1, 2], [5, 6]],
    ['input', 'F32', [2, 1, 2], [1, 2, 3, 4]],
  ]);
  expect(() => load(['input.npy'])).toThrow('input.npy: there is no such tensor');
});

test('each array has its own dtype and order', () => {
  const content = npyBytes({ descr: '<f8', shape: '(2, 2)', fortran: true, data: float64(1, 3, 2, 4) });
  const { load } = open(zipOf([INPUT, { name: 'w.npy', content, deflated: true }]));
  expect(load(['w']).get('w')).toMatchObject({ dtype: 'F64', data: Float64Array.of(1, 2, 3, 4) });
});

test('a name may have points, folders and letters of any sort', () => {
  const names = ['lstm.weight_ih_l0', 'a/b', 'größe', '__proto__', 'x.npy', ''];
  const { specs, load } = open(zipOf(names.map((name, i) => array(name, '(1,)', i))));
  expect([...specs.keys()]).toEqual(names);
  for (const [i, name] of names.entries()) expect([...load([name]).get(name)!.data]).toEqual([i]);
});

test('arrays that nobody asks for are not read beyond their headers', () => {
  const large = array('large', '(20000,)', ...Array<number>(20_000).fill(0.5));
  const { load } = open(zipOf([{ ...large, crc: 1 }, H_N]));
  expect([...load(['h_n']).get('h_n')!.data]).toEqual([5, 6]);
  expect(() => load(['large'])).toThrow('large.npy: does not have the checksum that the directory says');
});

describe('what is refused', () => {
  test('a file that is no array, with its name', () => {
    expect(() => open(zipOf([INPUT, { name: 'archive/data.pkl', content: '' }]))).toThrow(
      expect.objectContaining({
        message: `holds archive/data.pkl, which is no array
  An .npz file is what numpy.savez writes. Give another archive the ending that it should have.`,
      }),
    );
    expect(() => open(zipOf([{ name: 'folder/', content: '' }]))).toThrow('holds folder/, which is no array');
  });

  test('a damaged array, with its name', () => {
    const changed = zipOf([INPUT, H_N]);
    changed[Buffer.from(changed).indexOf('\x93NUMPY', 'latin1') + 130] ^= 1;
    expect(() => open(changed).load(['input'])).toThrow(damaged('input.npy'));
    for (const size of [20, 1000])
      expect(() => open(zipOf([H_N, { ...INPUT, size, deflated: true }]))).toThrow(damaged('input.npy'));
  });

  test('an array whose header does not fit its size, with its name', () => {
    expect(() => open(zipOf([INPUT, array('h_n', '(3,)', 1, 2)]))).toThrow(
      'h_n: found 8 bytes of data, expected 12 for float32 [3]',
    );
    expect(() => open(zipOf([INPUT, { name: 'h_n.npy', content: 'no array' }]))).toThrow(
      'h_n: is not an array of numpy.save',
    );
    expect(() => open(zipOf([{ name: 'h_n.npy', content: '' }]))).toThrow(/^h_n: found 0 bytes/);
  });

  test('an array of objects, where somebody asks for it', () => {
    const objects = npyBytes({ descr: '|O', shape: '(1,)', data: Uint8Array.of(1) });
    const { specs, load } = open(zipOf([INPUT, { name: 'names.npy', content: objects }]));
    expect(specs.get('names')!.dtype).toBe('|O');
    expect(load(['input']).size).toBe(1);
    expect(() => load(['names'])).toThrow('names: found dtype "|O"');
  });

  test('two arrays of one name', () => {
    expect(() => open(zipOf([INPUT, INPUT]))).toThrow('input.npy: has two files of this name');
  });

  test('an archive that is cut short anywhere', () => {
    const bytes = zipOf([INPUT, { ...H_N, deflated: true }]);
    for (let length = 0; length < bytes.length; length++)
      expect(() => open(bytes.subarray(0, length)), `${length} bytes`).toThrow(CellcheckError);
  });
});
