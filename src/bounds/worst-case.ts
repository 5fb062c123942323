import { type ErrorModel, type ErrorStep, sigmoid, sigmoidSlope, tanhSlope } from './model.js';
import type { Profile } from './profiles.js';

/**
 * Every rounding at its worst, in any order of summation: errors are bounds. A sum of n terms errs by γ Σ|p| with
 * γ = n u / (1 − n u) (Higham, Accuracy and Stability of Numerical Algorithms, chapter 3); nothing of second order is
 * left out.
 */
export function worstCaseModel(profile: Profile): ErrorModel {
  const { accumulate, store, operands, biases, floor } = profile;
  const narrow = store > accumulate;
  const gamma = (terms: number) =>
    (terms * accumulate) / (1 - terms * accumulate) + 2 * operands + operands * operands;
  const stored = (value: number, error: number) => error + store * (Math.abs(value) + error);

  const ofTanh = (a: number, value: number, d: number) => {
    const e = Math.min(d * tanhSlope(Math.max(Math.abs(a) - d, 0)), 2);
    return e + profile.tanh.worst * store * (Math.abs(value) + e) + floor;
  };
  const ofSigmoid = (a: number, value: number, d: number) => {
    const e = Math.min(d * sigmoidSlope(Math.max(Math.abs(a) - d, 0)), 1);
    return e + store * (profile.sigmoid.worst * (value + e) + profile.sigmoidAbsolute.worst) + floor;
  };
  const sum = (step: ErrorStep, at: number) => step.gates[step.at + at] + step.hidden[step.hiddenAt + at];
  const ofSum = (
    { gatesError, at: from, hiddenError, hiddenAt }: ErrorStep,
    at: number,
    a: number,
    b: number,
  ) => stored(a, gatesError[from + at] + hiddenError[hiddenAt + at] + biases * Math.abs(b));

  return {
    factors(weight, bias, _columns, terms, _inexact, { uncertainty }) {
      const each = gamma(terms);
      return {
        first: {
          weight: weight.map(Math.abs),
          bias: bias && Float64Array.from(bias, (value) => each * Math.abs(value)),
        },
        second: uncertainty,
      };
    },
    operands(x, error, count, terms, first, second) {
      const each = gamma(terms);
      for (let i = 0; i < count; i++) {
        const e = error ? error[i] : 0;
        const size = Math.abs(x[i]) + e;
        first[i] = e + each * size;
        if (second) second[i] = size;
      }
    },
    sums(_a, first, second, count) {
      if (second) for (let i = 0; i < count; i++) first[i] += second[i];
    },
    storeGates(a, d, count) {
      if (narrow) for (let i = 0; i < count; i++) d[i] = stored(a[i], d[i]);
    },
    storeProjected(h, e, count) {
      for (let i = 0; i < count; i++) e[i] = stored(h[i], e[i]) + floor;
    },
    cells: {
      RNN(step) {
        const { rows, hiddenSize, bias, h, hError, nonlinearity } = step;
        for (let at = 0; at < rows * hiddenSize; at++) {
          const a = sum(step, at);
          const d = ofSum(step, at, a, bias[at % hiddenSize]);
          if (nonlinearity === 'tanh') {
            h[at] = Math.tanh(a);
            hError[at] = ofTanh(a, h[at], d);
          } else {
            h[at] = Math.max(0, a);
            hError[at] = a + d > 0 ? d : 0;
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
            const eR = ofSigmoid(aR, r, ofSum(step, inR, aR, bias[unit]));
            const eZ = ofSigmoid(aZ, z, ofSum(step, inZ, aZ, bias[hiddenSize + unit]));
            const hn = hidden[hiddenAt + inN];
            const p = r * hn;
            const eP = stored(p, (r + eR) * hiddenError[hiddenAt + inN] + Math.abs(hn) * eR);
            const aN = gates[gatesAt + inN] + p;
            const n = Math.tanh(aN);
            const eN = ofTanh(aN, n, stored(aN, gatesError[gatesAt + inN] + eP));
            const at = row * hiddenSize + unit;
            const before = h[at];
            const part = before - n;
            h[at] = n + z * part;
            const e = Math.min((1 - z + eZ) * eN + (z + eZ) * hError[at] + Math.abs(part) * eZ, 2);
            // The roundings on the way, of (h − n) z + n as of (1 − z) n + z h.
            const size = Math.max(2 * Math.abs(part) * z, 2 * (1 - z) * Math.abs(n) + z * Math.abs(before));
            hError[at] = e + store * (size + 2 * e + Math.abs(h[at]) + e) + floor;
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
            const eI = ofSigmoid(aI, i, ofSum(step, inI, aI, bias[unit]));
            const eF = ofSigmoid(aF, f, ofSum(step, inF, aF, bias[hiddenSize + unit]));
            const eG = ofTanh(aG, g, ofSum(step, inG, aG, bias[2 * hiddenSize + unit]));
            const eO = ofSigmoid(aO, o, ofSum(step, inO, aO, bias[3 * hiddenSize + unit]));
            const at = row * hiddenSize + unit;
            const before = c[at];
            const fc = f * before;
            const ig = i * g;
            c[at] = fc + ig;
            const kept = stored(fc, (f + eF) * cError[at] + Math.abs(before) * eF);
            const added = stored(ig, (i + eI) * eG + Math.abs(g) * eI);
            cError[at] = stored(c[at], kept + added);
            const t = Math.tanh(c[at]);
            const eT = ofTanh(c[at], t, cError[at]);
            h[at] = o * t;
            hError[at] = stored(h[at], Math.min((o + eO) * eT + Math.abs(t) * eO, 2)) + 2 * floor;
          }
        }
      },
    },
    reported: (error) => error,
    lostError: 0,
    within: (uncertainty) => uncertainty,
  };
}
