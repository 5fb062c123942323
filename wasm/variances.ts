// The gate steps once more, with the variance of every value beside it (v and the value's name), in float64:
// src/bounds/cells.ts and variance.ts have the equations.
//
// gates and hidden as in gates.ts, but nothing is written there; gatesV and hiddenV what the products of variances came
// to; bias [gates·units]: b_ih + b_hh; h, hV, c and cV [rows, units].

import { exp, sigmoid, tanh } from './activations';
import { sum } from './gates';
import { madd, storeFirst } from './vector';

// What a profile says, one float64 each, in the order of VarianceTerms (src/engine/kernels/kernels.ts).
const SIGMAS: usize = 0;
const PART: usize = 8;
const ROUNDING: usize = 16;
const BIASES: usize = 24;
const TANH: usize = 32;
const SIGMOID: usize = 40;
const SIGMOID_ABSOLUTE: usize = 48;
const FLOOR: usize = 56;

// @ts-ignore: decorator
@inline
function term(terms: usize, which: usize): v128 {
  return v128.load64_splat(terms + which);
}

// @ts-ignore: decorator
@inline
function square(x: v128): v128 {
  return f64x2.mul(x, x);
}

/** Of W x + b, from its value and from what the product of variances came to. */
// @ts-ignore: decorator
@inline
function partV(value: v128, product: usize, terms: usize): v128 {
  return madd<f64>(square(value), term(terms, PART), v128.load(product));
}

/** Of a stored sum a of two parts, and of the biases in it. */
// @ts-ignore: decorator
@inline
function sumV(a: v128, one: v128, other: v128, bias: v128, terms: usize): v128 {
  const parts = f64x2.add(one, other);
  return madd<f64>(square(a), term(terms, ROUNDING), madd<f64>(square(bias), term(terms, BIASES), parts));
}

/** The variance of the sum of the two parts that stand at `at`. */
// @ts-ignore: decorator
@inline
function gateV(at: usize, gates: usize, hidden: usize, gatesV: usize, hiddenV: usize, bias: usize, terms: usize): v128 {
  const one = partV(v128.load(gates + at), gatesV + at, terms);
  const other = partV(v128.load(hidden + at), hiddenV + at, terms);
  return sumV(sum<f64>(gates + at, hidden + at), one, other, v128.load(bias), terms);
}

/** How near to zero a is within so many standard deviations; where they say nothing, zero itself. */
// @ts-ignore: decorator
@inline
function nearest(a: v128, v: v128, terms: usize): v128 {
  const left = f64x2.sub(f64x2.abs(a), f64x2.mul(term(terms, SIGMAS), f64x2.sqrt(v)));
  return f64x2.pmax(f64x2.splat(0), left);
}

/** The slope of σ at x ≤ 0: e^x / (1 + e^x)². */
// @ts-ignore: decorator
@inline
function slope(x: v128): v128 {
  const e = exp(x);
  return f64x2.div(e, square(f64x2.add(f64x2.splat(1), e)));
}

// @ts-ignore: decorator
@inline
function sigmoidV(a: v128, value: v128, v: v128, terms: usize): v128 {
  const steepest = slope(f64x2.neg(nearest(a, v, terms)));
  const carried = f64x2.min(f64x2.mul(square(steepest), v), f64x2.splat(0.25));
  return madd<f64>(square(value), term(terms, SIGMOID), f64x2.add(carried, term(terms, SIGMOID_ABSOLUTE)));
}

/** tanh x = 2 σ(2 x) − 1: its slope at x is four times that of σ at 2 x. */
// @ts-ignore: decorator
@inline
function tanhV(a: v128, value: v128, v: v128, terms: usize): v128 {
  const steepest = f64x2.mul(f64x2.splat(4), slope(f64x2.mul(f64x2.splat(-2), nearest(a, v, terms))));
  const carried = f64x2.min(f64x2.mul(square(steepest), v), f64x2.splat(1));
  return madd<f64>(square(value), term(terms, TANH), f64x2.add(carried, term(terms, FLOOR)));
}

/** What a state carries on from itself adds up in step with the rest: (x √v + √local)². */
// @ts-ignore: decorator
@inline
function carriedOn(x: v128, v: v128, local: v128): v128 {
  return square(madd<f64>(x, f64x2.sqrt(v), f64x2.sqrt(local)));
}

export function rnnVariances(
  rows: i32, units: i32, gates: usize, hidden: usize, gatesV: usize, hiddenV: usize, bias: usize, terms: usize,
  h: usize, hV: usize, relu: bool,
): void {
  const zero = f64x2.splat(0);
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit += 2) {
      const at = (<usize>row * units + unit) * 8;
      const left = units - unit;
      const a = sum<f64>(gates + at, hidden + at);
      const v = gateV(at, gates, hidden, gatesV, hiddenV, bias + <usize>unit * 8, terms);
      if (relu) {
        const alive = f64x2.gt(a, f64x2.neg(f64x2.mul(term(terms, SIGMAS), f64x2.sqrt(v))));
        storeFirst<f64>(h + at, f64x2.max(a, zero), left);
        storeFirst<f64>(hV + at, v128.and(v, alive), left);
      } else {
        const value = tanh<f64>(a);
        storeFirst<f64>(h + at, value, left);
        storeFirst<f64>(hV + at, tanhV(a, value, v, terms), left);
      }
    }
  }
}

export function gruVariances(
  rows: i32, units: i32, gates: usize, hidden: usize, gatesV: usize, hiddenV: usize, bias: usize, terms: usize,
  h: usize, hV: usize,
): void {
  const block = <usize>units * 8;
  const one = f64x2.splat(1);
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit += 2) {
      const inR = (<usize>row * 3 * units + unit) * 8;
      const inZ = inR + block;
      const inN = inZ + block;
      const at = (<usize>row * units + unit) * 8;
      const biasAt = bias + <usize>unit * 8;
      const left = units - unit;
      const aR = sum<f64>(gates + inR, hidden + inR);
      const aZ = sum<f64>(gates + inZ, hidden + inZ);
      const r = sigmoid<f64>(aR);
      const z = sigmoid<f64>(aZ);
      const vR = sigmoidV(aR, r, gateV(inR, gates, hidden, gatesV, hiddenV, biasAt, terms), terms);
      const vZ = sigmoidV(aZ, z, gateV(inZ, gates, hidden, gatesV, hiddenV, biasAt + block, terms), terms);
      const hn = v128.load(hidden + inN);
      const reset = f64x2.mul(r, hn);
      const ofParts = madd<f64>(square(r), partV(hn, hiddenV + inN, terms), f64x2.mul(square(hn), vR));
      const vReset = madd<f64>(square(reset), term(terms, ROUNDING), ofParts);
      const input = v128.load(gates + inN);
      const aN = f64x2.add(input, reset);
      const n = tanh<f64>(aN);
      const vSum = sumV(aN, partV(input, gatesV + inN, terms), vReset, f64x2.splat(0), terms);
      const vN = tanhV(aN, n, vSum, terms);
      const part = f64x2.sub(v128.load(h + at), n);
      const next = madd<f64>(part, z, n);
      const rounded = madd<f64>(f64x2.splat(2), square(f64x2.mul(part, z)), square(next));
      const rest = madd<f64>(term(terms, ROUNDING), rounded, term(terms, FLOOR));
      const local = madd<f64>(square(f64x2.sub(one, z)), vN, madd<f64>(square(part), vZ, rest));
      storeFirst<f64>(hV + at, carriedOn(z, v128.load(hV + at), local), left);
      storeFirst<f64>(h + at, next, left);
    }
  }
}

export function lstmVariances(
  rows: i32, units: i32, gates: usize, hidden: usize, gatesV: usize, hiddenV: usize, bias: usize, terms: usize,
  h: usize, hV: usize, c: usize, cV: usize,
): void {
  const block = <usize>units * 8;
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit += 2) {
      const inI = (<usize>row * 4 * units + unit) * 8;
      const inF = inI + block;
      const inG = inF + block;
      const inO = inG + block;
      const at = (<usize>row * units + unit) * 8;
      const biasAt = bias + <usize>unit * 8;
      const left = units - unit;
      const aI = sum<f64>(gates + inI, hidden + inI);
      const i = sigmoid<f64>(aI);
      const vI = sigmoidV(aI, i, gateV(inI, gates, hidden, gatesV, hiddenV, biasAt, terms), terms);
      const aF = sum<f64>(gates + inF, hidden + inF);
      const f = sigmoid<f64>(aF);
      const vF = sigmoidV(aF, f, gateV(inF, gates, hidden, gatesV, hiddenV, biasAt + block, terms), terms);
      const aG = sum<f64>(gates + inG, hidden + inG);
      const g = tanh<f64>(aG);
      const vG = tanhV(aG, g, gateV(inG, gates, hidden, gatesV, hiddenV, biasAt + 2 * block, terms), terms);
      const before = v128.load(c + at);
      const vBefore = v128.load(cV + at);
      const kept = f64x2.mul(f, before);
      const added = f64x2.mul(i, g);
      const next = f64x2.add(kept, added);
      const rounded = f64x2.add(f64x2.add(square(kept), square(added)), square(next));
      const rest = madd<f64>(term(terms, ROUNDING), rounded, term(terms, FLOOR));
      const ofG = madd<f64>(square(i), vG, madd<f64>(square(g), vI, rest));
      const local = madd<f64>(square(before), vF, madd<f64>(vF, vBefore, ofG));
      const vNext = carriedOn(f, vBefore, local);
      storeFirst<f64>(c + at, next, left);
      storeFirst<f64>(cV + at, vNext, left);
      const aO = sum<f64>(gates + inO, hidden + inO);
      const o = sigmoid<f64>(aO);
      const vO = sigmoidV(aO, o, gateV(inO, gates, hidden, gatesV, hiddenV, biasAt + 3 * block, terms), terms);
      const t = tanh<f64>(next);
      const vT = tanhV(next, t, vNext, terms);
      const value = f64x2.mul(o, t);
      const stored = madd<f64>(square(value), term(terms, ROUNDING), term(terms, FLOOR));
      const ofO = madd<f64>(square(t), vO, madd<f64>(vO, vT, stored));
      storeFirst<f64>(h + at, value, left);
      storeFirst<f64>(hV + at, madd<f64>(square(o), vT, ofO), left);
    }
  }
}
