import type { Network, Parameters, Sequence } from '../../src/module/bind.js';
import { directionsOf } from '../../src/module/parameters.js';

type Vector = number[];

const sigma = (x: number) => 1 / (1 + Math.exp(-x));

/**
 * The equations of PyTorch's documentation for one row of a batch, written as plainly as can be and without the
 * engine's help: no chunks, no buffers, no packing.
 */
export function oracle({ module, layers }: Network, sequence: Sequence) {
  const { batch, steps, lengths } = sequence;
  const size = module.proj_size || module.hidden_size;
  const directionCount = directionsOf(module).length;
  const output = new Float64Array(steps * batch * directionCount * size);
  const h_n = new Float64Array(layers.length * directionCount * batch * size);
  const c_n = new Float64Array(layers.length * directionCount * batch * module.hidden_size);
  const trace: Record<string, Float64Array> = {};
  const keep = (name: string, t: number, b: number, values: Vector) => {
    trace[name] ??= new Float64Array(steps * batch * values.length);
    trace[name].set(values, (t * batch + b) * values.length);
  };
  for (let b = 0; b < batch; b++) {
    const length = lengths?.[b] ?? steps;
    let xs: Vector[] = Array.from({ length }, (_, t) => {
      const at = (t * batch + b) * module.input_size;
      return [...sequence.input.subarray(at, at + module.input_size)];
    });
    layers.forEach((layer, l) => {
      const ys: Vector[] = xs.map(() => []);
      layer.forEach((parameters, d) => {
        const index = l * directionCount + d;
        const slice = (values: ArrayLike<number> | undefined, width: number): Vector =>
          Array.from({ length: width }, (_, i) => values?.[(index * batch + b) * width + i] ?? 0);
        let h = slice(sequence.h0, size);
        let c = slice(sequence.c0, module.hidden_size);
        const order = [...xs.keys()];
        if (d === 1) order.reverse();
        for (const t of order) {
          const { nonlinearity, hidden_size } = module;
          const next = cell(module.kind, nonlinearity, hidden_size, parameters, xs[t], h, c);
          [h, c] = [next.h, next.c];
          ys[t].push(...h);
          for (const [part, values] of Object.entries({
            h,
            ...(module.kind === 'LSTM' && { c }),
            ...next.gates,
          }))
            keep(`layer${l}.${d === 1 ? 'reverse' : 'forward'}.${part}`, t, b, values);
        }
        h_n.set(h, (index * batch + b) * size);
        c_n.set(c, (index * batch + b) * module.hidden_size);
      });
      xs = ys;
    });
    for (const [t, y] of xs.entries()) output.set(y, (t * batch + b) * directionCount * size);
  }
  return { output, h_n, c_n, trace };
}

function cell(
  kind: string,
  nonlinearity: string,
  hidden: number,
  { weightIh, weightHh, biasIh, biasHh, weightHr }: Parameters,
  x: Vector,
  h: Vector,
  c: Vector,
): { h: Vector; c: Vector; gates: Record<string, Vector> } {
  const dot = (weight: ArrayLike<number>, row: number, v: Vector) =>
    v.reduce((sum, value, k) => sum + weight[row * v.length + k] * value, 0);
  const input = (gate: number, j: number) =>
    dot(weightIh, gate * hidden + j, x) + (biasIh?.[gate * hidden + j] ?? 0);
  const inner = (gate: number, j: number) =>
    dot(weightHh, gate * hidden + j, h) + (biasHh?.[gate * hidden + j] ?? 0);
  const units = [...Array(hidden).keys()];
  if (kind === 'RNN') {
    const act = nonlinearity === 'relu' ? (v: number) => Math.max(0, v) : Math.tanh;
    return { h: units.map((j) => act(input(0, j) + inner(0, j))), c, gates: {} };
  }
  if (kind === 'GRU') {
    const r = units.map((j) => sigma(input(0, j) + inner(0, j)));
    const z = units.map((j) => sigma(input(1, j) + inner(1, j)));
    const n = units.map((j) => Math.tanh(input(2, j) + r[j] * inner(2, j)));
    return { h: units.map((j) => (1 - z[j]) * n[j] + z[j] * h[j]), c, gates: { r, z, n } };
  }
  const i = units.map((j) => sigma(input(0, j) + inner(0, j)));
  const f = units.map((j) => sigma(input(1, j) + inner(1, j)));
  const g = units.map((j) => Math.tanh(input(2, j) + inner(2, j)));
  const o = units.map((j) => sigma(input(3, j) + inner(3, j)));
  const nextC = units.map((j) => f[j] * c[j] + i[j] * g[j]);
  const m = units.map((j) => o[j] * Math.tanh(nextC[j]));
  const projected = (weights: ArrayLike<number>) =>
    Array.from({ length: weights.length / hidden }, (_, p) => dot(weights, p, m));
  return { h: weightHr ? projected(weightHr) : m, c: nextC, gates: { i, f, g, o } };
}
