import { relu, sigmoid } from '../../engine/cells/activations.js';
import type { Kind, Nonlinearity } from '../../kinds.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Variant } from './variant.js';

/** One step of a layer in one direction, for all batch rows. */
export interface VariantStep {
  readonly rows: number;
  readonly hidden_size: number;
  /** W_ih x + b_ih, from `gatesAt` on, and W_hh h + b_hh [rows, gates·hidden] */
  readonly gates: Floats;
  readonly gatesAt: number;
  readonly hidden: Floats;
  /** b_hn of a GRU [hidden] */
  readonly newBias?: Floats;
  /** W_hn (r ∘ h) + b_hn, from r ∘ h; both [rows, hidden]. Where r acts before the product. */
  readonly resetProduct?: (reset: Floats) => Floats;
  /** What the step begins from [rows, hidden]. */
  readonly before: Floats;
  readonly cellBefore: Floats;
  /** What it ends with, before a projection. */
  readonly h: Floats;
  readonly c: Floats;
}

const ACTIVATIONS = { tanh: Math.tanh, relu, sigmoid, identity: (x: number) => x };
const cut = (x: number) => Math.min(Math.max(x, 0), 1);
const GATES = {
  'hard 0.2': (x: number) => cut(0.2 * x + 0.5),
  'hard 1/6': (x: number) => cut(x / 6 + 0.5),
};

/** What a GRU's n is the tanh of, from W_in x + b_in, W_hn h + b_hn, r, b_hn, and W_hn (r ∘ h) + b_hn. */
const RESETS: Readonly<
  Record<
    NonNullable<Variant['reset']> | 'after',
    (ofX: number, ofH: number, r: number, bias: number, ofReset: number) => number
  >
> = {
  after: (ofX, ofH, r) => ofX + r * ofH,
  before: (ofX, _, __, ___, ofReset) => ofX + ofReset,
  'without bias': (ofX, ofH, r, bias) => ofX + r * (ofH - bias) + bias,
  none: (ofX, ofH) => ofX + ofH,
  all: (ofX, ofH, r) => r * (ofX + ofH),
};

/** The cells of engine/cells/ with all that may be otherwise. */
export const variantCells: Readonly<
  Record<Kind, (variant: Variant, nonlinearity: Nonlinearity) => (step: VariantStep) => void>
> = {
  RNN({ activation }, nonlinearity) {
    const act = ACTIVATIONS[activation ?? nonlinearity];
    return ({ rows, hidden_size, gates, gatesAt, hidden, h }) => {
      for (let at = 0; at < rows * hidden_size; at++) h[at] = act(gates[gatesAt + at] + hidden[at]);
    };
  },

  GRU({ activation = 'tanh', gateActivation, reset, updateExchanged }) {
    const act = ACTIVATIONS[activation];
    const gate = gateActivation ? GATES[gateActivation] : sigmoid;
    const inner = RESETS[reset ?? 'after'];
    return ({ rows, hidden_size, gates, gatesAt, hidden, newBias, resetProduct, before, h }) => {
      const column = (at: number, of: number) =>
        Math.floor(at / hidden_size) * 3 * hidden_size + of * hidden_size + (at % hidden_size);
      const count = rows * hidden_size;
      const r = new Float64Array(count);
      for (let at = 0; at < count; at++) {
        const i = column(at, 0);
        r[at] = gate(gates[gatesAt + i] + hidden[i]);
      }
      const fromReset =
        reset === 'before' && resetProduct
          ? resetProduct(r.map((value, at) => value * before[at]))
          : undefined;
      for (let at = 0; at < count; at++) {
        const i = column(at, 2);
        const ofX = gates[gatesAt + i];
        const ofH = hidden[i];
        const bias = newBias ? newBias[at % hidden_size] : 0;
        const n = act(inner(ofX, ofH, r[at], bias, fromReset ? fromReset[at] : 0));
        const j = column(at, 1);
        const update = gate(gates[gatesAt + j] + hidden[j]);
        const z = updateExchanged ? 1 - update : update;
        h[at] = (1 - z) * n + z * before[at];
      }
    };
  },

  LSTM(variant) {
    const { activation, gateActivation, forgetBias = 0, coupled, forget, outputActivation } = variant;
    const act = ACTIVATIONS[activation ?? 'tanh'];
    const gate = gateActivation ? GATES[gateActivation] : sigmoid;
    const last = outputActivation === 'none' ? ACTIVATIONS.identity : act;
    return ({ rows, hidden_size, gates, gatesAt, hidden, cellBefore, h, c }) => {
      for (let row = 0; row < rows; row++) {
        for (let unit = 0; unit < hidden_size; unit++) {
          const at = row * hidden_size + unit;
          const inI = row * 4 * hidden_size + unit;
          const sum = (of: number) =>
            gates[gatesAt + inI + of * hidden_size] + hidden[inI + of * hidden_size];
          const iFree = gate(sum(0));
          const fFree = gate(sum(1) + forgetBias);
          const i = coupled === 'i = 1 − f' ? 1 - fFree : iFree;
          const f = forget === 'none' ? 1 : coupled === 'f = 1 − i' ? 1 - iFree : fFree;
          c[at] = f * cellBefore[at] + i * act(sum(2));
          h[at] = gate(sum(3)) * last(c[at]);
        }
      }
    };
  },
};
