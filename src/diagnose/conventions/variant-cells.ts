import { relu, sigmoid } from '../../engine/cells/activations.js';
import type { Kind, Nonlinearity } from '../../kinds.js';
import type { Floats } from '../../tensor/dtype.js';
import type { ActivationName, Variant } from './variant.js';

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

const limit = (x: number, from: number, to: number) => Math.min(Math.max(x, from), to);
const ACTIVATIONS: Readonly<Record<ActivationName, (x: number) => number>> = {
  tanh: Math.tanh,
  relu,
  sigmoid,
  identity: (x) => x,
  'hard 0.2': (x) => limit(0.2 * x + 0.5, 0, 1),
  'hard 1/6': (x) => limit(x / 6 + 0.5, 0, 1),
  'hard tanh': (x) => limit(x, -1, 1),
  softsign: (x) => x / (1 + Math.abs(x)),
};

/** The activation of a gate, or of an LSTM's c', by name: its own is `usual`. Limits its sum where a variant does. */
function activationIn(
  { activation, gateActivation, activationOf, clip }: Variant,
  where: string,
  usual: 'sigmoid' | 'tanh' | 'relu',
): (x: number) => number {
  const isGate = usual === 'sigmoid';
  const name = activationOf?.[0] === where ? activationOf[1] : isGate ? gateActivation : activation;
  const act = ACTIVATIONS[name ?? usual];
  const most = clip?.[0] === 'sums' ? clip[1] : undefined;
  return most === undefined ? act : (x) => act(limit(x, -most, most));
}

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
  'bias twice': (input, hidden, r, bias) => input + bias + r * hidden,
  all: (input, hidden, r) => r * (input + hidden),
};

/** The equations of engine/cells/ with everything that a variant may change. */
export const variantCells: Readonly<
  Record<Kind, (variant: Variant, nonlinearity: Nonlinearity) => (step: VariantStep) => void>
> = {
  RNN(variant, nonlinearity) {
    const act = activationIn(variant, 'h', nonlinearity);
    return ({ rows, hidden_size, gates, gatesAt, hidden, h }) => {
      for (let i = 0; i < rows * hidden_size; i++) h[i] = act(gates[gatesAt + i] + hidden[i]);
    };
  },

  GRU(variant) {
    const { reset, updateExchanged } = variant;
    const act = activationIn(variant, 'n', 'tanh');
    const actR = activationIn(variant, 'r', 'sigmoid');
    const actZ = activationIn(variant, 'z', 'sigmoid');
    const newSum = NEW_SUMS[reset ?? 'after'];
    return ({ rows, hidden_size, gates, gatesAt, hidden, newBias, resetProduct, before, h }) => {
      // The column of a unit's r in a row of all gates; z and n follow, hidden_size columns apart.
      const columnOfR = (i: number) => Math.floor(i / hidden_size) * 3 * hidden_size + (i % hidden_size);
      const count = rows * hidden_size;
      const r = new Float64Array(count); // [rows, hidden]
      for (let i = 0; i < count; i++) {
        const iR = columnOfR(i);
        r[i] = actR(gates[gatesAt + iR] + hidden[iR]);
      }
      const ofResetH = resetProduct?.(r.map((value, i) => value * before[i]));
      for (let i = 0; i < count; i++) {
        const iZ = columnOfR(i) + hidden_size;
        const iN = iZ + hidden_size;
        const bias = newBias ? newBias[i % hidden_size] : 0;
        const sum = newSum(gates[gatesAt + iN], hidden[iN], r[i], bias, ofResetH ? ofResetH[i] : 0);
        const n = act(sum);
        const update = actZ(gates[gatesAt + iZ] + hidden[iZ]);
        const z = updateExchanged ? 1 - update : update;
        h[i] = (1 - z) * n + z * before[i];
      }
    };
  },

  LSTM(variant) {
    const { forgetBias = 0, coupled, forget, cell, clip } = variant;
    const [actI, actF, actO] = ['i', 'f', 'o'].map((gate) => activationIn(variant, gate, 'sigmoid'));
    const actG = activationIn(variant, 'g', 'tanh');
    // What limits sums limits those of gates.
    const actC = activationIn({ ...variant, clip: undefined }, 'c', 'tanh');
    const most = clip?.[0] === 'cell' ? clip[1] : Number.POSITIVE_INFINITY;
    return ({ rows, hidden_size, gates, gatesAt, hidden, before, cellBefore, h, c }) => {
      for (let row = 0; row < rows; row++) {
        for (let unit = 0; unit < hidden_size; unit++) {
          const index = row * hidden_size + unit;
          const iI = 4 * row * hidden_size + unit;
          const sum = (k: number) => gates[gatesAt + iI + k * hidden_size] + hidden[iI + k * hidden_size];
          const ownI = actI(sum(0));
          const ownF = actF(sum(1) + forgetBias);
          const i = coupled === 'i = 1 − f' ? 1 - ownF : ownI;
          const f = forget === 'none' ? 1 : coupled === 'f = 1 − i' ? 1 - ownI : ownF;
          const g = actG(sum(2));
          const kept = cell === 'f h + i g' ? before[index] : cellBefore[index];
          const next = cell === 'f (c + i g)' ? f * (kept + i * g) : f * kept + i * g;
          c[index] = limit(next, -most, most);
          h[index] = actO(sum(3)) * actC(cell === 'o tanh(c)' ? cellBefore[index] : c[index]);
        }
      }
    };
  },
};
