import type { KnownLayer, Part, Sensitivity, TeacherForced } from './sensitivity.js';

/** The most multiplications of a regression, which take a second or two. */
const MAX_WORK = 2 ** 29;

/** Keeps quotients finite where a weight has no effect. */
const TINY = 1e-300;

/** What is regressed: the residuals of a layer on the features that its weights multiply. */
export interface Problem {
  readonly layer: KnownLayer;
  readonly forced: TeacherForced;
  readonly sensitivity: Sensitivity;
  /** [steps, batch, hidden] */
  readonly residual: Float64Array;
  /** x, 1, h, 1: what weight_ih, bias_ih, weight_hh and bias_hh are multiplied by [steps, batch, width] */
  readonly features: Float64Array;
  readonly width: number;
  /** How many batch rows are regressed: the first ones, as far as the work allows. */
  readonly rows: number;
}

export function problemOf(
  layer: KnownLayer,
  forced: TeacherForced,
  sensitivity: Sensitivity,
  residual: Float64Array,
): Problem {
  const { steps, batch, input_size, module } = layer;
  const width = input_size + 1 + module.hidden_size + 1;
  const workOfRow = sensitivity.parts.length * module.hidden_size * width * steps;
  return {
    layer,
    forced,
    sensitivity,
    residual,
    features: featuresOf(layer, forced.before, width),
    width,
    rows: Math.min(batch, Math.max(1, Math.floor(MAX_WORK / workOfRow))),
  };
}

function featuresOf(
  { steps, batch, input, input_size, module }: KnownLayer,
  before: Float64Array,
  width: number,
): Float64Array {
  const { hidden_size } = module;
  const features = new Float64Array(steps * batch * width).fill(1); // [steps, batch, width]
  for (let i = 0; i < steps * batch; i++) {
    features.set(input.subarray(i * input_size, (i + 1) * input_size), i * width);
    features.set(before.subarray(i * hidden_size, (i + 1) * hidden_size), i * width + input_size + 1);
  }
  return features;
}

/** The sum of squared residuals of the rows that are regressed; infinite ones do not count. */
export function totalOf({ layer, residual, rows }: Problem): number {
  const { steps, batch, module } = layer;
  let total = 0;
  for (let t = 0; t < steps; t++) {
    const start = t * batch * module.hidden_size;
    const values = residual.subarray(start, start + rows * module.hidden_size);
    for (const value of values) if (Number.isFinite(value)) total += value * value;
  }
  return total;
}

/** What a change of each weight in one part of a gate's sum does, each weight alone. */
export interface Regression {
  /** The features that the part has: from `from` up to `to`. */
  readonly from: number;
  readonly to: number;
  /** The decrease of the sum of squared residuals [hidden, width]. */
  readonly explained: Float64Array;
  /** The change that gives this decrease, and its standard deviation. */
  readonly changeOf: (i: number) => { readonly change: number; readonly deviation: number };
}

/**
 * Regresses the residuals r on the sensitivity s = ∂y/∂w / σ of each weight w: a change of Σ r s / Σ s² explains
 * (Σ r s)² / Σ s² of Σ r².
 */
export function regress(problem: Problem, part: Part): Regression {
  const { layer, width, rows } = problem;
  const { hidden_size } = layer.module;
  const sums: Sums = {
    from: part.operand === 'h' ? layer.input_size + 1 : 0,
    to: part.operand === 'x' ? layer.input_size + 1 : width,
    products: new Float64Array(hidden_size * width), // [hidden, width]
    squares: new Float64Array(hidden_size * width), // [hidden, width]
  };
  for (let row = 0; row < rows; row++) addRow(problem, part, row, sums);
  const { from, to, products, squares } = sums;
  return {
    from,
    to,
    explained: products.map((product, i) => (product * product) / (squares[i] + TINY)),
    changeOf: (i) => ({
      change: products[i] / (squares[i] + TINY),
      deviation: (squares[i] + TINY) ** -0.5,
    }),
  };
}

interface Sums {
  readonly from: number;
  readonly to: number;
  /** Σ r s */
  readonly products: Float64Array;
  /** Σ s² */
  readonly squares: Float64Array;
}

/** Adds the steps of one batch row to the sums. */
function addRow(problem: Problem, part: Part, row: number, { from, to, products, squares }: Sums): void {
  const { layer, forced, sensitivity, residual, features, width } = problem;
  const { batch, sigma, module } = layer;
  const { hidden_size } = module;
  const { slope, carried } = part;
  const { kept, cellSlope } = sensitivity;
  // ∂c/∂w: the effect of a weight on c lasts beyond its step.
  const cellEffects = carried ? new Float64Array(hidden_size * width) : undefined; // [hidden, width]
  for (const t of forced.stepsOf(row)) {
    const feature0 = (t * batch + row) * width;
    for (let unit = 0; unit < hidden_size; unit++) {
      const i = (t * batch + row) * hidden_size + unit;
      const weight = sigma[i] > 0 && Number.isFinite(residual[i]) ? 1 / sigma[i] : 0;
      const scale = cellEffects ? cellSlope![i] * weight : slope[i] * weight;
      const keep = cellEffects ? kept![i] : 0;
      const weight0 = unit * width;
      const r = weight ? residual[i] : 0;
      for (let k = from; k < to; k++) {
        let effect = features[feature0 + k];
        if (cellEffects) {
          effect = keep * cellEffects[weight0 + k] + slope[i] * effect;
          cellEffects[weight0 + k] = effect;
        }
        const s = scale * effect;
        products[weight0 + k] += r * s;
        squares[weight0 + k] += s * s;
      }
    }
  }
}
