import { type AutoRule, judgeByRounding, type Prediction } from '../../src/compare/by-rounding.js';
import type { Reference } from '../../src/tensor/reference.js';
import { outputAxes } from './axes.js';

export const reference = (data: readonly number[], units = 1): Reference => ({
  name: 'output',
  dtype: 'F32',
  rows: data.length / units,
  batch: 1,
  units,
  data: Float64Array.from(data),
  axes: outputAxes(data.length / units),
});

export const prediction = (
  values: readonly number[],
  error: number,
  undecided: readonly number[] = [],
): Prediction => ({
  values: Float64Array.from(values),
  error: Float64Array.from(values, () => error),
  undecided: Uint8Array.from(values, (_, i) => (undecided.includes(i) ? 1 : 0)),
});

export const rule = (bounds: Prediction, proofNeeded = false): AutoRule => ({
  limit: 6,
  unit: 'sigmas',
  meanSquare: 4,
  proofNeeded,
  areCounted: true,
  bounds: () => bounds,
});

export const never = (): AutoRule => ({
  limit: 6,
  unit: 'sigmas',
  meanSquare: 4,
  proofNeeded: false,
  areCounted: true,
  bounds: () => {
    throw new Error('no bounds are needed');
  },
});

export const zeros = (length: number) => new Array<number>(length).fill(0);

/** Judges values that should be zero, in standard deviations of 1, within bounds of 50. */
export const judgeOff = (off: readonly number[], units = 1, other: Partial<AutoRule> = {}) => {
  const none = zeros(off.length);
  return judgeByRounding(reference(off, units), prediction(none, 1), {
    ...rule(prediction(none, 50)),
    ...other,
  });
};
