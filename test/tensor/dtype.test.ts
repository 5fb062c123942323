import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decode, dtypeNamed, roundTo } from '../../src/tensor/dtype.js';
import { tensor } from '../../src/tensor/tensor.js';

const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

test('every float16 is read as IEEE 754 says', () => {
  const words = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
  const values = decode(bytesOf(words), 'F16');
  for (const [word, value] of values.entries()) {
    const sign = word >> 15 ? -1 : 1;
    const exponent = (word >> 10) & 31;
    const fraction = word & 1023;
    if (exponent === 31) expect(value).toBe(fraction ? Number.NaN : sign / 0);
    else if (exponent === 0) expect(value).toBe(sign * fraction * 2 ** -24);
    else expect(value).toBe(sign * (1024 + fraction) * 2 ** (exponent - 25));
  }
});

test('every bfloat16 is the upper half of a float32', () => {
  const words = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
  const values = decode(bytesOf(words), 'BF16');
  const view = new DataView(new ArrayBuffer(4));
  for (const [word, value] of values.entries()) {
    view.setUint32(0, word << 16);
    expect(value).toBe(view.getFloat32(0));
  }
});

test('float32, float64 and integers, at any offset', () => {
  for (const [dtype, array] of [
    ['F32', Float32Array.of(1.5, -2, Number.NaN)],
    ['F64', Float64Array.of(0.1, -3e300, 7)],
    ['I64', BigInt64Array.of(5n, -6n, 2n ** 40n)],
    ['I32', Int32Array.of(5, -6, 7)],
    ['I16', Int16Array.of(5, -6, 7)],
    ['I8', Int8Array.of(5, -6, 7)],
    ['U8', Uint8Array.of(5, 250, 7)],
  ] as const) {
    for (const offset of [0, 1, 8]) {
      const bytes = new Uint8Array(offset + array.byteLength);
      bytes.set(bytesOf(array), offset);
      const values = decode(bytes.subarray(offset), dtype);
      expect([...values]).toEqual(Array.from(array as ArrayLike<number | bigint>, Number));
    }
  }
});

test('rounding to float32 is what Math.fround does', () => {
  const doubles = fc.oneof(fc.double(), fc.float(), fc.double({ min: -1e-37, max: 1e-37 }));
  fc.assert(
    fc.property(doubles, (value) => Object.is(roundTo(value, 'F32') + 0, Math.fround(value) + 0)),
    { numRuns: 2000 },
  );
});

test('rounding to 16 bits takes the nearest value there is, ties to even', () => {
  for (const dtype of ['F16', 'BF16'] as const) {
    const all = [...decode(bytesOf(Uint16Array.from({ length: 2 ** 15 }, (_, i) => i)), dtype)].filter(
      Number.isFinite,
    );
    for (let i = 0; i + 1 < all.length; i += 37) {
      const middle = (all[i] + all[i + 1]) / 2;
      expect(roundTo(all[i], dtype)).toBe(all[i]);
      expect(roundTo(middle, dtype)).toBe(i % 2 === 0 ? all[i] : all[i + 1]);
      expect(roundTo(middle * (1 + 2 ** -40), dtype)).toBe(all[i + 1]);
      expect(roundTo(-middle * (1 - 2 ** -40), dtype) + 0).toBe(-all[i] + 0);
    }
  }
  expect(roundTo(65520, 'F16')).toBe(Number.POSITIVE_INFINITY);
  expect(roundTo(-1e39, 'BF16')).toBe(Number.NEGATIVE_INFINITY);
});

test('dtypes go by the names of safetensors and of PyTorch', () => {
  expect(dtypeNamed('F32')).toBe('F32');
  expect(dtypeNamed('float16')).toBe('F16');
  expect(dtypeNamed('torch.bfloat16')).toBe('BF16');
  expect(dtypeNamed('complex64')).toBeUndefined();
  expect(dtypeNamed('__proto__')).toBeUndefined();
});

test('a tensor is as long as its shape says', () => {
  expect(tensor([2, 2], [1, 2, 3, 4]).data).toEqual(Float32Array.of(1, 2, 3, 4));
  expect(tensor([1], [0.1], 'F64').data).toEqual(Float64Array.of(0.1));
  expect(() => tensor([2, 2], [1, 2, 3])).toThrow('3 values do not fill the shape [2, 2]');
});
