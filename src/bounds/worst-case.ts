import { type ErrorModel, sigmoidSlope, TANHS, tanhSlope } from './model.js';
import type { Profile } from './profiles.js';

/**
 * Errors as bounds: every rounding is at its worst, in any order of summation. The error of a sum of n terms p is at
 * most γ Σ|p| with γ = n u / (1 − n u) (Higham, Accuracy and Stability of Numerical Algorithms, chapter 3).
 * Second-order terms are included.
 */
export function worstCaseModel(profile: Profile): ErrorModel {
  const { accumulate, store, products, biases, parts, floor } = profile;
  const storesNarrower = store > accumulate;
  const gamma = (terms: number) =>
    (terms * accumulate) / (1 - terms * accumulate) + 2 * products + products * products;
  const stored = (value: number, error: number) => error + store * (Math.abs(value) + error);
  const product = (x: number, eX: number, y: number, eY: number) =>
    stored(x * y, (x + eX) * eY + Math.abs(y) * eX);

  return {
    factors(weight, bias, _columns, terms, _inexact, { uncertainty }) {
      const perTerm = gamma(terms);
      return {
        first: {
          weight: weight.map(Math.abs),
          bias: bias && Float64Array.from(bias, (value) => perTerm * Math.abs(value)),
        },
        second: uncertainty,
      };
    },
    operands(x, xError, count, terms, first, second) {
      const perTerm = gamma(terms);
      for (let i = 0; i < count; i++) {
        const e = xError ? xError[i] : 0;
        const size = Math.abs(x[i]) + e;
        first[i] = e + perTerm * size;
        if (second) second[i] = size;
      }
    },
    affine: (a, e) => (storesNarrower ? stored(a, e) : e),
    projected: (h, e) => stored(h, e) + floor,
    sum: (a, eOne, eOther, eBiases) => stored(a, eOne + eOther + eBiases),
    biases: (bIh, bHh, areAdded) =>
      (areAdded ? biases * Math.abs(bIh + bHh) : 0) + 2 * parts * (Math.abs(bIh) + Math.abs(bHh)),
    tanhOf: TANHS[profile.tanhOf],
    tanh(a, value, e) {
      const propagated = Math.min(e * tanhSlope(a, value, e), 2);
      const relative = profile.tanh.worst * (Math.abs(value) + propagated);
      return propagated + store * (relative + profile.tanhAbsolute.worst) + floor;
    },
    sigmoid(a, value, e) {
      const propagated = Math.min(e * sigmoidSlope(a, value, e), 1);
      const relative = profile.sigmoid.worst * (value + propagated);
      return propagated + store * (relative + profile.sigmoidAbsolute.worst) + floor;
    },
    relu: (a, e) => (a + e > 0 ? e : 0),
    product,
    mix(z, eZ, n, eN, h, eH, next) {
      const apart = Math.abs(h - n);
      const e = Math.min((1 - z + eZ) * eN + (z + eZ) * eH + apart * eZ, 2);
      // Intermediate results are rounded too, whether a runtime computes (h − n) z + n or (1 − z) n + z h.
      const size = Math.max(2 * apart * z, 2 * (1 - z) * Math.abs(n) + z * Math.abs(h));
      return e + store * (size + 2 * e + Math.abs(next) + e) + floor;
    },
    carry: (f, eF, c, eC, i, eI, g, eG) =>
      stored(f * c + i * g, product(f, eF, c, eC) + product(i, eI, g, eG)),
    output: (o, eO, t, eT) => stored(o * t, Math.min((o + eO) * eT + Math.abs(t) * eO, 2)) + 2 * floor,
    reported: (error) => error,
    undecidedError: 0,
    rounded: (e, spacing) => e + spacing,
  };
}
