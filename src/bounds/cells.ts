import { relu, sigmoid } from '../engine/cells/activations.js';
import type { ErrorStep } from '../engine/kernels/kernels.js';
import type { Kind } from '../kinds.js';
import type { ErrorModel } from './model.js';

/**
 * The cells of engine/cells/ with the error of every value beside it (e and the value's name), by what a model says of
 * each operation.
 */
export function errorCells(model: ErrorModel): Readonly<Record<Kind, (step: ErrorStep) => void>> {
  /** Of the sum a of the two parts that stand at `at`, with the bias b in it. */
  function ofSum(step: ErrorStep, at: number, a: number, b: number): number {
    const { gates, hidden, gatesError, hiddenError, terms } = step;
    const inGates = step.at + at;
    const inHidden = step.hiddenAt + at;
    const one = model.part(gates[inGates], gatesError[inGates], terms);
    const other = model.part(hidden[inHidden], hiddenError[inHidden], terms);
    return model.sum(a, one, other, b);
  }

  return {
    RNN(step) {
      const { rows, hidden_size, gates, at: gatesAt, hidden, hiddenAt, bias, h, hError, nonlinearity } = step;
      for (let at = 0; at < rows * hidden_size; at++) {
        const a = gates[gatesAt + at] + hidden[hiddenAt + at];
        const e = ofSum(step, at, a, bias[at % hidden_size]);
        h[at] = nonlinearity === 'tanh' ? Math.tanh(a) : relu(a);
        hError[at] = nonlinearity === 'tanh' ? model.tanh(a, h[at], e) : model.relu(a, e);
      }
    },
    GRU(step) {
      const { rows, hidden_size, gates, at: gatesAt, hidden, hiddenAt, bias, h, hError } = step;
      const { gatesError, hiddenError, terms } = step;
      for (let row = 0; row < rows; row++) {
        for (let unit = 0; unit < hidden_size; unit++) {
          const inR = row * 3 * hidden_size + unit;
          const inZ = inR + hidden_size;
          const inN = inZ + hidden_size;
          const aR = gates[gatesAt + inR] + hidden[hiddenAt + inR];
          const aZ = gates[gatesAt + inZ] + hidden[hiddenAt + inZ];
          const r = sigmoid(aR);
          const z = sigmoid(aZ);
          const eR = model.sigmoid(aR, r, ofSum(step, inR, aR, bias[unit]));
          const eZ = model.sigmoid(aZ, z, ofSum(step, inZ, aZ, bias[hidden_size + unit]));
          const hn = hidden[hiddenAt + inN];
          const eReset = model.product(r, eR, hn, model.part(hn, hiddenError[hiddenAt + inN], terms));
          const aN = gates[gatesAt + inN] + r * hn;
          const n = Math.tanh(aN);
          const eInput = model.part(gates[gatesAt + inN], gatesError[gatesAt + inN], terms);
          const eN = model.tanh(aN, n, model.sum(aN, eInput, eReset, 0));
          const at = row * hidden_size + unit;
          const before = h[at];
          h[at] = n + z * (before - n);
          hError[at] = model.mix(z, eZ, n, eN, before, hError[at], h[at]);
        }
      }
    },
    LSTM(step) {
      const { rows, hidden_size, gates, at: gatesAt, hidden, hiddenAt, bias, h, hError, c, cError } = step;
      for (let row = 0; row < rows; row++) {
        for (let unit = 0; unit < hidden_size; unit++) {
          const inI = row * 4 * hidden_size + unit;
          const inF = inI + hidden_size;
          const inG = inF + hidden_size;
          const inO = inG + hidden_size;
          const aI = gates[gatesAt + inI] + hidden[hiddenAt + inI];
          const aF = gates[gatesAt + inF] + hidden[hiddenAt + inF];
          const aG = gates[gatesAt + inG] + hidden[hiddenAt + inG];
          const aO = gates[gatesAt + inO] + hidden[hiddenAt + inO];
          const i = sigmoid(aI);
          const f = sigmoid(aF);
          const g = Math.tanh(aG);
          const o = sigmoid(aO);
          const eI = model.sigmoid(aI, i, ofSum(step, inI, aI, bias[unit]));
          const eF = model.sigmoid(aF, f, ofSum(step, inF, aF, bias[hidden_size + unit]));
          const eG = model.tanh(aG, g, ofSum(step, inG, aG, bias[2 * hidden_size + unit]));
          const eO = model.sigmoid(aO, o, ofSum(step, inO, aO, bias[3 * hidden_size + unit]));
          const at = row * hidden_size + unit;
          const before = c[at];
          c[at] = f * before + i * g;
          cError[at] = model.carry(f, eF, before, cError[at], i, eI, g, eG);
          const t = Math.tanh(c[at]);
          h[at] = o * t;
          hError[at] = model.output(o, eO, t, model.tanh(c[at], t, cError[at]));
        }
      }
    },
  };
}
