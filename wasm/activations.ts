// σ and tanh of vectors, within 2 ulp over the scaleMinusOne range, including subnormals, infinities and NaN.
//
// Both reduce their argument y to r = y − n ln 2 with |r| ≤ ln 2 / 2, and use e^r − 1 = r + r² P(r), where P is a
// polynomial (coefficients.py). ln 2 is split in two parts, the first short enough that its product with n is exact.
// Constants are loaded from memory: literals would be created again in every loop, and occupy registers that the values
// need.

import { madd } from './vector';

/** The constants for float64, each in all lanes of a vector; comments give their indices. */
const DOUBLE = memory.data<f64>([
  1.4426950408889634, 1.4426950408889634, // 0: 1 / ln 2
  6755399441055744, 6755399441055744, // 1: 1.5 · 2^52: adding it rounds to an integer, which is then in the lowest bits
  -0.6931471803691238, -0.6931471803691238, // 2: −ln 2, the first 33 bits
  -1.9082149292705877e-10, -1.9082149292705877e-10, // 3: −ln 2, the rest
  0.5, 0.5, // 4 … 14: coefficients of P, from the constant up
  0.16666666666666671, 0.16666666666666671,
  0.04166666666666667, 0.04166666666666667,
  0.0083333333333261409, 0.0083333333333261409,
  0.0013888888888883752, 0.0013888888888883752,
  0.00019841269874800492, 0.00019841269874800492,
  2.4801587325533364e-5, 2.4801587325533364e-5,
  2.7557255425746434e-6, 2.7557255425746434e-6,
  2.7557273661348636e-7, 2.7557273661348636e-7,
  2.5105206373957011e-8, 2.5105206373957011e-8,
  2.0914679376583935e-9, 2.0914679376583935e-9,
  1, 1, // 15
  -2, -2, // 16
  5.421010862427522e-20, 5.421010862427522e-20, // 17: 2^−64
  -750, -750, // 18: below this, σ is zero
  -44, -44, // 19: below this, tanh(x / 2) is −1
  -0.5, -0.5, // 20, 21: 1 / s ≈ 1.457 − s / 2 for s from 1 to 2
  1.457, 1.457,
  2, 2, // 22
], 16);

/** The same for float32. */
const SINGLE = memory.data<f32>([
  1.44269504, 1.44269504, 1.44269504, 1.44269504, // 0: 1 / ln 2
  12582912, 12582912, 12582912, 12582912, // 1: 1.5 · 2^23
  -0.693359375, -0.693359375, -0.693359375, -0.693359375, // 2: −ln 2, the first 10 bits
  2.12194440e-4, 2.12194440e-4, 2.12194440e-4, 2.12194440e-4, // 3: −ln 2, the rest
  0.5, 0.5, 0.5, 0.5, // 4 … 9: coefficients of P
  0.166666667, 0.166666667, 0.166666667, 0.166666667,
  0.041666465, 0.041666465, 0.041666465, 0.041666465,
  0.00833331093, 0.00833331093, 0.00833331093, 0.00833331093,
  0.0013933641, 0.0013933641, 0.0013933641, 0.0013933641,
  0.000198909809, 0.000198909809, 0.000198909809, 0.000198909809,
  1, 1, 1, 1, // 10
  -2, -2, -2, -2, // 11
  5.42101086e-20, 5.42101086e-20, 5.42101086e-20, 5.42101086e-20, // 12: 2^−64
  -110, -110, -110, -110, // 13: below this, σ is zero
  -20, -20, -20, -20, // 14: below this, tanh(x / 2) is −1
  -0.5, -0.5, -0.5, -0.5, // 15, 16: as 20, 21 above
  1.457, 1.457, 1.457, 1.457,
  2, 2, 2, 2, // 17
  -80, -80, -80, -80, // 18: below this, e^x is that of this
], 16);

// @ts-ignore: decorator
@inline
function double(index: usize): v128 {
  return v128.load(DOUBLE + 16 * index);
}

// @ts-ignore: decorator
@inline
function single(index: usize): v128 {
  return v128.load(SINGLE + 16 * index);
}

/** r² P(r) of two float64. P is summed as a tree, so that independent parts overlap. */
// @ts-ignore: decorator
@inline
function tailDouble(r: v128): v128 {
  const r2 = f64x2.mul(r, r);
  const r4 = f64x2.mul(r2, r2);
  const p01 = madd<f64>(r, double(5), double(4));
  const p23 = madd<f64>(r, double(7), double(6));
  const p45 = madd<f64>(r, double(9), double(8));
  const p67 = madd<f64>(r, double(11), double(10));
  const p89 = madd<f64>(r, double(13), double(12));
  const low = madd<f64>(r2, p23, p01);
  const middle = madd<f64>(r2, p67, p45);
  const high = madd<f64>(r2, double(14), p89);
  return f64x2.mul(r2, madd<f64>(r4, madd<f64>(r4, high, middle), low));
}

/** The same of four float32. */
// @ts-ignore: decorator
@inline
function tailSingle(r: v128): v128 {
  const r2 = f32x4.mul(r, r);
  const p01 = madd<f32>(r, single(5), single(4));
  const p23 = madd<f32>(r, single(7), single(6));
  const p45 = madd<f32>(r, single(9), single(8));
  return f32x4.mul(r2, madd<f32>(r2, madd<f32>(r2, p45, p23), p01));
}

/**
 * With e = e^−|x|, σ(x) is e / (1 + e) below zero and 1 − e / (1 + e) above. `quotient` compensates for the rounding of
 * e and of 1 + e.
 */
// @ts-ignore: decorator
@inline
export function sigmoid<T>(x: v128): v128 {
  if (sizeof<T>() == 8) {
    const y = f64x2.pmax(f64x2.neg(f64x2.abs(x)), double(18));
    const t = madd<f64>(y, double(0), double(1));
    const n = f64x2.sub(t, double(1));
    const r = madd<f64>(n, double(3), madd<f64>(n, double(2), y));
    const q = f64x2.add(r, tailDouble(r));
    const p = f64x2.add(double(15), q);
    // Scaling by 2^(n + 64), then by 2^−64, rounds a subnormal e only once.
    const scale = i64x2.add(i64x2.shl(t, 52), i64x2.splat(<i64>(1023 + 64) << 52));
    const e = f64x2.mul(f64x2.mul(p, scale), double(17));
    const below = quotient<f64>(e, f64x2.mul(e, f64x2.sub(q, f64x2.sub(p, double(15)))), double(15));
    return v128.bitselect(below, f64x2.sub(double(15), below), f64x2.lt(x, f64x2.splat(0)));
  }
  const y = f32x4.pmax(f32x4.neg(f32x4.abs(x)), single(13));
  const t = madd<f32>(y, single(0), single(1));
  const n = f32x4.sub(t, single(1));
  const r = madd<f32>(n, single(3), madd<f32>(n, single(2), y));
  const q = f32x4.add(r, tailSingle(r));
  const p = f32x4.add(single(10), q);
  const scale = i32x4.add(i32x4.shl(t, 23), i32x4.splat((127 + 64) << 23));
  const e = f32x4.mul(f32x4.mul(p, scale), single(12));
  const below = quotient<f32>(e, f32x4.mul(e, f32x4.sub(q, f32x4.sub(p, single(10)))), single(10));
  return v128.bitselect(below, f32x4.sub(single(10), below), f32x4.lt(x, f32x4.splat(0)));
}

/**
 * (a + rest) / (b + a + rest), where `rest` is what rounding removed from a; for b ≥ |a| and b + a from 1 to 2. A
 * correction after the division uses an estimate of 1 / (b + a).
 */
// @ts-ignore: decorator
@inline
function quotient<T>(a: v128, rest: v128, b: v128): v128 {
  const sum = v128.add<T>(b, a);
  const lost = v128.add<T>(rest, v128.sub<T>(a, v128.sub<T>(sum, b)));
  const result = v128.div<T>(a, sum);
  // 1 / sum, to ±0.043.
  const inverse = sizeof<T>() == 8 ? madd<f64>(sum, double(20), double(21)) : madd<f32>(sum, single(15), single(16));
  return v128.add<T>(result, v128.mul<T>(inverse, v128.sub<T>(rest, v128.mul<T>(result, lost))));
}

/** |tanh(x)| = −m / (m + 2) with m = e^−2|x| − 1; the sign is that of x. */
// @ts-ignore: decorator
@inline
export function tanh<T>(x: v128): v128 {
  if (sizeof<T>() == 8) {
    const absolute = f64x2.abs(x);
    const y = f64x2.pmax(f64x2.mul(absolute, double(16)), double(19));
    const t = madd<f64>(y, double(0), double(1));
    const n = f64x2.sub(t, double(1));
    const r = madd<f64>(n, double(3), madd<f64>(n, double(2), y));
    const tail = tailDouble(r);
    const q = f64x2.add(r, tail);
    const scale = i64x2.add(i64x2.shl(t, 52), i64x2.splat(<i64>1023 << 52));
    const scaleMinusOne = f64x2.sub(scale, double(15));
    const m = madd<f64>(scale, q, scaleMinusOne);
    const rest = f64x2.add(f64x2.sub(f64x2.mul(scale, q), f64x2.sub(m, scaleMinusOne)), f64x2.mul(scale, f64x2.sub(tail, f64x2.sub(q, r))));
    const result = quotient<f64>(m, rest, double(22));
    return v128.bitselect(x, result, f64x2.splat(-0.0));
  }
  const absolute = f32x4.abs(x);
  const y = f32x4.pmax(f32x4.mul(absolute, single(11)), single(14));
  const t = madd<f32>(y, single(0), single(1));
  const n = f32x4.sub(t, single(1));
  const r = madd<f32>(n, single(3), madd<f32>(n, single(2), y));
  const tail = tailSingle(r);
  const q = f32x4.add(r, tail);
  const scale = i32x4.add(i32x4.shl(t, 23), i32x4.splat(127 << 23));
  const scaleMinusOne = f32x4.sub(scale, single(10));
  const m = madd<f32>(scale, q, scaleMinusOne);
  const rest = f32x4.add(f32x4.sub(f32x4.mul(scale, q), f32x4.sub(m, scaleMinusOne)), f32x4.mul(scale, f32x4.sub(tail, f32x4.sub(q, r))));
  const result = quotient<f32>(m, rest, single(17));
  return v128.bitselect(x, result, f32x4.splat(-0.0));
}

/** e^x of two float64 x ≤ 0, to a few ulp. Below −700, near the subnormal numbers, it is e^−700. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const y = f64x2.pmax(x, f64x2.splat(-700));
  const t = madd<f64>(y, double(0), double(1));
  const n = f64x2.sub(t, double(1));
  const r = madd<f64>(n, double(3), madd<f64>(n, double(2), y));
  const scale = i64x2.add(i64x2.shl(t, 52), i64x2.splat(<i64>1023 << 52));
  return f64x2.mul(f64x2.add(double(15), f64x2.add(r, tailDouble(r))), scale);
}

/** e^x of four float32 x ≤ 0. Below −80 it is e^−80. */
// @ts-ignore: decorator
@inline
export function expSingle(x: v128): v128 {
  const y = f32x4.pmax(x, single(18));
  const t = madd<f32>(y, single(0), single(1));
  const n = f32x4.sub(t, single(1));
  const r = madd<f32>(n, single(3), madd<f32>(n, single(2), y));
  // The bits of 1 are those of an exponent of zero.
  const scale = i32x4.add(i32x4.shl(t, 23), single(10));
  return f32x4.mul(scale, f32x4.add(single(10), f32x4.add(r, tailSingle(r))));
}

/** e^x − 1 of four float32 x ≤ 0. Below −80 it is −1. */
// @ts-ignore: decorator
@inline
export function expMinusOne(x: v128): v128 {
  const y = f32x4.pmax(x, single(18));
  const t = madd<f32>(y, single(0), single(1));
  const n = f32x4.sub(t, single(1));
  const r = madd<f32>(n, single(3), madd<f32>(n, single(2), y));
  // The bits of 1 are those of an exponent of zero.
  const scale = i32x4.add(i32x4.shl(t, 23), single(10));
  return madd<f32>(scale, f32x4.add(r, tailSingle(r)), f32x4.sub(scale, single(10)));
}
