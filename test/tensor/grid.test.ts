import { describe, expect, test } from 'vitest';
import { gridOf, isOnGrid, storedDecimals } from '../../src/tensor/grid.js';

const wide = Float64Array.from({ length: 50 }, (_, i) => Math.sin(i + 1) / 3);
const float32 = Float32Array.from(wide);

describe('the grid of values', () => {
  test('is the narrowest dtype that holds all of them', () => {
    expect(gridOf(wide, 'F64')).toBe('F64');
    expect(gridOf(Float64Array.from(float32), 'F64')).toBe('F32');
    expect(gridOf(float32, 'F32')).toBe('F32');
    expect(gridOf(Float32Array.of(0.5, 1 + 2 ** -7), 'F32')).toBe('BF16');
    expect(gridOf(Float32Array.of(0.5, 1 + 2 ** -10), 'F32')).toBe('F16');
    expect(gridOf(Float64Array.of(0.5, 1 + 2 ** -10), 'F64')).toBe('F16');
  });

  test('is that of the finite values, and one other value is enough to widen it', () => {
    expect(gridOf(Float64Array.of(Number.NaN, Number.POSITIVE_INFINITY, float32[0]), 'F64')).toBe('F32');
    expect(isOnGrid(Float64Array.of(...float32, 1 / 3), 'F32')).toBe(false);
  });
});

describe('decimals of stored values', () => {
  const rounded = (decimals: number) => Float64Array.from(wide, (value) => Number(value.toFixed(decimals)));

  test.each([1, 2, 3, 4, 5, 6])('%d are found in float32, in float64 and where float32 was widened', (d) => {
    expect(storedDecimals(rounded(d), 'F64')).toBe(d);
    expect(storedDecimals(Float32Array.from(rounded(d)), 'F32')).toBe(d);
    // JSON numbers keep the value that they are written with, and count as float32.
    expect(storedDecimals(rounded(d), 'F32')).toBe(d);
  });

  test('are not found in values that have all of their digits', () => {
    expect(storedDecimals(wide, 'F64')).toBeUndefined();
    expect(storedDecimals(float32, 'F32')).toBeUndefined();
  });

  test('one value with more ends it', () => {
    const values = Float32Array.from(rounded(4));
    values[7] = 0.123456789;
    expect(storedDecimals(values, 'F32')).toBeUndefined();
  });

  test('are not found where so few values have them by chance', () => {
    const one = (value: number) => storedDecimals(Float32Array.of(value), 'F32');
    expect(one(0.1575)).toBeUndefined();
    expect(storedDecimals(Float32Array.of(0.1575, 0.1575, -0.1575), 'F32')).toBeUndefined();
    expect(storedDecimals(Float32Array.of(0.1575, 0.2343), 'F32')).toBe(4);
    expect(storedDecimals(Float64Array.of(0.1575), 'F64')).toBe(4);
    expect(storedDecimals(Float32Array.of(0, 1, -1, 3), 'F32')).toBeUndefined();
  });
});
