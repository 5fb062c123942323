import { sigmoid } from '../engine/cells/activations.js';
import { plainFloat64 } from '../engine/kernels/plain.js';
import { KINDS } from '../kinds.js';
import type { Parameters } from '../module/bind.js';
import type { Module } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';

/** One layer in one direction whose output is known, without a projection. */
export interface KnownLayer {
  readonly module: Module;
  readonly parameters: Parameters;
  readonly reverse: boolean;
  readonly steps: number;
  readonly batch: number;
  readonly lengths?: readonly number[];
  /** [steps, batch, input size] */
  readonly input: Floats;
  readonly inputSize: number;
  /** [batch, hidden]; zeros if absent */
  readonly h0?: Floats;
  readonly c0?: Floats;
  /** The reference, and the standard deviation of what rounding does to each value [steps, batch, hidden]. */
  readonly expected: Floats;
  readonly sigma: Floats;
}

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

/** A part of a gate's sum: how the output depends on it at each step, and which features go into it. */
interface Part {
  readonly gate: string;
  readonly of: 'both' | 'x' | 'h';
  /** ∂h/∂a, or ∂c/∂a where what is left in c goes on [steps, batch, hidden]. */
  readonly slope: Float64Array;
  readonly carried: boolean;
}

interface Sensitivity {
  /** What the weights give, every step from the reference's own h [steps, batch, hidden]. */
  readonly values: Float64Array;
  readonly parts: readonly Part[];
  /** Of an LSTM: what of c is left after a step, and ∂h/∂c. */
  readonly kept?: Float64Array;
  readonly out?: Float64Array;
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
  const { module, steps, batch, inputSize, expected, sigma } = layer;
  const { hiddenSize, kind } = module;
  const frame = frameOf(layer);
  const { values, parts, kept, out } = SENSITIVITIES[kind](frame);
  const width = inputSize + hiddenSize + 2;
  const residual = residuals(values, expected, sigma);
  const best: Suspect[] = [];
  const gates: Record<string, number> = {};
  const each = parts.length * hiddenSize * width * steps;
  const rows = Math.min(batch, Math.max(1, Math.floor(MOST_WORK / each)));
  let total = 0;
  let farthest = 0;
  let count = 0;
  for (let i = 0; i < residual.length; i++) {
    if (!(sigma[i] > 0)) continue;
    farthest = Math.max(farthest, Math.abs(residual[i]));
    count++;
    if (Math.floor(i / hiddenSize) % batch < rows && Number.isFinite(residual[i])) total += residual[i] ** 2;
  }
  const features = featuresOf(layer, frame.before, width);
  for (const { gate, of, slope, carried } of parts) {
    const from = of === 'h' ? inputSize + 1 : 0;
    const to = of === 'x' ? inputSize + 1 : width;
    const products = new Float64Array(hiddenSize * width);
    const squares = new Float64Array(hiddenSize * width);
    for (let row = 0; row < rows; row++) {
      const kernel = carried ? new Float64Array(hiddenSize * width) : undefined;
      for (const t of frame.stepsOf(row)) {
        const phi = (t * batch + row) * width;
        for (let unit = 0; unit < hiddenSize; unit++) {
          const at = (t * batch + row) * hiddenSize + unit;
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
    for (let unit = 0; unit < hiddenSize; unit++) {
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
    const bothBiases = of === 'both' && explained[unitAt + inputSize] >= explained[where] - LUCK;
    gates[gate] = Math.max(gates[gate] ?? 0, total > 0 ? ofGate / total : 0);
    best.push({
      gate,
      ...placeOf(module, gate, Math.floor(where / width), where % width, inputSize),
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
  const { hiddenSize, kind } = module;
  const frame = frameOf(layer);
  const { values, parts, out } = SENSITIVITIES[kind](frame);
  const far = (at: number) => (sigma[at] > 0 ? Math.abs(expected[at] - values[at]) / sigma[at] : 0);
  const units = new Set<number>();
  for (let at = 0; at < values.length; at++) if (far(at) > limit) units.add(at % hiddenSize);
  const orders = Array.from({ length: batch }, (_, row) => frame.stepsOf(row));
  let first = -1;
  for (let i = 0; i < steps && first < 0; i++) {
    for (const [row, order] of orders.entries()) {
      if (i >= order.length) continue;
      for (let unit = 0; unit < hiddenSize; unit++) {
        const at = (order[i] * batch + row) * hiddenSize + unit;
        if (far(at) > limit && (first < 0 || far(at) > far(first))) first = at;
      }
    }
  }
  const needed = (slope: number) => {
    const change = (expected[first] - values[first]) / slope;
    return Math.abs(change) <= MOST_CHANGE ? change : undefined;
  };
  return {
    step: Math.floor(first / (batch * hiddenSize)),
    batch: Math.floor(first / hiddenSize) % batch,
    unit: first % hiddenSize,
    units: [...units].sort((a, b) => a - b),
    ofUnits: hiddenSize,
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
  const { module, expected, sigma, inputSize } = layer;
  const { hiddenSize, kind } = module;
  const { unit } = suspect;
  const frame = frameOf(layer);
  const whole = residuals(SENSITIVITIES[kind](frame).values, expected, sigma);
  const others = whole.filter((_, i) => i % hiddenSize !== unit);
  // A weight is of one unit: the others stay as they are.
  const own = unitFrame(frame, kind, unit);
  const pick = (values: Floats) => Float64Array.from(own.before, (_, i) => values[i * hiddenSize + unit]);
  const [ownExpected, ownSigma] = [pick(expected), pick(sigma)];
  const gates = KINDS[kind].gates;
  const [name, of] = suspect.tensor.split('_');
  const feature = (i: number) => {
    if (name === 'bias') return 1;
    return of === 'ih'
      ? layer.input[i * inputSize + suspect.column!]
      : frame.before[i * hiddenSize + suspect.column!];
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
  const columns = values ? values.length / (KINDS[module.kind].gates.length * module.hiddenSize) : 1;
  return values ? values[row * columns + column] : 0;
}

function placeOf(
  { kind, hiddenSize }: Module,
  gate: string,
  unit: number,
  feature: number,
  inputSize: number,
): Pick<Suspect, 'unit' | 'tensor' | 'row' | 'column'> {
  const row = KINDS[kind].gates.indexOf(gate) * hiddenSize + unit;
  if (feature < inputSize) return { unit, tensor: 'weight_ih', row, column: feature };
  if (feature === inputSize) return { unit, tensor: 'bias_ih', row };
  if (feature <= inputSize + hiddenSize)
    return { unit, tensor: 'weight_hh', row, column: feature - inputSize - 1 };
  return { unit, tensor: 'bias_hh', row };
}

/** What a layer's units are computed from, every step from the reference's own h. */
interface Frame {
  readonly hiddenSize: number;
  readonly batch: number;
  readonly relu: boolean;
  /** The steps of a batch row in the order in which this direction takes them. */
  readonly stepsOf: (row: number) => readonly number[];
  /** h before each step, from the reference [steps, batch, hidden]. */
  readonly before: Float64Array;
  /** W_ih x + b_ih and W_hh h + b_hh [steps, batch, gates·hidden]. */
  readonly ofX: Float64Array;
  readonly ofH: Float64Array;
  /** [batch, hidden]; zeros if absent */
  readonly c0?: Floats;
}

function frameOf(layer: KnownLayer): Frame {
  const { module, parameters, steps, batch, lengths, reverse, input, expected, h0, c0 } = layer;
  const { hiddenSize, kind, nonlinearity } = module;
  const orders = Array.from({ length: batch }, (_, row) => {
    const length = lengths ? lengths[row] : steps;
    return Array.from({ length }, (_, i) => (reverse ? length - 1 - i : i));
  });
  const before = new Float64Array(steps * batch * hiddenSize);
  for (const [row, order] of orders.entries()) {
    let from: Floats | undefined = h0?.subarray(row * hiddenSize, (row + 1) * hiddenSize);
    for (const t of order) {
      const at = (t * batch + row) * hiddenSize;
      if (from) before.set(from, at);
      from = expected.subarray(at, at + hiddenSize);
    }
  }
  const columns = KINDS[kind].gates.length * hiddenSize;
  const { weightIh, weightHh, biasIh, biasHh } = parameters;
  const { products } = plainFloat64.workspace(
    {
      input: { weight: weightIh, bias: biasIh, columns, rows: 'many' },
      hidden: { weight: weightHh, bias: biasHh, columns, rows: 'many' },
    },
    {},
  );
  const ofX = new Float64Array(steps * batch * columns);
  const ofH = new Float64Array(steps * batch * columns);
  products.input(ofX, input, steps * batch);
  products.hidden(ofH, before, steps * batch);
  return {
    hiddenSize,
    batch,
    relu: nonlinearity === 'relu',
    stepsOf: (row) => orders[row],
    before,
    ofX,
    ofH,
    c0,
  };
}

/** One unit of it, as a layer of that unit alone. */
function unitFrame(frame: Frame, kind: Module['kind'], unit: number): Frame {
  const { hiddenSize, before, ofX, ofH, c0 } = frame;
  const gates = KINDS[kind].gates.length;
  const pick = (values: Floats, of: number) =>
    Float64Array.from({ length: values.length / hiddenSize }, (_, i) => {
      const row = Math.floor(i / of);
      return values[row * of * hiddenSize + (i % of) * hiddenSize + unit];
    });
  return {
    ...frame,
    hiddenSize: 1,
    before: pick(before, 1),
    ofX: pick(ofX, gates),
    ofH: pick(ofH, gates),
    c0: c0 && pick(c0, 1),
  };
}

/** What the weights of a row are multiplied with: x, 1, h, 1 [steps, batch, width]. */
function featuresOf(
  { steps, batch, input, inputSize, module }: KnownLayer,
  before: Float64Array,
  width: number,
): Float64Array {
  const size = module.hiddenSize;
  const features = new Float64Array(steps * batch * width).fill(1);
  for (let i = 0; i < steps * batch; i++) {
    features.set(input.subarray(i * inputSize, (i + 1) * inputSize), i * width);
    features.set(before.subarray(i * size, (i + 1) * size), i * width + inputSize + 1);
  }
  return features;
}

const SENSITIVITIES: Readonly<Record<Module['kind'], (frame: Frame) => Sensitivity>> = {
  RNN({ ofX, ofH, relu }) {
    const values = ofX.map((a, i) => (relu ? Math.max(0, a + ofH[i]) : Math.tanh(a + ofH[i])));
    const slope = values.map((h, i) => (relu ? (ofX[i] + ofH[i] > 0 ? 1 : 0) : 1 - h * h));
    return { values, parts: [{ gate: 'h', of: 'both', slope, carried: false }] };
  },

  GRU({ hiddenSize, before, ofX, ofH }) {
    const columns = 3 * hiddenSize;
    const blank = () => new Float64Array(before.length);
    const [values, slopeR, slopeZ, slopeNx, slopeNh] = [blank(), blank(), blank(), blank(), blank()];
    for (let at = 0; at < before.length; at++) {
      const inR = Math.floor(at / hiddenSize) * columns + (at % hiddenSize);
      const inZ = inR + hiddenSize;
      const inN = inZ + hiddenSize;
      const r = sigmoid(ofX[inR] + ofH[inR]);
      const z = sigmoid(ofX[inZ] + ofH[inZ]);
      const n = Math.tanh(ofX[inN] + r * ofH[inN]);
      const h = before[at];
      const q = (1 - z) * (1 - n * n);
      values[at] = n + z * (h - n);
      slopeR[at] = q * ofH[inN] * r * (1 - r);
      slopeZ[at] = (h - n) * z * (1 - z);
      slopeNx[at] = q;
      slopeNh[at] = q * r;
    }
    return {
      values,
      parts: [
        { gate: 'r', of: 'both', slope: slopeR, carried: false },
        { gate: 'z', of: 'both', slope: slopeZ, carried: false },
        { gate: 'n', of: 'x', slope: slopeNx, carried: false },
        { gate: 'n', of: 'h', slope: slopeNh, carried: false },
      ],
    };
  },

  LSTM({ hiddenSize, batch, before, ofX, ofH, c0, stepsOf }) {
    const columns = 4 * hiddenSize;
    const blank = () => new Float64Array(before.length);
    const [values, slopeI, slopeF, slopeG, slopeO] = [blank(), blank(), blank(), blank(), blank()];
    const [kept, out] = [blank(), blank()];
    for (let row = 0; row < batch; row++) {
      const c = new Float64Array(hiddenSize);
      if (c0) c.set(c0.subarray(row * hiddenSize, (row + 1) * hiddenSize));
      for (const t of stepsOf(row)) {
        for (let unit = 0; unit < hiddenSize; unit++) {
          const at = (t * batch + row) * hiddenSize + unit;
          const inI = (t * batch + row) * columns + unit;
          const sum = (gate: number) => ofX[inI + gate * hiddenSize] + ofH[inI + gate * hiddenSize];
          const i = sigmoid(sum(0));
          const f = sigmoid(sum(1));
          const g = Math.tanh(sum(2));
          const o = sigmoid(sum(3));
          slopeI[at] = g * i * (1 - i);
          slopeF[at] = c[unit] * f * (1 - f);
          slopeG[at] = i * (1 - g * g);
          c[unit] = f * c[unit] + i * g;
          const tanh = Math.tanh(c[unit]);
          values[at] = o * tanh;
          slopeO[at] = tanh * o * (1 - o);
          kept[at] = f;
          out[at] = o * (1 - tanh * tanh);
        }
      }
    }
    return {
      values,
      kept,
      out,
      parts: [
        { gate: 'i', of: 'both', slope: slopeI, carried: true },
        { gate: 'f', of: 'both', slope: slopeF, carried: true },
        { gate: 'g', of: 'both', slope: slopeG, carried: true },
        { gate: 'o', of: 'both', slope: slopeO, carried: false },
      ],
    };
  },
};
