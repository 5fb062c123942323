import { sigmoid } from '../engine/cells/activations.js';
import { chooseKernels } from '../engine/kernels/choose.js';
import { KINDS } from '../kinds.js';
import type { Parameters } from '../module/bind.js';
import type { Module } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';

/** One direction of a layer without a projection, whose output the reference has. */
export interface KnownLayer {
  readonly module: Module;
  readonly parameters: Parameters;
  readonly reverse: boolean;
  readonly steps: number;
  readonly batch: number;
  readonly lengths?: readonly number[];
  /** [steps, batch, input size] */
  readonly input: Floats;
  readonly input_size: number;
  /** [batch, hidden]; zeros if absent */
  readonly h0?: Floats;
  /** [batch, hidden], LSTM only; zeros if absent */
  readonly c0?: Floats;
  /** The reference [steps, batch, hidden]. */
  readonly expected: Floats;
  /** Standard deviations of rounding; 0 where a value does not count, for example in padding [steps, batch, hidden]. */
  readonly sigma: Floats;
}

/** The operands of every step of a layer, each step from the reference's own h (teacher forcing). */
export interface TeacherForced {
  readonly hidden_size: number;
  readonly batch: number;
  readonly relu: boolean;
  /** The steps of a batch row in the order in which this direction takes them. */
  readonly stepsOf: (row: number) => readonly number[];
  /** The reference's h before each step [steps, batch, hidden]. */
  readonly before: Float64Array;
  /** W_ih x + b_ih [steps, batch, gates·hidden] */
  readonly inputSums: Float64Array;
  /** W_hh h + b_hh [steps, batch, gates·hidden] */
  readonly hiddenSums: Float64Array;
  /** [batch, hidden], LSTM only; zeros if absent */
  readonly c0?: Floats;
}

const forcedLayers = new WeakMap<KnownLayer, TeacherForced>();

/** Computed once for each layer. */
export function teacherForced(layer: KnownLayer): TeacherForced {
  const forced = forcedLayers.get(layer) ?? compute(layer);
  forcedLayers.set(layer, forced);
  return forced;
}

function compute(layer: KnownLayer): TeacherForced {
  const { module, parameters, steps, batch, input, c0 } = layer;
  const { hidden_size, kind, nonlinearity } = module;
  const orders = Array.from({ length: batch }, (_, row) => stepOrder(layer, row));
  const before = statesBefore(layer, orders);
  const columns = KINDS[kind].gates.length * hidden_size;
  const { weightIh, weightHh, biasIh, biasHh } = parameters;
  const work = columns * (layer.input_size + hidden_size) * steps * batch;
  const { kernels, release } = chooseKernels(kind, 'float64', work, {});
  const { products, buffers } = kernels.workspace(
    {
      input: { weight: weightIh, bias: biasIh, columns, rows: 'many' },
      hidden: { weight: weightHh, bias: biasHh, columns, rows: 'many' },
    },
    { x: input.length, h: before.length, sums: steps * batch * columns },
  );
  const inputSums = new Float64Array(steps * batch * columns); // [steps, batch, gates·hidden]
  const hiddenSums = new Float64Array(steps * batch * columns); // [steps, batch, gates·hidden]
  buffers.x.set(input);
  products.input(buffers.sums, buffers.x, steps * batch);
  inputSums.set(buffers.sums);
  buffers.h.set(before);
  products.hidden(buffers.sums, buffers.h, steps * batch);
  hiddenSums.set(buffers.sums);
  release();
  return {
    hidden_size,
    batch,
    relu: nonlinearity === 'relu',
    stepsOf: (row) => orders[row],
    before,
    inputSums,
    hiddenSums,
    c0,
  };
}

/** The steps of a batch row, within its length, in the order of the direction. */
function stepOrder({ steps, lengths, reverse }: KnownLayer, row: number): number[] {
  const length = lengths ? lengths[row] : steps;
  return Array.from({ length }, (_, i) => (reverse ? length - 1 - i : i));
}

/** The reference's h before each step [steps, batch, hidden]; zeros beyond a row's length. */
function statesBefore(
  { module: { hidden_size }, steps, batch, expected, h0 }: KnownLayer,
  orders: readonly (readonly number[])[],
): Float64Array {
  const before = new Float64Array(steps * batch * hidden_size); // [steps, batch, hidden]
  for (const [row, order] of orders.entries()) {
    let h: Floats | undefined = h0?.subarray(row * hidden_size, (row + 1) * hidden_size);
    for (const t of order) {
      const start = (t * batch + row) * hidden_size;
      if (h) before.set(h, start);
      h = expected.subarray(start, start + hidden_size);
    }
  }
  return before;
}

/** One unit's part of the operands, as those of a layer that has only this unit. */
export function singleUnit(forced: TeacherForced, unit: number): TeacherForced {
  const { hidden_size, before, inputSums, hiddenSums, c0 } = forced;
  return {
    ...forced,
    hidden_size: 1,
    before: valuesOfUnit(before, hidden_size, unit), // [steps, batch, 1]
    inputSums: valuesOfUnit(inputSums, hidden_size, unit), // [steps, batch, gates]
    hiddenSums: valuesOfUnit(hiddenSums, hidden_size, unit), // [steps, batch, gates]
    c0: c0 && valuesOfUnit(c0, hidden_size, unit), // [batch, 1]
  };
}

/** The values of one unit, of [rows, hidden] or of [rows, gates·hidden]: [rows] or [rows, gates]. */
export function valuesOfUnit(values: Floats, hidden_size: number, unit: number): Float64Array {
  const result = new Float64Array(values.length / hidden_size);
  for (let i = 0; i < result.length; i++) result[i] = values[i * hidden_size + unit];
  return result;
}

/** A part of a gate's sum, and how the output depends on it. A GRU's n has two parts; any other sum is one part. */
export interface Part {
  readonly gate: string;
  /** Whether the part is W_ih x + b_ih, W_hh h + b_hh or both. */
  readonly operand: 'both' | 'x' | 'h';
  /** The derivative of h by this part or, where it is carried, of c [steps, batch, hidden]. */
  readonly slope: Float64Array;
  /** Whether the part changes an LSTM's c, and by it all later steps. */
  readonly carried: boolean;
}

export interface Sensitivity {
  /** What the weights give, each step from the reference's own h [steps, batch, hidden]. */
  readonly computed: Float64Array;
  readonly parts: readonly Part[];
  /** LSTM only: the share of c that remains after a step, which is f [steps, batch, hidden]. */
  readonly kept?: Float64Array;
  /** LSTM only: ∂h/∂c [steps, batch, hidden]. */
  readonly cellSlope?: Float64Array;
}

/** What the weights give, and its derivatives by each part of a gate's sum: those of the equations in engine/cells/. */
export const SENSITIVITIES: Readonly<Record<Module['kind'], (forced: TeacherForced) => Sensitivity>> = {
  RNN({ inputSums, hiddenSums, relu }) {
    const sums = inputSums.map((sum, i) => sum + hiddenSums[i]); // [steps, batch, hidden]
    const computed = sums.map((sum) => (relu ? Math.max(0, sum) : Math.tanh(sum)));
    const slope = computed.map((h, i) => (relu ? (sums[i] > 0 ? 1 : 0) : 1 - h * h));
    return { computed, parts: [{ gate: 'h', operand: 'both', slope, carried: false }] };
  },

  GRU({ hidden_size, before, inputSums, hiddenSums }) {
    const rows = before.length / hidden_size;
    const empty = () => new Float64Array(before.length); // [steps, batch, hidden]
    const [computed, slopeR, slopeZ, slopeNx, slopeNh] = [empty(), empty(), empty(), empty(), empty()];
    for (let row = 0; row < rows; row++) {
      for (let unit = 0; unit < hidden_size; unit++) {
        const i = row * hidden_size + unit;
        const iR = 3 * row * hidden_size + unit;
        const iZ = iR + hidden_size;
        const iN = iZ + hidden_size;
        const r = sigmoid(inputSums[iR] + hiddenSums[iR]);
        const z = sigmoid(inputSums[iZ] + hiddenSums[iZ]);
        const n = Math.tanh(inputSums[iN] + r * hiddenSums[iN]);
        const h = before[i];
        computed[i] = n + z * (h - n);
        const slopeN = (1 - z) * (1 - n * n);
        slopeR[i] = slopeN * hiddenSums[iN] * r * (1 - r);
        slopeZ[i] = (h - n) * z * (1 - z);
        slopeNx[i] = slopeN;
        slopeNh[i] = slopeN * r;
      }
    }
    return {
      computed,
      parts: [
        { gate: 'r', operand: 'both', slope: slopeR, carried: false },
        { gate: 'z', operand: 'both', slope: slopeZ, carried: false },
        { gate: 'n', operand: 'x', slope: slopeNx, carried: false },
        { gate: 'n', operand: 'h', slope: slopeNh, carried: false },
      ],
    };
  },

  LSTM({ hidden_size, batch, before, inputSums, hiddenSums, c0, stepsOf }) {
    const empty = () => new Float64Array(before.length); // [steps, batch, hidden]
    const [computed, kept, cellSlope] = [empty(), empty(), empty()];
    const [slopeI, slopeF, slopeG, slopeO] = [empty(), empty(), empty(), empty()];
    for (let row = 0; row < batch; row++) {
      const c = new Float64Array(hidden_size); // [hidden]
      if (c0) c.set(c0.subarray(row * hidden_size, (row + 1) * hidden_size));
      for (const t of stepsOf(row)) {
        for (let unit = 0; unit < hidden_size; unit++) {
          const index = (t * batch + row) * hidden_size + unit;
          const iI = 4 * (t * batch + row) * hidden_size + unit;
          const sum = (gate: number) =>
            inputSums[iI + gate * hidden_size] + hiddenSums[iI + gate * hidden_size];
          const i = sigmoid(sum(0));
          const f = sigmoid(sum(1));
          const g = Math.tanh(sum(2));
          const o = sigmoid(sum(3));
          slopeI[index] = g * i * (1 - i);
          slopeF[index] = c[unit] * f * (1 - f);
          slopeG[index] = i * (1 - g * g);
          c[unit] = f * c[unit] + i * g;
          const tanh = Math.tanh(c[unit]);
          computed[index] = o * tanh;
          slopeO[index] = tanh * o * (1 - o);
          kept[index] = f;
          cellSlope[index] = o * (1 - tanh * tanh);
        }
      }
    }
    return {
      computed,
      kept,
      cellSlope,
      parts: [
        { gate: 'i', operand: 'both', slope: slopeI, carried: true },
        { gate: 'f', operand: 'both', slope: slopeF, carried: true },
        { gate: 'g', operand: 'both', slope: slopeG, carried: true },
        { gate: 'o', operand: 'both', slope: slopeO, carried: false },
      ],
    };
  },
};
