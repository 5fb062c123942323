import { predict } from '../../src/diagnose/conventions/predict.js';
import type { Network, Sequence } from '../../src/module/bind.js';
import type { KnownLayer } from '../../src/one-weight/sensitivity.js';

export const SIGMA = 1e-6;

/** A layer whose reference another network computed, with noise of up to half a SIGMA. */
export function layerOf(network: Network, right: Network, sequence: Sequence): KnownLayer {
  const { module, layers } = network;
  const { output } = predict(right, sequence, {});
  return {
    module,
    parameters: layers[0][0],
    reverse: false,
    ...sequence,
    input_size: module.input_size,
    expected: output.map((value, i) => value + 0.5 * SIGMA * Math.sin(7 * i)),
    sigma: new Float64Array(output.length).fill(SIGMA),
  };
}
