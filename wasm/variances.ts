// The gate steps with the variance of every value, in float64: src/bounds/cells.ts and variance.ts have the equations.
// vX is the variance of x, aX the sum that x is the activation of. Names in …At are byte offsets of vectors.
//
// gates and hidden [rows, gates·units] as in gates.ts, but only read. gatesV and hiddenV [rows, gates·units]: the sums
// of the products that give their variances. biasesV [gates·units]: what rounding the biases adds to them. h, hV, c and
// cV [rows, units].

import { exp, sigmoid, tanh } from './activations';
import { sumOf } from './gates';
import { madd, storeFirst } from './vector';

// Byte offsets of VarianceTerms (src/engine/kernels/kernels.ts), one float64 each.
const SIGMAS: usize = 0;
const AFFINE: usize = 8;
const ROUNDING: usize = 16;
const TANH: usize = 24;
const TANH_ABSOLUTE: usize = 32;
const SIGMOID: usize = 40;
const SIGMOID_ABSOLUTE: usize = 48;
const FLOOR: usize = 56;

// @ts-ignore: decorator
@inline
function term(terms: usize, offset: usize): v128 {
  return v128.load64_splat(terms + offset);
}

// @ts-ignore: decorator
@inline
function square(x: v128): v128 {
  return f64x2.mul(x, x);
}

/** The variance of W x + b after storing it. `product`: address of the sum of the products that give variances. */
// @ts-ignore: decorator
@inline
function affineV(value: v128, product: usize, terms: usize): v128 {
  return madd<f64>(square(value), term(terms, AFFINE), v128.load(product));
}

/** The variance of a stored sum a of two values. `vBiases`: what rounding its biases adds. */
// @ts-ignore: decorator
@inline
function sumV(a: v128, vOne: v128, vOther: v128, vBiases: v128, terms: usize): v128 {
  const propagated = f64x2.add(vOne, vOther);
  return madd<f64>(square(a), term(terms, ROUNDING), f64x2.add(vBiases, propagated));
}

/** The variance of gates + hidden at this byte offset. */
// @ts-ignore: decorator
@inline
function gateV(
  offset: usize, gates: usize, hidden: usize, gatesV: usize, hiddenV: usize, biasesV: usize, terms: usize,
): v128 {
  const vInput = affineV(v128.load(gates + offset), gatesV + offset, terms);
  const vHidden = affineV(v128.load(hidden + offset), hiddenV + offset, terms);
  return sumV(sumOf<f64>(gates + offset, hidden + offset), vInput, vHidden, v128.load(biasesV), terms);
}

/** The least |x| for x within SIGMAS standard deviations of a; zero if the variance is NaN. */
// @ts-ignore: decorator
@inline
function nearest(a: v128, v: v128, terms: usize): v128 {
  const distance = f64x2.sub(f64x2.abs(a), f64x2.mul(term(terms, SIGMAS), f64x2.sqrt(v)));
  return f64x2.pmax(f64x2.splat(0), distance);
}

/** The slope of σ at x ≤ 0: e^x / (1 + e^x)². */
// @ts-ignore: decorator
@inline
function slope(x: v128): v128 {
  const e = exp(x);
  return f64x2.div(e, square(f64x2.add(f64x2.splat(1), e)));
}

/** The variance of value = σ(a), where v is that of a. */
// @ts-ignore: decorator
@inline
function sigmoidV(a: v128, value: v128, v: v128, terms: usize): v128 {
  const steepest = slope(f64x2.neg(nearest(a, v, terms)));
  const propagated = f64x2.min(f64x2.mul(square(steepest), v), f64x2.splat(0.25));
  return madd<f64>(square(value), term(terms, SIGMOID), f64x2.add(propagated, term(terms, SIGMOID_ABSOLUTE)));
}

/** The variance of value = tanh(a). Since tanh x = 2 σ(2 x) − 1, its slope at x is four times that of σ at 2 x. */
// @ts-ignore: decorator
@inline
function tanhV(a: v128, value: v128, v: v128, terms: usize): v128 {
  const steepest = f64x2.mul(f64x2.splat(4), slope(f64x2.mul(f64x2.splat(-2), nearest(a, v, terms))));
  const propagated = f64x2.min(f64x2.mul(square(steepest), v), f64x2.splat(1));
  return madd<f64>(square(value), term(terms, TANH), f64x2.add(propagated, term(terms, TANH_ABSOLUTE)));
}

/** The variance of a state that keeps the fraction x of itself: the errors add up linearly, (x √v + √local)². */
// @ts-ignore: decorator
@inline
function keptV(x: v128, v: v128, local: v128): v128 {
  return square(madd<f64>(x, f64x2.sqrt(v), f64x2.sqrt(local)));
}

export function rnnVariances(
  rows: i32, units: i32, gates: usize, hidden: usize, gatesV: usize, hiddenV: usize, biasesV: usize, terms: usize,
  h: usize, hV: usize, relu: bool,
): void {
  const zero = f64x2.splat(0);
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit += 2) {
      const offset = (<usize>row * units + unit) * 8;
      const left = units - unit;
      const a = sumOf<f64>(gates + offset, hidden + offset);
      const v = gateV(offset, gates, hidden, gatesV, hiddenV, biasesV + <usize>unit * 8, terms);
      if (relu) {
        const canBePositive = f64x2.gt(a, f64x2.neg(f64x2.mul(term(terms, SIGMAS), f64x2.sqrt(v))));
        storeFirst<f64>(h + offset, f64x2.max(a, zero), left);
        storeFirst<f64>(hV + offset, v128.and(v, canBePositive), left);
      } else {
        const value = tanh<f64>(a);
        storeFirst<f64>(h + offset, value, left);
        storeFirst<f64>(hV + offset, tanhV(a, value, v, terms), left);
      }
    }
  }
}

export function gruVariances(
  rows: i32, units: i32, gates: usize, hidden: usize, gatesV: usize, hiddenV: usize, biasesV: usize, terms: usize,
  h: usize, hV: usize,
): void {
  const block = <usize>units * 8;
  const one = f64x2.splat(1);
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit += 2) {
      const rAt = (<usize>row * 3 * units + unit) * 8;
      const zAt = rAt + block;
      const nAt = zAt + block;
      const stateAt = (<usize>row * units + unit) * 8;
      const biasAt = biasesV + <usize>unit * 8;
      const left = units - unit;
      const aR = sumOf<f64>(gates + rAt, hidden + rAt);
      const aZ = sumOf<f64>(gates + zAt, hidden + zAt);
      const r = sigmoid<f64>(aR);
      const z = sigmoid<f64>(aZ);
      const vR = sigmoidV(aR, r, gateV(rAt, gates, hidden, gatesV, hiddenV, biasAt, terms), terms);
      const vZ = sigmoidV(aZ, z, gateV(zAt, gates, hidden, gatesV, hiddenV, biasAt + block, terms), terms);
      const nHidden = v128.load(hidden + nAt);
      const reset = f64x2.mul(r, nHidden);
      const propagated = madd<f64>(square(r), affineV(nHidden, hiddenV + nAt, terms), f64x2.mul(square(nHidden), vR));
      const vReset = madd<f64>(square(reset), term(terms, ROUNDING), propagated);
      const nInput = v128.load(gates + nAt);
      const aN = f64x2.add(nInput, reset);
      const n = tanh<f64>(aN);
      const vSum = sumV(aN, affineV(nInput, gatesV + nAt, terms), vReset, v128.load(biasAt + 2 * block), terms);
      const vN = tanhV(aN, n, vSum, terms);
      const apart = f64x2.sub(v128.load(h + stateAt), n);
      const next = madd<f64>(apart, z, n);
      const rounded = madd<f64>(f64x2.splat(2), square(f64x2.mul(apart, z)), square(next));
      const rest = madd<f64>(term(terms, ROUNDING), rounded, term(terms, FLOOR));
      const local = madd<f64>(square(f64x2.sub(one, z)), vN, madd<f64>(square(apart), vZ, rest));
      storeFirst<f64>(hV + stateAt, keptV(z, v128.load(hV + stateAt), local), left);
      storeFirst<f64>(h + stateAt, next, left);
    }
  }
}

export function lstmVariances(
  rows: i32, units: i32, gates: usize, hidden: usize, gatesV: usize, hiddenV: usize, biasesV: usize, terms: usize,
  h: usize, hV: usize, c: usize, cV: usize,
): void {
  const block = <usize>units * 8;
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit += 2) {
      const iAt = (<usize>row * 4 * units + unit) * 8;
      const fAt = iAt + block;
      const gAt = fAt + block;
      const oAt = gAt + block;
      const stateAt = (<usize>row * units + unit) * 8;
      const biasAt = biasesV + <usize>unit * 8;
      const left = units - unit;
      const aI = sumOf<f64>(gates + iAt, hidden + iAt);
      const i = sigmoid<f64>(aI);
      const vI = sigmoidV(aI, i, gateV(iAt, gates, hidden, gatesV, hiddenV, biasAt, terms), terms);
      const aF = sumOf<f64>(gates + fAt, hidden + fAt);
      const f = sigmoid<f64>(aF);
      const vF = sigmoidV(aF, f, gateV(fAt, gates, hidden, gatesV, hiddenV, biasAt + block, terms), terms);
      const aG = sumOf<f64>(gates + gAt, hidden + gAt);
      const g = tanh<f64>(aG);
      const vG = tanhV(aG, g, gateV(gAt, gates, hidden, gatesV, hiddenV, biasAt + 2 * block, terms), terms);
      const cBefore = v128.load(c + stateAt);
      const vBefore = v128.load(cV + stateAt);
      const kept = f64x2.mul(f, cBefore);
      const added = f64x2.mul(i, g);
      const next = f64x2.add(kept, added);
      const rounded = f64x2.add(f64x2.add(square(kept), square(added)), square(next));
      const rest = madd<f64>(term(terms, ROUNDING), rounded, term(terms, FLOOR));
      const fromGates = madd<f64>(square(i), vG, madd<f64>(square(g), vI, rest));
      const local = madd<f64>(square(cBefore), vF, madd<f64>(vF, vBefore, fromGates));
      const vNext = keptV(f, vBefore, local);
      storeFirst<f64>(c + stateAt, next, left);
      storeFirst<f64>(cV + stateAt, vNext, left);
      const aO = sumOf<f64>(gates + oAt, hidden + oAt);
      const o = sigmoid<f64>(aO);
      const vO = sigmoidV(aO, o, gateV(oAt, gates, hidden, gatesV, hiddenV, biasAt + 3 * block, terms), terms);
      const t = tanh<f64>(next);
      const vT = tanhV(next, t, vNext, terms);
      const value = f64x2.mul(o, t);
      const stored = madd<f64>(square(value), term(terms, ROUNDING), term(terms, FLOOR));
      const fromO = madd<f64>(square(t), vO, madd<f64>(vO, vT, stored));
      storeFirst<f64>(h + stateAt, value, left);
      storeFirst<f64>(hV + stateAt, madd<f64>(square(o), vT, fromO), left);
    }
  }
}
