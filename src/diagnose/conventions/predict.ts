import { pick } from '../../engine/forward.js';
import { chooseKernels, workOf } from '../../engine/kernels/choose.js';
import { plainFloat64 } from '../../engine/kernels/plain.js';
import type { SpeedOptions } from '../../engine/options.js';
import type { Network, Sequence } from '../../module/bind.js';
import { directionsOf, outputSize } from '../../module/parameters.js';
import type { Floats } from '../../tensor/dtype.js';
import { swapFirstAxes } from '../../tensor/tensor.js';
import type { Predicted } from './predicted.js';
import type { Variant } from './variant.js';
import { runLayers } from './variant-layers.js';
import type { States } from './variant-order.js';
import { variantOutputs, withAllRows } from './variant-outputs.js';
import { firstRows, variantSequence } from './variant-sequence.js';

/** A part of a sequence: the first steps in the order of each direction, of the first batch rows. */
export interface Limit {
  readonly steps: number;
  readonly rows: number;
}

export interface PredictOptions {
  /** Computes only this part. */
  readonly limit?: Limit;
  readonly speed?: SpeedOptions;
  /** What PyTorch computes, if the caller has it. */
  readonly base?: Predicted;
}

/** A search makes about this many passes, so that loading WebAssembly pays off for less work than in a single pass. */
const PASSES = 16;

/**
 * Predicts the outputs of another program over the same sequence, in float64. The empty variant gives what
 * engine/forward.ts gives.
 */
export function predict(
  network: Network,
  sequence: Sequence,
  variant: Variant,
  options: PredictOptions = {},
): Predicted {
  if (variant.axes) return predictExchanged(network, sequence, variant, options);
  if (variant.packed) return predictPacked(network, sequence, variant, options);
  const { limit, speed = {} } = options;
  const { module } = network;
  const { steps, batch } = sequence;
  const rows = Math.min(batch, limit?.rows ?? batch);
  const finals = variant.stateful ? finalsBefore(network, sequence, options) : undefined;
  const whole = variantSequence(module, sequence, variant, finals);
  const part = firstRows(whole, module, rows);
  // A few steps are sooner computed than weights are packed.
  const isShort = limit && !(module.bidirectional && module.num_layers > 1);
  const { kernels, release } = isShort
    ? { kernels: plainFloat64, release: () => undefined }
    : chooseKernels(module.kind, 'float64', PASSES * workOf(network, part), speed);
  try {
    const maxSteps = limit?.steps ?? steps;
    const outputs = runLayers({ kernels, network, sequence: part, variant, maxSteps });
    return withAllRows(module, variantOutputs(module, part, outputs, variant), variant, rows, batch);
  } finally {
    release();
  }
}

/** The final states of PyTorch's run over the same sequence. */
function finalsBefore(network: Network, sequence: Sequence, { base, speed }: PredictOptions): States {
  const { h_n, c_n } = base ?? predict(network, sequence, {}, { speed });
  return { h: h_n, c: c_n };
}

/** Runs along the batch, as if time steps were batch rows: from zero states, or from those of the first batch row. */
function predictExchanged(
  network: Network,
  { steps, batch, input, h0, c0 }: Sequence,
  { axes, ...others }: Variant,
  { limit, speed }: PredictOptions,
): Predicted {
  const { module } = network;
  const count = module.num_layers * directionsOf(module).length;
  // The state of the first row for every row of the other run.
  const first = (states: Floats | undefined) => {
    if (!states || axes === 'exchanged') return undefined;
    const size = states.length / count / batch;
    return Float64Array.from({ length: count * steps * size }, (_, i) => {
      const state = Math.floor(i / (steps * size));
      return states[state * batch * size + (i % size)];
    });
  };
  const sequence = {
    steps: batch,
    batch: steps,
    h0: first(h0),
    c0: first(c0),
    input: swapFirstAxes(input, steps, batch, module.input_size), // [batch, steps, input_size]
  };
  const { output, h_n, c_n } = predict(network, sequence, others, { limit, speed });
  const width = directionsOf(module).length * outputSize(module);
  // Final states [layers·directions, steps, …] can be compared only if they have the shape of PyTorch's.
  const finals = steps === batch ? { h_n, c_n } : {};
  return { output: swapFirstAxes(output, batch, steps, width), ...finals };
}

/** Runs all valid steps as one sequence of one row, which begins from the states of the first row. */
function predictPacked(
  network: Network,
  sequence: Sequence,
  { packed, ...others }: Variant,
  { speed }: PredictOptions,
): Predicted {
  const { module } = network;
  const { steps, batch, input, h0, c0, lengths } = sequence;
  const places = Array.from({ length: steps * batch }, (_, i) => i).filter(
    (i) => Math.floor(i / batch) < (lengths?.[i % batch] ?? steps),
  );
  const byRow = (i: number) => (i % batch) * steps + Math.floor(i / batch);
  if (packed === 'by row') places.sort((a, b) => byRow(a) - byRow(b));
  const states = module.num_layers * directionsOf(module).length;
  const first = (values: Floats | undefined) =>
    values && pick(values, [0], states, batch, values.length / states / batch);
  const one = {
    steps: places.length,
    batch: 1,
    input: pick(input, places, 1, steps * batch, module.input_size),
    h0: first(h0),
    c0: first(c0),
  };
  const { output } = predict(network, one, others, { speed });
  const width = directionsOf(module).length * outputSize(module);
  const spread = new Float64Array(steps * batch * width); // [steps, batch, directions·output size]
  for (const [i, place] of places.entries())
    spread.set(output.subarray(i * width, (i + 1) * width), place * width);
  return { output: spread };
}
