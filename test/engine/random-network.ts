import fc from 'fast-check';
import { KINDS, type Kind } from '../../src/kinds.js';
import type { Network, Parameters, Sequence } from '../../src/module/bind.js';
import {
  directionsOf,
  layerInputSize,
  type Module,
  outputSize,
  parameterShapes,
} from '../../src/module/parameters.js';
import { type StateDict, stateDict } from '../../src/tensor/state-dict.js';
import { tensor } from '../../src/tensor/tensor.js';

export interface Drawn {
  readonly network: Network;
  readonly sequence: Sequence;
}

/** Numbers between −scale and scale, the same for the same seed. */
function numbers(seed: number, length: number, scale = 1): Float64Array {
  let state = seed >>> 0 || 1;
  return Float64Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) / 2 ** 31 - 1) * scale;
  });
}

export function networkOf(module: Module, seed: number): Network {
  const rows = KINDS[module.kind].gates.length * module.hidden_size;
  const scale = 1 / Math.sqrt(module.hidden_size);
  let next = seed * 7919 + 1;
  const draw = (length: number) => numbers(next++, length, scale);
  return {
    module,
    layers: Array.from({ length: module.num_layers }, (_, layer) =>
      directionsOf(module).map(() => ({
        weightIh: draw(rows * layerInputSize(module, layer)),
        weightHh: draw(rows * outputSize(module)),
        biasIh: module.bias ? draw(rows) : undefined,
        biasHh: module.bias ? draw(rows) : undefined,
        weightHr: module.proj_size ? draw(module.proj_size * module.hidden_size) : undefined,
      })),
    ),
  };
}

export function sequenceOf(module: Module, steps: number, batch: number, seed: number): Sequence {
  return { steps, batch, input: numbers(seed + 17, steps * batch * module.input_size, 2) };
}

/** The parameters of a network as a state_dict. */
export function weightsOf({ module, layers }: Network): StateDict {
  const weights = parameterShapes(module).map(({ name, dimensions }) => {
    const [, kind, of, layer, reverse] = /^(weight|bias)_(ih|hh|hr)_l(\d+)(_reverse)?$/.exec(name)!;
    const key = `${kind}${of[0].toUpperCase()}${of[1]}` as keyof Parameters;
    const data = layers[Number(layer)][reverse ? 1 : 0][key]!;
    const shape = dimensions.map(({ size }) => size as number);
    return [name, tensor(shape, data, 'F64')] as const;
  });
  return stateDict(Object.fromEntries(weights));
}

/** Modules of every kind and option with weights and an input. */
export function anyNetwork(): fc.Arbitrary<Drawn> {
  return fc
    .record({
      kind: fc.constantFrom<Kind[]>('RNN', 'GRU', 'LSTM'),
      relu: fc.boolean(),
      input_size: fc.integer({ min: 1, max: 9 }),
      hidden_size: fc.integer({ min: 1, max: 9 }),
      proj: fc.boolean(),
      num_layers: fc.integer({ min: 1, max: 3 }),
      bidirectional: fc.boolean(),
      bias: fc.boolean(),
      steps: fc.integer({ min: 1, max: 7 }),
      batch: fc.integer({ min: 1, max: 4 }),
      lengths: fc.boolean(),
      states: fc.boolean(),
      seed: fc.integer({ min: 1, max: 2 ** 30 }),
    })
    .map((drawn) => {
      const { kind, hidden_size, input_size, num_layers, bidirectional, bias, steps, batch, seed } = drawn;
      const module: Module = {
        kind,
        cell: false,
        nonlinearity: kind === 'RNN' && drawn.relu ? 'relu' : 'tanh',
        prefix: '',
        input_size,
        hidden_size,
        proj_size: kind === 'LSTM' && drawn.proj && hidden_size > 1 ? 1 + (seed % (hidden_size - 1)) : 0,
        num_layers,
        bidirectional,
        bias,
      };
      const states = num_layers * directionsOf(module).length * batch;
      const sequence: Sequence = {
        ...sequenceOf(module, steps, batch, seed),
        h0: drawn.states ? numbers(seed + 1, states * outputSize(module)) : undefined,
        c0: drawn.states && kind === 'LSTM' ? numbers(seed + 2, states * hidden_size) : undefined,
        lengths: drawn.lengths
          ? Array.from({ length: batch }, (_, b) => 1 + ((seed >> b) % steps))
          : undefined,
      };
      return { network: networkOf(module, seed), sequence };
    });
}
