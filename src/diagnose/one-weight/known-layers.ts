import { envelope } from '../../bounds/envelope.js';
import { PROFILE_OF, PROFILES, type ProfileName } from '../../bounds/profiles.js';
import type { Direction } from '../../kinds.js';
import type { Bound } from '../../module/bind.js';
import { directions, layerInputSize } from '../../module/parameters.js';
import type { FloatDtype, Floats } from '../../tensor/dtype.js';
import { knownOutputs } from '../../verdict/rounding.js';
import type { KnownLayer } from './sensitivity.js';

/** A layer whose output is known, with its name. */
export interface Known extends KnownLayer {
  readonly layer: number;
  readonly direction: Direction;
}

/** Every direction of the layers whose whole output is known, where nothing comes between it and the cells. */
export function knownLayers(bound: Bound, said: ProfileName | undefined): Known[] {
  const { network, sequence } = bound;
  const { module, layers } = network;
  if (module.projSize) return [];
  const truths = knownOutputs(bound);
  const dtype = truths.find((truth) => truth)?.dtype;
  if (!dtype) return [];
  const profile = PROFILES[said ?? PROFILE_OF[dtype as FloatDtype]];
  const known = truths.map((truth) => truth && { values: truth.data });
  const made = envelope(network, sequence, { profile, model: 'likely', known });
  const { steps, batch, lengths } = sequence;
  const { hiddenSize } = module;
  const ways = directions(module);
  const width = ways.length * hiddenSize;
  return truths.flatMap((truth, layer) => {
    if (!truth) return [];
    const below = layer === 0 ? sequence.input : (truths[layer - 1]?.data ?? made.layers[layer - 1].values);
    const input = new Float64Array(steps * batch * layerInputSize(module, layer));
    input.set(below);
    return ways.map((direction, d): Known => {
      const index = layer * ways.length + d;
      const state = (values: Floats | undefined) =>
        values?.subarray(index * batch * hiddenSize, (index + 1) * batch * hiddenSize);
      const own = (values: Floats) => {
        const result = new Float64Array(steps * batch * hiddenSize);
        for (let at = 0; at < values.length / width; at++) {
          const from = at * width + d * hiddenSize;
          result.set(values.subarray(from, from + hiddenSize), at * hiddenSize);
        }
        return result;
      };
      const { error, undecided } = made.layers[layer];
      return {
        layer,
        direction,
        module,
        parameters: layers[layer][d],
        reverse: direction === 'reverse',
        steps,
        batch,
        lengths,
        input,
        inputSize: layerInputSize(module, layer),
        h0: state(sequence.h0),
        c0: state(sequence.c0),
        expected: own(truth.data),
        // What is undecided says nothing.
        sigma: own(error.map((sigma, i) => (undecided[i] ? 0 : sigma))),
      };
    });
  });
}
