import { expect, test } from 'vitest';
import { CellcheckError } from '../../src/errors.js';
import { readTensors } from '../../src/formats/read-tensors.js';
import { loadTensors } from '../../src/formats/safetensors.js';
import { headerLength, readHeader } from '../../src/formats/safetensors-header.js';
import { raw, safetensorsBytes, withHeader } from '../write.js';
import { sourceOf } from './source.js';

const header = (file: Uint8Array) => readHeader(sourceOf(file));

const read = (file: Uint8Array, names: readonly string[]) => readTensors(file, 'x.safetensors').load(names);

const FOUR = Buffer.from(Float32Array.of(1).buffer);
const entry = (dtype: unknown, shape: unknown, offsets: unknown) => ({ dtype, shape, data_offsets: offsets });
const withEntries = (entries: object, data: Uint8Array = FOUR) => withHeader(JSON.stringify(entries), data);

test('tensors come back as they were written, those that were asked for', () => {
  const file = safetensorsBytes(
    {
      a: raw([2, 2], [1, 2, 3, 4]),
      b: raw([1], [0.1], 'F64'),
      c: raw([3], [7, 8, 9], 'I64'),
      '': raw([1], [5]),
    },
    { format: 'pt' },
  );
  expect(header(file).metadata).toEqual({ format: 'pt' });
  const tensors = read(file, ['c', 'a', '']);
  expect(tensors.get('a')).toEqual({ dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) });
  expect(tensors.get('c')!.data).toEqual(Float64Array.of(7, 8, 9));
  expect(tensors.get('')!.data).toEqual(Float32Array.of(5));
  expect(tensors.has('b')).toBe(false);
});

test('order, zero sizes, scalars, names like __proto__ and null metadata are allowed', () => {
  const file = withEntries(
    JSON.parse(
      '{"b": {"dtype": "F32", "shape": [], "data_offsets": [4, 8]}, "__proto__": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "z": {"dtype": "F32", "shape": [2, 0], "data_offsets": [4, 4]}, "__metadata__": null}',
    ),
    Buffer.concat([FOUR, FOUR]),
  );
  expect([...header(file).tensors.keys()].sort()).toEqual(['__proto__', 'b', 'z']);
  expect(read(file, ['__proto__', 'b']).get('__proto__')!.data).toEqual(Float32Array.of(1));
});

test.each([
  ['seven bytes', new Uint8Array(7), 'found 7 bytes'],
  [
    'a header beyond the file',
    Uint8Array.of(100, 0, 0, 0, 0, 0, 0, 0),
    'a header of 100 bytes in a file of 8',
  ],
  [
    'a header beyond all limits',
    Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 128),
    'a header length of 9223372036854775808 bytes',
  ],
  ['a header that is an array', withHeader('[]'), 'does not begin with {'],
  ['a header behind a space', withHeader(' {}'), 'does not begin with {'],
  ['no header', withHeader(''), 'does not begin with {'],
  [
    'a name twice',
    withHeader(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      FOUR,
    ),
    'the name a appears twice',
  ],
  [
    'metadata twice',
    withHeader('{"__metadata__":null,"__metadata__":{"format":"pt"}}'),
    'the name __metadata__ appears twice',
  ],
  [
    'an unknown dtype',
    withEntries({ a: entry('F128', [1], [0, 4]) }),
    'a: its dtype is not a dtype of the safetensors format',
  ],
  ['a dtype in lower case', withEntries({ a: entry('f32', [1], [0, 4]) }), 'a: its dtype is not'],
  ['a negative size', withEntries({ a: entry('F32', [-1], [0, 4]) }), 'a: its shape is not a list of sizes'],
  ['a fraction as size', withEntries({ a: entry('F32', [1.5], [0, 4]) }), 'a: its shape is not'],
  ['text as size', withEntries({ a: entry('F32', '1', [0, 4]) }), 'a: its shape is not'],
  ['nested sizes', withEntries({ a: entry('F32', [[1]], [0, 4]) }), 'a: its shape is not'],
  ['a size beyond 2^53', withEntries({ a: entry('F32', [2 ** 53], [0, 4]) }), 'a: its shape is not'],
  [
    'a product beyond 2^53',
    withEntries({ a: entry('F32', [2 ** 40, 2 ** 40], [0, 4]) }),
    'a: the shape [1099511627776, 1099511627776] is larger than any file',
  ],
  ['one offset', withEntries({ a: entry('F32', [1], [4]) }), 'a: its data_offsets is not two integers'],
  ['a description as a list', withEntries({ a: [1] }), 'a: its dtype is not'],
  [
    'a number as description',
    withEntries({ a: 3 }),
    'a: is not an object with dtype, shape and data_offsets',
  ],
  ['a missing field', withEntries({ a: { dtype: 'F32', shape: [1] } }), 'a: its data_offsets is not'],
  [
    'too few bytes for the shape',
    withEntries({ a: entry('F32', [2], [0, 4]) }),
    'a: found 4 bytes of data, expected 8 for F32 [2]',
  ],
  [
    'more bytes than the shape has',
    withEntries({ a: entry('F32', [1], [0, 8]) }, Buffer.concat([FOUR, FOUR])),
    'a: found 8 bytes of data, expected 4 for F32 [1]',
  ],
  [
    'values that fill no whole byte',
    withEntries({ a: entry('F4', [3], [0, 2]) }, new Uint8Array(2)),
    'a: found 2 bytes of data, expected 1.5 for F4 [3]',
  ],
  ['reversed offsets', withEntries({ a: entry('F32', [1], [4, 0]) }), 'a: found -4 bytes of data'],
  [
    'a hole',
    withEntries({ a: entry('F32', [1], [4, 8]) }, Buffer.concat([FOUR, FOUR])),
    'a: found data at 4 to 8, expected it to begin at 0',
  ],
  [
    'an overlap',
    withEntries({ a: entry('F32', [1], [0, 4]), b: entry('F32', [1], [0, 4]) }),
    'found data at 0 to 4, expected it to begin at 4',
  ],
  [
    'a file cut short',
    safetensorsBytes({ a: raw([2], [1, 2]) }).subarray(0, -1),
    'found 7 bytes of tensor data, expected 8, by its header',
  ],
  [
    'a byte too many',
    Buffer.concat([safetensorsBytes({ a: raw([1], [1]) }), Uint8Array.of(0)]),
    'Something was appended',
  ],
  [
    'metadata that is not text',
    withEntries({ __metadata__: { a: 1 } }, new Uint8Array()),
    '__metadata__: holds something else than text',
  ],
])('%s is refused', (_, file, message) => {
  expect(() => header(file)).toThrow(CellcheckError);
  expect(() => header(file)).toThrow(message);
});

test('a dtype that is not read is an error where its tensor is needed, and only there', () => {
  const file = withEntries({ q: entry('U16', [2], [0, 4]) });
  expect(header(file).tensors.get('q')!.dtype).toBe('U16');
  expect(() => read(file, ['q'])).toThrow('q: found dtype U16, expected F64, F32');
});

test.each([
  [
    'too short',
    new Uint8Array(7),
    `found 7 bytes, expected a safetensors file, which has at least 8
  Was the file written to the end?`,
  ],
  [
    'another length',
    Uint8Array.of(1, 225, 245, 5, 0, 0, 0, 0),
    `found a header length of 100000001 bytes, expected 100000000 at most
  This is probably not a safetensors file.`,
  ],
  [
    'a header beyond the end',
    Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0),
    `found a header of 1 bytes in a file of 8, expected the header within the file
  The file is cut short, or is not a safetensors file.`,
  ],
  [
    'another header',
    withHeader('[]'),
    `the safetensors header does not begin with {
  The file is damaged, or is not a safetensors file.`,
  ],
  [
    'another size',
    withEntries({ a: entry('F64', [3], [0, 4]) }),
    `a: found 4 bytes of data, expected 24 for F64 [3]
  The file is damaged: its header and its data disagree.`,
  ],
  [
    'a hole',
    withEntries({ a: entry('F32', [1], [0, 4]), b: entry('F32', [1], [5, 9]) }, new Uint8Array(9)),
    `b: found data at 5 to 9, expected it to begin at 4, where the tensor before it ends
  The file is damaged: its data overlap or leave a hole.`,
  ],
  [
    'too few data',
    withEntries({ a: entry('F32', [1], [0, 4]) }, new Uint8Array(3)),
    `found 3 bytes of tensor data, expected 4, by its header
  The file is cut short.`,
  ],
  [
    'too many data',
    withEntries({ a: entry('F32', [1], [0, 4]) }, new Uint8Array(5)),
    `found 5 bytes of tensor data, expected 4, by its header
  Something was appended to the file.`,
  ],
])('%s: what is wrong, and what it can come from', (_, file, message) => {
  expect(() => header(file)).toThrow(expect.objectContaining({ message }));
});

test('a header may be as long as the Rust library reads them, and may be all that the file has', () => {
  expect(headerLength(Uint8Array.of(0, 225, 245, 5, 0, 0, 0, 0), 200_000_000)).toBe(100_000_000);
  expect(header(withHeader('{}'))).toEqual({ metadata: {}, tensors: new Map() });
});

test('data may come in any order, tensors without values where another begins or ends', () => {
  const file = withEntries(
    {
      last: entry('F32', [2], [8, 16]),
      end: entry('F32', [0], [16, 16]),
      b: entry('F32', [1], [4, 8]),
      between: entry('F32', [3, 0], [8, 8]),
      a: entry('F32', [1], [0, 4]),
      begin: entry('F32', [0, 2], [0, 0]),
    },
    Buffer.from(Float32Array.of(1, 2, 3, 4).buffer),
  );
  const tensors = read(file, ['last', 'between', 'a', 'b']);
  expect(tensors.get('a')!.data).toEqual(Float32Array.of(1));
  expect(tensors.get('b')!.data).toEqual(Float32Array.of(2));
  expect(tensors.get('between')).toEqual({ dtype: 'F32', shape: [3, 0], data: new Float32Array() });
  expect(tensors.get('last')!.data).toEqual(Float32Array.of(3, 4));
});

test('the bytes of the tensors wanted are asked for, and no others, and go into a file of their own', () => {
  const file = safetensorsBytes({
    a: raw([2], [1, 2]),
    unused: raw([2], [3, 4]),
    c: raw([1, 3], [5, 6, 7], 'F64'),
    d: raw([1], [8], 'I64'),
  });
  const whole = header(file);
  // Headers of several lengths.
  for (const names of [['a'], ['c', 'a'], ['d', 'a', 'c']]) {
    const asked: [number, number][] = [];
    const loaded = loadTensors(whole, names, {
      size: file.length,
      read(offset, length) {
        asked.push([offset, offset + length]);
        return file.subarray(offset, offset + length);
      },
    });
    const own = new Uint8Array(loaded.get('a')!.data.buffer);
    const specs = names.map((name) => whole.tensors.get(name)!);
    expect(asked).toEqual(specs.map(({ begin, end }) => [begin, end]));
    const length = headerLength(own.subarray(0, 8), own.length);
    const text = new TextDecoder().decode(own.subarray(8, 8 + length));
    expect(length - text.trimEnd().length).toBeLessThan(8);
    const tensors = [...header(own).tensors.values()];
    expect(tensors.map(({ dtype, shape }) => ({ dtype, shape }))).toEqual(
      specs.map(({ dtype, shape }) => ({ dtype, shape })),
    );
  }
});

test('float32 and float64 values are where they were read to, whatever lies between', () => {
  const bytes = (length: number) => ({ dtype: 'I8', shape: [length], bytes: new Uint8Array(length).fill(1) });
  const file = safetensorsBytes({
    one: bytes(1),
    a: raw([1], [2], 'F64'),
    nine: bytes(9),
    b: raw([3], [3, 4, 5]),
    c: raw([1], [6], 'F64'),
  });
  for (const names of [
    ['one', 'a', 'c'],
    ['nine', 'b', 'c', 'a'],
  ]) {
    const tensors = read(file, names);
    const [first, ...others] = names.slice(1).map((name) => tensors.get(name)!.data.buffer);
    for (const buffer of others) expect(buffer).toBe(first);
    expect(tensors.get(names[0])!.data).toEqual(new Float64Array(names[0] === 'one' ? 1 : 9).fill(1));
    expect(tensors.get('c')!.data).toEqual(Float64Array.of(6));
  }
});

test('a dtype that is not read: those that are, and how to get there', () => {
  const file = withEntries({ q: entry('F8_E4M3', [4], [0, 4]) });
  expect(() => read(file, ['q'])).toThrow(
    expect.objectContaining({
      message: `x.safetensors: q: found dtype F8_E4M3, expected F64, F32, F16, BF16, I64, I32, I16, I8, U8
  Convert it before saving, for example with tensor.float().`,
    }),
  );
});

test('a name that the file does not have is an error', () => {
  expect(() => read(safetensorsBytes({ a: raw([1], [1]) }), ['a', 'b'])).toThrow(
    'b: there is no such tensor',
  );
});
