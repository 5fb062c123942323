/** Networks and their inputs, drawn at random, and what is made of them: cases for what judges a port. */

import type { Kind } from '../../src/kinds.js';
import type { Network } from '../../src/module/bind.js';
import { caseOf } from '../../src/module/case.js';
import { type Dtype, type FloatDtype, type Floats, roundTo } from '../../src/tensor/dtype.js';
import { type StateDict, stateDict } from '../../src/tensor/state-dict.js';
import { type Tensor, tensor } from '../../src/tensor/tensor.js';
import type { VerifyOptions } from '../../src/verdict/settings.js';
import { verify } from '../../src/verify.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf, weightsOf } from '../engine/random-network.js';
import type { computedBy, Runtime } from './runtime.js';

export type Outputs = ReturnType<typeof computedBy>;

export interface Drawn {
  readonly kind?: Kind;
  readonly hidden_size?: number;
  readonly steps?: number;
  readonly batch?: number;
  /** What inputs and biases are multiplied by: small ones show absolute errors of tanh. */
  readonly size?: number;
  readonly seed?: number;
}

/** A network, its input, and its weights in float32. */
export function drawn({ kind = 'RNN', hidden_size = 12, steps = 20, batch = 2, size = 1, seed = 5 }: Drawn) {
  const module = moduleOf(kind, { input_size: 3, hidden_size });
  const large = networkOf(module, seed);
  const shrunk = (values: Floats | undefined) => values?.map((value) => Math.fround(value * size));
  const [[one]] = large.layers;
  const layers = [[{ ...one, biasIh: shrunk(one.biasIh), biasHh: shrunk(one.biasHh) }]];
  const network: Network = { module, layers };
  const wide = sequenceOf(module, steps, batch, seed);
  const sequence = { ...wide, input: shrunk(wide.input)! };
  const weights = inFloat32(weightsOf(network));
  const input = tensor([steps, batch, 3], sequence.input);
  return { network, sequence, weights, input };
}

export function inFloat32(weights: StateDict): StateDict {
  const tensors = [...weights.load([...weights.specs.keys()])];
  return stateDict(Object.fromEntries(tensors.map(([name, { shape, data }]) => [name, tensor(shape, data)])));
}

/** A weight of the checkpoint that is another number than the runtime had. */
export function withWeight(weights: StateDict, name: string, at: number, by: number): StateDict {
  const tensors = Object.fromEntries(weights.load([...weights.specs.keys()]));
  const data = tensors[name].data.slice();
  data[at] *= by;
  return stateDict({ ...tensors, [name]: { ...tensors[name], data } });
}

export const stored = ({ output, h_n, c_n }: Outputs, dtype: Dtype): Outputs => {
  const as = ({ shape, data }: Tensor) => tensor(shape, data, dtype);
  return { output: as(output), h_n: as(h_n), ...(c_n && { c_n: as(c_n) }) };
};

export function judged(
  one: ReturnType<typeof drawn>,
  outputs: Pick<Outputs, 'output'> & Partial<Outputs>,
  options: VerifyOptions = {},
  weights = one.weights,
) {
  return verify(caseOf(weights, { input: one.input, ...outputs }, { batch_first: false }), {
    speed: { threads: 1 },
    ...options,
  });
}

export const to = (dtype: FloatDtype) => (value: number) => roundTo(value, dtype);

/** A runtime that has and stores everything in 16 bits. */
export const all = (dtype: FloatDtype): Runtime => ({
  weights: to(dtype),
  biases: to(dtype),
  input: to(dtype),
  store: to(dtype),
});
