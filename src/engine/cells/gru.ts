import { sigmoid } from './activations.js';
import type { GateStep } from './gate-step.js';

/**
 * The cell of torch.nn.GRU. The reset gate r multiplies the finished product W_hn h + b_hn:
 *
 *     r  = σ(W_ir x + b_ir + W_hr h + b_hr)
 *     z  = σ(W_iz x + b_iz + W_hz h + b_hz)
 *     n  = tanh(W_in x + b_in + r (W_hn h + b_hn))
 *     h' = (1 − z) n + z h
 *
 * https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html
 */
export function gruCell({ rows, hidden_size, gates, gatesAt, hidden, h, store }: GateStep): void {
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < hidden_size; unit++) {
      const rAt = row * 3 * hidden_size + unit;
      const zAt = rAt + hidden_size;
      const nAt = zAt + hidden_size;
      const r = store(sigmoid(store(gates[gatesAt + rAt] + hidden[rAt])));
      const z = store(sigmoid(store(gates[gatesAt + zAt] + hidden[zAt])));
      const n = store(Math.tanh(store(gates[gatesAt + nAt] + store(r * hidden[nAt]))));
      gates[gatesAt + rAt] = r;
      gates[gatesAt + zAt] = z;
      gates[gatesAt + nAt] = n;
      const hAt = row * hidden_size + unit;
      // PyTorch computes (1 − z) n + z h as (h − n) z + n.
      h[hAt] = store(store(store(h[hAt] - n) * z) + n);
    }
  }
}
