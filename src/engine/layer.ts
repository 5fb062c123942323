import { carriesCell, KINDS } from '../kinds.js';
import { outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import type { GateStep } from './cells/gate-step.js';
import type { Factor } from './kernels/kernels.js';
import { type LayerRun, unitsOf } from './layer-run.js';
import { screenBuffers, screenDoubles, screenFactors } from './screen-buffers.js';
import { screenerOf } from './screener.js';

// A chunk holds this many values of gates, which fit into a processor's cache; but at least this many rows, so that
// reading the weights pays.
const CHUNK_VALUES = 2 ** 17;
const CHUNK_ROWS = 32;
// A screening makes more products of all rows of a chunk: these are faster from so many rows on, if there is room for them.
const SCREENED = { rows: 256, values: 2 ** 19 };

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
  const screened = run.screening ? Math.min(SCREENED.rows, SCREENED.values / columns) : 0;
  const chunk = Math.min(steps, Math.ceil(Math.max(CHUNK_ROWS, CHUNK_VALUES / columns, screened) / batch));
  const workspace = layerWorkspace(run, from, to, chunk);
  const { products, gateStep, buffers } = workspace;
  const { x, h, c } = buffers;
  const screener = screenerOf(run, workspace, from, to);
  // With a projection or other threads, the cell's h is not yet the layer's h.
  const cellH = proj_size || share ? buffers.cellH : h;
  // Under a projection: the cell's h of all units.
  const unprojected = share ? buffers.unprojected : cellH;
  h.set(run.h);
  if (carriesCell(module.kind)) c.set(columnsOf(run.c, batch, from, to));
  // A GRU reads the previous h of its own units.
  if (share && !proj_size) cellH.set(columnsOf(run.h, batch, from, to));
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
    screener?.begin(cellStep.gates, first, count);
    for (let i = 0; i < count; i++) {
      const inChunk = run.reverse ? count - 1 - i : i;
      const step = first + inChunk;
      cellStep.rows = rowsAt(step);
      cellStep.gatesAt = inChunk * batch * columns;
      products.hidden(cellStep.hidden, h, cellStep.rows);
      screener?.before(inChunk, cellStep.rows);
      cell(cellStep);
      share?.exchange(cellH, proj_size ? unprojected : h);
      if (proj_size) products.projection(h, unprojected, cellStep.rows);
      screener?.after(inChunk, cellStep.rows);
      run.record?.(step, cellStep, h);
      storeRows(h, cellStep.rows, size, run.output, step * batch * width + outputAt, width);
    }
    screener?.finish(first, count);
    done += count;
    yield done;
  }
  run.h.set(h);
  if (carriesCell(module.kind)) {
    if (share) share.exchange(c, run.c);
    else run.c.set(c);
  }
}

/** From this many values on, copying them at once is faster than one by one. */
const MANY = 1024;

/** Copies h [rows, size] to rows of `width` values, from index `at` on. */
export function storeRows(
  h: Floats,
  rows: number,
  size: number,
  to: Floats,
  at: number,
  width: number,
): void {
  // With one direction, all rows of a step are adjacent.
  if (size === width && rows * size >= MANY) {
    to.set(h.subarray(0, rows * size), at);
    return;
  }
  for (let row = 0; row < rows; row++) {
    const from = row * size;
    const start = at + row * width;
    if (size >= MANY) to.set(h.subarray(from, from + size), start);
    else for (let k = 0; k < size; k++) to[start + k] = h[from + k];
  }
}

/** The columns from … to − 1 of values [batch, size]; the values themselves where these are all of them. */
function columnsOf(values: Floats, batch: number, from: number, to: number): Floats {
  const size = values.length / batch;
  if (to - from === size) return values;
  const columns = values.slice(0, batch * (to - from));
  for (let row = 0; row < batch; row++)
    columns.set(values.subarray(row * size + from, row * size + to), row * (to - from));
  return columns;
}

/** The products and buffers of a layer, for units from … to − 1 and chunks of `chunk` steps. */
function layerWorkspace(run: LayerRun, from: number, to: number, chunk: number) {
  const { kernels, module, parameters, batch, input_size, share } = run;
  const { hidden_size, proj_size, kind } = module;
  const { weightIh, weightHh, biasIh, biasHh, weightHr } = parameters;
  const gates = KINDS[kind].gates.length;
  const units = to - from;
  const columns = gates * units;
  const rows = batch === 1 ? 'one' : 'many';
  const ofUnits = { columns, ...(share && { units: { from, to, of: hidden_size } }) };
  const input: Factor = { weight: weightIh, bias: biasIh, rows: 'many', ...ofUnits };
  const hidden: Factor = { weight: weightHh, bias: biasHh, rows, ...ofUnits };
  return kernels.workspace(
    {
      input,
      hidden,
      ...(weightHr && { projection: { weight: weightHr, columns: proj_size, rows } }),
      ...screenFactors(run, input, hidden),
    },
    {
      x: chunk * batch * input_size, // [chunk, batch, input_size]
      gates: chunk * batch * columns, // [chunk, batch, gates·units]
      hidden: batch * columns, // [batch, gates·units]
      h: batch * outputSize(module), // [batch, output size]
      cellH: proj_size || share ? batch * units : 0, // [batch, units]
      unprojected: proj_size && share ? batch * hidden_size : 0, // [batch, hidden]
      c: carriesCell(kind) ? batch * units : 0, // [batch, units]
      ...screenDoubles(run, chunk, units),
    },
    screenBuffers(run, chunk, units),
  );
}
