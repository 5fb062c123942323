import { envelope } from '../../bounds/envelope.js';
import { PROFILE_OF, PROFILES, type ProfileName } from '../../bounds/profiles.js';
import type { Direction } from '../../kinds.js';
import type { BoundCase } from '../../module/bind.js';
import { knownOutputs } from '../../module/known-outputs.js';
import { directionsOf, layerInputSize } from '../../module/parameters.js';
import type { FloatDtype, Floats } from '../../tensor/dtype.js';
import type { KnownLayer } from './sensitivity.js';

/** A layer whose output is known, with its name. */
export interface Known extends KnownLayer {
  readonly layer: number;
  readonly direction: Direction;
}

/** Every direction of the layers whose whole output is known, where nothing comes between it and the cells. */
export function knownLayers(boundCase: BoundCase, said: ProfileName | undefined): Known[] {
  const { network, sequence } = boundCase;
  const { module, layers } = network;
  if (module.proj_size) return [];
  const truths = knownOutputs(boundCase);
  const dtype = truths.find((truth) => truth)?.dtype;
  if (!dtype) return [];
  const profile = PROFILES[said ?? PROFILE_OF[dtype as FloatDtype]];
  const known = truths.map((truth) => truth && { values: truth.data });
  const made = envelope(network, sequence, { profile, model: 'likely', known });
  const { steps, batch, lengths } = sequence;
  const { hidden_size } = module;
  const directions = directionsOf(module);
  const width = directions.length * hidden_size;
  return truths.flatMap((truth, layer) => {
    if (!truth) return [];
    const below = layer === 0 ? sequence.input : (truths[layer - 1]?.data ?? made.layers[layer - 1].values);
    const input = new Float64Array(steps * batch * layerInputSize(module, layer));
    input.set(below);
    return directions.map((direction, d): Known => {
      const index = layer * directions.length + d;
      const state = (values: Floats | undefined) =>
        values?.subarray(index * batch * hidden_size, (index + 1) * batch * hidden_size);
      const own = (values: Floats) => {
        const result = new Float64Array(steps * batch * hidden_size);
        for (let at = 0; at < values.length / width; at++) {
          const from = at * width + d * hidden_size;
          result.set(values.subarray(from, from + hidden_size), at * hidden_size);
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
        input_size: layerInputSize(module, layer),
        h0: state(sequence.h0),
        c0: state(sequence.c0),
        expected: own(truth.data),
        // What is undecided says nothing.
        sigma: own(error.map((sigma, i) => (undecided[i] ? 0 : sigma))),
      };
    });
  });
}
