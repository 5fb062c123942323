import { relu } from './activations.js';
import type { GateStep } from './gate-step.js';

/**
 * The Elman cell of torch.nn.RNN:
 *
 *     h' = tanh(W_ih x + b_ih + W_hh h + b_hh)        or relu
 *
 * https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html
 */
export function rnnCell({
  rows,
  hidden_size,
  gates,
  gatesAt,
  hidden,
  h,
  nonlinearity,
  store,
}: GateStep): void {
  const activation = nonlinearity === 'relu' ? relu : Math.tanh;
  for (let i = 0; i < rows * hidden_size; i++) {
    gates[gatesAt + i] = store(activation(store(gates[gatesAt + i] + hidden[i])));
    h[i] = gates[gatesAt + i];
  }
}
