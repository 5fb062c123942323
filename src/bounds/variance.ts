import type { Floats } from '../tensor/dtype.js';
import { type ErrorModel, sigmoidSlope, TANHS, tanhSlope } from './model.js';
import type { Profile } from './profiles.js';
import { twinProducts } from './twins.js';

/** Deviations of up to this many σ may be rounding. Derivatives are the largest ones within this distance. */
export const ROUNDING_SIGMAS = 6;

/** The mean of |d| / σ of a normally distributed d. */
const MEAN_DEVIATION = Math.sqrt(2 / Math.PI);

/**
 * When ROUNDING_SIGMAS σ of a row reach this fraction of its largest value (or of 1), its later steps are undecided.
 */
export const HORIZON = 0.05;

/**
 * Errors as variances: roundings are independent random numbers, uniform within ±u of what they round. The partial sums
 * of a sum a of n terms p are taken as a random walk from zero to a, so that the error of the sum has the variance
 *
 *     u²/3 (Σp² (1 + n/6) + n a²/3)
 *
 * The error of what a state keeps from the step before (f c, z h) adds up linearly, because a constant state is rounded
 * in the same way at every step: σ' = f σ + local. docs/numerics.md has the reasons.
 */
export function varianceModel(profile: Profile): ErrorModel {
  const { accumulate, store, products, biases, parts, floor, tanhOf } = profile;
  const walk = (accumulate * accumulate) / 3;
  const rounding = (store * store) / 3;
  const operandRounding = (2 * products * products) / 3;
  const floor2 = floor * floor;
  const tanh2 = (profile.tanh.typical * store) ** 2;
  const tanhAbsolute2 = (profile.tanhAbsolute.typical * store) ** 2 + floor2;
  const sigmoid2 = (profile.sigmoid.typical * store) ** 2;
  const sigmoidAbsolute2 = (profile.sigmoidAbsolute.typical * store) ** 2 + floor2;
  const storesNarrower = store > accumulate;
  /** Multiplies Σp². */
  const perTermSquare = (terms: number) => walk * (1 + terms / 6) + operandRounding;
  /** Multiplies a². */
  const perSumSquare = (terms: number) => (walk * terms) / 3;
  const perAffineSquare = (terms: number) => perSumSquare(terms) + (storesNarrower ? rounding : 0);

  return {
    factors(weight, bias, columns, terms, inexact, { twins }) {
      const perSquare = perTermSquare(terms);
      return {
        first: {
          weight,
          bias: bias && Float64Array.from(bias, (value) => perSquare * value * value),
          squared: true,
        },
        ...(inexact && {
          second: twins ? { weight: twinProducts(weight, columns, twins) } : { weight, squared: true },
        }),
      };
    },
    operands(x, xError, count, terms, first, second) {
      const perSquare = perTermSquare(terms);
      for (let i = 0; i < count; i++) first[i] = perSquare * x[i] * x[i];
      if (second && xError) for (let i = 0; i < count; i++) second[i] = xError[i];
    },
    affine: (a, v, terms) => v + perAffineSquare(terms) * a * a,
    projected: (h, v, terms) => v + (perSumSquare(terms) + rounding) * h * h + floor2,
    // The kernels have no other tanh.
    ...(tanhOf === 'tanh' && {
      kernelTerms: (terms) => ({
        sigmas: ROUNDING_SIGMAS,
        affine: perAffineSquare(terms),
        rounding,
        tanh: tanh2,
        tanhAbsolute: tanhAbsolute2,
        sigmoid: sigmoid2,
        sigmoidAbsolute: sigmoidAbsolute2,
        floor: floor2,
      }),
    }),
    sum: (a, vOne, vOther, vBiases) => vOne + vOther + rounding * a * a + vBiases,
    biases(bIh, bHh, areAdded) {
      const sum = areAdded ? biases * (bIh + bHh) : 0;
      const apart = parts * (Math.abs(bIh) + Math.abs(bHh));
      return (sum * sum + 2 * apart * apart) / 3;
    },
    tanhOf: TANHS[tanhOf],
    tanh(a, value, v) {
      const slope = tanhSlope(a, value, ROUNDING_SIGMAS * Math.sqrt(v));
      return Math.min(slope * slope * v, 1) + tanh2 * value * value + tanhAbsolute2;
    },
    sigmoid(a, value, v) {
      const slope = sigmoidSlope(a, value, ROUNDING_SIGMAS * Math.sqrt(v));
      return Math.min(slope * slope * v, 0.25) + sigmoid2 * value * value + sigmoidAbsolute2;
    },
    relu: (a, v) => (a > -ROUNDING_SIGMAS * Math.sqrt(v) ? v : 0),
    product: (x, vX, y, vY) => x * x * vY + y * y * vX + rounding * (x * y) * (x * y),
    mix(z, vZ, n, vN, h, vH, next) {
      const apart = h - n;
      const rounded = 2 * (apart * z) * (apart * z) + next * next;
      const local = (1 - z) * (1 - z) * vN + apart * apart * vZ + rounding * rounded + floor2;
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
    isUndecided,
    undecidedError: 1,
    // Both become the same number, unless there is the middle between two numbers between them.
    rounded: (v, spacing) => v + spacing * Math.min(spacing / 6, MEAN_DEVIATION * Math.sqrt(v)),
  };
}

function isUndecided(h: Floats, error: Floats, from: number, to: number): boolean {
  let largest = 0;
  for (let i = from; i < to; i++)
    if (!(error[i] <= largest)) largest = Number.isNaN(error[i]) ? Number.POSITIVE_INFINITY : error[i];
  const reach = ROUNDING_SIGMAS * Math.sqrt(largest);
  if (reach <= HORIZON) return false;
  let size = 1;
  for (let i = from; i < to; i++) if (Math.abs(h[i]) > size) size = Math.abs(h[i]);
  return reach > HORIZON * size;
}
