import { carriesCell, KINDS } from '../kinds.js';
import type { Parameters } from '../module/bind.js';
import { type Module, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import type { GateStep } from './cells/gate-step.js';
import type { Kernels } from './kernels/kernels.js';
import type { Recorder } from './trace.js';

/** One layer in one direction: its inputs, and where its outputs go. */
export interface LayerRun {
  readonly kernels: Kernels;
  readonly module: Module;
  readonly parameters: Parameters;
  readonly reverse: boolean;
  readonly steps: number;
  /** The number of batch rows that a step is within the length of; these are always the first ones. */
  readonly rowsAt: (step: number) => number;
  readonly batch: number;
  /** [steps, batch, input_size] */
  readonly input: Floats;
  readonly input_size: number;
  /** [steps, batch, width]; this direction's columns begin at `outputAt`. */
  readonly output: Floats;
  readonly width: number;
  readonly outputAt: number;
  /** In: h_0. Out: h_n. [batch, output size] */
  readonly h: Floats;
  /** LSTM only. In: c_0. Out: c_n. [batch, hidden] */
  readonly c: Floats;
  /** Copies the results of every step, where a trace is requested. */
  readonly record?: Recorder['record'];
  /** This thread's share of the units, where other threads run the same layer. */
  readonly share?: Share;
}

/** The units that one thread computes of a pass over a single batch row. */
export interface Share {
  /** This thread is number `index` of `count`. */
  readonly index: number;
  readonly count: number;
  /**
   * Writes this thread's values to position `from` of a vector that all threads write to, waits until they have, and
   * copies the vector into `whole`.
   */
  exchange(values: Floats, from: number, whole: Floats): void;
}

// A chunk holds this many values of gates, which fit into a processor's cache; but at least this many rows, so that
// reading the weights pays.
const CHUNK_VALUES = 2 ** 17;
const CHUNK_ROWS = 32;

/**
 * Runs a layer through time, chunk by chunk: W_ih x of all steps of a chunk is one product, W_hh h is one product a
 * step. Yields the number of steps done after each chunk. Buffers do not grow with the number of steps.
 */
export function* runLayer(run: LayerRun): Generator<number> {
  const { kernels, module, steps, batch, input_size, width, outputAt, rowsAt, share } = run;
  const { hidden_size, proj_size } = module;
  const { from, to } = unitsOf(share, hidden_size);
  const units = to - from;
  const columns = KINDS[module.kind].gates.length * units;
  const size = outputSize(module);
  const chunk = Math.min(steps, Math.ceil(Math.max(CHUNK_ROWS, CHUNK_VALUES / columns) / batch));
  const { products, gateStep, buffers } = layerWorkspace(run, from, to, chunk);
  const { x, h, c } = buffers;
  // With a projection or other threads, the cell's h is not yet the layer's h.
  const cellH = proj_size || share ? buffers.cellH : h;
  // Under a projection: the cell's h of all units.
  const unprojected = share ? buffers.unprojected : cellH;
  h.set(run.h);
  if (carriesCell(module.kind)) c.set(share ? run.c.subarray(from, to) : run.c);
  // A GRU reads the previous h of its own units.
  if (share && !proj_size) cellH.set(run.h.subarray(from, to));
  const cell = gateStep[module.kind];
  const cellStep = {
    rows: batch,
    hidden_size: units,
    gates: buffers.gates,
    gatesAt: 0,
    hidden: buffers.hidden,
    h: cellH,
    c,
    nonlinearity: module.nonlinearity,
    store: kernels.store,
  } satisfies GateStep;

  for (let done = 0; done < steps; ) {
    const count = Math.min(chunk, steps - done);
    const first = run.reverse ? steps - done - count : done;
    const start = first * batch * input_size;
    x.set(run.input.subarray(start, start + count * batch * input_size));
    products.input(cellStep.gates, x, count * batch);
    for (let i = 0; i < count; i++) {
      const inChunk = run.reverse ? count - 1 - i : i;
      const step = first + inChunk;
      cellStep.rows = rowsAt(step);
      cellStep.gatesAt = inChunk * batch * columns;
      products.hidden(cellStep.hidden, h, cellStep.rows);
      cell(cellStep);
      share?.exchange(cellH, from, proj_size ? unprojected : h);
      if (proj_size) products.projection(h, unprojected, cellStep.rows);
      run.record?.(step, cellStep, h);
      for (let row = 0; row < cellStep.rows; row++) {
        const outAt = (step * batch + row) * width + outputAt;
        for (let unit = 0; unit < size; unit++) run.output[outAt + unit] = h[row * size + unit];
      }
    }
    done += count;
    yield done;
  }
  run.h.set(h);
  if (carriesCell(module.kind)) {
    if (share) share.exchange(c, from, run.c);
    else run.c.set(c);
  }
}

/** The hidden units that a thread computes: from … to − 1. */
function unitsOf(
  share: Share | undefined,
  hidden_size: number,
): { readonly from: number; readonly to: number } {
  if (!share) return { from: 0, to: hidden_size };
  const boundary = (index: number) => Math.floor((index * hidden_size) / share.count);
  return { from: boundary(share.index), to: boundary(share.index + 1) };
}

/** The products and buffers of a layer, for units from … to − 1 and chunks of `chunk` steps. */
function layerWorkspace(
  { kernels, module, parameters, batch, input_size, share }: LayerRun,
  from: number,
  to: number,
  chunk: number,
) {
  const { hidden_size, proj_size, kind } = module;
  const { weightIh, weightHh, biasIh, biasHh, weightHr } = parameters;
  const gates = KINDS[kind].gates.length;
  const units = to - from;
  const columns = gates * units;
  const rows = batch === 1 ? 'one' : 'many';
  const rowsOfUnits = (values: Floats) => (share ? gateRowsOf(values, gates, hidden_size, from, to) : values);
  return kernels.workspace(
    {
      input: { weight: rowsOfUnits(weightIh), bias: biasIh && rowsOfUnits(biasIh), columns, rows: 'many' },
      hidden: { weight: rowsOfUnits(weightHh), bias: biasHh && rowsOfUnits(biasHh), columns, rows },
      ...(weightHr && { projection: { weight: weightHr, columns: proj_size, rows } }),
    },
    {
      x: chunk * batch * input_size, // [chunk, batch, input_size]
      gates: chunk * batch * columns, // [chunk, batch, gates·units]
      hidden: batch * columns, // [batch, gates·units]
      h: batch * outputSize(module), // [batch, output size]
      cellH: proj_size || share ? batch * units : 0, // [batch, units]
      unprojected: proj_size && share ? batch * hidden_size : 0, // [batch, hidden]
      c: carriesCell(kind) ? batch * units : 0, // [batch, units]
    },
  );
}

/**
 * The rows of units from … to − 1 in a matrix or vector with rows for all gates: [gates·hidden, …] to [gates·units, …].
 */
function gateRowsOf(values: Floats, gates: number, hidden_size: number, from: number, to: number): Floats {
  const size = values.length / (gates * hidden_size);
  const units = to - from;
  const result = values.slice(0, gates * units * size); // [gates·units, size]
  for (let gate = 0; gate < gates; gate++) {
    const start = (gate * hidden_size + from) * size;
    result.set(values.subarray(start, start + units * size), gate * units * size);
  }
  return result;
}
