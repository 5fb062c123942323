import { relu, sigmoid } from '../engine/cells/activations.js';
import type { Kind, Nonlinearity } from '../kinds.js';
import type { Floats } from '../tensor/dtype.js';
import type { ErrorModel } from './model.js';

/** One step of a layer, as errors go through a cell. All of it is for `rows` batch rows. */
export interface ErrorStep {
  readonly rows: number;
  readonly hiddenSize: number;
  /** W_ih x + b_ih and W_hh h + b_hh, from `at` and `hiddenAt` on [rows, gates·hidden]. */
  readonly gates: Floats;
  readonly at: number;
  readonly hidden: Floats;
  readonly hiddenAt: number;
  /** The error of each, in the same places. */
  readonly gatesError: Floats;
  readonly hiddenError: Floats;
  /** b_ih + b_hh [gates·hidden] */
  readonly bias: Floats;
  /** In: h of the step before, of a GRU only. Out: h of this one. [rows, hidden] */
  readonly h: Floats;
  readonly hError: Floats;
  /** In and out, LSTM only [rows, hidden]. */
  readonly c: Floats;
  readonly cError: Floats;
  readonly nonlinearity: Nonlinearity;
}

/**
 * The cells of engine/cells/ with the error of every value beside it (e and the value's name), by what a model says of
 * each operation.
 */
export function errorCells(model: ErrorModel): Readonly<Record<Kind, (step: ErrorStep) => void>> {
  return {
    RNN(step) {
      const { rows, hiddenSize, gates, at: gatesAt, hidden, hiddenAt, bias, h, hError, nonlinearity } = step;
      const { gatesError, hiddenError } = step;
      for (let at = 0; at < rows * hiddenSize; at++) {
        const a = gates[gatesAt + at] + hidden[hiddenAt + at];
        const e = model.sum(a, gatesError[gatesAt + at], hiddenError[hiddenAt + at], bias[at % hiddenSize]);
        h[at] = nonlinearity === 'tanh' ? Math.tanh(a) : relu(a);
        hError[at] = nonlinearity === 'tanh' ? model.tanh(a, h[at], e) : model.relu(a, e);
      }
    },
    GRU(step) {
      const { rows, hiddenSize, gates, at: gatesAt, hidden, hiddenAt, bias, h, hError } = step;
      const { gatesError, hiddenError } = step;
      for (let row = 0; row < rows; row++) {
        for (let unit = 0; unit < hiddenSize; unit++) {
          const inR = row * 3 * hiddenSize + unit;
          const inZ = inR + hiddenSize;
          const inN = inZ + hiddenSize;
          const aR = gates[gatesAt + inR] + hidden[hiddenAt + inR];
          const aZ = gates[gatesAt + inZ] + hidden[hiddenAt + inZ];
          const r = sigmoid(aR);
          const z = sigmoid(aZ);
          const eR = model.sigmoid(
            aR,
            r,
            model.sum(aR, gatesError[gatesAt + inR], hiddenError[hiddenAt + inR], bias[unit]),
          );
          const eZ = model.sigmoid(
            aZ,
            z,
            model.sum(aZ, gatesError[gatesAt + inZ], hiddenError[hiddenAt + inZ], bias[hiddenSize + unit]),
          );
          const hn = hidden[hiddenAt + inN];
          const eReset = model.product(r, eR, hn, hiddenError[hiddenAt + inN]);
          const aN = gates[gatesAt + inN] + r * hn;
          const n = Math.tanh(aN);
          const eN = model.tanh(aN, n, model.sum(aN, gatesError[gatesAt + inN], eReset, 0));
          const at = row * hiddenSize + unit;
          const before = h[at];
          h[at] = n + z * (before - n);
          hError[at] = model.mix(z, eZ, n, eN, before, hError[at], h[at]);
        }
      }
    },
    LSTM(step) {
      const { rows, hiddenSize, gates, at: gatesAt, hidden, hiddenAt, bias, h, hError, c, cError } = step;
      const { gatesError, hiddenError } = step;
      for (let row = 0; row < rows; row++) {
        for (let unit = 0; unit < hiddenSize; unit++) {
          const inI = row * 4 * hiddenSize + unit;
          const inF = inI + hiddenSize;
          const inG = inF + hiddenSize;
          const inO = inG + hiddenSize;
          const aI = gates[gatesAt + inI] + hidden[hiddenAt + inI];
          const aF = gates[gatesAt + inF] + hidden[hiddenAt + inF];
          const aG = gates[gatesAt + inG] + hidden[hiddenAt + inG];
          const aO = gates[gatesAt + inO] + hidden[hiddenAt + inO];
          const i = sigmoid(aI);
          const f = sigmoid(aF);
          const g = Math.tanh(aG);
          const o = sigmoid(aO);
          const eI = model.sigmoid(
            aI,
            i,
            model.sum(aI, gatesError[gatesAt + inI], hiddenError[hiddenAt + inI], bias[unit]),
          );
          const eF = model.sigmoid(
            aF,
            f,
            model.sum(aF, gatesError[gatesAt + inF], hiddenError[hiddenAt + inF], bias[hiddenSize + unit]),
          );
          const eG = model.tanh(
            aG,
            g,
            model.sum(
              aG,
              gatesError[gatesAt + inG],
              hiddenError[hiddenAt + inG],
              bias[2 * hiddenSize + unit],
            ),
          );
          const eO = model.sigmoid(
            aO,
            o,
            model.sum(
              aO,
              gatesError[gatesAt + inO],
              hiddenError[hiddenAt + inO],
              bias[3 * hiddenSize + unit],
            ),
          );
          const at = row * hiddenSize + unit;
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
