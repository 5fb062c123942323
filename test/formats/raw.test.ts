import { expect, test } from 'vitest';
import { rawTensor } from '../../src/formats/raw.js';
import { NAMELESS } from '../../src/tensor/state-dict.js';
import { linesOf } from '../errors.js';
import { float32, float64 } from './arrays.js';
import { sourceOf } from './source.js';

const read = (bytes: Uint8Array, dtype: string, shape: readonly number[]) =>
  rawTensor(sourceOf(bytes), dtype, shape);

test('numbers without a header, little-endian and in row-major order', () => {
  const bytes = float32(1, 2, 3, 4, 5, 6);
  const { specs, load } = read(bytes, 'float32', [2, 3]);
  expect([...specs]).toEqual([[NAMELESS, { dtype: 'F32', shape: [2, 3] }]]);
  expect(load([NAMELESS]).get(NAMELESS)).toEqual({
    dtype: 'F32',
    shape: [2, 3],
    data: Float32Array.of(1, 2, 3, 4, 5, 6),
  });
  expect(() => load(['input'])).toThrow('input: there is no such tensor');
});

test('the file is read when the tensor is asked for', () => {
  const source = sourceOf(float32(1));
  let reads = 0;
  const read = (offset: number, length: number) => {
    reads++;
    return source.read(offset, length);
  };
  const { load } = rawTensor({ ...source, read }, 'F32', [1]);
  expect(reads).toBe(0);
  load([NAMELESS]);
  expect(reads).toBe(1);
});

test.each([
  ['F64', 'F64', float64(0.1), 0.1],
  ['float64', 'F64', float64(0.1), 0.1],
  ['torch.float64', 'F64', float64(0.1), 0.1],
  ['float16', 'F16', Uint8Array.of(0x55, 0x35), 0.333251953125],
  ['bfloat16', 'BF16', Uint8Array.of(0x80, 0x3f), 1],
  ['int64', 'I64', new Uint8Array(BigInt64Array.of(-2n).buffer), -2],
  ['int32', 'I32', new Uint8Array(Int32Array.of(-3).buffer), -3],
  ['uint8', 'U8', Uint8Array.of(200), 200],
])('%s is a dtype', (name, dtype, bytes, value) => {
  const tensor = read(bytes, name, [1]).load([NAMELESS]).get(NAMELESS)!;
  expect([tensor.dtype, ...tensor.data]).toEqual([dtype, value]);
});

test('a tensor without axes has one number, and one of size 0 none', () => {
  expect([...read(float32(7), 'F32', []).load([NAMELESS]).get(NAMELESS)!.data]).toEqual([7]);
  expect([...read(float32(), 'F32', [0, 3]).load([NAMELESS]).get(NAMELESS)!.data]).toEqual([]);
});

test.each(['float', 'double', '<f4', 'f32', '', 'constructor', 'toString', 'complex64'])(
  'the dtype %j is none',
  (dtype) => {
    expect(linesOf(() => read(float32(1), dtype, [1]))).toEqual([
      'has a dtype that cellcheck does not know',
      '  Known are float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8.',
    ]);
  },
);

test.each([
  [float32(1, 2, 3), 'float32', [2, 2], 'found 12 bytes, expected 16 for float32 [2, 2]'],
  [float32(1, 2, 3, 4), 'float64', [2, 2], 'found 16 bytes, expected 32 for float64 [2, 2]'],
  [float32(1), 'float32', [], undefined],
  [float32(1).subarray(1), 'float32', [1], 'found 3 bytes, expected 4 for float32 [1]'],
  [float32(1), 'float32', [0], 'found 4 bytes, expected 0 for float32 [0]'],
  [
    float32(),
    'float32',
    [2 ** 30, 2 ** 30],
    'found 0 bytes, expected 4611686018427388000 for float32 [1073741824, 1073741824]',
  ],
])('a file of another size than dtype and shape say is refused', (bytes, dtype, shape, message) => {
  expect(linesOf(() => read(bytes, dtype, shape))).toEqual(
    message === undefined ? [] : [message, '  A raw file holds nothing but the numbers, in row-major order.'],
  );
});
