import { type ErrorModel, sigmoidSlope, tanhSlope } from './model.js';
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
  const product = (x: number, eX: number, y: number, eY: number) =>
    stored(x * y, (x + eX) * eY + Math.abs(y) * eX);

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
    part: (a, d) => (narrow ? stored(a, d) : d),
    projected: (h, e) => stored(h, e) + floor,
    sum: (a, one, other, b) => stored(a, one + other + biases * Math.abs(b)),
    tanh(a, value, d) {
      const e = Math.min(d * tanhSlope(a, value, d), 2);
      return e + profile.tanh.worst * store * (Math.abs(value) + e) + floor;
    },
    sigmoid(a, value, d) {
      const e = Math.min(d * sigmoidSlope(a, value, d), 1);
      return e + store * (profile.sigmoid.worst * (value + e) + profile.sigmoidAbsolute.worst) + floor;
    },
    relu: (a, d) => (a + d > 0 ? d : 0),
    product,
    mix(z, eZ, n, eN, h, eH, next) {
      const part = Math.abs(h - n);
      const e = Math.min((1 - z + eZ) * eN + (z + eZ) * eH + part * eZ, 2);
      // The roundings on the way, of (h − n) z + n as of (1 − z) n + z h.
      const size = Math.max(2 * part * z, 2 * (1 - z) * Math.abs(n) + z * Math.abs(h));
      return e + store * (size + 2 * e + Math.abs(next) + e) + floor;
    },
    carry: (f, eF, c, eC, i, eI, g, eG) =>
      stored(f * c + i * g, product(f, eF, c, eC) + product(i, eI, g, eG)),
    output: (o, eO, t, eT) => stored(o * t, Math.min((o + eO) * eT + Math.abs(t) * eO, 2)) + 2 * floor,
    reported: (error) => error,
    lostError: 0,
    within: (uncertainty) => uncertainty,
  };
}
