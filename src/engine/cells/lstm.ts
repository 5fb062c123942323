import { sigmoid } from './activations.js';
import type { GateStep } from './gate-step.js';

/**
 * The cell of torch.nn.LSTM:
 *
 *     i  = σ(W_ii x + b_ii + W_hi h + b_hi)
 *     f  = σ(W_if x + b_if + W_hf h + b_hf)
 *     g  = tanh(W_ig x + b_ig + W_hg h + b_hg)
 *     o  = σ(W_io x + b_io + W_ho h + b_ho)
 *     c' = f c + i g
 *     h' = o tanh(c')
 *
 * https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html; with a projection, the layer's h is W_hr h'.
 */
export function lstmCell({ rows, hidden_size, gates, gatesAt, hidden, h, c, store }: GateStep): void {
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < hidden_size; unit++) {
      const iAt = row * 4 * hidden_size + unit;
      const fAt = iAt + hidden_size;
      const gAt = fAt + hidden_size;
      const oAt = gAt + hidden_size;
      const i = store(sigmoid(store(gates[gatesAt + iAt] + hidden[iAt])));
      const f = store(sigmoid(store(gates[gatesAt + fAt] + hidden[fAt])));
      const g = store(Math.tanh(store(gates[gatesAt + gAt] + hidden[gAt])));
      const o = store(sigmoid(store(gates[gatesAt + oAt] + hidden[oAt])));
      gates[gatesAt + iAt] = i;
      gates[gatesAt + fAt] = f;
      gates[gatesAt + gAt] = g;
      gates[gatesAt + oAt] = o;
      const stateAt = row * hidden_size + unit;
      c[stateAt] = store(store(f * c[stateAt]) + store(i * g));
      h[stateAt] = store(o * store(Math.tanh(c[stateAt])));
    }
  }
}
