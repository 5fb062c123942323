import { KINDS } from '../../src/kinds.js';
import type { Network, Sequence } from '../../src/module/bind.js';
import type { Floats } from '../../src/tensor/dtype.js';
import { type Tensor, tensor } from '../../src/tensor/tensor.js';

type Round = (value: number) => number;

/** How a runtime computes: what it rounds, and how it writes tanh. Everything is rounded to float32 at least. */
export interface Runtime {
  readonly tanh?: (x: number) => number;
  readonly weights?: Round;
  readonly biases?: Round;
  /** x and h, before they are multiplied. */
  readonly input?: Round;
  /** What is stored: sums, gates, states. */
  readonly store?: Round;
  /** h and c, where they are stored otherwise. */
  readonly state?: Round;
}

const f32 = Math.fround;
const sigmoid32 = (x: number) => f32(1 / f32(1 + f32(Math.exp(-x))));

/** Four ways to write tanh by exponentials in float32. */
export const TANH: Readonly<Record<string, (x: number) => number>> = {
  '2 σ(2x) − 1': (x) => f32(f32(2 * sigmoid32(f32(2 * x))) - 1),
  '(e − 1) / (e + 1)': (x) => {
    const e = f32(Math.exp(Math.min(f32(2 * x), 40)));
    return f32(f32(e - 1) / f32(e + 1));
  },
  '1 − 2 / (e + 1)': (x) => f32(1 - f32(2 / f32(f32(Math.exp(Math.min(f32(2 * x), 40))) + 1))),
  '(1 − e) / (1 + e)': (x) => {
    const e = f32(Math.exp(Math.min(f32(-2 * x), 40)));
    return f32(f32(1 - e) / f32(1 + e));
  },
};

/** What a runtime computes of a network with one layer and one direction, which begins from zeros. */
export function computedBy(
  { module, layers: [[parameters]] }: Network,
  { steps, batch, input }: Sequence,
  runtime: Runtime = {},
): { readonly output: Tensor; readonly h_n: Tensor; readonly c_n?: Tensor } {
  const { tanh = Math.tanh, weights = f32, biases = f32, input: ofInput = f32, store = f32 } = runtime;
  const { state = store } = runtime;
  const { kind, hidden_size, input_size, nonlinearity } = module;
  const gates = KINDS[kind].gates.length;
  const round = (values: Floats, by: Round) => Float64Array.from(values, (value) => by(f32(value)));
  const [wIh, wHh] = [parameters.weightIh, parameters.weightHh].map((values) => round(values, weights));
  const [bIh, bHh] = [parameters.biasIh!, parameters.biasHh!].map((values) => round(values, biases));
  const x = round(input, ofInput);
  const activated = (a: number) => store(f32(nonlinearity === 'relu' ? Math.max(a, 0) : tanh(a)));
  const open = (a: number) => store(sigmoid32(a));
  const outputs: number[] = [];
  const h = new Float64Array(batch * hidden_size);
  const c = new Float64Array(batch * hidden_size);
  for (let t = 0; t < steps; t++) {
    for (let b = 0; b < batch; b++) {
      const before = h.slice(b * hidden_size, (b + 1) * hidden_size);
      const operand = before.map(ofInput);
      const sums = Array.from({ length: gates * hidden_size }, (_, j) => {
        let [own, hidden] = [0, 0];
        for (let k = 0; k < input_size; k++)
          own = f32(own + f32(wIh[j * input_size + k] * x[(t * batch + b) * input_size + k]));
        for (let k = 0; k < hidden_size; k++)
          hidden = f32(hidden + f32(wHh[j * hidden_size + k] * operand[k]));
        return [store(f32(own + bIh[j])), store(f32(hidden + bHh[j]))];
      });
      const sum = (gate: number, unit: number) => {
        const [own, hidden] = sums[gate * hidden_size + unit];
        return store(f32(own + hidden));
      };
      for (let unit = 0; unit < hidden_size; unit++) {
        const at = b * hidden_size + unit;
        if (kind === 'RNN') h[at] = state(activated(sum(0, unit)));
        if (kind === 'GRU') {
          const [r, z] = [open(sum(0, unit)), open(sum(1, unit))];
          const [own, hidden] = sums[2 * hidden_size + unit];
          const n = activated(store(f32(own + store(f32(r * hidden)))));
          h[at] = state(f32(store(f32((1 - z) * n)) + store(f32(z * before[unit]))));
        }
        if (kind === 'LSTM') {
          const [i, f, g, o] = [
            open(sum(0, unit)),
            open(sum(1, unit)),
            activated(sum(2, unit)),
            open(sum(3, unit)),
          ];
          c[at] = state(f32(store(f32(f * c[at])) + store(f32(i * g))));
          h[at] = state(f32(o * activated(c[at])));
        }
      }
    }
    outputs.push(...h);
  }
  const final = [1, batch, hidden_size];
  return {
    output: tensor([steps, batch, hidden_size], outputs),
    h_n: tensor(final, [...h]),
    ...(kind === 'LSTM' && { c_n: tensor(final, [...c]) }),
  };
}
