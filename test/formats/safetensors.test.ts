import { expect, test } from 'vitest';
import { CellcheckError } from '../../src/errors.js';
import { readTensors } from '../../src/formats/read-tensors.js';
import { headerLength, parseHeader } from '../../src/formats/safetensors.js';
import { raw, safetensorsBytes, withHeader } from '../write.js';

function header(file: Uint8Array) {
  const length = headerLength(file.subarray(0, 8), file.length);
  return parseHeader(file.subarray(8, 8 + length), file.length);
}

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
  ['no header', withHeader(''), 'does not begin with {'],
  [
    'a name twice',
    withHeader(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      FOUR,
    ),
    'the name a stands twice',
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
