import type { Kernels } from '../../engine/kernels/kernels.js';
import { carriesCell } from '../../kinds.js';
import type { Network, Parameters, Sequence } from '../../module/bind.js';
import { directionsOf, outputSize } from '../../module/parameters.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Predicted } from './predicted.js';
import { type Variant, variantAt } from './variant.js';
import { type DirectionRun, type OutputColumns, runDirection } from './variant-direction.js';
import { variantParameters } from './variant-weights.js';

/** A pass over all layers. */
export interface LayersRun {
  readonly kernels: Kernels;
  readonly network: Network;
  readonly sequence: Sequence;
  readonly variant: Variant;
  /** The number of steps to compute in each direction, where the layers above need no more. */
  readonly maxSteps: number;
}

/** Runs the layers from the bottom up. Outputs of steps that are not computed are NaN; so are final states then. */
export function runLayers(run: LayersRun): Predicted {
  const { network, sequence, variant, maxSteps } = run;
  const { steps, batch } = sequence;
  const { module } = network;
  const directionCount = directionsOf(module).length;
  const layerCount = variant.layers === 'first only' ? 1 : module.num_layers;
  const states = module.num_layers * directionCount * batch;
  const cellSize = carriesCell(module.kind) ? module.hidden_size : 0;
  const h_n = new Float64Array(states * outputSize(module)); // [layers·directions, batch, output size]
  const c_n = new Float64Array(states * cellSize); // [layers·directions, batch, hidden_size], or empty
  let input = sequence.input;
  for (let layer = 0; layer < layerCount; layer++) {
    // A reverse direction of the layer above begins with the last step: it needs all of them.
    const stepsRun = directionCount === 1 || layer === layerCount - 1 ? Math.min(maxSteps, steps) : steps;
    const { output, h, c } = runLayer(run, layer, input, stepsRun);
    h_n.set(h, layer * h.length);
    c_n.set(c, layer * c.length);
    input = output;
  }
  const hasStates = layerCount === module.num_layers;
  return { output: input, h_n: hasStates ? h_n : undefined, c_n: hasStates && cellSize ? c_n : undefined };
}

interface LayerOutputs {
  /** [steps, batch, directions·output size] */
  readonly output: Floats;
  /** [directions, batch, output size] */
  readonly h: Floats;
  /** [directions, batch, hidden_size], LSTM only */
  readonly c: Floats;
}

function runLayer(
  { kernels, network, sequence, variant }: LayersRun,
  layer: number,
  input: Floats,
  stepsRun: number,
): LayerOutputs {
  const { module } = network;
  const { steps, batch, h0, c0, lengths } = sequence;
  const directionCount = directionsOf(module).length;
  const size = outputSize(module);
  const cellSize = carriesCell(module.kind) ? module.hidden_size : 0;
  const isPartial = stepsRun < steps;
  const output = new Float64Array(steps * batch * directionCount * size); // [steps, batch, directions·output size]
  if (isPartial) output.fill(Number.NaN);
  const h = initialStates(h0, layer, directionCount * batch * size); // [directions, batch, output size]
  const c = initialStates(c0, layer, directionCount * batch * cellSize); // [directions, batch, hidden_size]
  for (let d = 0; d < directionCount; d++) {
    const here = variantAt(inLayer(variant, layer, module.num_layers), layer, d);
    const run: DirectionRun = {
      kernels,
      module,
      parameters: parametersOf(network, layer, d, here),
      variant: here,
      reverse: d === 1 && here.reverse !== 'forward too' && here.reverse !== 'over features',
      features: d === 1 && here.reverse === 'over features' ? 'reversed' : undefined,
      steps,
      stepsRun,
      batch,
      lengths,
      input,
      h: h.subarray(d * batch * size, (d + 1) * batch * size),
      c: c.subarray(d * batch * cellSize, (d + 1) * batch * cellSize),
      output,
      width: directionCount * size,
      columns: outputColumns(here, directionCount, d, size),
    };
    runDirection(run);
    if (variant.finals === 'of the last step') run.h.set(lastStep(run, size));
  }
  if (isPartial) {
    h.fill(Number.NaN);
    c.fill(Number.NaN);
  }
  return { output, h, c };
}

/** The initial states of one layer's directions; zeros if absent. */
function initialStates(states: Floats | undefined, layer: number, length: number): Float64Array {
  const initial = new Float64Array(length);
  if (states) initial.set(states.subarray(layer * length, (layer + 1) * length));
  return initial;
}

/** A variant without what it changes in other layers only. */
function inLayer(variant: Variant, layer: number, layerCount: number): Variant {
  const { reverseIn } = variant;
  const isHere = !reverseIn || (reverseIn === 'last layer') === (layer === layerCount - 1);
  return isHere ? variant : { ...variant, reverse: undefined };
}

/** The parameters that a variant runs one direction of a layer with. */
function parametersOf({ module, layers }: Network, layer: number, d: number, variant: Variant): Parameters {
  const from = weightsOf(variant, layer);
  const directions = layers[haveSameShapes(layers[layer], layers[from]) ? from : layer];
  return variantParameters(module, directions[parameterDirection(variant, directions.length, d)], variant);
}

/** The layer whose weights a layer runs with. */
function weightsOf({ layers }: Variant, layer: number): number {
  if (layers === 'first shared') return 0;
  return layers === undefined || layers === 'first only' ? layer : layers[layer];
}

function haveSameShapes([a]: readonly Parameters[], [b]: readonly Parameters[]): boolean {
  return a.weightIh.length === b.weightIh.length;
}

/** The direction whose parameters the direction `d` runs with. */
function parameterDirection({ reverse }: Variant, directionCount: number, d: number): number {
  switch (reverse) {
    case 'weights of forward':
      return 0;
    case 'weights exchanged':
      return directionCount - 1 - d;
    default:
      return d;
  }
}

/** Where a direction's units are in a row of a layer's output. */
function outputColumns({ reverse }: Variant, directionCount: number, d: number, size: number): OutputColumns {
  if (reverse === 'interleaved') return { first: d, stride: directionCount };
  return { first: (reverse === 'written first' ? directionCount - 1 - d : d) * size, stride: 1 };
}

/** A direction's part of the output's last step: [batch, output size]. */
function lastStep({ output, steps, batch, width, columns }: DirectionRun, size: number): Float64Array {
  const last = new Float64Array(batch * size); // [batch, output size]
  for (let row = 0; row < batch; row++) {
    const from = ((steps - 1) * batch + row) * width + columns.first;
    for (let unit = 0; unit < size; unit++) last[row * size + unit] = output[from + unit * columns.stride];
  }
  return last;
}
