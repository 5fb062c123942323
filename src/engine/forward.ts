import { carriesCell } from '../kinds.js';
import type { Network, Sequence } from '../module/bind.js';
import { directionsOf, layerInputSize, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import { chooseKernels, workOf } from './kernels/choose.js';
import type { Kernels } from './kernels/kernels.js';
import { rounded, type Storage } from './kernels/rounded.js';
import { runLayer, type Share } from './layer.js';
import { type Compute, checkSpeed, type KernelName, type SpeedOptions } from './options.js';
import { type LayerTrace, planTrace, traceRecorder } from './trace.js';

export interface ForwardOptions {
  /** float64 if absent. */
  readonly compute?: Compute;
  /** Rounds what is stored on the way, as a computation in another dtype does. */
  readonly storage?: Storage;
  /** Keeps h, c and the gates of every step. */
  readonly trace?: boolean;
  /** Keeps the output of every layer. */
  readonly layers?: boolean;
  readonly speed?: SpeedOptions;
  /** One thread's part, where other threads run the same network over the same sequence. */
  readonly share?: Share;
  /** Called now and then with the part that is done, 0 … 1; the pass waits for what it returns. */
  readonly onProgress?: (done: number) => void | Promise<void>;
}

/** The outputs of a network, time first, as the module's documentation names them. */
export interface Outputs {
  /** [steps, batch, directions·output size]; zero beyond a row's length */
  readonly output: Floats;
  /** [layers·directions, batch, output size] */
  readonly h_n: Floats;
  /** [layers·directions, batch, hidden_size], LSTM only */
  readonly c_n?: Floats;
  /** The output of every layer, as `output`; where it was asked for. */
  readonly layers?: readonly Floats[];
  /** Layers from the bottom up, each forward, then reverse; where it was asked for. */
  readonly trace?: readonly LayerTrace[];
  readonly kernels: UsedKernels;
}

/** What a pass was computed with, and why with nothing faster where that has reasons. */
export interface UsedKernels {
  readonly name: KernelName;
  readonly threads: number;
  readonly notes: readonly string[];
}

/**
 * Runs a network over a sequence in evaluation mode: layers from the bottom up, each forward and, if bidirectional,
 * in reverse from every row's last valid step. As torch.nn.RNN, GRU and LSTM (also over a PackedSequence).
 */
export async function forwardPass(
  network: Network,
  sequence: Sequence,
  options: ForwardOptions = {},
): Promise<Outputs> {
  const { compute = 'float64', storage, speed = {} } = options;
  checkSpeed(speed);
  const { kind } = network.module;
  const { kernels, name, notes, release } = chooseKernels(kind, compute, workOf(network, sequence), speed);
  try {
    const outputs = await runLayers(
      storage ? rounded(kernels, storage) : kernels,
      network,
      sequence,
      options,
    );
    return { ...outputs, kernels: { name, threads: 1, notes } };
  } finally {
    release();
  }
}

async function runLayers(
  kernels: Kernels,
  network: Network,
  sequence: Sequence,
  options: ForwardOptions,
): Promise<Omit<Outputs, 'kernels'>> {
  const { module, layers } = network;
  const { steps, batch } = sequence;
  const directions = directionsOf(module);
  const size = outputSize(module);
  const { hidden_size } = module;
  const withCell = carriesCell(module.kind);

  const { order, inverse, rowsAt } = packRows(sequence);
  const sorted = (values: Floats, outer: number, inner: number) => pick(values, order, outer, batch, inner);

  const trace: LayerTrace[] | undefined = options.trace ? [] : undefined;
  const kept: Floats[] | undefined = options.layers ? [] : undefined;
  if (trace) planTrace(module, steps, batch, options.compute);

  const states = layers.length * directions.length;
  const h_n = kernels.allocate(states * batch * size);
  const c_n = kernels.allocate(withCell ? states * batch * hidden_size : 0);
  if (sequence.h0) h_n.set(sorted(sequence.h0, states, size));
  if (sequence.c0) c_n.set(sorted(sequence.c0, states, hidden_size));

  let input = sorted(sequence.input, steps, module.input_size);
  const width = directions.length * size;
  for (const [layer, parameters] of layers.entries()) {
    const output = kernels.allocate(steps * batch * width);
    for (const [d, direction] of directions.entries()) {
      const index = layer * directions.length + d;
      // With one direction, and rows in their own order, the layer's output is its h.
      const shared = directions.length === 1 && !order ? output : undefined;
      const recorder =
        trace && traceRecorder(kernels, module, { layer, direction }, steps, batch, shared, order);
      if (recorder) trace.push(recorder.trace);
      const run = runLayer({
        kernels,
        module,
        parameters: parameters[d],
        reverse: direction === 'reverse',
        steps,
        rowsAt,
        batch,
        input,
        input_size: layerInputSize(module, layer),
        output,
        width,
        outputAt: d * size,
        h: h_n.subarray(index * batch * size, (index + 1) * batch * size),
        c: c_n.subarray(index * batch * hidden_size, (index + 1) * batch * hidden_size),
        record: recorder?.record,
        share: options.share,
      });
      for (const done of run) await options.onProgress?.((index + done / steps) / states);
    }
    input = output;
    kept?.push(pick(output, inverse, steps, batch, width));
  }

  return {
    output: pick(input, inverse, steps, batch, width),
    h_n: pick(h_n, inverse, states, batch, size),
    c_n: withCell ? pick(c_n, inverse, states, batch, hidden_size) : undefined,
    layers: kept,
    trace,
  };
}

/**
 * Batch rows in the order of their lengths, longest first, as PyTorch packs them: those that take part in a step are then
 * always the first ones. Undefined orders leave the rows where they are.
 */
export function packRows({ steps, batch, lengths }: Pick<Sequence, 'steps' | 'batch' | 'lengths'>): {
  readonly order?: readonly number[];
  readonly inverse?: readonly number[];
  readonly rowsAt: (step: number) => number;
} {
  if (!lengths) return { rowsAt: () => batch };
  const order = [...lengths.keys()].sort((a, b) => lengths[b] - lengths[a]);
  const sorted = order.map((row) => lengths[row]);
  return { order, inverse: invert(order), rowsAt: activeRows(sorted, steps) };
}

/** How many of the rows, sorted by length, longest first, are within it at each step. */
function activeRows(sortedLengths: readonly number[], steps: number): (step: number) => number {
  const counts = new Uint32Array(steps);
  for (const length of sortedLengths) for (let step = 0; step < length; step++) counts[step]++;
  return (step) => counts[step];
}

/** Batch rows out of values [outer, batch, inner], in this order: all of them, or some. */
export function pick<T extends Floats | Uint8Array>(
  values: T,
  rows: readonly number[] | undefined,
  outer: number,
  batch: number,
  inner: number,
): T {
  if (!rows) return values;
  const result = values.slice(0, outer * rows.length * inner) as T;
  for (let i = 0; i < outer; i++) {
    for (const [to, from] of rows.entries()) {
      const start = (i * batch + from) * inner;
      result.set(values.subarray(start, start + inner), (i * rows.length + to) * inner);
    }
  }
  return result;
}

function invert(order: readonly number[]): number[] {
  const inverse = new Array<number>(order.length);
  for (const [to, from] of order.entries()) inverse[from] = to;
  return inverse;
}
