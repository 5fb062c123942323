import { carriesCell } from '../kinds.js';
import type { Network, Sequence } from '../module/bind.js';
import { directionsOf, layerInputSize, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import { chooseKernels, workOf, workOfJudging } from './kernels/choose.js';
import { DIFFERENCES, type Kernels } from './kernels/kernels.js';
import { type Noise, noisy } from './kernels/noisy.js';
import { mapValues } from './kernels/plain.js';
import { rounded, type Storage } from './kernels/rounded.js';
import { runLayer } from './layer.js';
import type { Share } from './layer-run.js';
import { type Compute, checkSpeed, type KernelName, type OnProgress, type SpeedOptions } from './options.js';
import type { LayerScreening, Screen, Screened } from './screen.js';
import { type LayerTrace, planTrace, traceRecorder } from './trace.js';

export interface ForwardOptions {
  /** float64 if absent. */
  readonly compute?: Compute;
  /** Rounds intermediate results, as a computation in another dtype does. */
  readonly storage?: Storage;
  /** Adds random errors to intermediate results, as rounding does. */
  readonly noise?: Noise;
  /** Keeps h, c and the gates of every step. */
  readonly trace?: boolean;
  /** Keeps the output of every layer. */
  readonly layers?: boolean;
  readonly speed?: SpeedOptions;
  /** Screens references, so that nothing else needs to judge what is near (screen.ts). In float64 only. */
  readonly screen?: Screen;
  /** This thread's share of the units, where other threads run the same network over the same sequence. */
  readonly share?: Share;
  readonly onProgress?: OnProgress;
}

/** The outputs of a network, time first, by the names of PyTorch's documentation. */
export interface Outputs {
  /** [steps, batch, directions·output size]; zero beyond a row's length */
  readonly output: Floats;
  /** [layers·directions, batch, output size] */
  readonly h_n: Floats;
  /** [layers·directions, batch, hidden_size], LSTM only */
  readonly c_n?: Floats;
  /** The output of every layer, in the layout of `output`; if requested. */
  readonly layers?: readonly Floats[];
  /** Layers from the bottom up, each forward, then reverse; if requested. */
  readonly trace?: readonly LayerTrace[];
  /** If requested. */
  readonly screened?: Screened;
  readonly kernels: UsedKernels;
}

/** The kernels and threads that computed a pass. */
export interface UsedKernels {
  readonly name: KernelName;
  readonly threads: number;
  /** Why faster ones were not used. */
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
  const { compute = 'float64', storage, noise, screen, speed = {} } = options;
  checkSpeed(speed);
  const { kind } = network.module;
  const work = (screen ? workOfJudging : workOf)(network, sequence);
  const { kernels, name, notes, release } = chooseKernels(kind, compute, work, speed);
  try {
    const outputs = await runLayers(
      storage ? rounded(kernels, storage) : noise ? noisy(kernels, noise) : kernels,
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
  const { hidden_size } = module;
  const directions = directionsOf(module);
  const states = layers.length * directions.length;
  const size = outputSize(module);
  const width = directions.length * size;
  const trace: LayerTrace[] | undefined = options.trace ? [] : undefined;
  const layerOutputs: Floats[] | undefined = options.layers ? [] : undefined;
  if (trace) planTrace(module, steps, batch, options.compute);
  const { order, inverse, rowsAt } = packRows(sequence);
  const { h_n, c_n } = initialStates(kernels, network, sequence, order);
  const screenings = options.screen && screeningsOf(options.screen, network, sequence, order);

  let input = pick(sequence.input, order, steps, batch, module.input_size);
  for (const [layer, parameters] of layers.entries()) {
    const length = steps * batch * width;
    const output = options.share?.outputs[layer] ?? kernels.allocate(length); // [steps, batch, directions·output size]
    // With one direction, and rows in their original order, the layer's output is also the trace of its h.
    const hTrace = directions.length === 1 && !order ? output : undefined;
    for (const [d, direction] of directions.entries()) {
      const state = layer * directions.length + d;
      const recorder =
        trace && traceRecorder(kernels, module, { layer, direction }, steps, batch, hTrace, order);
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
        h: h_n.subarray(state * batch * size, (state + 1) * batch * size),
        c: c_n.subarray(state * batch * hidden_size, (state + 1) * batch * hidden_size),
        record: recorder?.record,
        screening: screenings?.of(layer, d),
        share: options.share,
      });
      for (const done of run) await options.onProgress?.((state + done / steps) / states, 'computing');
    }
    input = output;
    layerOutputs?.push(pick(output, inverse, steps, batch, width));
  }

  return {
    output: pick(input, inverse, steps, batch, width),
    h_n: pick(h_n, inverse, states, batch, size),
    c_n: carriesCell(module.kind) ? pick(c_n, inverse, states, batch, hidden_size) : undefined,
    layers: layerOutputs,
    trace,
    screened: screenings?.found(inverse),
  };
}

/** The screenings of all layers and directions, and what they find together. */
function screeningsOf(
  { layers, expected, limit, rows }: Screen,
  { module }: Network,
  { steps, batch }: Sequence,
  order: readonly number[] | undefined,
) {
  const directions = directionsOf(module).length;
  const size = outputSize(module);
  const width = directions * size;
  const states = layers.length * directions;
  const cells = carriesCell(module.kind) ? module.hidden_size : 0;
  const packed = order ?? [...Array(batch).keys()];
  const status = { isTold: true };
  const found = {
    farthest: new Float64Array(steps),
    differences: mapValues(DIFFERENCES, () => new Float64Array(steps)),
    squares: new Float64Array(batch * width),
    counts: new Float64Array(batch * width),
    dh: new Float32Array(states * batch * size),
    hV: new Float32Array(states * batch * size),
    dc: new Float32Array(states * batch * cells),
    cV: new Float32Array(states * batch * cells),
  };
  // Each layer's variances are the input of the next one's.
  const variances = layers.map((_, layer) =>
    layer < layers.length - 1 ? new Float32Array(steps * batch * width) : undefined,
  );
  return {
    of: (layer: number, d: number): LayerScreening => {
      const { terms, perSquare, biases } = layers[layer];
      const ofState = (values: Float32Array, inner: number) => {
        const at = layer * directions + d;
        return values.subarray(at * batch * inner, (at + 1) * batch * inner);
      };
      return {
        terms,
        perSquare,
        biases: biases[d],
        expected: layer === layers.length - 1 ? expected : undefined,
        limit,
        rows: packed.map((row) => rows?.[row] ?? row),
        inputVariances: variances[layer - 1],
        outputVariances: variances[layer],
        status,
        found: {
          ...found,
          dh: ofState(found.dh, size),
          hV: ofState(found.hV, size),
          dc: ofState(found.dc, cells),
          cV: ofState(found.cV, cells),
        },
      };
    },
    found: (inverse: readonly number[] | undefined): Screened => ({
      ...status,
      ...found,
      squares: pick(found.squares, inverse, 1, batch, width),
      counts: pick(found.counts, inverse, 1, batch, width),
      dh: pick(found.dh, inverse, states, batch, size),
      hV: pick(found.hV, inverse, states, batch, size),
      dc: pick(found.dc, inverse, states, batch, cells),
      cV: pick(found.cV, inverse, states, batch, cells),
    }),
  };
}

/** Buffers for h_n and c_n that hold h_0 and c_0, zeros where these are absent. Batch rows are in the given order. */
function initialStates(
  { allocate }: Kernels,
  { module, layers }: Network,
  { batch, h0, c0 }: Sequence,
  order: readonly number[] | undefined,
): { readonly h_n: Floats; readonly c_n: Floats } {
  const states = layers.length * directionsOf(module).length;
  const size = outputSize(module);
  const { hidden_size, kind } = module;
  const h_n = allocate(states * batch * size); // [layers·directions, batch, output size]
  const c_n = allocate(carriesCell(kind) ? states * batch * hidden_size : 0); // [layers·directions, batch, hidden]
  if (h0) h_n.set(pick(h0, order, states, batch, size));
  if (c0) c_n.set(pick(c0, order, states, batch, hidden_size));
  return { h_n, c_n };
}

/**
 * Batch rows in descending order of their lengths, as PyTorch packs them: the rows that take part in a step are always
 * the first ones. Without lengths the order is unchanged, and `order` and `inverse` are absent.
 */
export function packRows({ steps, batch, lengths }: Pick<Sequence, 'steps' | 'batch' | 'lengths'>): {
  /** `order[packed row]`: the original row. */
  readonly order?: readonly number[];
  /** `inverse[original row]`: the packed row. */
  readonly inverse?: readonly number[];
  /** The number of rows that take part in a step. */
  readonly rowsAt: (step: number) => number;
} {
  if (!lengths) return { rowsAt: () => batch };
  const order = [...lengths.keys()].sort((a, b) => lengths[b] - lengths[a]);
  return { order, inverse: invert(order), rowsAt: rowsWithin(lengths, steps) };
}

function rowsWithin(lengths: readonly number[], steps: number): (step: number) => number {
  const counts = new Uint32Array(steps);
  for (const length of lengths) for (let step = 0; step < length; step++) counts[step]++;
  return (step) => counts[step];
}

/**
 * Copies these batch rows out of values [outer, batch, inner], in this order; the values themselves if `rows` is
 * absent.
 */
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
