import { describe, expect, test } from 'vitest';
import { CellcheckError } from '../../src/errors.js';
import { bounded } from '../../src/formats/bytes.js';
import { npy } from '../../src/formats/npy.js';
import { NAMELESS } from '../../src/tensor/state-dict.js';
import { type ArrayFile, float32, float64, npyBytes } from './arrays.js';
import { sourceOf } from './source.js';

const open = (bytes: Uint8Array) => npy.open(bounded(sourceOf(bytes))).tensors();
const read = (file: ArrayFile) => {
  const { dtype, shape, data } = open(npyBytes(file)).load([NAMELESS]).get(NAMELESS)!;
  return { dtype, shape, data: [...data] };
};
const refused = (file: ArrayFile, message: string) =>
  expect(() => read(file)).toThrow(expect.objectContaining({ message }));

test('an array without a name, whose header is all that is read at first', () => {
  const bytes = npyBytes({ shape: '(2, 3)', data: float32(1, 2, 3, 4, 5, 6) });
  const tensors = open(bytes);
  expect([...tensors.specs]).toMatchObject([[NAMELESS, { dtype: 'F32', shape: [2, 3] }]]);
  bytes.set(float32(9), bytes.length - 4);
  expect([...tensors.load([NAMELESS]).get(NAMELESS)!.data]).toEqual([1, 2, 3, 4, 5, 9]);
  expect(() => tensors.load(['x'])).toThrow('x: there is no such tensor');
});

test.each<[string, string, number, (view: DataView) => void, string, number[]]>([
  ['f8', 'F64', 8, (view) => view.setFloat64(0, 0.1), 'F64', [0.1]],
  ['f4', 'F32', 4, (view) => view.setFloat32(0, 0.1), 'F32', [Math.fround(0.1)]],
  ['f2', 'F16', 2, (view) => view.setUint16(0, 0x3555), 'F16', [0.333251953125]],
  ['i8', 'I64', 8, (view) => view.setBigInt64(0, -5n), 'I64', [-5]],
  ['i4', 'I32', 4, (view) => view.setInt32(0, -70_000), 'I32', [-70_000]],
  ['i2', 'I16', 2, (view) => view.setInt16(0, -300), 'I16', [-300]],
])('the dtype %s in both byte orders is %s', (kind, _, size, set, dtype, data) => {
  const big = new Uint8Array(size);
  set(new DataView(big.buffer));
  expect(read({ descr: `>${kind}`, shape: '(1,)', data: big })).toEqual({ dtype, shape: [1], data });
  const little = big.slice().reverse();
  expect(read({ descr: `<${kind}`, shape: '(1,)', data: little })).toEqual({ dtype, shape: [1], data });
});

test('bytes have no order', () => {
  expect(read({ descr: '|u1', shape: '(2,)', data: Uint8Array.of(1, 255) }).data).toEqual([1, 255]);
  expect(read({ descr: '|i1', shape: '(2,)', data: Uint8Array.of(1, 255) }).data).toEqual([1, -1]);
});

test("the elements are in row-major order, whether the file has them so or in Fortran's", () => {
  const rows = float32(1, 2, 3, 4, 5, 6);
  const columns = float32(1, 4, 2, 5, 3, 6);
  const expected = { dtype: 'F32', shape: [2, 3], data: [1, 2, 3, 4, 5, 6] };
  expect(read({ shape: '(2, 3)', data: rows })).toEqual(expected);
  expect(read({ shape: '(2, 3)', data: columns, fortran: true })).toEqual(expected);
  // [i, j, k] holds 100 i + 10 j + k.
  const cube = (order: (i: number, j: number, k: number) => number) => {
    const values = new Array<number>(24);
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 3; j++) for (let k = 0; k < 4; k++) values[order(i, j, k)] = 100 * i + 10 * j + k;
    return values;
  };
  const [byRows, byColumns] = [cube((i, j, k) => 12 * i + 4 * j + k), cube((i, j, k) => i + 2 * j + 6 * k)];
  for (const descr of ['<f8', '>f8']) {
    const data = float64(...byColumns);
    if (descr === '>f8') for (let i = 0; i < data.length; i += 8) data.subarray(i, i + 8).reverse();
    expect(read({ descr, shape: '(2, 3, 4)', data, fortran: true })).toEqual({
      dtype: 'F64',
      shape: [2, 3, 4],
      data: byRows,
    });
  }
});

test('the bytes of the file stay as they are', () => {
  const bytes = npyBytes({ descr: '>f4', shape: '(2, 2)', data: float32(1, 2, 3, 4), fortran: true });
  const before = bytes.slice();
  open(bytes).load([NAMELESS]);
  expect(Buffer.compare(bytes, before)).toBe(0);
});

test('arrays of no axes, of one, of none of an axis, and of 64', () => {
  expect(read({ shape: '()', data: float32(7) })).toEqual({ dtype: 'F32', shape: [], data: [7] });
  expect(read({ shape: '()', data: float32(7), fortran: true }).data).toEqual([7]);
  expect(read({ shape: '(1,)', data: float32(7) }).shape).toEqual([1]);
  expect(read({ shape: '(0, 3)', data: float32() })).toEqual({ dtype: 'F32', shape: [0, 3], data: [] });
  expect(read({ shape: '(0, 3)', data: float32(), fortran: true }).data).toEqual([]);
  expect(read({ shape: `(${'1, '.repeat(64)})`, data: float32(7) }).shape).toEqual(Array(64).fill(1));
  refused({ shape: `(${'1, '.repeat(65)})`, data: float32(7) }, 'its shape is not one of an array');
  // As Python 2 wrote it.
  expect(read({ shape: '(2L, 1L)', data: float32(1, 2) }).shape).toEqual([2, 1]);
});

test('versions 1 to 3 have the same header, of which only the length is written otherwise', () => {
  for (const version of [1, 2, 3])
    expect(read({ shape: '(2,)', data: float32(1, 2), version }).data).toEqual([1, 2]);
  for (const version of [0, 4, 255]) {
    refused(
      { shape: '(2,)', data: float32(1, 2), version },
      'is not an array of numpy.save, of version 1 to 3\n  Save it again with numpy.save.',
    );
  }
});

test('spaces in a header are as people put them', () => {
  for (const header of [
    "{'descr':'<f4','fortran_order':False,'shape':(1,)}",
    "{ 'descr':  '<f4', 'fortran_order':  False, 'shape':  ( 1 , ), }  ",
  ])
    expect(read({ header, shape: '', data: float32(7) }).data).toEqual([7]);
});

describe('what is refused', () => {
  test('another size than the shape says', () => {
    const shape = '(2, 3)';
    const expected = 'expected 24 for float32 [2, 3]';
    refused({ shape, data: float32(1, 2) }, `found 8 bytes of data, ${expected}\n  The file is cut short.`);
    refused(
      { shape, data: float32(1, 2, 3, 4, 5, 6, 7) },
      `found 28 bytes of data, ${expected}\n  Something was appended to the file.`,
    );
    refused(
      { shape: '(9007199254740991,)', data: float32() },
      'found 0 bytes of data, expected 36028797018963964 for float32 [9007199254740991]\n  The file is cut short.',
    );
    expect(() => read({ shape: '(4294967296, 4294967296, 4294967296)', data: float32() })).toThrow(
      'found 0 bytes of data',
    );
    // Of no elements, though no file is so large.
    expect(read({ shape: '(0, 4294967296)', data: float32() }).shape).toEqual([0, 2 ** 32]);
  });

  test('a shape that is none', () => {
    for (const shape of ['(1 2,)', '(9007199254740993,)', '(99999999999999999999,)'])
      refused({ shape, data: float32(1) }, 'its shape is not one of an array');
    for (const shape of ['(-1,)', '(1.5,)', '[1]', '(a,)', '1'])
      refused({ shape, data: float32(1) }, 'has a header that numpy.save does not write');
  });

  test('structured arrays, with what to do', () => {
    refused(
      {
        header: "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
        shape: '',
        data: float32(1),
      },
      "is a structured array\n  Save each field of it as an array: numpy.save('x.npy', array['field']).",
    );
  });

  test('objects of Python, which would have to be unpickled', () => {
    refused(
      { descr: '|O', shape: '(1,)', data: Buffer.from('\x80\x04N.', 'latin1') },
      `found dtype "|O", expected one of f8, f4, f2, i8, i4, i2, i1, u1
  It holds objects of Python, which are not read: save each array of numbers, or all of them with numpy.savez.`,
    );
  });

  test('dtypes that hold something else', () => {
    const convert = 'Convert it before saving, with array.astype(numpy.float32).';
    for (const descr of [
      '<c8',
      '|b1',
      '<u4',
      '<f16',
      '<U5',
      '|S3',
      '<M8[s]',
      'f4',
      '',
      '!f4',
      '<constructor',
    ]) {
      expect(() => read({ descr, shape: '(1,)', data: float32(1) }), descr).toThrow(
        expect.objectContaining({
          parts: expect.objectContaining({
            expected: 'one of f8, f4, f2, i8, i4, i2, i1, u1',
            hints: [convert],
          }),
        }),
      );
    }
    // As ml_dtypes.bfloat16 is saved.
    expect(() => read({ descr: '|V2', shape: '(1,)', data: Uint8Array.of(0, 1) })).toThrow(
      'NumPy has no name for bfloat16 and the like: convert it before saving',
    );
  });

  test('headers that numpy.save does not write', () => {
    for (const header of [
      '',
      '{}',
      "{'descr': '<f4'}",
      "{'shape': (1,), 'descr': '<f4', 'fortran_order': False}",
      "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + open('x')",
      "{'descr': '<f\\x34', 'fortran_order': False, 'shape': (1,)}",
    ])
      refused({ header, shape: '', data: float32(1) }, 'has a header that numpy.save does not write');
  });

  test('a header that is longer than any', () => {
    const bytes = npyBytes({ shape: '(1,)', data: float32(1), version: 2 });
    Buffer.from(bytes.buffer, bytes.byteOffset).writeUInt32LE(65_537, 8);
    expect(() => open(bytes)).toThrow('found a header of 65537 bytes, expected 65536 at most');
    const long = ' '.repeat(65_400);
    expect(
      read({
        header: `{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}${long}`,
        shape: '',
        data: float32(7),
      }).data,
    ).toEqual([7]);
  });

  test('another file, by this ending', () => {
    for (const content of ['[[1, 2]]  ', '0.5 0.25 0.125', '\x93NUMPX\x01\x00\x00\x00'])
      expect(() => open(Buffer.from(content, 'latin1'))).toThrow('is not an array of numpy.save');
  });

  test('a file that is cut short anywhere', () => {
    for (const version of [1, 2]) {
      const bytes = npyBytes({ shape: '(2,)', data: float32(1, 2), version });
      for (let length = 0; length < bytes.length; length++)
        expect(() => open(bytes.subarray(0, length)), `${length} bytes`).toThrow(CellcheckError);
    }
  });
});
