import { sigmoid } from '../../engine/cells/activations.js';
import { plainFloat64 } from '../../engine/kernels/plain.js';
import { KINDS } from '../../kinds.js';
import type { Parameters } from '../../module/bind.js';
import type { Module } from '../../module/parameters.js';
import type { Floats } from '../../tensor/dtype.js';

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
  readonly input_size: number;
  /** [batch, hidden]; zeros if absent */
  readonly h0?: Floats;
  readonly c0?: Floats;
  /** The reference, and the standard deviation of what rounding does to each value [steps, batch, hidden]. */
  readonly expected: Floats;
  readonly sigma: Floats;
}

/** What a layer's units are computed from, every step from the reference's own h. */
export interface Frame {
  readonly hidden_size: number;
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

export function frameOf(layer: KnownLayer): Frame {
  const { module, parameters, steps, batch, lengths, reverse, input, expected, h0, c0 } = layer;
  const { hidden_size, kind, nonlinearity } = module;
  const orders = Array.from({ length: batch }, (_, row) => {
    const length = lengths ? lengths[row] : steps;
    return Array.from({ length }, (_, i) => (reverse ? length - 1 - i : i));
  });
  const before = new Float64Array(steps * batch * hidden_size);
  for (const [row, order] of orders.entries()) {
    let from: Floats | undefined = h0?.subarray(row * hidden_size, (row + 1) * hidden_size);
    for (const t of order) {
      const at = (t * batch + row) * hidden_size;
      if (from) before.set(from, at);
      from = expected.subarray(at, at + hidden_size);
    }
  }
  const columns = KINDS[kind].gates.length * hidden_size;
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
    hidden_size,
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
export function unitFrame(frame: Frame, kind: Module['kind'], unit: number): Frame {
  const { hidden_size, before, ofX, ofH, c0 } = frame;
  const gates = KINDS[kind].gates.length;
  const pick = (values: Floats, of: number) =>
    Float64Array.from({ length: values.length / hidden_size }, (_, i) => {
      const row = Math.floor(i / of);
      return values[row * of * hidden_size + (i % of) * hidden_size + unit];
    });
  return {
    ...frame,
    hidden_size: 1,
    before: pick(before, 1),
    ofX: pick(ofX, gates),
    ofH: pick(ofH, gates),
    c0: c0 && pick(c0, 1),
  };
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

/** What the weights give, and how that depends on each gate's sum: the derivatives of engine/cells/. */
export const SENSITIVITIES: Readonly<Record<Module['kind'], (frame: Frame) => Sensitivity>> = {
  RNN({ ofX, ofH, relu }) {
    const values = ofX.map((a, i) => (relu ? Math.max(0, a + ofH[i]) : Math.tanh(a + ofH[i])));
    const slope = values.map((h, i) => (relu ? (ofX[i] + ofH[i] > 0 ? 1 : 0) : 1 - h * h));
    return { values, parts: [{ gate: 'h', of: 'both', slope, carried: false }] };
  },

  GRU({ hidden_size, before, ofX, ofH }) {
    const columns = 3 * hidden_size;
    const blank = () => new Float64Array(before.length);
    const [values, slopeR, slopeZ, slopeNx, slopeNh] = [blank(), blank(), blank(), blank(), blank()];
    for (let at = 0; at < before.length; at++) {
      const inR = Math.floor(at / hidden_size) * columns + (at % hidden_size);
      const inZ = inR + hidden_size;
      const inN = inZ + hidden_size;
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

  LSTM({ hidden_size, batch, before, ofX, ofH, c0, stepsOf }) {
    const columns = 4 * hidden_size;
    const blank = () => new Float64Array(before.length);
    const [values, slopeI, slopeF, slopeG, slopeO] = [blank(), blank(), blank(), blank(), blank()];
    const [kept, out] = [blank(), blank()];
    for (let row = 0; row < batch; row++) {
      const c = new Float64Array(hidden_size);
      if (c0) c.set(c0.subarray(row * hidden_size, (row + 1) * hidden_size));
      for (const t of stepsOf(row)) {
        for (let unit = 0; unit < hidden_size; unit++) {
          const at = (t * batch + row) * hidden_size + unit;
          const inI = (t * batch + row) * columns + unit;
          const sum = (gate: number) => ofX[inI + gate * hidden_size] + ofH[inI + gate * hidden_size];
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
