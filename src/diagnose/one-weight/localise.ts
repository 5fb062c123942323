import { KINDS } from '../../kinds.js';
import type { Module } from '../../module/parameters.js';
import type { Floats } from '../../tensor/dtype.js';
import { frameOf, type KnownLayer, SENSITIVITIES, unitFrame } from './sensitivity.js';

/** A weight, and how much of the residual a change of it explains. */
export interface Suspect {
  /** `i`, `f` … or `h` of an RNN. */
  readonly gate: string;
  readonly unit: number;
  readonly tensor: 'weight_ih' | 'bias_ih' | 'weight_hh' | 'bias_hh';
  /** Of the tensor; a bias has no column. */
  readonly row: number;
  readonly column?: number;
  /** In variances: of the sum of all squared residuals. */
  readonly explained: number;
  /** What to add to the weight, and the standard deviation of that. */
  readonly change: number;
  readonly deviation: number;
  /** How many other weights of this part explain as much, but for luck. */
  readonly alike: number;
}

export interface Localised {
  /** The sum of squared residuals, in variances. */
  readonly total: number;
  /** The largest residual, in standard deviations, and how many there are. */
  readonly farthest: number;
  readonly values: number;
  /** The best of every gate's part, the best first. A GRU's n has two parts: of x and of h. */
  readonly suspects: readonly Suspect[];
  /** The part of the residual that each gate explains where every unit has its best weight changed. */
  readonly gates: Readonly<Record<string, number>>;
}

/** Weights that explain less by so many variances are out of the question. */
const LUCK = 16;

/** Multiplications that the regression may take: a second or two. */
const MOST_WORK = 2 ** 31;

/**
 * Regresses what rounding does not explain on every weight's own sensitivity, each weight alone: the weight that
 * explains most is the one that is off, if one is. Every step begins from the reference's own h; an LSTM's c is carried.
 */
export function localise(layer: KnownLayer): Localised {
  const { module, steps, batch, input_size, expected, sigma } = layer;
  const { hidden_size, kind } = module;
  const frame = frameOf(layer);
  const { values, parts, kept, out } = SENSITIVITIES[kind](frame);
  const width = input_size + hidden_size + 2;
  const residual = residuals(values, expected, sigma);
  const best: Suspect[] = [];
  const gates: Record<string, number> = {};
  const each = parts.length * hidden_size * width * steps;
  const rows = Math.min(batch, Math.max(1, Math.floor(MOST_WORK / each)));
  let total = 0;
  let farthest = 0;
  let count = 0;
  for (let i = 0; i < residual.length; i++) {
    if (!(sigma[i] > 0)) continue;
    farthest = Math.max(farthest, Math.abs(residual[i]));
    count++;
    if (Math.floor(i / hidden_size) % batch < rows && Number.isFinite(residual[i])) total += residual[i] ** 2;
  }
  const features = featuresOf(layer, frame.before, width);
  for (const { gate, of, slope, carried } of parts) {
    const from = of === 'h' ? input_size + 1 : 0;
    const to = of === 'x' ? input_size + 1 : width;
    const products = new Float64Array(hidden_size * width);
    const squares = new Float64Array(hidden_size * width);
    for (let row = 0; row < rows; row++) {
      const kernel = carried ? new Float64Array(hidden_size * width) : undefined;
      for (const t of frame.stepsOf(row)) {
        const phi = (t * batch + row) * width;
        for (let unit = 0; unit < hidden_size; unit++) {
          const at = (t * batch + row) * hidden_size + unit;
          const weight = sigma[at] > 0 && Number.isFinite(residual[at]) ? 1 / sigma[at] : 0;
          const scale = kernel ? out![at] * weight : slope[at] * weight;
          const keep = kernel ? kept![at] : 0;
          const off = unit * width;
          const r = weight ? residual[at] : 0;
          for (let k = from; k < to; k++) {
            let feature = features[phi + k];
            if (kernel) {
              feature = keep * kernel[off + k] + slope[at] * feature;
              kernel[off + k] = feature;
            }
            const effect = scale * feature;
            products[off + k] += r * effect;
            squares[off + k] += effect * effect;
          }
        }
      }
    }
    const explained = products.map((product, i) => (product * product) / (squares[i] + 1e-300));
    let ofGate = 0;
    let where = from;
    for (let unit = 0; unit < hidden_size; unit++) {
      let ofUnit = 0;
      for (let k = from; k < to; k++) {
        const i = unit * width + k;
        ofUnit = Math.max(ofUnit, explained[i]);
        if (explained[i] > explained[where]) where = i;
      }
      ofGate += ofUnit;
    }
    const unitAt = Math.floor(where / width) * width;
    const alike = explained
      .subarray(unitAt + from, unitAt + to)
      .filter((one) => one >= explained[where] - LUCK).length;
    // Both biases go into one sum, and count as one.
    const bothBiases = of === 'both' && explained[unitAt + input_size] >= explained[where] - LUCK;
    gates[gate] = Math.max(gates[gate] ?? 0, total > 0 ? ofGate / total : 0);
    best.push({
      gate,
      ...placeOf(module, gate, Math.floor(where / width), where % width, input_size),
      explained: explained[where],
      alike: alike - (bothBiases ? 2 : 1),
      change: products[where] / (squares[where] + 1e-300),
      deviation: (squares[where] + 1e-300) ** -0.5,
    });
  }
  return {
    total,
    farthest,
    values: count,
    suspects: best.sort((a, b) => b.explained - a.explained),
    gates,
  };
}

/** A gate's sum that is off by more than this is not what another gate's would be explained by. */
const MOST_CHANGE = 50;

/**
 * The first step that is beyond so many standard deviations, in the order in which the direction runs, its farthest
 * unit, and what each gate's sum would have to be off by there if it were that gate alone.
 */
export function firstBeyond(
  layer: KnownLayer,
  limit: number,
): {
  readonly step: number;
  readonly batch: number;
  readonly unit: number;
  readonly units: readonly number[];
  readonly ofUnits: number;
  readonly gates: Readonly<Record<string, number | undefined>>;
} {
  const { module, steps, batch, expected, sigma } = layer;
  const { hidden_size, kind } = module;
  const frame = frameOf(layer);
  const { values, parts, out } = SENSITIVITIES[kind](frame);
  const far = (at: number) => (sigma[at] > 0 ? Math.abs(expected[at] - values[at]) / sigma[at] : 0);
  const units = new Set<number>();
  for (let at = 0; at < values.length; at++) if (far(at) > limit) units.add(at % hidden_size);
  const orders = Array.from({ length: batch }, (_, row) => frame.stepsOf(row));
  let first = -1;
  for (let i = 0; i < steps && first < 0; i++) {
    for (const [row, order] of orders.entries()) {
      if (i >= order.length) continue;
      for (let unit = 0; unit < hidden_size; unit++) {
        const at = (order[i] * batch + row) * hidden_size + unit;
        if (far(at) > limit && (first < 0 || far(at) > far(first))) first = at;
      }
    }
  }
  const needed = (slope: number) => {
    const change = (expected[first] - values[first]) / slope;
    return Math.abs(change) <= MOST_CHANGE ? change : undefined;
  };
  return {
    step: Math.floor(first / (batch * hidden_size)),
    batch: Math.floor(first / hidden_size) % batch,
    unit: first % hidden_size,
    units: [...units].sort((a, b) => a - b),
    ofUnits: hidden_size,
    gates: Object.fromEntries(
      parts
        .filter(({ of }) => of !== 'h')
        .map(({ gate, slope, carried }) => [gate, needed(slope[first] * (carried ? out![first] : 1))]),
    ),
  };
}

/** So many times a change is bettered: what a weight does is not linear in it. */
const ROUNDS = 6;

/** A suspect with the change that leaves least, and what is left with it, in variances and standard deviations. */
export function refine(
  layer: KnownLayer,
  suspect: Suspect,
): { readonly change: number; readonly left: number; readonly farthest: number } {
  const { module, expected, sigma, input_size } = layer;
  const { hidden_size, kind } = module;
  const { unit } = suspect;
  const frame = frameOf(layer);
  const whole = residuals(SENSITIVITIES[kind](frame).values, expected, sigma);
  const others = whole.filter((_, i) => i % hidden_size !== unit);
  // A weight is of one unit: the others stay as they are.
  const own = unitFrame(frame, kind, unit);
  const pick = (values: Floats) => Float64Array.from(own.before, (_, i) => values[i * hidden_size + unit]);
  const [ownExpected, ownSigma] = [pick(expected), pick(sigma)];
  const gates = KINDS[kind].gates;
  const [name, of] = suspect.tensor.split('_');
  const feature = (i: number) => {
    if (name === 'bias') return 1;
    return of === 'ih'
      ? layer.input[i * input_size + suspect.column!]
      : frame.before[i * hidden_size + suspect.column!];
  };
  const gate = gates.indexOf(suspect.gate);
  const sums = of === 'ih' ? own.ofX : own.ofH;
  const start = sums.slice();
  const residualsAt = (change: number) => {
    for (let i = 0; i < own.before.length; i++) {
      const at = i * gates.length + gate;
      sums[at] = start[at] + change * feature(i);
    }
    return residuals(SENSITIVITIES[kind](own).values, ownExpected, ownSigma);
  };
  let { change } = suspect;
  let rest = residualsAt(change);
  for (let round = 0; round < ROUNDS; round++) {
    const nudge = 1e-4 * change || suspect.deviation;
    const nudged = residualsAt(change + nudge);
    let products = 0;
    let squares = 0;
    for (let i = 0; i < rest.length; i++) {
      const slope = (nudged[i] - rest[i]) / nudge;
      products -= slope * rest[i];
      squares += slope * slope;
    }
    const better = squares > 0 ? change + products / squares : change;
    const after = residualsAt(better);
    if (!(energy(after) < energy(rest))) break;
    change = better;
    rest = after;
  }
  return {
    change,
    left: energy(others) + energy(rest),
    farthest: Math.max(farthestOf(others), farthestOf(rest)),
  };
}

function energy(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

function farthestOf(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** What is expected less what the weights give, in standard deviations; infinite where one of them is no number. */
function residuals(values: Floats, expected: Floats, sigma: Floats): Float64Array {
  const result = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    if (!(sigma[i] > 0)) continue;
    const one = (expected[i] - values[i]) / sigma[i];
    result[i] = Number.isFinite(one) ? one : Number.POSITIVE_INFINITY;
  }
  return result;
}

const FIELDS = {
  weight_ih: 'weightIh',
  weight_hh: 'weightHh',
  bias_ih: 'biasIh',
  bias_hh: 'biasHh',
} as const;

/** A weight as the parameters have it. */
export function weightOf({ module, parameters }: KnownLayer, { tensor, row, column = 0 }: Suspect): number {
  const values = parameters[FIELDS[tensor]];
  const columns = values ? values.length / (KINDS[module.kind].gates.length * module.hidden_size) : 1;
  return values ? values[row * columns + column] : 0;
}

function placeOf(
  { kind, hidden_size }: Module,
  gate: string,
  unit: number,
  feature: number,
  input_size: number,
): Pick<Suspect, 'unit' | 'tensor' | 'row' | 'column'> {
  const row = KINDS[kind].gates.indexOf(gate) * hidden_size + unit;
  if (feature < input_size) return { unit, tensor: 'weight_ih', row, column: feature };
  if (feature === input_size) return { unit, tensor: 'bias_ih', row };
  if (feature <= input_size + hidden_size)
    return { unit, tensor: 'weight_hh', row, column: feature - input_size - 1 };
  return { unit, tensor: 'bias_hh', row };
}

/** What the weights of a row are multiplied with: x, 1, h, 1 [steps, batch, width]. */
function featuresOf(
  { steps, batch, input, input_size, module }: KnownLayer,
  before: Float64Array,
  width: number,
): Float64Array {
  const size = module.hidden_size;
  const features = new Float64Array(steps * batch * width).fill(1);
  for (let i = 0; i < steps * batch; i++) {
    features.set(input.subarray(i * input_size, (i + 1) * input_size), i * width);
    features.set(before.subarray(i * size, (i + 1) * size), i * width + input_size + 1);
  }
  return features;
}
