import { relu, sigmoid } from '../../engine/cells/activations.js';
import type { Kind, Nonlinearity } from '../../kinds.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Variant } from './variant.js';

/** One step of a layer in one direction, for all batch rows. */
export interface VariantStep {
  readonly rows: number;
  readonly hidden_size: number;
  /** W_ih x + b_ih, from index `gatesAt` on [rows, gates·hidden] */
  readonly gates: Floats;
  readonly gatesAt: number;
  /** W_hh h + b_hh [rows, gates·hidden] */
  readonly hidden: Floats;
  /** b_hn of a GRU [hidden] */
  readonly newBias?: Floats;
  /** W_hn (r ∘ h) + b_hn of r ∘ h, both [rows, hidden]; for a GRU whose r acts before the product. */
  readonly resetProduct?: (resetH: Floats) => Floats;
  /** h before the step [rows, output size]. */
  readonly before: Floats;
  /** c before the step [rows, hidden]. */
  readonly cellBefore: Floats;
  /** Out: h, before a projection [rows, hidden]. */
  readonly h: Floats;
  /** Out: c, LSTM only [rows, hidden]. */
  readonly c: Floats;
}

const ACTIVATIONS = { tanh: Math.tanh, relu, sigmoid, identity: (x: number) => x };
const clip = (x: number) => Math.min(Math.max(x, 0), 1);
const GATE_ACTIVATIONS = {
  'hard 0.2': (x: number) => clip(0.2 * x + 0.5),
  'hard 1/6': (x: number) => clip(x / 6 + 0.5),
};

/**
 * The sum of a GRU's n, before tanh, from W_in x + b_in (`input`), W_hn h + b_hn (`hidden`), r, b_hn (`bias`) and
 * W_hn (r ∘ h) + b_hn (`ofResetH`).
 */
const NEW_SUMS: Readonly<
  Record<
    NonNullable<Variant['reset']> | 'after',
    (input: number, hidden: number, r: number, bias: number, ofResetH: number) => number
  >
> = {
  after: (input, hidden, r) => input + r * hidden,
  before: (input, _hidden, _r, _bias, ofResetH) => input + ofResetH,
  'without bias': (input, hidden, r, bias) => input + r * (hidden - bias) + bias,
  none: (input, hidden) => input + hidden,
  all: (input, hidden, r) => r * (input + hidden),
};

/** The equations of engine/cells/ with everything that a variant may change. */
export const variantCells: Readonly<
  Record<Kind, (variant: Variant, nonlinearity: Nonlinearity) => (step: VariantStep) => void>
> = {
  RNN({ activation }, nonlinearity) {
    const act = ACTIVATIONS[activation ?? nonlinearity];
    return ({ rows, hidden_size, gates, gatesAt, hidden, h }) => {
      for (let i = 0; i < rows * hidden_size; i++) h[i] = act(gates[gatesAt + i] + hidden[i]);
    };
  },

  GRU({ activation = 'tanh', gateActivation, reset, updateExchanged }) {
    const act = ACTIVATIONS[activation];
    const gate = gateActivation ? GATE_ACTIVATIONS[gateActivation] : sigmoid;
    const newSum = NEW_SUMS[reset ?? 'after'];
    return ({ rows, hidden_size, gates, gatesAt, hidden, newBias, resetProduct, before, h }) => {
      // The column of a unit's r in a row of all gates; z and n follow, hidden_size columns apart.
      const columnOfR = (i: number) => Math.floor(i / hidden_size) * 3 * hidden_size + (i % hidden_size);
      const count = rows * hidden_size;
      const r = new Float64Array(count); // [rows, hidden]
      for (let i = 0; i < count; i++) {
        const iR = columnOfR(i);
        r[i] = gate(gates[gatesAt + iR] + hidden[iR]);
      }
      const ofResetH = resetProduct?.(r.map((value, i) => value * before[i]));
      for (let i = 0; i < count; i++) {
        const iZ = columnOfR(i) + hidden_size;
        const iN = iZ + hidden_size;
        const bias = newBias ? newBias[i % hidden_size] : 0;
        const sum = newSum(gates[gatesAt + iN], hidden[iN], r[i], bias, ofResetH ? ofResetH[i] : 0);
        const n = act(sum);
        const update = gate(gates[gatesAt + iZ] + hidden[iZ]);
        const z = updateExchanged ? 1 - update : update;
        h[i] = (1 - z) * n + z * before[i];
      }
    };
  },

  LSTM(variant) {
    const { activation, gateActivation, forgetBias = 0, coupled, forget, outputActivation } = variant;
    const act = ACTIVATIONS[activation ?? 'tanh'];
    const gate = gateActivation ? GATE_ACTIVATIONS[gateActivation] : sigmoid;
    const outputAct = outputActivation === 'none' ? ACTIVATIONS.identity : act;
    return ({ rows, hidden_size, gates, gatesAt, hidden, cellBefore, h, c }) => {
      for (let row = 0; row < rows; row++) {
        for (let unit = 0; unit < hidden_size; unit++) {
          const index = row * hidden_size + unit;
          const iI = 4 * row * hidden_size + unit;
          const sum = (k: number) => gates[gatesAt + iI + k * hidden_size] + hidden[iI + k * hidden_size];
          const ownI = gate(sum(0));
          const ownF = gate(sum(1) + forgetBias);
          const i = coupled === 'i = 1 − f' ? 1 - ownF : ownI;
          const f = forget === 'none' ? 1 : coupled === 'f = 1 − i' ? 1 - ownI : ownF;
          c[index] = f * cellBefore[index] + i * act(sum(2));
          h[index] = gate(sum(3)) * outputAct(c[index]);
        }
      }
    };
  },
};
