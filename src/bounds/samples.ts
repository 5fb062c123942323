import { forwardPass, type Outputs } from '../engine/forward.js';
import type { SpeedOptions } from '../engine/options.js';
import type { Network, Sequence } from '../module/bind.js';
import { directionsOf, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import type { Profile } from './profiles.js';

/** The errors of a layer in passes that round at random, each in the layout of what the layer gives. */
export interface LayerSamples {
  /** [steps, batch, directions·output size] */
  readonly output: readonly Floats[];
  /** [directions, batch, output size] */
  readonly h: readonly Floats[];
  /** [directions, batch, hidden_size], LSTM only */
  readonly c: readonly Floats[];
}

/** Passes that round at random: with fewer a standard deviation is too uncertain, with more it takes too long. */
const PASSES = 8;

/**
 * Samples the rounding errors of the layers that run free, with all of their correlations: passes of these layers with
 * random errors of the size that the profile says, each minus the exact pass. Layers that follow each other run together,
 * from the input or from the known output below them.
 * @param known the outputs of layers; undefined where a layer runs free
 */
export async function sampleFreeLayers(
  network: Network,
  sequence: Sequence,
  known: readonly (Floats | undefined)[],
  profile: Profile,
  speed: SpeedOptions = {},
): Promise<(LayerSamples | undefined)[]> {
  const samples: (LayerSamples | undefined)[] = known.map(() => undefined);
  for (let first = 0; first < known.length; first++) {
    if (known[first]) continue;
    let end = first;
    while (end < known.length && !known[end]) end++;
    const part = partOf(network, sequence, first, end, known[first - 1]);
    const found = await samplesOf(part.network, part.sequence, profile, speed);
    for (const [i, one] of found.entries()) samples[first + i] = one;
    first = end;
  }
  return samples;
}

/**
 * The variance of every value: the mean square of its samples, or that of all units of its row where that is larger. A few
 * samples of one value would often give too little.
 * @param samples [rows, size]
 */
export function pooledVariances(samples: readonly Floats[], size: number): Float64Array {
  const variances = new Float64Array(samples[0].length);
  for (const sample of samples)
    for (let i = 0; i < variances.length; i++) variances[i] += (sample[i] * sample[i]) / samples.length;
  for (let from = 0; from < variances.length; from += size) raiseToMean(variances, from, size);
  return variances;
}

/** Raises every value of a row to the mean of the row. */
export function raiseToMean(values: Floats, from: number, size: number): void {
  let sum = 0;
  for (let i = from; i < from + size; i++) sum += values[i];
  const mean = sum / size;
  for (let i = from; i < from + size; i++) if (values[i] < mean) values[i] = mean;
}

/** The layers from `first` to `end` − 1 as a network of their own. */
function partOf(
  { module, layers }: Network,
  sequence: Sequence,
  first: number,
  end: number,
  below: Floats | undefined,
): { readonly network: Network; readonly sequence: Sequence } {
  const directions = directionsOf(module).length;
  const { steps, batch, h0, c0 } = sequence;
  const states = (values: Floats | undefined, size: number) =>
    values?.subarray(first * directions * batch * size, end * directions * batch * size);
  const size = outputSize(module);
  const width = directions * size;
  const input = below && withLength(below, steps * batch * width);
  return {
    network: {
      module: { ...module, num_layers: end - first, input_size: input ? width : module.input_size },
      layers: layers.slice(first, end),
    },
    sequence: {
      ...sequence,
      input: input ?? sequence.input,
      h0: states(h0, size),
      c0: states(c0, module.hidden_size),
    },
  };
}

/** A reference may end at the longest of the lengths. */
export function withLength(values: Floats, length: number): Floats {
  if (values.length === length) return values;
  const padded = new Float64Array(length);
  padded.set(values);
  return padded;
}

async function samplesOf(
  network: Network,
  sequence: Sequence,
  { accumulate, store, tanh, tanhAbsolute }: Profile,
  speed: SpeedOptions,
): Promise<LayerSamples[]> {
  const exact = await forwardPass(network, sequence, { layers: true, speed });
  const passes: Outputs[] = [];
  for (let seed = 1; seed <= PASSES; seed++) {
    // The errors of activations are the largest of those that are stored.
    const noise = {
      accumulate: accumulate / Math.sqrt(3),
      store: store * Math.max(tanh.typical, 1 / Math.sqrt(3)),
      absolute: store * tanhAbsolute.typical,
      seed,
    };
    passes.push(await forwardPass(network, sequence, { layers: true, noise, speed }));
  }
  const { module } = network;
  return network.layers.map((_, layer) => {
    const errors = (of: (outputs: Outputs) => Floats | undefined): Floats[] => {
      const values = of(exact);
      if (!values) return [];
      return passes.map((pass) => of(pass)!.map((value, i) => value - values[i]));
    };
    const state = (values: Floats | undefined) => {
      const count = values && values.length / module.num_layers;
      return values?.subarray(layer * count!, (layer + 1) * count!);
    };
    return {
      output: errors(({ layers }) => layers![layer]),
      h: errors(({ h_n }) => state(h_n)),
      c: errors(({ c_n }) => state(c_n)),
    };
  });
}
