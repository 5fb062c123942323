import { pick } from '../../engine/forward.js';
import { chooseKernels, workOf } from '../../engine/kernels/choose.js';
import type { Kernels } from '../../engine/kernels/kernels.js';
import { plainFloat64 } from '../../engine/kernels/plain.js';
import type { SpeedOptions } from '../../engine/options.js';
import { carriesCell, KINDS } from '../../kinds.js';
import type { Network, Parameters, Sequence } from '../../module/bind.js';
import { directionsOf, type Module, outputSize } from '../../module/parameters.js';
import type { Floats } from '../../tensor/dtype.js';
import { swapFirstAxes } from '../../tensor/tensor.js';
import type { Variant } from './variant.js';
import { variantCells } from './variant-cells.js';
import { mapped, toTf32, variantParameters } from './variant-weights.js';

/** What the outputs would be; what is not known is NaN, and what has no counterpart is absent. */
export interface Predicted {
  /** [steps, batch, directions·output size] */
  readonly output: Floats;
  /** [layers·directions, batch, output size] */
  readonly h_n?: Floats;
  /** [layers·directions, batch, hidden_size], LSTM only */
  readonly c_n?: Floats;
}

/** Only the first steps that each direction takes, of the first batch rows. */
export interface Limit {
  readonly steps: number;
  readonly rows: number;
}

export interface PredictOptions {
  readonly limit?: Limit;
  readonly speed?: SpeedOptions;
  /** What PyTorch's own way gives, where it is known. */
  readonly base?: Predicted;
}

/** A search makes about so many passes: WebAssembly is worth its loading that much earlier. */
const PASSES = 16;

/**
 * The outputs of another program over the same sequence, in float64. It takes the place of engine/forward.ts where
 * something is otherwise, and is held against it where nothing is.
 */
export function predict(
  network: Network,
  sequence: Sequence,
  variant: Variant,
  options: PredictOptions = {},
): Predicted {
  const { limit, speed = {} } = options;
  if (variant.axes) return predictExchanged(network, sequence, variant, options);
  const { steps, batch } = sequence;
  const rows = Math.min(batch, limit?.rows ?? batch);
  const { module } = network;
  const taken = takeRows(begin(network, sequence, variant, options), module, rows);
  const work = workOf(network, taken);
  const { kernels, release } = limit
    ? { kernels: plainFloat64, release: () => undefined }
    : chooseKernels(module.kind, 'float64', PASSES * work, speed);
  try {
    const predicted = runStack(network, taken, variant, kernels, limit?.steps ?? steps);
    return finish(module, taken, predicted, variant, batch);
  } finally {
    release();
  }
}

/** The recurrence ran along the batch, each time step a row of its own, from zeros. */
function predictExchanged(
  network: Network,
  { steps, batch, input }: Sequence,
  { axes: _, ...others }: Variant,
  { limit, speed }: PredictOptions,
): Predicted {
  const { module } = network;
  const sequence = {
    steps: batch,
    batch: steps,
    input: swapFirstAxes(input, steps, batch, module.input_size),
  };
  const { output, h_n, c_n } = predict(network, sequence, others, { limit, speed });
  const width = directionsOf(module).length * outputSize(module);
  // Final states have a row for each step then.
  const finals = steps === batch ? { h_n, c_n } : {};
  return { output: swapFirstAxes(output, batch, steps, width), ...finals };
}

/** The sequence as a variant begins with it. */
function begin(
  network: Network,
  sequence: Sequence,
  variant: Variant,
  { speed, base }: PredictOptions,
): Sequence {
  const { module, layers } = network;
  const { steps, batch } = sequence;
  const directionCount = directionsOf(module).length;
  const states = layers.length * directionCount;
  const size = outputSize(module);
  let { input, h0, c0 } = sequence;
  let { lengths } = sequence;
  if (variant.stateful) {
    const before = base ?? predict(network, sequence, {}, { speed });
    h0 = before.h_n;
    c0 = before.c_n;
  }
  if (variant.inputOrder) input = reversed(input, steps);
  if (variant.inputShift) input = SHIFTED[variant.inputShift](input, new Float64Array(input.length / steps));
  const { state } = variant;
  if (state === 'h_0 = 0' || state === 'both 0') h0 = undefined;
  if (state === 'c_0 = 0' || state === 'both 0') c0 = undefined;
  // Where the two have different sizes, nobody can take one for the other.
  if (state === 'exchanged' && size === module.hidden_size) [h0, c0] = [c0, h0];
  if (state === 'c_0 = h_0' && size === module.hidden_size) c0 = h0;
  const byDirection = Array.from(
    { length: states },
    (_, k) => (k % directionCount) * layers.length + Math.floor(k / directionCount),
  );
  const order =
    state === 'direction first'
      ? byDirection
      : state === 'layers reversed'
        ? layersReversed(layers.length, directionCount)
        : state === 'first for all'
          ? new Array<number>(states).fill(0)
          : undefined;
  if (order) {
    h0 = h0 && pick(h0, order, 1, states, batch * size);
    c0 = c0 && pick(c0, order, 1, states, batch * module.hidden_size);
  }
  if (variant.lengths) lengths = variant.lengths === 'ignored' ? undefined : variant.lengths;
  return { steps, batch, input, h0, c0, lengths };
}

/** Layer and direction, from the last layer to the first. */
function layersReversed(layers: number, directionCount: number): number[] {
  return Array.from(
    { length: layers * directionCount },
    (_, k) => (layers - 1 - Math.floor(k / directionCount)) * directionCount + (k % directionCount),
  );
}

/** Along time, the first axis. */
function reversed(values: Floats, steps: number): Floats {
  const order = Array.from({ length: steps }, (_, t) => steps - 1 - t);
  return pick(values, order, 1, steps, values.length / steps);
}

/** By one step, with this one at the end that is left. */
const SHIFTED = {
  early(values: Floats, edge: Floats) {
    const result = new Float64Array(values.length);
    result.set(values.subarray(edge.length));
    result.set(edge, values.length - edge.length);
    return result;
  },
  late(values: Floats, edge: Floats) {
    const result = new Float64Array(values.length);
    result.set(edge);
    result.set(values.subarray(0, values.length - edge.length), edge.length);
    return result;
  },
};

function takeRows(sequence: Sequence, module: Module, rows: number): Sequence {
  const { steps, batch, input, h0, c0, lengths } = sequence;
  if (rows === batch) return sequence;
  const some = Array.from({ length: rows }, (_, row) => row);
  const taken = (values: Floats | undefined, inner: number) =>
    values && pick(values, some, values.length / batch / inner, batch, inner);
  return {
    steps,
    batch: rows,
    input: taken(input, module.input_size)!,
    h0: taken(h0, outputSize(module)),
    c0: taken(c0, module.hidden_size),
    lengths: lengths?.slice(0, rows),
  };
}

function runStack(
  { module, layers }: Network,
  sequence: Sequence,
  variant: Variant,
  kernels: Kernels,
  most: number,
): Predicted {
  const { steps, batch, h0, c0 } = sequence;
  const directionCount = directionsOf(module).length;
  const size = outputSize(module);
  const width = directionCount * size;
  const { hidden_size } = module;
  const cells = carriesCell(module.kind) ? hidden_size : 0;
  const count = variant.layers === 'first only' ? 1 : layers.length;
  const whole = count === layers.length;
  const h_n = new Float64Array(layers.length * directionCount * batch * size);
  const c_n = new Float64Array(layers.length * directionCount * batch * cells);
  let input = sequence.input;
  for (let layer = 0; layer < count; layer++) {
    // What the layer above needs of this one: where that has a reverse direction, all of it.
    const taken = directionCount === 1 || layer === count - 1 ? Math.min(most, steps) : steps;
    const unknown = taken < steps;
    const output = new Float64Array(steps * batch * width).fill(unknown ? Number.NaN : 0);
    const right = variant.reverseIn && layer < layers.length - 1;
    const here: Variant = right ? { ...variant, reverse: undefined } : variant;
    for (let d = 0; d < directionCount; d++) {
      const index = layer * directionCount + d;
      const rowsOf = (values: Floats | undefined, inner: number) => {
        const own = new Float64Array(batch * inner);
        if (values) own.set(values.subarray(index * batch * inner, (index + 1) * batch * inner));
        return own;
      };
      const from = variant.layers === 'first shared' && sameShapes(layers[layer], layers[0]) ? 0 : layer;
      const way =
        here.reverse === 'weights of forward'
          ? 0
          : here.reverse === 'weights exchanged'
            ? directionCount - 1 - d
            : d;
      const run = {
        kernels,
        module,
        parameters: variantParameters(module, layers[from][way], variant),
        variant: here,
        reverse: d === 1 && here.reverse !== 'forward too',
        steps,
        taken,
        batch,
        lengths: sequence.lengths,
        input,
        h: rowsOf(h0, size),
        c: rowsOf(c0, cells),
        output,
        place: placeIn(here, directionCount, d, size),
        width,
      };
      runDirection(run);
      const last = variant.finals === 'of the last step' && !unknown;
      const h = last ? lastStep(run, size) : run.h;
      h_n.set(unknown ? h.fill(Number.NaN) : h, index * batch * size);
      c_n.set(unknown ? run.c.fill(Number.NaN) : run.c, index * batch * cells);
    }
    input = output;
  }
  return { output: input, h_n: whole ? h_n : undefined, c_n: whole && cells ? c_n : undefined };
}

function sameShapes(a: readonly Parameters[], b: readonly Parameters[]): boolean {
  return a[0].weightIh.length === b[0].weightIh.length;
}

/** Where a direction's units stand in a step's row of outputs. */
function placeIn(
  { reverse }: Variant,
  directionCount: number,
  d: number,
  size: number,
): (unit: number) => number {
  if (reverse === 'interleaved') return (unit) => unit * directionCount + d;
  const first = (reverse === 'written first' ? directionCount - 1 - d : d) * size;
  return (unit) => first + unit;
}

interface DirectionRun {
  readonly kernels: Kernels;
  readonly module: Module;
  readonly parameters: Parameters;
  readonly variant: Variant;
  readonly reverse: boolean;
  readonly steps: number;
  /** So many of the steps, the first that this direction takes. */
  readonly taken: number;
  readonly batch: number;
  readonly lengths?: readonly number[];
  readonly input: Floats;
  /** In: h_0 and c_0. Out: h_n and c_n. */
  readonly h: Floats;
  readonly c: Floats;
  readonly output: Floats;
  readonly place: (unit: number) => number;
  readonly width: number;
}

/** What stands in the output's last step, in place of h_n. */
function lastStep({ output, steps, batch, width, place }: DirectionRun, size: number): Floats {
  return Float64Array.from({ length: batch * size }, (_, i) => {
    const row = (steps - 1) * batch + Math.floor(i / size);
    return output[row * width + place(i % size)];
  });
}

// Values of the gates that a chunk holds.
const CHUNK_VALUES = 2 ** 16;

function runDirection(run: DirectionRun): void {
  const { kernels, module, parameters, variant, reverse, steps, taken, batch, lengths, place, width } = run;
  const { hidden_size, proj_size, kind } = module;
  const { weightIh, weightHh, biasIh, biasHh, weightHr } = parameters;
  const columns = KINDS[kind].gates.length * hidden_size;
  const input_size = weightIh.length / columns;
  const size = outputSize(module);
  const rows = batch > 1 ? 'many' : 'one';
  const tf32 = variant.operands === 'tf32';
  const operand = (values: Floats) => (tf32 ? mapped(values, toTf32) : values);
  const chunk = Math.min(taken, Math.max(1, Math.ceil(CHUNK_VALUES / columns / batch)));
  const resets = variant.reset === 'before' && kind === 'GRU';
  const { products, buffers } = kernels.workspace(
    {
      input: { weight: operand(weightIh), bias: biasIh, columns, rows: 'many' },
      hidden: { weight: operand(weightHh), bias: biasHh, columns, rows },
      ...(weightHr && { projection: { weight: weightHr, columns: proj_size, rows } }),
      ...(resets && {
        reset: {
          weight: weightHh.subarray(2 * hidden_size * size),
          bias: biasHh?.subarray(2 * hidden_size),
          columns: hidden_size,
          rows,
        },
      }),
    },
    {
      x: chunk * batch * input_size,
      gates: chunk * batch * columns,
      hidden: batch * columns,
      before: batch * size,
      operand: batch * size,
      reset: resets ? batch * hidden_size : 0,
      resetOut: resets ? batch * hidden_size : 0,
      cellH: batch * hidden_size,
      projected: proj_size ? batch * size : 0,
    },
  );
  const { x, gates, hidden, before, cellH, projected } = buffers;
  const cell = variantCells[kind](variant, module.nonlinearity);
  const h0 = run.h.slice();
  const c0 = run.c.slice();
  const { carry } = variant;
  const keepsH = carry === undefined || carry === 'no c';
  const keepsC = carry === undefined || carry === 'no h';
  const step = {
    rows: batch,
    hidden_size,
    gates,
    gatesAt: 0,
    hidden,
    newBias: kind === 'GRU' ? biasHh?.subarray(2 * hidden_size) : undefined,
    resetProduct: resets
      ? (values: Floats) => {
          buffers.reset.set(values);
          products.reset(buffers.resetOut, buffers.reset, batch);
          return buffers.resetOut;
        }
      : undefined,
    before,
    cellBefore: run.c,
    h: cellH,
    c: new Float64Array(run.c.length),
  };
  for (let done = 0; done < taken; ) {
    const count = Math.min(chunk, taken - done);
    const first = reverse ? steps - done - count : done;
    const start = first * batch * input_size;
    x.set(run.input.subarray(start, start + count * batch * input_size));
    if (tf32) for (let i = 0; i < count * batch * input_size; i++) x[i] = toTf32(x[i]);
    products.input(gates, x, count * batch);
    for (let i = 0; i < count; i++) {
      const at = reverse ? count - 1 - i : i;
      const t = first + at;
      before.set(keepsH ? run.h : h0);
      step.cellBefore = keepsC ? run.c : c0;
      buffers.operand.set(tf32 ? before.map(toTf32) : before);
      products.hidden(hidden, buffers.operand, batch);
      step.gatesAt = at * batch * columns;
      cell(step);
      if (proj_size) products.projection(projected, cellH, batch);
      const next = proj_size ? projected : cellH;
      for (let row = 0; row < batch; row++) {
        const length = lengths ? lengths[row] : steps;
        const inside = t < length;
        // A reverse output that was never turned round stands where it was made: the last step first.
        const to = variant.reverse === 'in its own order' && reverse && inside ? length - 1 - t : t;
        for (let unit = 0; unit < size; unit++) {
          if (inside) run.h[row * size + unit] = next[row * size + unit];
          run.output[(to * batch + row) * width + place(unit)] = inside ? next[row * size + unit] : 0;
        }
        if (inside && run.c.length)
          for (let unit = 0; unit < hidden_size; unit++)
            run.c[row * hidden_size + unit] = step.c[row * hidden_size + unit];
      }
    }
    done += count;
  }
}

/** The outputs as a variant hands them out; all batch rows again, those that were not computed NaN. */
function finish(
  module: Module,
  { steps, batch, h0 }: Sequence,
  { output, h_n, c_n }: Predicted,
  variant: Variant,
  allRows: number,
): Predicted {
  const directionCount = directionsOf(module).length;
  const size = outputSize(module);
  const states = module.num_layers * directionCount;
  const width = directionCount * size;
  const inner = { output: width, h_n: size, c_n: module.hidden_size };
  let result: Predicted = { output, h_n, c_n };
  if (variant.outputOrder) result = { ...result, output: reversed(result.output, steps) };
  if (variant.outputShift) {
    const edge =
      variant.outputShift === 'early'
        ? result.output.slice((steps - 1) * batch * width)
        : lastState(h0, states, directionCount, batch, size);
    result = { ...result, output: SHIFTED[variant.outputShift](result.output, edge) };
  }
  if (variant.finals === 'exchanged' && size === module.hidden_size && result.c_n)
    result = { ...result, h_n: result.c_n, c_n: result.h_n };
  if (variant.finals === 'direction first' || variant.finals === 'layers reversed') {
    const order =
      variant.finals === 'layers reversed'
        ? layersReversed(module.num_layers, directionCount)
        : Array.from({ length: states }, (_, k) => {
            const layer = k % module.num_layers;
            return layer * directionCount + Math.floor(k / module.num_layers);
          });
    const moved = (values: Floats | undefined, of: number) =>
      values && pick(values, order, 1, states, batch * of);
    result = { ...result, h_n: moved(result.h_n, size), c_n: moved(result.c_n, module.hidden_size) };
  }
  const everyRow = (name: keyof Predicted, values: Floats | undefined): Floats | undefined => {
    if (!values || (batch === allRows && !variant.batchOrder)) return values;
    const all = new Float64Array((values.length / batch) * allRows).fill(Number.NaN);
    const outer = values.length / batch / inner[name];
    for (let i = 0; i < outer; i++)
      for (let row = 0; row < batch; row++) {
        const to = variant.batchOrder ? allRows - 1 - row : row;
        const from = (i * batch + row) * inner[name];
        // Most of a limited run's steps are not known.
        if (Number.isNaN(values[from]) && Number.isNaN(values[from + inner[name] - 1])) continue;
        all.set(values.subarray(from, from + inner[name]), (i * allRows + to) * inner[name]);
      }
    return all;
  };
  return {
    output: everyRow('output', result.output)!,
    h_n: everyRow('h_n', result.h_n),
    c_n: everyRow('c_n', result.c_n),
  };
}

/** What the top layer began from, as a step of outputs. */
function lastState(
  h0: Floats | undefined,
  states: number,
  directionCount: number,
  batch: number,
  size: number,
): Floats {
  const edge = new Float64Array(batch * directionCount * size);
  if (!h0) return edge;
  for (let d = 0; d < directionCount; d++)
    for (let row = 0; row < batch; row++) {
      const from = ((states - directionCount + d) * batch + row) * size;
      edge.set(h0.subarray(from, from + size), (row * directionCount + d) * size);
    }
  return edge;
}
