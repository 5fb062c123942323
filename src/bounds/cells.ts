import { relu, sigmoid } from '../engine/cells/activations.js';
import type { ErrorStep } from '../engine/kernels/kernels.js';
import type { Kind } from '../kinds.js';
import type { ErrorModel } from './model.js';

/**
 * The cells of engine/cells/ in float64, with the error of every value computed beside it by the model. `eR` is the
 * error of r, `aR` the sum that r is the activation of, `rAt` the index of r in `gates`.
 */
export function errorCells(model: ErrorModel): Readonly<Record<Kind, (step: ErrorStep) => void>> {
  return {
    RNN: (step) => rnnErrors(model, step),
    GRU: (step) => gruErrors(model, step),
    LSTM: (step) => lstmErrors(model, step),
  };
}

/** The error of a stored sum W_ih x + b_ih + W_hh h + b_hh with the value `a`. `eBiases`: what rounding its biases adds. */
function sumError(model: ErrorModel, step: ErrorStep, index: number, a: number, eBiases: number): number {
  const { gates, gatesAt, hidden, hiddenAt, gatesError, hiddenError, terms } = step;
  const inputError = model.affine(gates[gatesAt + index], gatesError[gatesAt + index], terms);
  const stateError = model.affine(hidden[hiddenAt + index], hiddenError[hiddenAt + index], terms);
  return model.sum(a, inputError, stateError, eBiases);
}

function rnnErrors(model: ErrorModel, step: ErrorStep): void {
  const { rows, hidden_size, gates, gatesAt, hidden, hiddenAt, biasError, h, hError, nonlinearity } = step;
  for (let i = 0; i < rows * hidden_size; i++) {
    const a = gates[gatesAt + i] + hidden[hiddenAt + i];
    const e = sumError(model, step, i, a, biasError[i % hidden_size]);
    h[i] = nonlinearity === 'tanh' ? model.tanhOf(a) : relu(a);
    hError[i] = nonlinearity === 'tanh' ? model.tanh(a, h[i], e) : model.relu(a, e);
  }
}

function gruErrors(model: ErrorModel, step: ErrorStep): void {
  const { rows, hidden_size, gates, gatesAt, hidden, hiddenAt, biasError, h, hError } = step;
  const { gatesError, hiddenError, terms } = step;
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < hidden_size; unit++) {
      const rAt = row * 3 * hidden_size + unit;
      const zAt = rAt + hidden_size;
      const nAt = zAt + hidden_size;
      const aR = gates[gatesAt + rAt] + hidden[hiddenAt + rAt];
      const aZ = gates[gatesAt + zAt] + hidden[hiddenAt + zAt];
      const r = sigmoid(aR);
      const z = sigmoid(aZ);
      const eR = model.sigmoid(aR, r, sumError(model, step, rAt, aR, biasError[unit]));
      const eZ = model.sigmoid(aZ, z, sumError(model, step, zAt, aZ, biasError[hidden_size + unit]));
      const nInput = gates[gatesAt + nAt];
      const nHidden = hidden[hiddenAt + nAt];
      const eHidden = model.affine(nHidden, hiddenError[hiddenAt + nAt], terms);
      const eReset = model.product(r, eR, nHidden, eHidden);
      const aN = nInput + r * nHidden;
      const n = model.tanhOf(aN);
      const eInput = model.affine(nInput, gatesError[gatesAt + nAt], terms);
      const eN = model.tanh(aN, n, model.sum(aN, eInput, eReset, biasError[2 * hidden_size + unit]));
      const hAt = row * hidden_size + unit;
      const hBefore = h[hAt];
      h[hAt] = n + z * (hBefore - n);
      hError[hAt] = model.mix(z, eZ, n, eN, hBefore, hError[hAt], h[hAt]);
    }
  }
}

function lstmErrors(model: ErrorModel, step: ErrorStep): void {
  const { rows, hidden_size, gates, gatesAt, hidden, hiddenAt, biasError, h, hError, c, cError } = step;
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < hidden_size; unit++) {
      const iAt = row * 4 * hidden_size + unit;
      const fAt = iAt + hidden_size;
      const gAt = fAt + hidden_size;
      const oAt = gAt + hidden_size;
      const aI = gates[gatesAt + iAt] + hidden[hiddenAt + iAt];
      const aF = gates[gatesAt + fAt] + hidden[hiddenAt + fAt];
      const aG = gates[gatesAt + gAt] + hidden[hiddenAt + gAt];
      const aO = gates[gatesAt + oAt] + hidden[hiddenAt + oAt];
      const i = sigmoid(aI);
      const f = sigmoid(aF);
      const g = model.tanhOf(aG);
      const o = sigmoid(aO);
      const eI = model.sigmoid(aI, i, sumError(model, step, iAt, aI, biasError[unit]));
      const eF = model.sigmoid(aF, f, sumError(model, step, fAt, aF, biasError[hidden_size + unit]));
      const eG = model.tanh(aG, g, sumError(model, step, gAt, aG, biasError[2 * hidden_size + unit]));
      const eO = model.sigmoid(aO, o, sumError(model, step, oAt, aO, biasError[3 * hidden_size + unit]));
      const stateAt = row * hidden_size + unit;
      const cBefore = c[stateAt];
      c[stateAt] = f * cBefore + i * g;
      cError[stateAt] = model.carry(f, eF, cBefore, cError[stateAt], i, eI, g, eG);
      const t = model.tanhOf(c[stateAt]);
      h[stateAt] = o * t;
      hError[stateAt] = model.output(o, eO, t, model.tanh(c[stateAt], t, cError[stateAt]));
    }
  }
}
