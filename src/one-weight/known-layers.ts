import type { Spread } from '../bounds/envelope.js';
import type { Direction } from '../kinds.js';
import type { BoundCase } from '../module/bind.js';
import { knownOutputs } from '../module/known-outputs.js';
import { directionsOf, layerInputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import type { KnownLayer } from './sensitivity.js';

/** A layer whose output is known, with its name. */
export interface Known extends KnownLayer {
  readonly layer: number;
  readonly direction: Direction;
  /** Whether what goes into it is in the case. */
  readonly hasInput: boolean;
}

/**
 * Every direction of the layers whose output the case has; none if the module has a projection, which mixes the units.
 * @param spreads what every layer gives, with the standard deviations of rounding
 */
export function knownLayers(boundCase: BoundCase, spreads: readonly Spread[]): Known[] {
  const { network, sequence } = boundCase;
  if (network.module.proj_size) return [];
  const references = knownOutputs(boundCase);
  return references.flatMap((reference, layer) => {
    if (!reference) return [];
    const below = layer === 0 ? sequence.input : (references[layer - 1]?.data ?? spreads[layer - 1].values);
    const hasInput = layer === 0 || references[layer - 1] !== undefined;
    return knownDirections(boundCase, layer, below, reference.data, spreads[layer]).map((known) => ({
      ...known,
      hasInput,
    }));
  });
}

/**
 * The directions of one layer.
 * @param below the layer's input, which may end at the longest of the lengths
 * @param expected the layer's output, which may end there too
 */
function knownDirections(
  { network, sequence }: BoundCase,
  layer: number,
  below: Floats,
  expected: Floats,
  { error, undecided }: Spread,
): Omit<Known, 'hasInput'>[] {
  const { module, layers } = network;
  const { steps, batch, lengths, h0, c0 } = sequence;
  const { hidden_size } = module;
  const directions = directionsOf(module);
  const input_size = layerInputSize(module, layer);
  const input = new Float64Array(steps * batch * input_size); // [steps, batch, layer input]
  input.set(below);
  const sigma = error.map((deviation, i) => (undecided[i] ? 0 : deviation)); // [steps, batch, directions·hidden]
  return directions.map((direction, d): Omit<Known, 'hasInput'> => {
    const stateSize = batch * hidden_size;
    const first = (layer * directions.length + d) * stateSize;
    const ofDirection = (values: Floats) => {
      const result = new Float64Array(steps * stateSize); // [steps, batch, hidden]
      copyColumns(values, directions.length * hidden_size, d * hidden_size, result, hidden_size);
      return result;
    };
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
      input_size,
      h0: h0?.subarray(first, first + stateSize),
      c0: c0?.subarray(first, first + stateSize),
      expected: ofDirection(expected),
      sigma: ofDirection(sigma),
    };
  });
}

/** Copies the columns of values [rows, width] that begin at `first` into `to` [rows or more, size]. */
function copyColumns(values: Floats, width: number, first: number, to: Float64Array, size: number): void {
  for (let row = 0; row < values.length / width; row++)
    to.set(values.subarray(row * width + first, row * width + first + size), row * size);
}
