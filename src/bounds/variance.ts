import type { Floats } from '../tensor/dtype.js';
import { type ErrorModel, sigmoidSlope, tanhSlope } from './model.js';
import type { Profile } from './profiles.js';
import { coherent } from './twins.js';

/** So many standard deviations are rounding; derivatives are taken at the worst place within them. */
export const ROUNDING_SIGMAS = 6;

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
  const ofTerms = (terms: number) => walk * (1 + terms / 6) + operandRounding;
  const ofPart = (terms: number) => (walk * terms) / 3 + (narrow ? rounding : 0);

  return {
    factors(weight, bias, columns, terms, inexact, { twins }) {
      const each = ofTerms(terms);
      return {
        first: {
          weight,
          bias: bias && Float64Array.from(bias, (value) => each * value * value),
          squared: true,
        },
        ...(inexact && {
          second: twins ? { weight: coherent(weight, columns, twins) } : { weight, squared: true },
        }),
      };
    },
    operands(x, error, count, terms, first, second) {
      const each = ofTerms(terms);
      for (let i = 0; i < count; i++) first[i] = each * x[i] * x[i];
      if (second && error) for (let i = 0; i < count; i++) second[i] = error[i];
    },
    part: (a, v, terms) => v + ofPart(terms) * a * a,
    projected: (h, v, terms) => v + ((walk * terms) / 3 + rounding) * h * h + floor2,
    kernelTerms: (terms) => ({
      sigmas: ROUNDING_SIGMAS,
      part: ofPart(terms),
      rounding,
      biases: biasRounding,
      tanh: tanh2,
      sigmoid: sigmoid2,
      sigmoidAbsolute: sigmoidAbsolute2,
      floor: floor2,
    }),
    sum: (a, one, other, b) => one + other + rounding * a * a + biasRounding * b * b,
    tanh(a, value, v) {
      const slope = tanhSlope(a, value, ROUNDING_SIGMAS * Math.sqrt(v));
      return Math.min(slope * slope * v, 1) + tanh2 * value * value + floor2;
    },
    sigmoid(a, value, v) {
      const slope = sigmoidSlope(a, value, ROUNDING_SIGMAS * Math.sqrt(v));
      return Math.min(slope * slope * v, 0.25) + sigmoid2 * value * value + sigmoidAbsolute2;
    },
    relu: (a, v) => (a > -ROUNDING_SIGMAS * Math.sqrt(v) ? v : 0),
    product: (x, vX, y, vY) => x * x * vY + y * y * vX + rounding * (x * y) * (x * y),
    mix(z, vZ, n, vN, h, vH, next) {
      const part = h - n;
      const rounded = 2 * (part * z) * (part * z) + next * next;
      const local = (1 - z) * (1 - z) * vN + part * part * vZ + rounding * rounded + floor2;
      return (z * Math.sqrt(vH) + Math.sqrt(local)) ** 2;
    },
    carry(f, vF, c, vC, i, vI, g, vG) {
      const fc = f * c;
      const ig = i * g;
      const rounded = fc * fc + ig * ig + (fc + ig) * (fc + ig);
      const local = c * c * vF + i * i * vG + g * g * vI + vF * vC + rounding * rounded + floor2;
      return (f * Math.sqrt(vC) + Math.sqrt(local)) ** 2;
    },
    output: (o, vO, t, vT) => o * o * vT + t * t * vO + vO * vT + rounding * (o * t) * (o * t) + floor2,
    reported: Math.sqrt,
    lost: isLost,
    lostError: 1,
    within: (uncertainty) => (uncertainty * uncertainty) / 3,
  };
}

function isLost(h: Floats, error: Floats, from: number, to: number): boolean {
  let largest = 0;
  for (let i = from; i < to; i++)
    if (!(error[i] <= largest)) largest = Number.isNaN(error[i]) ? Number.POSITIVE_INFINITY : error[i];
  const reach = ROUNDING_SIGMAS * Math.sqrt(largest);
  if (reach <= HORIZON) return false;
  let size = 1;
  for (let i = from; i < to; i++) if (Math.abs(h[i]) > size) size = Math.abs(h[i]);
  return reach > HORIZON * size;
}
