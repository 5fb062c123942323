import type { Kernels, Workspace } from '../../engine/kernels/kernels.js';
import { KINDS } from '../../kinds.js';
import type { Parameters } from '../../module/bind.js';
import { type Module, outputSize } from '../../module/parameters.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Variant } from './variant.js';
import { type VariantStep, variantCells } from './variant-cells.js';
import { mapped, toTf32 } from './variant-weights.js';

/** One layer in one direction, and where it finds and leaves its numbers. */
export interface DirectionRun {
  readonly kernels: Kernels;
  readonly module: Module;
  readonly parameters: Parameters;
  readonly variant: Variant;
  readonly reverse: boolean;
  /** Whether the direction reads the features of its input from the last to the first. */
  readonly features?: 'reversed';
  readonly steps: number;
  /** The number of steps to compute: the first ones in the order of this direction. */
  readonly stepsRun: number;
  readonly batch: number;
  readonly lengths?: readonly number[];
  /** [steps, batch, layer input] */
  readonly input: Floats;
  /** In: h_0. Out: h_n. [batch, output size] */
  readonly h: Floats;
  /** In: c_0. Out: c_n. [batch, hidden_size], LSTM only */
  readonly c: Floats;
  /** [steps, batch, width] */
  readonly output: Floats;
  readonly width: number;
  readonly columns: OutputColumns;
}

/** Where a direction's units are in a row of the output: unit k in column first + k·stride. */
export interface OutputColumns {
  readonly first: number;
  readonly stride: number;
}

/** A step of a direction: its number in the order of the direction, and where its part of the gate sums begins. */
interface Place {
  readonly count: number;
  readonly gatesAt: number;
}

type Buffer = 'x' | 'gates' | 'hidden' | 'before' | 'operand' | 'reset' | 'resetOut' | 'cellH' | 'projected';

// The number of gate values in a chunk. W_ih x is one product for all steps of a chunk.
const CHUNK_VALUES = 2 ** 16;

/** Runs one layer in one direction through time, in chunks of steps, as engine/layer.ts does. */
export function runDirection(run: DirectionRun): void {
  const { module, parameters, variant, reverse, steps, stepsRun, batch, input } = run;
  const columns = gateColumns(module);
  const rowSize = batch * (parameters.weightIh.length / columns);
  const chunk = Math.min(stepsRun, Math.max(1, Math.ceil(CHUNK_VALUES / columns / batch)));
  const workspace = workspaceOf(run, chunk);
  const { products, buffers } = workspace;
  const runStep = stepRunner(run, workspace);
  for (let done = 0; done < stepsRun; ) {
    const count = Math.min(chunk, stepsRun - done);
    const first = reverse ? steps - done - count : done;
    buffers.x.set(input.subarray(first * rowSize, (first + count) * rowSize));
    if (run.features === 'reversed') reverseRows(buffers.x, rowSize / batch, count * batch);
    if (variant.operands === 'tf32') roundToTf32(buffers.x, count * rowSize);
    products.input(buffers.gates, buffers.x, count * batch);
    for (let i = 0; i < count; i++) {
      const inChunk = reverse ? count - 1 - i : i;
      const { h, c } = runStep({ count: done + i, gatesAt: inChunk * batch * columns });
      storeStep(run, first + inChunk, h, c);
    }
    done += count;
  }
}

/** The columns of a row of gate sums: one for every unit of every gate. */
function gateColumns({ kind, hidden_size }: Module): number {
  return KINDS[kind].gates.length * hidden_size;
}

function reverseRows(values: Floats, size: number, rows: number): void {
  for (let row = 0; row < rows; row++) values.subarray(row * size, (row + 1) * size).reverse();
}

function roundToTf32(values: Floats, count: number): void {
  for (let i = 0; i < count; i++) values[i] = toTf32(values[i]);
}

function resetsBeforeProduct({ module, variant }: DirectionRun): boolean {
  return variant.reset === 'before' && module.kind === 'GRU';
}

/** The products and buffers of a run. */
function workspaceOf(run: DirectionRun, chunk: number): Workspace<Buffer> {
  const { kernels, module, parameters, variant, batch } = run;
  const { hidden_size, proj_size } = module;
  const { weightIh, weightHh, biasIh, biasHh, weightHr } = parameters;
  const columns = gateColumns(module);
  const input_size = weightIh.length / columns;
  const size = outputSize(module);
  const rows = batch > 1 ? 'many' : 'one';
  const operand = (values: Floats) => (variant.operands === 'tf32' ? mapped(values, toTf32) : values);
  const resetsBefore = resetsBeforeProduct(run);
  return kernels.workspace(
    {
      input: { weight: operand(weightIh), bias: biasIh, columns, rows: 'many' },
      hidden: { weight: operand(weightHh), bias: biasHh, columns, rows },
      ...(weightHr && { projection: { weight: weightHr, columns: proj_size, rows } }),
      ...(resetsBefore && {
        // W_hn and b_hn, the last of the three row blocks.
        reset: {
          weight: weightHh.subarray(2 * hidden_size * size),
          bias: biasHh?.subarray(2 * hidden_size),
          columns: hidden_size,
          rows,
        },
      }),
    },
    {
      x: chunk * batch * input_size, // [chunk, batch, layer input]
      gates: chunk * batch * columns, // [chunk, batch, gates·hidden]
      hidden: batch * columns, // [batch, gates·hidden]
      before: batch * size, // [batch, output size]
      operand: batch * size, // [batch, output size]
      reset: resetsBefore ? batch * hidden_size : 0, // [batch, hidden]
      resetOut: resetsBefore ? batch * hidden_size : 0, // [batch, hidden]
      cellH: batch * hidden_size, // [batch, hidden]
      projected: proj_size ? batch * size : 0, // [batch, proj]
    },
  );
}

/** h [batch, output size] and c [batch, hidden] after a step. */
interface NewStates {
  readonly h: Floats;
  readonly c: Floats;
}

/** Makes a function that runs one step. */
function stepRunner(
  run: DirectionRun,
  { products, buffers }: Workspace<Buffer>,
): (place: Place) => NewStates {
  const { module, parameters, variant, batch } = run;
  const { hidden_size, kind, nonlinearity } = module;
  const { hidden, before, operand, reset, resetOut, cellH, projected } = buffers;
  const cell = variantCells[kind](variant, nonlinearity);
  const [initialH, initialC] = [run.h.slice(), run.c.slice()];
  const { carry } = variant;
  const carriesH = carry !== 'none' && carry !== 'no h';
  const carriesC = carry !== 'none' && carry !== 'no c';
  const { dropEvery, firstStep } = variant;
  const step = {
    rows: batch,
    hidden_size,
    gates: buffers.gates,
    gatesAt: 0,
    hidden,
    newBias: kind === 'GRU' ? parameters.biasHh?.subarray(2 * hidden_size) : undefined,
    resetProduct: resetsBeforeProduct(run)
      ? (values: Floats) => {
          reset.set(values);
          products.reset(resetOut, reset, batch);
          return resetOut;
        }
      : undefined,
    before,
    cellBefore: carriesC ? run.c : initialC,
    h: cellH,
    c: new Float64Array(run.c.length), // [batch, hidden]
  } satisfies VariantStep;
  const states = { h: module.proj_size ? projected : cellH, c: step.c };
  const runStep = ({ count, gatesAt }: Place): NewStates => {
    before.set(carriesH ? run.h : initialH);
    operand.set(variant.operands === 'tf32' ? before.map(toTf32) : before);
    products.hidden(hidden, operand, batch);
    if (count === 0 && firstStep && firstStep !== 'twice') leaveOut(run, firstStep, hidden);
    step.gatesAt = gatesAt;
    if (carry === 'in place') runInPlace(run, step, cell, () => products.hidden(hidden, before, batch));
    else cell(step);
    if (module.proj_size) products.projection(projected, cellH, batch);
    return states;
  };
  return (place) => {
    if (dropEvery && place.count % dropEvery === 0) {
      run.h.set(initialH);
      run.c.set(initialC);
    }
    if (place.count === 0 && firstStep === 'twice') {
      const { h, c } = runStep(place);
      run.h.set(h);
      run.c.set(c);
    }
    return runStep(place);
  };
}

/** Takes what a program leaves out where there is no state from the hidden part of the sums [batch, gates·hidden]. */
function leaveOut(
  { module: { kind, hidden_size }, parameters: { biasHh } }: DirectionRun,
  what: 'no hidden part' | 'no b_hn',
  hidden: Floats,
): void {
  if (what === 'no hidden part') hidden.fill(0);
  else if (kind === 'GRU' && biasHh) {
    for (let i = 0; i < hidden.length; i++) {
      const row = i % biasHh.length;
      if (row >= 2 * hidden_size) hidden[i] -= biasHh[row];
    }
  }
}

/** A step whose units are written over h one by one, while the next ones still read it. */
function runInPlace(
  { module: { hidden_size }, batch }: DirectionRun,
  step: VariantStep,
  cell: (step: VariantStep) => void,
  multiply: () => void,
): void {
  const written = step.h.slice(); // [batch, hidden]
  for (let unit = 0; unit < hidden_size; unit++) {
    multiply();
    cell(step);
    for (let row = 0; row < batch; row++) {
      const i = row * hidden_size + unit;
      written[i] = step.h[i];
      step.before[i] = step.h[i];
    }
  }
  step.h.set(written);
}

/** Stores a step's states as the run's, and h in the output. Beyond a row's length, the output is 0 and states stay. */
function storeStep(run: DirectionRun, t: number, h: Floats, c: Floats): void {
  const { module, variant, reverse, steps, batch, lengths, output, width, columns } = run;
  const size = outputSize(module);
  const cellSize = c.length / batch;
  const isFlipped = reverse && variant.reverse === 'in its own order';
  for (let row = 0; row < batch; row++) {
    const length = lengths ? lengths[row] : steps;
    const isInside = t < length;
    const outputStep = isFlipped && isInside ? length - 1 - t : t;
    const from = (outputStep * batch + row) * width + columns.first;
    for (let unit = 0; unit < size; unit++) {
      const i = row * size + unit;
      if (isInside) run.h[i] = h[i];
      output[from + unit * columns.stride] = isInside ? h[i] : 0;
    }
    if (isInside) for (let i = row * cellSize; i < (row + 1) * cellSize; i++) run.c[i] = c[i];
  }
}
