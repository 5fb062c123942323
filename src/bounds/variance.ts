import type { Floats } from '../tensor/dtype.js';
import { type ErrorModel, type ErrorStep, sigmoid, sigmoidSlope, tanhSlope } from './model.js';
import type { Profile } from './profiles.js';
import { coherent } from './twins.js';

/** So many standard deviations are rounding; derivatives are taken at the worst place within them. */
export const SIGMAS = 6;

/** A row whose errors reach this part of its values (or of 1) is not predicted any more. */
const HORIZON = 0.05;

/**
 * Roundings as independent random numbers, uniform within ± the unit roundoff: errors are variances. A sum's partial
 * sums go the way of a random walk from its first term to its value, so that n terms p of sum a err by the variance
 *
 *     u²/3 (Σp² (1 + n/6) + n a²/3)
 *
 * and what a state carries on from itself (f c, z h) adds up linearly: the same rounding may repeat at every step.
 */
export function varianceModel(profile: Profile): ErrorModel {
  const { accumulate, store, operands, biases, floor } = profile;
  const walk = (accumulate * accumulate) / 3;
  const rounding = (store * store) / 3;
  const operandRounding = (2 * operands * operands) / 3;
  const biasRounding = (biases * biases) / 3;
  const floor2 = floor * floor;
  const tanh2 = (profile.tanh.typical * store) ** 2;
  const sigmoid2 = (profile.sigmoid.typical * store) ** 2;
  const sigmoidAbsolute2 = (profile.sigmoidAbsolute.typical * store) ** 2 + floor2;
  const narrow = store > accumulate;

  const ofTanh = (a: number, value: number, v: number) => {
    const slope = tanhSlope(Math.max(Math.abs(a) - SIGMAS * Math.sqrt(v), 0));
    return Math.min(slope * slope * v, 1) + tanh2 * value * value + floor2;
  };
  const ofSigmoid = (a: number, value: number, v: number) => {
    const slope = sigmoidSlope(Math.max(Math.abs(a) - SIGMAS * Math.sqrt(v), 0));
    return Math.min(slope * slope * v, 0.25) + sigmoid2 * value * value + sigmoidAbsolute2;
  };
  const sum = (step: ErrorStep, at: number) => step.gates[step.at + at] + step.hidden[step.hiddenAt + at];
  const ofSum = (
    { gatesError, at: from, hiddenError, hiddenAt }: ErrorStep,
    at: number,
    a: number,
    b: number,
  ) => gatesError[from + at] + hiddenError[hiddenAt + at] + rounding * a * a + biasRounding * b * b;

  return {
    factors(weight, bias, columns, _terms, inexact, { twins }) {
      const squares = squared(weight);
      return {
        first: { weight: squares, bias: bias && squared(bias) },
        ...(inexact && { second: { weight: twins ? coherent(weight, columns, twins) : squares } }),
      };
    },
    operands(x, error, count, _terms, first, second) {
      for (let i = 0; i < count; i++) first[i] = x[i] * x[i];
      if (second && error) for (let i = 0; i < count; i++) second[i] = error[i];
    },
    sums(a, first, second, count, terms) {
      const ofSquares = walk * (1 + terms / 6) + operandRounding;
      const ofValue = (walk * terms) / 3;
      for (let i = 0; i < count; i++) {
        const own = ofSquares * first[i] + ofValue * a[i] * a[i];
        first[i] = second ? own + second[i] : own;
      }
    },
    storeGates(a, v, count) {
      if (narrow) for (let i = 0; i < count; i++) v[i] += rounding * a[i] * a[i];
    },
    storeProjected(h, v, count) {
      for (let i = 0; i < count; i++) v[i] += rounding * h[i] * h[i] + floor2;
    },
    cells: {
      RNN(step) {
        const { rows, hiddenSize, bias, h, hError, nonlinearity } = step;
        for (let at = 0; at < rows * hiddenSize; at++) {
          const a = sum(step, at);
          const v = ofSum(step, at, a, bias[at % hiddenSize]);
          if (nonlinearity === 'tanh') {
            h[at] = Math.tanh(a);
            hError[at] = ofTanh(a, h[at], v);
          } else {
            h[at] = Math.max(0, a);
            hError[at] = a > -SIGMAS * Math.sqrt(v) ? v : 0;
          }
        }
      },
      GRU(step) {
        const {
          rows,
          hiddenSize,
          gates,
          at: gatesAt,
          hidden,
          hiddenAt,
          gatesError,
          hiddenError,
          bias,
        } = step;
        const { h, hError } = step;
        for (let row = 0; row < rows; row++) {
          for (let unit = 0; unit < hiddenSize; unit++) {
            const inR = row * 3 * hiddenSize + unit;
            const inZ = inR + hiddenSize;
            const inN = inZ + hiddenSize;
            const aR = sum(step, inR);
            const aZ = sum(step, inZ);
            const r = sigmoid(aR);
            const z = sigmoid(aZ);
            const vR = ofSigmoid(aR, r, ofSum(step, inR, aR, bias[unit]));
            const vZ = ofSigmoid(aZ, z, ofSum(step, inZ, aZ, bias[hiddenSize + unit]));
            const hn = hidden[hiddenAt + inN];
            const p = r * hn;
            const vP = r * r * hiddenError[hiddenAt + inN] + hn * hn * vR + rounding * p * p;
            const aN = gates[gatesAt + inN] + p;
            const n = Math.tanh(aN);
            const vN = ofTanh(aN, n, gatesError[gatesAt + inN] + vP + rounding * aN * aN);
            const at = row * hiddenSize + unit;
            const part = h[at] - n;
            h[at] = n + z * part;
            const local =
              (1 - z) * (1 - z) * vN +
              part * part * vZ +
              rounding * (2 * (part * z) * (part * z) + h[at] * h[at]) +
              floor2;
            hError[at] = (z * Math.sqrt(hError[at]) + Math.sqrt(local)) ** 2;
          }
        }
      },
      LSTM(step) {
        const { rows, hiddenSize, bias, h, hError, c, cError } = step;
        for (let row = 0; row < rows; row++) {
          for (let unit = 0; unit < hiddenSize; unit++) {
            const inI = row * 4 * hiddenSize + unit;
            const inF = inI + hiddenSize;
            const inG = inF + hiddenSize;
            const inO = inG + hiddenSize;
            const aI = sum(step, inI);
            const aF = sum(step, inF);
            const aG = sum(step, inG);
            const aO = sum(step, inO);
            const i = sigmoid(aI);
            const f = sigmoid(aF);
            const g = Math.tanh(aG);
            const o = sigmoid(aO);
            const vI = ofSigmoid(aI, i, ofSum(step, inI, aI, bias[unit]));
            const vF = ofSigmoid(aF, f, ofSum(step, inF, aF, bias[hiddenSize + unit]));
            const vG = ofTanh(aG, g, ofSum(step, inG, aG, bias[2 * hiddenSize + unit]));
            const vO = ofSigmoid(aO, o, ofSum(step, inO, aO, bias[3 * hiddenSize + unit]));
            const at = row * hiddenSize + unit;
            const before = c[at];
            const fc = f * before;
            const ig = i * g;
            c[at] = fc + ig;
            const local =
              before * before * vF +
              i * i * vG +
              g * g * vI +
              vF * cError[at] +
              rounding * (fc * fc + ig * ig + c[at] * c[at]) +
              floor2;
            cError[at] = (f * Math.sqrt(cError[at]) + Math.sqrt(local)) ** 2;
            const t = Math.tanh(c[at]);
            const vT = ofTanh(c[at], t, cError[at]);
            h[at] = o * t;
            hError[at] = o * o * vT + t * t * vO + vO * vT + rounding * h[at] * h[at] + floor2;
          }
        }
      },
    },
    reported: Math.sqrt,
    lost: isLost,
    lostError: 1,
    within: (uncertainty) => (uncertainty * uncertainty) / 3,
  };
}

/** In float64, whatever the values are stored in. */
function squared(values: Floats): Float64Array {
  const squares = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) squares[i] = values[i] * values[i];
  return squares;
}

function isLost(h: Floats, error: Floats, from: number, to: number): boolean {
  let size = 1;
  let largest = 0;
  for (let i = from; i < to; i++) {
    if (Math.abs(h[i]) > size) size = Math.abs(h[i]);
    if (!(error[i] <= largest)) largest = Number.isNaN(error[i]) ? Number.POSITIVE_INFINITY : error[i];
  }
  return SIGMAS * Math.sqrt(largest) > HORIZON * size;
}
