import { carriesCell, KINDS } from '../kinds.js';
import type { Parameters } from '../module/bind.js';
import { type Module, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import type { GateStep, Kernels } from './kernels/kernels.js';
import type { Recorder } from './trace.js';

/** One layer in one direction, and where it finds and leaves its numbers. */
export interface LayerRun {
  readonly kernels: Kernels;
  readonly module: Module;
  readonly parameters: Parameters;
  readonly reverse: boolean;
  readonly steps: number;
  /** Batch rows that are still within their length at a step: always the first ones. */
  readonly rowsAt: (step: number) => number;
  readonly batch: number;
  /** [steps, batch, input_size] */
  readonly input: Floats;
  readonly input_size: number;
  /** [steps, batch, width]; this direction's columns begin at `outputAt`. */
  readonly output: Floats;
  readonly width: number;
  readonly outputAt: number;
  /** In: h_0, c_0. Out: h_n, c_n. [batch, output size] and [batch, hidden] */
  readonly h: Floats;
  readonly c: Floats;
  /** Takes over what every step leaves behind, where a trace is wanted. */
  readonly record?: Recorder['record'];
  /** Where other threads run the same layer, each for some of its units. */
  readonly share?: Share;
}

/** One thread's part of a pass over a single batch row. */
export interface Share {
  readonly index: number;
  readonly count: number;
  /** Gives the others what this thread has made of a vector, from `from` on, and takes the whole of it: all threads wait. */
  exchange(own: Floats, from: number, whole: Floats): void;
}

// Values of the gates that a chunk holds: few enough for a processor's cache, unless that left too few rows to be worth
// reading the weights for.
const CHUNK_VALUES = 2 ** 17;
const CHUNK_ROWS = 32;

/**
 * Runs a layer through time, in chunks: the input's part of the gates is one product for all steps of a chunk, the
 * hidden part one product a step. Yields the number of steps done after each chunk; memory doesn't grow with time.
 */
export function* runLayer(run: LayerRun): Generator<number> {
  const { kernels, module, steps, batch, input_size, width, outputAt, rowsAt } = run;
  const { hidden_size, proj_size } = module;
  const { gates } = KINDS[module.kind];
  const { share } = run;
  const from = share ? Math.floor((share.index * hidden_size) / share.count) : 0;
  const to = share ? Math.floor(((share.index + 1) * hidden_size) / share.count) : hidden_size;
  const units = to - from;
  const columns = gates.length * units;
  const size = outputSize(module);
  const withCell = carriesCell(module.kind);
  const chunkRows = Math.max(CHUNK_ROWS, CHUNK_VALUES / columns);
  const chunk = Math.min(steps, Math.ceil(chunkRows / batch));

  const { weightIh, weightHh, biasIh, biasHh, weightHr } = run.parameters;
  const own = (values: Floats) => (share ? gateRowsOf(values, gates.length, hidden_size, from, to) : values);
  const rows = batch === 1 ? 'one' : 'many';
  const { products, gateStep, buffers } = kernels.workspace(
    {
      input: { weight: own(weightIh), bias: biasIh && own(biasIh), columns, rows: 'many' },
      hidden: { weight: own(weightHh), bias: biasHh && own(biasHh), columns, rows },
      ...(weightHr && { projection: { weight: weightHr, columns: proj_size, rows } }),
    },
    {
      x: chunk * batch * input_size,
      gates: chunk * batch * columns,
      hidden: batch * columns,
      h: batch * size,
      // What the cell calls h, where h itself is made of it; and all threads' parts of that.
      cellH: proj_size || share ? batch * units : 0,
      unprojected: proj_size && share ? batch * hidden_size : 0,
      c: withCell ? batch * units : 0,
    },
  );
  const { x, h, c } = buffers;
  h.set(run.h);
  if (withCell) c.set(share ? run.c.subarray(from, to) : run.c);
  // A GRU goes on from its own part of h.
  if (share && !proj_size) buffers.cellH.set(run.h.subarray(from, to));
  const cell = gateStep[module.kind];
  const work = {
    rows: batch,
    hidden_size: units,
    gates: buffers.gates,
    gatesAt: 0,
    hidden: buffers.hidden,
    h: proj_size || share ? buffers.cellH : h,
    c,
    nonlinearity: module.nonlinearity,
    store: kernels.store,
  } satisfies GateStep;

  for (let done = 0; done < steps; ) {
    const count = Math.min(chunk, steps - done);
    const first = run.reverse ? steps - done - count : done;
    const start = first * batch * input_size;
    x.set(run.input.subarray(start, start + count * batch * input_size));
    products.input(work.gates, x, count * batch);
    for (let i = 0; i < count; i++) {
      const at = run.reverse ? count - 1 - i : i;
      const step = first + at;
      work.rows = rowsAt(step);
      work.gatesAt = at * batch * columns;
      products.hidden(work.hidden, h, work.rows);
      cell(work);
      share?.exchange(work.h, from, proj_size ? buffers.unprojected : h);
      if (proj_size) products.projection(h, share ? buffers.unprojected : work.h, work.rows);
      run.record?.(step, work, h);
      for (let row = 0; row < work.rows; row++) {
        const to = (step * batch + row) * width + outputAt;
        for (let unit = 0; unit < size; unit++) run.output[to + unit] = h[row * size + unit];
      }
    }
    done += count;
    yield done;
  }
  run.h.set(h);
  if (withCell && share) share.exchange(c, from, run.c);
  else if (withCell) run.c.set(c);
}

/** The rows of some units in a matrix or vector of all gates' rows: [gates·hidden, …] to [gates·units, …]. */
function gateRowsOf(values: Floats, gates: number, hidden_size: number, from: number, to: number): Floats {
  const size = values.length / (gates * hidden_size);
  const units = to - from;
  const result = values.slice(0, gates * units * size);
  for (let gate = 0; gate < gates; gate++) {
    const start = (gate * hidden_size + from) * size;
    result.set(values.subarray(start, start + units * size), gate * units * size);
  }
  return result;
}
