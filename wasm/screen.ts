// Screening cells, in float32: how far a step from the reference's own state is from the step of the free run, and the
// variance of its rounding. src/engine/screen.ts says what they are for; src/bounds/ has the equations.
//
// dX is the difference of x between the two steps, vX the variance of x. sumsX and sumsH [rows, gates·units]: W_ih x + b_ih
// and W_hh h + b_hh of the free run. dSums: the difference of sumsH. vX and vH [rows, gates·units]: the sums of the products
// that give their variances. biasesV [gates·units]. Variances are in units of `ScreenTerms` (src/engine/kernels/kernels.ts).
// Derivatives are those at the values, where the envelope takes the largest within a few standard deviations.
// A cell returns whether a value is beyond what float32 and the series here can tell.

import { expMinusOne, expSingle } from './activations';
import { madd, storeFirst } from './vector';

// Byte offsets of ScreenTerms, one float32 each.
const SIGMAS: usize = 0;
const AFFINE: usize = 4;
const ROUNDING: usize = 8;
const TANH: usize = 12;
const TANH_ABSOLUTE: usize = 16;
const SIGMOID: usize = 20;
const SIGMOID_ABSOLUTE: usize = 24;
const FLOOR: usize = 28;
const LEAST: usize = 32;
const MOST: usize = 36;
const MOST_OF_STATES: usize = 40;
const FARTHEST: usize = 44;
const PER_UNIT: usize = 48;

/** Numbers in all lanes of a vector: literals would be created again in every loop. */
const NUMBERS = memory.data<f32>([
  1, 1, 1, 1,
  2, 2, 2, 2,
  4, 4, 4, 4,
  -2, -2, -2, -2,
  0.5, 0.5, 0.5, 0.5,
  0.16666667, 0.16666667, 0.16666667, 0.16666667,
  -0.33333334, -0.33333334, -0.33333334, -0.33333334,
  -0.0, -0.0, -0.0, -0.0,
  0.0078125, 0.0078125, 0.0078125, 0.0078125,
  8.0654901e-10, 8.0654901e-10, 8.0654901e-10, 8.0654901e-10,
], 16);
const ONE: i32 = 0;
const TWO: i32 = 1;
const FOUR: i32 = 2;
const MINUS_TWO: i32 = 3;
const HALF: i32 = 4;
const SIXTH: i32 = 5;
const MINUS_THIRD: i32 = 6;
const SIGN: i32 = 7;
/** Of a sum or a state: three terms of a series give all digits. */
const MOST_DIFFERENCE: i32 = 8;
/** √12 / 2³² */
const PER_INTEGER: i32 = 9;

// @ts-ignore: decorator
@inline
function number(index: i32): v128 {
  return v128.load(NUMBERS + 16 * index);
}

// @ts-ignore: decorator
@inline
function term(terms: usize, offset: usize): v128 {
  return v128.load32_splat(terms + offset);
}

// @ts-ignore: decorator
@inline
function square(x: v128): v128 {
  return f32x4.mul(x, x);
}

// @ts-ignore: decorator
@inline
function sum(a: usize, b: usize): v128 {
  return f32x4.add(v128.load(a), v128.load(b));
}

/** The variance of a stored product W x + b with the value a. */
// @ts-ignore: decorator
@inline
function affineV(a: v128, product: v128, terms: usize): v128 {
  return madd<f32>(square(a), term(terms, AFFINE), product);
}

/** The variance of sumsX + sumsH, the sum a, at this byte offset. */
// @ts-ignore: decorator
@inline
function gateV(a: v128, offset: usize, sumsX: usize, sumsH: usize, vX: usize, vH: usize, biasesV: usize, terms: usize): v128 {
  const squares = madd<f32>(v128.load(sumsX + offset), v128.load(sumsX + offset), square(v128.load(sumsH + offset)));
  const stored = madd<f32>(square(a), term(terms, ROUNDING), v128.load(biasesV));
  return f32x4.add(madd<f32>(squares, term(terms, AFFINE), stored), sum(vX + offset, vH + offset));
}

/** All ones in lanes whose variance or difference is beyond what can be told here, NaN included. */
// @ts-ignore: decorator
@inline
function unfit(v: v128, most: v128, d: v128, terms: usize): v128 {
  const isUsual = v128.and(f32x4.ge(v, term(terms, LEAST)), f32x4.le(v, most));
  const isNear = f32x4.le(square(d), f32x4.mul(v, term(terms, FARTHEST)));
  const isSmall = f32x4.le(f32x4.abs(d), number(MOST_DIFFERENCE));
  return v128.not(v128.and(v128.and(isUsual, isNear), isSmall));
}

/** 1 / (1 + y) for |y| ≤ 0.01. */
// @ts-ignore: decorator
@inline
function inverse(y: v128): v128 {
  return madd<f32>(y, f32x4.sub(y, number(ONE)), number(ONE));
}

/** e^x − 1 for |x| ≤ 0.01. */
// @ts-ignore: decorator
@inline
function smallExp(x: v128): v128 {
  const tail = madd<f32>(madd<f32>(x, number(SIXTH), number(HALF)), x, number(ONE));
  return f32x4.mul(x, tail);
}

// @ts-ignore: decorator
@inline
function exponential(a: v128): v128 {
  return expSingle(f32x4.neg(f32x4.abs(a)));
}

/** σ(a), with e = e^−|a| and r = 1 / (1 + e). */
// @ts-ignore: decorator
@inline
function sigmoidOf(a: v128, e: v128, r: v128): v128 {
  return v128.bitselect(f32x4.mul(e, r), r, f32x4.lt(a, f32x4.splat(0)));
}

/** σ(a + d) − σ(a) = σ' E / (1 + σ E), where E = e^d − 1. */
// @ts-ignore: decorator
@inline
function sigmoidD(value: v128, e: v128, r: v128, d: v128): v128 {
  const change = smallExp(d);
  return f32x4.mul(f32x4.mul(f32x4.mul(e, square(r)), change), inverse(f32x4.mul(value, change)));
}

/** The variance of value = σ(a), where v is that of a. */
// @ts-ignore: decorator
@inline
function sigmoidV(value: v128, e: v128, r: v128, v: v128, terms: usize): v128 {
  const slope = f32x4.mul(e, square(r));
  return madd<f32>(square(value), term(terms, SIGMOID), madd<f32>(square(slope), v, term(terms, SIGMOID_ABSOLUTE)));
}

/** e^−2|a| − 1. */
// @ts-ignore: decorator
@inline
function tanhExponential(a: v128): v128 {
  return expMinusOne(f32x4.mul(f32x4.abs(a), number(MINUS_TWO)));
}

/** tanh(a), with m = e^−2|a| − 1 and r = 1 / (2 + m). */
// @ts-ignore: decorator
@inline
function tanhOf(a: v128, m: v128, r: v128): v128 {
  return v128.bitselect(a, f32x4.mul(f32x4.neg(m), r), number(SIGN));
}

/** tanh(a + d) − tanh(a) = tanh' T / (1 + tanh T), where T = tanh(d). */
// @ts-ignore: decorator
@inline
function tanhD(value: v128, m: v128, r: v128, d: v128): v128 {
  const change = madd<f32>(f32x4.mul(square(d), number(MINUS_THIRD)), d, d);
  const slope = f32x4.mul(number(FOUR), f32x4.mul(f32x4.add(number(ONE), m), square(r)));
  return f32x4.mul(f32x4.mul(slope, change), inverse(f32x4.mul(value, change)));
}

/** The variance of value = tanh(a), where v is that of a. */
// @ts-ignore: decorator
@inline
function tanhV(value: v128, m: v128, r: v128, v: v128, terms: usize): v128 {
  const slope = f32x4.mul(number(FOUR), f32x4.mul(f32x4.add(number(ONE), m), square(r)));
  return madd<f32>(square(value), term(terms, TANH), madd<f32>(square(slope), v, term(terms, TANH_ABSOLUTE)));
}

/** The variance of a state that keeps the fraction x of itself: the errors add up linearly, (x √v + √local)². */
// @ts-ignore: decorator
@inline
function keptV(x: v128, v: v128, local: v128): v128 {
  const both = f32x4.mul(x, f32x4.sqrt(f32x4.mul(v, local)));
  return madd<f32>(square(x), v, f32x4.add(f32x4.add(both, both), local));
}

/** All ones in the first `count` lanes. */
// @ts-ignore: decorator
@inline
function first(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count));
}

/** Whether one of the first `count` lanes is all ones. */
// @ts-ignore: decorator
@inline
function isAny(mask: v128, count: i32): bool {
  return v128.any_true(v128.and(mask, first(count)));
}

export function rnnScreen(
  rows: i32, units: i32, sumsX: usize, sumsH: usize, dSums: usize, vX: usize, vH: usize, biasesV: usize, terms: usize,
  dh: usize, hV: usize, relu: bool,
): bool {
  const zero = f32x4.splat(0);
  let isUnfit = false;
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit += 4) {
      const offset = (<usize>row * units + unit) * 4;
      const left = units - unit;
      const a = sum(sumsX + offset, sumsH + offset);
      const d = v128.load(dSums + offset);
      const v = gateV(a, offset, sumsX, sumsH, vX, vH, biasesV + <usize>unit * 4, terms);
      let bad = unfit(v, term(terms, MOST), d, terms);
      if (relu) {
        const there = f32x4.add(a, d);
        const isPositive = f32x4.gt(a, zero);
        // The sum is known to float32 only: which side of zero it is on must not depend on that.
        const size = f32x4.add(f32x4.abs(v128.load(sumsX + offset)), f32x4.abs(v128.load(sumsH + offset)));
        const isNearZero = f32x4.lt(f32x4.abs(a), f32x4.mul(size, f32x4.splat(1e-6)));
        bad = v128.or(bad, v128.or(isNearZero, v128.xor(isPositive, f32x4.gt(there, zero))));
        const reach = f32x4.mul(term(terms, SIGMAS), f32x4.sqrt(v));
        storeFirst<f32>(dh + offset, v128.and(d, isPositive), left);
        storeFirst<f32>(hV + offset, v128.and(v, f32x4.gt(there, f32x4.neg(reach))), left);
      } else {
        const m = tanhExponential(a);
        const r = f32x4.div(number(ONE), f32x4.add(number(TWO), m));
        const value = tanhOf(a, m, r);
        const next = tanhV(value, m, r, v, terms);
        bad = v128.or(bad, unfit(next, term(terms, MOST_OF_STATES), zero, terms));
        storeFirst<f32>(dh + offset, tanhD(value, m, r, d), left);
        storeFirst<f32>(hV + offset, next, left);
        storeFirst<f32>(sumsX + offset, value, left);
        storeFirst<f32>(vX + offset, next, left);
      }
      isUnfit = isUnfit || isAny(bad, left);
    }
  }
  return isUnfit;
}

/** Replaces the sums of σ gates at this byte offset by the gates: sumsX by values, dSums by differences, vX by variances. */
// @ts-ignore: decorator
@inline
function sigmoidGate(
  offset: usize, sumsX: usize, sumsH: usize, dSums: usize, vX: usize, vH: usize, biasesV: usize, terms: usize, left: i32,
): v128 {
  const a = sum(sumsX + offset, sumsH + offset);
  const d = v128.load(dSums + offset);
  const v = gateV(a, offset, sumsX, sumsH, vX, vH, biasesV, terms);
  const e = exponential(a);
  const r = f32x4.div(number(ONE), f32x4.add(number(ONE), e));
  const value = sigmoidOf(a, e, r);
  storeFirst<f32>(sumsX + offset, value, left);
  storeFirst<f32>(dSums + offset, sigmoidD(value, e, r, d), left);
  storeFirst<f32>(vX + offset, sigmoidV(value, e, r, v, terms), left);
  return unfit(v, term(terms, MOST), d, terms);
}

/** h: the free run's h before the step, dBefore: its difference; both [rows, stride]. hV is read and written. */
export function gruScreen(
  rows: i32, units: i32, sumsX: usize, sumsH: usize, dSums: usize, vX: usize, vH: usize, biasesV: usize, terms: usize,
  dh: usize, hV: usize, h: usize, dBefore: usize, stride: i32,
): bool {
  const block = <usize>units * 4;
  let isUnfit = false;
  for (let row = 0; row < rows; row++) {
    const first = <usize>row * 3 * block;
    // Gates first, then states, as in gates.ts.
    for (let unit = 0; unit < units; unit += 4) {
      const at = <usize>unit * 4;
      const left = units - unit;
      const bad = sigmoidGate(first + at, sumsX, sumsH, dSums, vX, vH, biasesV + at, terms, left);
      isUnfit = isAny(bad, left) || isUnfit;
    }
    for (let unit = 0; unit < units; unit += 4) {
      const at = <usize>unit * 4;
      const left = units - unit;
      const bad = sigmoidGate(first + block + at, sumsX, sumsH, dSums, vX, vH, biasesV + block + at, terms, left);
      isUnfit = isAny(bad, left) || isUnfit;
    }
    for (let unit = 0; unit < units; unit += 4) {
      const rAt = first + <usize>unit * 4;
      const zAt = rAt + block;
      const nAt = zAt + block;
      const stateAt = (<usize>row * units + unit) * 4;
      const beforeAt = (<usize>row * stride + unit) * 4;
      const left = units - unit;
      const r = v128.load(sumsX + rAt);
      const z = v128.load(sumsX + zAt);
      const dZ = v128.load(dSums + zAt);

      const nHidden = v128.load(sumsH + nAt);
      const dHidden = v128.load(dSums + nAt);
      const reset = f32x4.mul(r, nHidden);
      const dReset = madd<f32>(r, dHidden, f32x4.mul(v128.load(dSums + rAt), f32x4.add(nHidden, dHidden)));
      const vHidden = affineV(nHidden, v128.load(vH + nAt), terms);
      const propagated = madd<f32>(square(r), vHidden, f32x4.mul(square(nHidden), v128.load(vX + rAt)));
      const vReset = madd<f32>(square(reset), term(terms, ROUNDING), propagated);
      const nInput = v128.load(sumsX + nAt);
      const aN = f32x4.add(nInput, reset);
      const biasV = v128.load(biasesV + 2 * block + <usize>unit * 4);
      const vStored = madd<f32>(square(aN), term(terms, ROUNDING), biasV);
      const vAN = f32x4.add(f32x4.add(affineV(nInput, v128.load(vX + nAt), terms), vReset), vStored);
      const m = tanhExponential(aN);
      const q = f32x4.div(number(ONE), f32x4.add(number(TWO), m));
      const n = tanhOf(aN, m, q);
      const dN = tanhD(n, m, q, dReset);
      const vN = tanhV(n, m, q, vAN, terms);

      const apart = f32x4.sub(v128.load(h + beforeAt), n);
      const next = madd<f32>(apart, z, n);
      const fromBefore = f32x4.mul(f32x4.add(z, dZ), f32x4.sub(v128.load(dBefore + beforeAt), dN));
      const dNext = f32x4.add(dN, madd<f32>(dZ, apart, fromBefore));
      const rounded = madd<f32>(number(TWO), square(f32x4.mul(apart, z)), square(next));
      const rest = madd<f32>(term(terms, ROUNDING), rounded, term(terms, FLOOR));
      const fromZ = madd<f32>(square(apart), v128.load(vX + zAt), rest);
      const local = madd<f32>(square(f32x4.sub(number(ONE), z)), vN, fromZ);
      const vNext = keptV(z, v128.load(hV + stateAt), local);
      storeFirst<f32>(dh + stateAt, dNext, left);
      storeFirst<f32>(hV + stateAt, vNext, left);
      const bad = v128.or(
        unfit(vAN, term(terms, MOST), dReset, terms),
        unfit(vNext, term(terms, MOST_OF_STATES), dNext, terms),
      );
      isUnfit = isAny(bad, left) || isUnfit;
    }
  }
  return isUnfit;
}

/** c: the free run's c before the step. dc and cV are read and written. */
export function lstmScreen(
  rows: i32, units: i32, sumsX: usize, sumsH: usize, dSums: usize, vX: usize, vH: usize, biasesV: usize, terms: usize,
  dh: usize, hV: usize, c: usize, dc: usize, cV: usize,
): bool {
  const block = <usize>units * 4;
  let isUnfit = false;
  for (let row = 0; row < rows; row++) {
    const first = <usize>row * 4 * block;
    // Gates first, then states, as in gates.ts.
    for (let gate = 0; gate < 4; gate++) {
      if (gate == 2) continue;
      const gateAt = <usize>gate * block;
      for (let unit = 0; unit < units; unit += 4) {
        const at = gateAt + <usize>unit * 4;
        const left = units - unit;
        const bad = sigmoidGate(first + at, sumsX, sumsH, dSums, vX, vH, biasesV + at, terms, left);
        isUnfit = isAny(bad, left) || isUnfit;
      }
    }
    for (let unit = 0; unit < units; unit += 4) {
      const at = 2 * block + <usize>unit * 4;
      const gAt = first + at;
      const left = units - unit;
      const a = sum(sumsX + gAt, sumsH + gAt);
      const d = v128.load(dSums + gAt);
      const v = gateV(a, gAt, sumsX, sumsH, vX, vH, biasesV + at, terms);
      const m = tanhExponential(a);
      const r = f32x4.div(number(ONE), f32x4.add(number(TWO), m));
      const g = tanhOf(a, m, r);
      storeFirst<f32>(sumsX + gAt, g, left);
      storeFirst<f32>(dSums + gAt, tanhD(g, m, r, d), left);
      storeFirst<f32>(vX + gAt, tanhV(g, m, r, v, terms), left);
      isUnfit = isAny(unfit(v, term(terms, MOST), d, terms), left) || isUnfit;
    }
    for (let unit = 0; unit < units; unit += 4) {
      const iAt = first + <usize>unit * 4;
      const fAt = iAt + block;
      const gAt = fAt + block;
      const oAt = gAt + block;
      const stateAt = (<usize>row * units + unit) * 4;
      const left = units - unit;
      const i = v128.load(sumsX + iAt);
      const f = v128.load(sumsX + fAt);
      const g = v128.load(sumsX + gAt);
      const o = v128.load(sumsX + oAt);
      const dG = v128.load(dSums + gAt);
      const before = v128.load(c + stateAt);
      const dBefore = v128.load(dc + stateAt);
      const kept = f32x4.mul(f, before);
      const added = f32x4.mul(i, g);
      const next = f32x4.add(kept, added);
      const dAdded = madd<f32>(i, dG, f32x4.mul(v128.load(dSums + iAt), f32x4.add(g, dG)));
      const dKept = madd<f32>(f, dBefore, f32x4.mul(v128.load(dSums + fAt), f32x4.add(before, dBefore)));
      const dNext = f32x4.add(dKept, dAdded);
      const rounded = madd<f32>(kept, kept, madd<f32>(added, added, square(next)));
      const rest = madd<f32>(term(terms, ROUNDING), rounded, term(terms, FLOOR));
      const fromGates = madd<f32>(square(i), v128.load(vX + gAt), madd<f32>(square(g), v128.load(vX + iAt), rest));
      const local = madd<f32>(square(before), v128.load(vX + fAt), fromGates);
      const vNext = keptV(f, v128.load(cV + stateAt), local);
      storeFirst<f32>(dc + stateAt, dNext, left);
      storeFirst<f32>(cV + stateAt, vNext, left);
      const m = tanhExponential(next);
      const r = f32x4.div(number(ONE), f32x4.add(number(TWO), m));
      const t = tanhOf(next, m, r);
      const dT = tanhD(t, m, r, dNext);
      const vT = tanhV(t, m, r, vNext, terms);
      const value = f32x4.mul(o, t);
      const stored = madd<f32>(square(value), term(terms, ROUNDING), term(terms, FLOOR));
      const vValue = madd<f32>(square(o), vT, madd<f32>(square(t), v128.load(vX + oAt), stored));
      storeFirst<f32>(dh + stateAt, madd<f32>(o, dT, f32x4.mul(v128.load(dSums + oAt), f32x4.add(t, dT))), left);
      storeFirst<f32>(hV + stateAt, vValue, left);
      const bad = v128.or(
        unfit(vNext, term(terms, MOST), dNext, terms),
        unfit(vValue, term(terms, MOST_OF_STATES), f32x4.splat(0), terms),
      );
      isUnfit = isAny(bad, left) || isUnfit;
    }
  }
  return isUnfit;
}

/** Random numbers of variance 1, uniform, for four places from `place` on: the same for the same places. */
// @ts-ignore: decorator
@inline
function random(place: i32): v128 {
  let x = i32x4.add(i32x4.splat(place), i32x4(0, 1, 2, 3));
  // lowbias32 of C. Wellons' hash prospector.
  x = v128.xor(x, i32x4.shr_u(x, 16));
  x = i32x4.mul(x, i32x4.splat(0x7feb352d));
  x = v128.xor(x, i32x4.shr_u(x, 15));
  x = i32x4.mul(x, i32x4.splat(<i32>0x846ca68b));
  x = v128.xor(x, i32x4.shr_u(x, 16));
  return f32x4.mul(f32x4.convert_i32x4_s(x), number(PER_INTEGER));
}

/** The standard deviation of a variance, as it is in values. */
// @ts-ignore: decorator
@inline
function deviation(v: v128, unit: v128): v128 {
  return f32x4.mul(f32x4.sqrt(v), unit);
}

/** The difference of a σ gate with a random error: d is that of its sum. */
// @ts-ignore: decorator
@inline
function sampledSigmoid(value: v128, d: v128, sigma: v128, place: i32): v128 {
  const change = smallExp(d);
  const slope = f32x4.mul(value, f32x4.sub(number(ONE), value));
  const propagated = f32x4.mul(f32x4.mul(slope, change), inverse(f32x4.mul(value, change)));
  return madd<f32>(random(place), sigma, propagated);
}

/** The same of tanh. */
// @ts-ignore: decorator
@inline
function sampledTanh(value: v128, d: v128): v128 {
  const change = madd<f32>(f32x4.mul(square(d), number(MINUS_THIRD)), d, d);
  const slope = f32x4.sub(number(ONE), square(value));
  return f32x4.mul(f32x4.mul(slope, change), inverse(f32x4.mul(value, change)));
}

// Sampling cells: the errors of `count` runs that round at random, from the gates of the free run and the variances of a step's
// own rounding, which the screening cells leave in sumsX and vX. dSums [count, rows, gates·units]: W_hh times the errors of h
// before the step. dh [count, rows, units]: errors of h after it. `place` numbers the random numbers of a step; those of a row
// begin at PLACES times its number in `ids`, those of a run at RUN times its number.
const PLACES: i32 = 0x3504f333;
const RUN: i32 = 0x2545f491;
const GATE: i32 = 0x1b873593;

// @ts-ignore: decorator
@inline
function placeOf(place: i32, ids: usize, row: i32, run: i32): i32 {
  return place + PLACES * <i32>load<f32>(ids + (<usize>row << 2)) + RUN * run;
}

export function rnnSamples(
  count: i32, rows: i32, units: i32, sumsX: usize, vX: usize, dSums: usize, dh: usize, ids: usize, place: i32, terms: usize,
): void {
  const unit = f32x4.div(number(ONE), term(terms, PER_UNIT));
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < units; j += 4) {
      const at = (<usize>row * units + j) * 4;
      const value = v128.load(sumsX + at);
      const sigma = deviation(v128.load(vX + at), unit);
      for (let run = 0; run < count; run++) {
        const runAt = <usize>run * rows * units * 4 + at;
        const d = sampledTanh(value, v128.load(dSums + runAt));
        const error = madd<f32>(random(placeOf(place, ids, row, run) + j), sigma, d);
        storeFirst<f32>(dh + runAt, error, units - j);
      }
    }
  }
}

/** h [rows, stride]: the free run's h before the step. dh is read and written. */
export function gruSamples(
  count: i32, rows: i32, units: i32, sumsX: usize, vX: usize, dSums: usize, dh: usize, ids: usize, place: i32, terms: usize,
  sumsH: usize, vH: usize, biasesV: usize, h: usize, stride: i32,
): void {
  const block = <usize>units * 4;
  const one = number(ONE);
  const unit = f32x4.div(one, term(terms, PER_UNIT));
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < units; j += 4) {
      const at = <usize>j * 4;
      const rAt = <usize>row * 3 * block + at;
      const zAt = rAt + block;
      const nAt = zAt + block;
      const stateAt = <usize>row * block + at;
      const r = v128.load(sumsX + rAt);
      const z = v128.load(sumsX + zAt);
      const sigmaR = deviation(v128.load(vX + rAt), unit);
      const sigmaZ = deviation(v128.load(vX + zAt), unit);
      const nHidden = v128.load(sumsH + nAt);
      const nInput = v128.load(sumsX + nAt);
      const reset = f32x4.mul(r, nHidden);
      const aN = f32x4.add(nInput, reset);
      const vHidden = affineV(nHidden, v128.load(vH + nAt), terms);
      const vReset = madd<f32>(square(reset), term(terms, ROUNDING), f32x4.mul(square(r), vHidden));
      const stored = madd<f32>(square(aN), term(terms, ROUNDING), v128.load(biasesV + 2 * block + at));
      const vAN = f32x4.add(f32x4.add(affineV(nInput, v128.load(vX + nAt), terms), vReset), stored);
      const m = tanhExponential(aN);
      const q = f32x4.div(one, f32x4.add(number(TWO), m));
      const n = tanhOf(aN, m, q);
      const sigmaN = deviation(tanhV(n, m, q, vAN, terms), unit);
      const apart = f32x4.sub(v128.load(h + (<usize>row * stride + j) * 4), n);
      const next = madd<f32>(apart, z, n);
      const rounded = madd<f32>(number(TWO), square(f32x4.mul(apart, z)), square(next));
      const sigmaH = deviation(madd<f32>(term(terms, ROUNDING), rounded, term(terms, FLOOR)), unit);
      for (let run = 0; run < count; run++) {
        const sumsAt = dSums + <usize>run * rows * 3 * block;
        const dhAt = dh + <usize>run * rows * block + stateAt;
        const first = placeOf(place, ids, row, run) + j;
        const dR = sampledSigmoid(r, v128.load(sumsAt + rAt), sigmaR, first);
        const dZ = sampledSigmoid(z, v128.load(sumsAt + zAt), sigmaZ, first + GATE);
        const dHidden = v128.load(sumsAt + nAt);
        const dReset = madd<f32>(r, dHidden, f32x4.mul(dR, f32x4.add(nHidden, dHidden)));
        const dN = madd<f32>(random(first + 2 * GATE), sigmaN, sampledTanh(n, dReset));
        const fromBefore = f32x4.mul(f32x4.add(z, dZ), f32x4.sub(v128.load(dhAt), dN));
        const d = f32x4.add(dN, madd<f32>(dZ, apart, fromBefore));
        storeFirst<f32>(dhAt, madd<f32>(random(first + 3 * GATE), sigmaH, d), units - j);
      }
    }
  }
}

/** c: the free run's c before the step. dc [count, rows, units] is read and written. */
export function lstmSamples(
  count: i32, rows: i32, units: i32, sumsX: usize, vX: usize, dSums: usize, dh: usize, ids: usize, place: i32, terms: usize,
  c: usize, dc: usize,
): void {
  const block = <usize>units * 4;
  const one = number(ONE);
  const unit = f32x4.div(one, term(terms, PER_UNIT));
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < units; j += 4) {
      const at = <usize>j * 4;
      const iAt = <usize>row * 4 * block + at;
      const fAt = iAt + block;
      const gAt = fAt + block;
      const oAt = gAt + block;
      const stateAt = <usize>row * block + at;
      const i = v128.load(sumsX + iAt);
      const f = v128.load(sumsX + fAt);
      const g = v128.load(sumsX + gAt);
      const o = v128.load(sumsX + oAt);
      const sigmaI = deviation(v128.load(vX + iAt), unit);
      const sigmaF = deviation(v128.load(vX + fAt), unit);
      const sigmaG = deviation(v128.load(vX + gAt), unit);
      const sigmaO = deviation(v128.load(vX + oAt), unit);
      const before = v128.load(c + stateAt);
      const kept = f32x4.mul(f, before);
      const added = f32x4.mul(i, g);
      const next = f32x4.add(kept, added);
      const rounded = madd<f32>(kept, kept, madd<f32>(added, added, square(next)));
      const sigmaC = deviation(madd<f32>(term(terms, ROUNDING), rounded, term(terms, FLOOR)), unit);
      const m = tanhExponential(next);
      const t = tanhOf(next, m, f32x4.div(one, f32x4.add(number(TWO), m)));
      const value = f32x4.mul(o, t);
      const ofT = madd<f32>(square(t), term(terms, TANH), term(terms, TANH_ABSOLUTE));
      const stored = madd<f32>(square(value), term(terms, ROUNDING), term(terms, FLOOR));
      const sigmaH = deviation(madd<f32>(square(o), ofT, stored), unit);
      for (let run = 0; run < count; run++) {
        const sumsAt = dSums + <usize>run * rows * 4 * block;
        const dhAt = dh + <usize>run * rows * block + stateAt;
        const dcAt = dc + <usize>run * rows * block + stateAt;
        const first = placeOf(place, ids, row, run) + j;
        const dI = sampledSigmoid(i, v128.load(sumsAt + iAt), sigmaI, first);
        const dF = sampledSigmoid(f, v128.load(sumsAt + fAt), sigmaF, first + GATE);
        const dG = madd<f32>(random(first + 2 * GATE), sigmaG, sampledTanh(g, v128.load(sumsAt + gAt)));
        const dO = sampledSigmoid(o, v128.load(sumsAt + oAt), sigmaO, first + 3 * GATE);
        const dBefore = v128.load(dcAt);
        const dKept = madd<f32>(f, dBefore, f32x4.mul(dF, f32x4.add(before, dBefore)));
        const dAdded = madd<f32>(i, dG, f32x4.mul(dI, f32x4.add(g, dG)));
        const dNext = madd<f32>(random(first + 4 * GATE), sigmaC, f32x4.add(dKept, dAdded));
        storeFirst<f32>(dcAt, dNext, units - j);
        const dT = sampledTanh(t, dNext);
        const d = madd<f32>(o, dT, f32x4.mul(dO, f32x4.add(t, dT)));
        storeFirst<f32>(dhAt, madd<f32>(random(first + 5 * GATE), sigmaH, d), units - j);
      }
    }
  }
}

/**
 * Deviations |d − dh| in standard deviations, zero where both are equal, for d [rows, stride]: reference − free run. Adds their
 * squares, and how many are not zero, to sums of float64 [rows, units rounded up to four].
 * @returns the largest one; NaN if there is one
 */
export function screenDeviations(
  rows: i32, units: i32, d: usize, stride: i32, dh: usize, hV: usize, sums: usize, counts: usize, terms: usize,
): f32 {
  const zero = f32x4.splat(0);
  const width = (units + 3) & ~3;
  let largest = zero;
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit += 4) {
      const offset = (<usize>row * units + unit) * 4;
      const difference = v128.load(d + (<usize>row * stride + unit) * 4);
      const deviation = f32x4.abs(f32x4.sub(difference, v128.load(dh + offset)));
      const sigmas = f32x4.div(f32x4.mul(deviation, term(terms, PER_UNIT)), f32x4.sqrt(v128.load(hV + offset)));
      const isOther = v128.and(f32x4.ne(deviation, zero), first(units - unit));
      const others = v128.and(sigmas, isOther);
      largest = f32x4.max(largest, others);
      const at = (<usize>row * width + unit) * 8;
      add(sums + at, square(others));
      add(counts + at, v128.and(isOther, number(ONE)));
    }
  }
  const pairs = f32x4.max(largest, v128.shuffle<f32>(largest, largest, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.max(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2)), 0);
}

/** Adds four float32 to four float64. */
// @ts-ignore: decorator
@inline
function add(to: usize, values: v128): void {
  v128.store(to, f64x2.add(v128.load(to), f64x2.promote_low_f32x4(values)));
  const high = f64x2.promote_low_f32x4(v128.shuffle<f64>(values, values, 1, 0));
  v128.store(to, f64x2.add(v128.load(to, 16), high), 16);
}

/** Copies float64 to float32. */
export function narrow(to: usize, from: usize, count: i32): void {
  for (let i = 0; i < count; i += 4, to += 16, from += 32) {
    const low = f32x4.demote_f64x2_zero(v128.load(from));
    const high = f32x4.demote_f64x2_zero(v128.load(from, 16));
    storeFirst<f32>(to, v128.shuffle<f64>(low, high, 0, 2), count - i);
  }
}

/**
 * What a reference has more than h, both float64, as float32: to `after` and `last`. What `last` holds, of the step before, goes to
 * `before`. Adds to `told`: the largest difference, the largest relative one, the largest atol that is needed beyond rtol, and how
 * many values of the reference are not zero, and are but close to it.
 */
export function differences(
  before: usize, after: usize, last: usize, reference: usize, h: usize, count: i32,
  told: usize, rtol: f64, atol: f64, margin: f64,
): void {
  const zero = f64x2.splat(0);
  const one = f64x2.splat(1);
  const allowed = f64x2.splat(rtol);
  const over = f64x2.splat(1 + margin);
  const under = f64x2.splat((1 - margin) * rtol);
  let largest = zero;
  let relative = zero;
  let needed = zero;
  let others = zero;
  let close = zero;
  for (let i = 0; i < count; i += 4, before += 16, after += 16, last += 16, reference += 32, h += 32) {
    let halves = zero;
    for (let half = 0; half < 2; half++) {
      const expected = v128.load(reference + 16 * half);
      const difference = f64x2.sub(expected, v128.load(h + 16 * half));
      const narrow = f32x4.demote_f64x2_zero(difference);
      halves = half ? v128.shuffle<f64>(halves, narrow, 0, 2) : narrow;
      const isInside = i64x2.lt_s(i64x2(0, 1), i64x2.splat(count - i - 2 * half));
      const size = v128.and(f64x2.abs(expected), isInside);
      const distance = v128.and(f64x2.abs(difference), isInside);
      // pmax is faster, and passes over what is not a number, as nothing of nothing. Dividing takes long, and seldom gives more.
      largest = f64x2.pmax(largest, distance);
      if (v128.any_true(f64x2.gt(distance, f64x2.mul(relative, size))))
        relative = f64x2.pmax(relative, f64x2.div(distance, size));
      needed = f64x2.pmax(needed, f64x2.sub(f64x2.mul(over, distance), f64x2.mul(under, size)));
      const isOther = f64x2.ne(size, zero);
      const isClose = f64x2.le(size, f64x2.add(f64x2.splat(atol), f64x2.mul(allowed, size)));
      others = f64x2.add(others, v128.and(one, isOther));
      close = f64x2.add(close, v128.and(one, v128.and(isOther, isClose)));
    }
    storeFirst<f32>(before, v128.load(last), count - i);
    storeFirst<f32>(after, halves, count - i);
    storeFirst<f32>(last, halves, count - i);
  }
  store<f64>(told, max(load<f64>(told), larger(largest)));
  store<f64>(told, max(load<f64>(told, 8), larger(relative)), 8);
  store<f64>(told, max(load<f64>(told, 16), larger(needed)), 16);
  store<f64>(told, load<f64>(told, 24) + both(others), 24);
  store<f64>(told, load<f64>(told, 32) + both(close), 32);
}

// @ts-ignore: decorator
@inline
function larger(pair: v128): f64 {
  return max(f64x2.extract_lane(pair, 0), f64x2.extract_lane(pair, 1));
}

// @ts-ignore: decorator
@inline
function both(pair: v128): f64 {
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
}

/** The squares of float32, times a factor; in place, where both addresses are the same. */
export function squares(to: usize, from: usize, count: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (let i = 0; i < count; i += 4, to += 16, from += 16) {
    storeFirst<f32>(to, f32x4.mul(factors, square(v128.load(from))), count - i);
  }
}
