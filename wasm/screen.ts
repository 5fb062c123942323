// Screening cells, in float32: how far a step from the reference's own state is from the step of the free run, and the
// variance of its rounding. src/engine/screen.ts says what they are for; src/bounds/ has the equations.
//
// dX is the difference of x between the two steps, vX the variance of x. sumsX and sumsH [rows, gates·units]: W_ih x + b_ih
// and W_hh h + b_hh of the free run. dSums: the difference of sumsH. vX and vH [rows, gates·units]: the sums of the products
// that give their variances. biasesV [gates·units]. Variances are in units of `ScreenTerms` (src/engine/kernels/kernels.ts).
// Derivatives are those at the values: within the few standard deviations that the envelope looks at, they do not change by
// anything that counts where the variances are as small as is asked for here.
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
  return v128.not(v128.and(isUsual, isNear));
}

/** 1 / (1 + y) for |y| ≤ 0.01. */
// @ts-ignore: decorator
@inline
function inverse(y: v128): v128 {
  return madd<f32>(y, f32x4.sub(y, f32x4.splat(1)), f32x4.splat(1));
}

/** e^x − 1 for |x| ≤ 0.01. */
// @ts-ignore: decorator
@inline
function smallExp(x: v128): v128 {
  const tail = madd<f32>(madd<f32>(x, f32x4.splat(0.16666667), f32x4.splat(0.5)), x, f32x4.splat(1));
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
  return expMinusOne(f32x4.mul(f32x4.abs(a), f32x4.splat(-2)));
}

/** tanh(a), with m = e^−2|a| − 1 and r = 1 / (2 + m). */
// @ts-ignore: decorator
@inline
function tanhOf(a: v128, m: v128, r: v128): v128 {
  return v128.bitselect(a, f32x4.mul(f32x4.neg(m), r), f32x4.splat(-0.0));
}

/** tanh(a + d) − tanh(a) = tanh' T / (1 + tanh T), where T = tanh(d). */
// @ts-ignore: decorator
@inline
function tanhD(value: v128, m: v128, r: v128, d: v128): v128 {
  const change = madd<f32>(f32x4.mul(square(d), f32x4.splat(-0.33333334)), d, d);
  const slope = f32x4.mul(f32x4.splat(4), f32x4.mul(f32x4.add(f32x4.splat(1), m), square(r)));
  return f32x4.mul(f32x4.mul(slope, change), inverse(f32x4.mul(value, change)));
}

/** The variance of value = tanh(a), where v is that of a. */
// @ts-ignore: decorator
@inline
function tanhV(value: v128, m: v128, r: v128, v: v128, terms: usize): v128 {
  const slope = f32x4.mul(f32x4.splat(4), f32x4.mul(f32x4.add(f32x4.splat(1), m), square(r)));
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
        const r = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(2), m));
        const value = tanhOf(a, m, r);
        const next = tanhV(value, m, r, v, terms);
        bad = v128.or(bad, unfit(next, term(terms, MOST_OF_STATES), zero, terms));
        storeFirst<f32>(dh + offset, tanhD(value, m, r, d), left);
        storeFirst<f32>(hV + offset, next, left);
      }
      isUnfit = isUnfit || isAny(bad, left);
    }
  }
  return isUnfit;
}

/** h: the free run's h before the step, dBefore: its difference; both [rows, stride]. hV is read and written. */
export function gruScreen(
  rows: i32, units: i32, sumsX: usize, sumsH: usize, dSums: usize, vX: usize, vH: usize, biasesV: usize, terms: usize,
  dh: usize, hV: usize, h: usize, dBefore: usize, stride: i32,
): bool {
  const block = <usize>units * 4;
  const one = f32x4.splat(1);
  const two = f32x4.splat(2);
  let isUnfit = false;
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit += 4) {
      const rAt = (<usize>row * 3 * units + unit) * 4;
      const zAt = rAt + block;
      const nAt = zAt + block;
      const stateAt = (<usize>row * units + unit) * 4;
      const beforeAt = (<usize>row * stride + unit) * 4;
      const biasAt = biasesV + <usize>unit * 4;
      const left = units - unit;
      const most = term(terms, MOST);

      const aR = sum(sumsX + rAt, sumsH + rAt);
      const dAR = v128.load(dSums + rAt);
      const vAR = gateV(aR, rAt, sumsX, sumsH, vX, vH, biasAt, terms);
      const eR = exponential(aR);
      const qR = f32x4.div(one, f32x4.add(one, eR));
      const r = sigmoidOf(aR, eR, qR);
      const dR = sigmoidD(r, eR, qR, dAR);
      const vR = sigmoidV(r, eR, qR, vAR, terms);
      let bad = unfit(vAR, most, dAR, terms);

      const aZ = sum(sumsX + zAt, sumsH + zAt);
      const dAZ = v128.load(dSums + zAt);
      const vAZ = gateV(aZ, zAt, sumsX, sumsH, vX, vH, biasAt + block, terms);
      const eZ = exponential(aZ);
      const qZ = f32x4.div(one, f32x4.add(one, eZ));
      const z = sigmoidOf(aZ, eZ, qZ);
      const dZ = sigmoidD(z, eZ, qZ, dAZ);
      const vZ = sigmoidV(z, eZ, qZ, vAZ, terms);
      bad = v128.or(bad, unfit(vAZ, most, dAZ, terms));

      const nHidden = v128.load(sumsH + nAt);
      const dHidden = v128.load(dSums + nAt);
      const reset = f32x4.mul(r, nHidden);
      const dReset = madd<f32>(r, dHidden, f32x4.mul(dR, f32x4.add(nHidden, dHidden)));
      const vHidden = affineV(nHidden, v128.load(vH + nAt), terms);
      const propagated = madd<f32>(square(r), vHidden, f32x4.mul(square(nHidden), vR));
      const vReset = madd<f32>(square(reset), term(terms, ROUNDING), propagated);
      const nInput = v128.load(sumsX + nAt);
      const aN = f32x4.add(nInput, reset);
      const vStored = madd<f32>(square(aN), term(terms, ROUNDING), v128.load(biasAt + 2 * block));
      const vAN = f32x4.add(f32x4.add(affineV(nInput, v128.load(vX + nAt), terms), vReset), vStored);
      bad = v128.or(bad, unfit(vAN, most, dReset, terms));
      const mN = tanhExponential(aN);
      const qN = f32x4.div(one, f32x4.add(two, mN));
      const n = tanhOf(aN, mN, qN);
      const dN = tanhD(n, mN, qN, dReset);
      const vN = tanhV(n, mN, qN, vAN, terms);

      const apart = f32x4.sub(v128.load(h + beforeAt), n);
      const next = madd<f32>(apart, z, n);
      const fromBefore = f32x4.mul(f32x4.add(z, dZ), f32x4.sub(v128.load(dBefore + beforeAt), dN));
      const dNext = f32x4.add(dN, madd<f32>(dZ, apart, fromBefore));
      const rounded = madd<f32>(two, square(f32x4.mul(apart, z)), square(next));
      const rest = madd<f32>(term(terms, ROUNDING), rounded, term(terms, FLOOR));
      const local = madd<f32>(square(f32x4.sub(one, z)), vN, madd<f32>(square(apart), vZ, rest));
      const vNext = keptV(z, v128.load(hV + stateAt), local);
      bad = v128.or(bad, unfit(vNext, term(terms, MOST_OF_STATES), dNext, terms));
      storeFirst<f32>(dh + stateAt, dNext, left);
      storeFirst<f32>(hV + stateAt, vNext, left);
      isUnfit = isUnfit || isAny(bad, left);
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
  const one = f32x4.splat(1);
  const two = f32x4.splat(2);
  let isUnfit = false;
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit += 4) {
      const iAt = (<usize>row * 4 * units + unit) * 4;
      const fAt = iAt + block;
      const gAt = fAt + block;
      const oAt = gAt + block;
      const stateAt = (<usize>row * units + unit) * 4;
      const biasAt = biasesV + <usize>unit * 4;
      const left = units - unit;
      const most = term(terms, MOST);

      const aI = sum(sumsX + iAt, sumsH + iAt);
      const dAI = v128.load(dSums + iAt);
      const vAI = gateV(aI, iAt, sumsX, sumsH, vX, vH, biasAt, terms);
      const eI = exponential(aI);
      const qI = f32x4.div(one, f32x4.add(one, eI));
      const i = sigmoidOf(aI, eI, qI);
      const dI = sigmoidD(i, eI, qI, dAI);
      const vI = sigmoidV(i, eI, qI, vAI, terms);
      let bad = unfit(vAI, most, dAI, terms);

      const aG = sum(sumsX + gAt, sumsH + gAt);
      const dAG = v128.load(dSums + gAt);
      const vAG = gateV(aG, gAt, sumsX, sumsH, vX, vH, biasAt + 2 * block, terms);
      const mG = tanhExponential(aG);
      const qG = f32x4.div(one, f32x4.add(two, mG));
      const g = tanhOf(aG, mG, qG);
      const dG = tanhD(g, mG, qG, dAG);
      const vG = tanhV(g, mG, qG, vAG, terms);
      bad = v128.or(bad, unfit(vAG, most, dAG, terms));
      const added = f32x4.mul(i, g);
      const dAdded = madd<f32>(i, dG, f32x4.mul(dI, f32x4.add(g, dG)));
      const vAdded = madd<f32>(square(i), vG, f32x4.mul(square(g), vI));

      const aF = sum(sumsX + fAt, sumsH + fAt);
      const dAF = v128.load(dSums + fAt);
      const vAF = gateV(aF, fAt, sumsX, sumsH, vX, vH, biasAt + block, terms);
      const eF = exponential(aF);
      const qF = f32x4.div(one, f32x4.add(one, eF));
      const f = sigmoidOf(aF, eF, qF);
      const dF = sigmoidD(f, eF, qF, dAF);
      const vF = sigmoidV(f, eF, qF, vAF, terms);
      bad = v128.or(bad, unfit(vAF, most, dAF, terms));

      const before = v128.load(c + stateAt);
      const dBefore = v128.load(dc + stateAt);
      const kept = f32x4.mul(f, before);
      const next = f32x4.add(kept, added);
      const dNext = f32x4.add(madd<f32>(f, dBefore, f32x4.mul(dF, f32x4.add(before, dBefore))), dAdded);
      const rounded = madd<f32>(kept, kept, madd<f32>(added, added, square(next)));
      const rest = madd<f32>(term(terms, ROUNDING), rounded, term(terms, FLOOR));
      const local = f32x4.add(madd<f32>(square(before), vF, vAdded), rest);
      const vNext = keptV(f, v128.load(cV + stateAt), local);
      bad = v128.or(bad, unfit(vNext, most, dNext, terms));
      storeFirst<f32>(dc + stateAt, dNext, left);
      storeFirst<f32>(cV + stateAt, vNext, left);

      const aO = sum(sumsX + oAt, sumsH + oAt);
      const dAO = v128.load(dSums + oAt);
      const vAO = gateV(aO, oAt, sumsX, sumsH, vX, vH, biasAt + 3 * block, terms);
      const eO = exponential(aO);
      const qO = f32x4.div(one, f32x4.add(one, eO));
      const o = sigmoidOf(aO, eO, qO);
      const dO = sigmoidD(o, eO, qO, dAO);
      const vO = sigmoidV(o, eO, qO, vAO, terms);
      bad = v128.or(bad, unfit(vAO, most, dAO, terms));
      const mT = tanhExponential(next);
      const qT = f32x4.div(one, f32x4.add(two, mT));
      const t = tanhOf(next, mT, qT);
      const dT = tanhD(t, mT, qT, dNext);
      const vT = tanhV(t, mT, qT, vNext, terms);
      const value = f32x4.mul(o, t);
      const stored = madd<f32>(square(value), term(terms, ROUNDING), term(terms, FLOOR));
      const vValue = madd<f32>(square(o), vT, madd<f32>(square(t), vO, stored));
      bad = v128.or(bad, unfit(vValue, term(terms, MOST_OF_STATES), f32x4.splat(0), terms));
      storeFirst<f32>(dh + stateAt, madd<f32>(o, dT, f32x4.mul(dO, f32x4.add(t, dT))), left);
      storeFirst<f32>(hV + stateAt, vValue, left);
      isUnfit = isUnfit || isAny(bad, left);
    }
  }
  return isUnfit;
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
      add(counts + at, v128.and(isOther, f32x4.splat(1)));
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

/** The squares of float32, times a factor; in place, where both addresses are the same. */
export function squares(to: usize, from: usize, count: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (let i = 0; i < count; i += 4, to += 16, from += 16) {
    storeFirst<f32>(to, f32x4.mul(factors, square(v128.load(from))), count - i);
  }
}
