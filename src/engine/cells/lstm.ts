import type { GateStep } from '../kernels/kernels.js';
import { sigmoid } from './activations.js';

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
 * https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html; with a projection this h' is what W_hr takes.
 */
export function lstmCell({ rows, hidden_size, gates, gatesAt, hidden, h, c, store }: GateStep): void {
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < hidden_size; unit++) {
      const inI = row * 4 * hidden_size + unit;
      const inF = inI + hidden_size;
      const inG = inF + hidden_size;
      const inO = inG + hidden_size;
      const i = store(sigmoid(store(gates[gatesAt + inI] + hidden[inI])));
      const f = store(sigmoid(store(gates[gatesAt + inF] + hidden[inF])));
      const g = store(Math.tanh(store(gates[gatesAt + inG] + hidden[inG])));
      const o = store(sigmoid(store(gates[gatesAt + inO] + hidden[inO])));
      gates[gatesAt + inI] = i;
      gates[gatesAt + inF] = f;
      gates[gatesAt + inG] = g;
      gates[gatesAt + inO] = o;
      const at = row * hidden_size + unit;
      c[at] = store(store(f * c[at]) + store(i * g));
      h[at] = store(o * store(Math.tanh(c[at])));
    }
  }
}
