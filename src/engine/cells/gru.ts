import type { GateStep } from '../kernels/kernels.js';
import { sigmoid } from './activations.js';

/**
 * The cell of torch.nn.GRU, whose reset gate acts after the product (r on W_hn h + b_hn):
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
      const inR = row * 3 * hidden_size + unit;
      const inZ = inR + hidden_size;
      const inN = inZ + hidden_size;
      const r = store(sigmoid(store(gates[gatesAt + inR] + hidden[inR])));
      const z = store(sigmoid(store(gates[gatesAt + inZ] + hidden[inZ])));
      const n = store(Math.tanh(store(gates[gatesAt + inN] + store(r * hidden[inN]))));
      gates[gatesAt + inR] = r;
      gates[gatesAt + inZ] = z;
      gates[gatesAt + inN] = n;
      const at = row * hidden_size + unit;
      // (1 − z) n + z h, in the order in which PyTorch computes it.
      h[at] = store(store(store(h[at] - n) * z) + n);
    }
  }
}
