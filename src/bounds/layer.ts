import type { ErrorStep, Product } from '../engine/kernels/kernels.js';
import { storeRows } from '../engine/layer.js';
import { rowsThatContinue } from '../engine/layer-run.js';
import { carriesCell, type Direction, KINDS } from '../kinds.js';
import type { Parameters } from '../module/bind.js';
import { type Module, outputSize } from '../module/parameters.js';
import { type Floats, roundTo, spacing } from '../tensor/dtype.js';
import { errorCells } from './cells.js';
import type { ErrorModel } from './model.js';
import { raiseToMean } from './samples.js';
import { errorWorkspace, type LayerFacts, termsOf } from './workspace.js';

/** A sum that may overflow in one order of adding and not in another, so that nothing is known of what follows from it. */
export interface Overflow {
  readonly layer: number;
  readonly direction: Direction;
  readonly step: number;
  readonly batch: number;
  readonly gate: string;
  readonly unit: number;
}

/** One layer in one direction: its inputs, and where its outputs go. Batch rows are sorted by length, longest first. */
export interface LayerRun extends LayerFacts {
  /** Called with the share of the steps that is done. */
  readonly onProgress: (done: number) => void;
  /** Whether the kernels' cells may replace those of bounds/cells.ts. */
  readonly fastCells: boolean;
  /** Sums above this may have overflowed. */
  readonly hugeSum: number;
  readonly layer: number;
  readonly reverse: boolean;
  readonly steps: number;
  /** The number of batch rows that a step is within the length of; these are always the first ones. */
  readonly rowsAt: (step: number) => number;
  /** [steps, batch, input_size] */
  readonly input: Floats;
  /**
   * Known outputs [steps, batch, width]: every step begins from the known h of the step before (teacher forcing). If
   * absent, it begins from the h that was computed here.
   */
  readonly known?: { readonly values: Floats; readonly error?: Floats };
  /** Columns of `output` and `known.values`; those of this direction begin at `outputAt`. */
  readonly width: number;
  readonly outputAt: number;
  /** In: h_0. Out: h_n. [batch, output size] */
  readonly h: Floats;
  readonly hError: Floats;
  /** LSTM only. In: c_0. Out: c_n. [batch, hidden] */
  readonly c: Floats;
  readonly cError: Floats;
  /** Out: 1 for each step of a row that is undecided [steps, batch]; the same after a row's last step [batch]. */
  readonly undecided: Uint8Array;
  readonly undecidedAtEnd: Uint8Array;
  /** Out: the first sum of each row that may overflow; `batch` counts packed rows. */
  readonly overflows: Overflow[];
  /** Out: this direction's columns. [steps, batch, width] */
  readonly output: Floats;
  readonly outputError: Floats;
}

/** A chunk holds about this many values of gates. */
const CHUNK_VALUES = 2 ** 16;

/**
 * Runs a layer through time with the error of every value. Where h is known, only c is carried from step to step, so
 * that W_hh h of all steps of a chunk is one product.
 */
export function runErrorLayer(run: LayerRun): void {
  const { module, steps, batch, rowsAt, known, reverse } = run;
  const { hidden_size, proj_size, kind, nonlinearity } = module;
  const size = outputSize(module);
  const columns = KINDS[kind].gates.length * hidden_size;
  const chunk = Math.min(steps, Math.max(1, Math.ceil(CHUNK_VALUES / columns / batch)));
  const workspace = errorWorkspace(run, chunk * batch, known ? chunk * batch : batch);
  const { products, buffers } = workspace;
  // With a known output `h` has a block for every step of a chunk, with h before the step and then after it; otherwise it
  // has one block, which every step overwrites.
  const { x, gates, gatesError, hidden, hiddenError, h, hError, cellH, cellHError, c, cError, biasError } =
    buffers;
  loadStates(run, workspace);
  biasError.set(biasErrors(run.model, module, run.parameters));
  const cell = cellOf(run, workspace);
  const undecidedRows = new Uint8Array(batch);
  const overflown = new Uint8Array(batch);
  const norms = weightNorms(run, columns);
  const cellStep = {
    rows: batch,
    hidden_size,
    gates,
    gatesAt: 0,
    hidden,
    hiddenAt: 0,
    gatesError,
    hiddenError,
    terms: termsOf(run),
    biasError,
    h: proj_size ? cellH : h,
    hError: proj_size ? cellHError : hError,
    c,
    cError,
    nonlinearity,
  } satisfies ErrorStep;

  for (let done = 0; done < steps; ) {
    const count = Math.min(chunk, steps - done);
    const first = reverse ? steps - done - count : done;
    startChunk(run, workspace, first, count);
    for (let i = 0; i < count; i++) {
      const inChunk = reverse ? count - 1 - i : i;
      const t = first + inChunk;
      const rows = rowsAt(t);
      if (!known) {
        const operand = operandOf(run, buffers, rows);
        products.hidden(hidden, hiddenError, operand.h, operand.error, rows);
      }
      const hAt = inChunk * batch * size;
      const stepH = known ? h.subarray(hAt, hAt + batch * size) : h;
      const stepHError = known ? hError.subarray(hAt, hAt + batch * size) : hError;
      if (norms) markOverflow(run, norms, { t, x, xRow: inChunk * batch, h: stepH, rows }, overflown);
      cellStep.rows = rows;
      cellStep.gatesAt = inChunk * batch * columns;
      if (known) cellStep.hiddenAt = cellStep.gatesAt;
      if (!proj_size) {
        cellStep.h = stepH;
        cellStep.hError = stepHError;
      }
      cell(cellStep);
      if (proj_size) products.projection(stepH, stepHError, cellH, cellHError, rows);
      markUndecided(run, t, rows, stepH, stepHError, overflown, undecidedRows);
      storeOutput(run, t, rows, stepH, stepHError);
      storeFinalRows(run, t, rows, stepH, stepHError);
    }
    done += count;
    run.onProgress(done / steps);
  }
  if (carriesCell(kind)) {
    run.c.set(c);
    run.cError.set(cError);
  }
}

type LayerWorkspace = ReturnType<typeof errorWorkspace>;

function loadStates(run: LayerRun, { buffers: { h, hError, c, cError } }: LayerWorkspace): void {
  if (!run.known) {
    h.set(run.h);
    hError.set(run.hError);
  }
  if (carriesCell(run.module.kind)) {
    c.set(run.c);
    cError.set(run.cError);
  }
}

/** What rounding the biases adds to the error of each sum [gates·hidden]. */
export function biasErrors(
  model: ErrorModel,
  { kind, hidden_size }: Module,
  { biasIh, biasHh }: Parameters,
): Float64Array {
  const { gates, reset } = KINDS[kind];
  return new Float64Array(gates.length * hidden_size).map((_, i) => {
    const areAdded = gates[Math.floor(i / hidden_size)] !== reset?.of;
    return biasIh && biasHh ? model.biases(biasIh[i], biasHh[i], areAdded) : 0;
  });
}

/** The kernels' cell where it may be used, else that of bounds/cells.ts. */
function cellOf(run: LayerRun, { varianceStep }: LayerWorkspace): (step: ErrorStep) => void {
  const { model, module, fastCells } = run;
  const kernel = fastCells ? varianceStep?.[module.kind] : undefined;
  const kernelTerms = model.kernelTerms?.(termsOf(run));
  if (!kernel || !kernelTerms) return errorCells(model)[module.kind];
  return (step) => kernel(step, kernelTerms);
}

/** Computes all that needs no h of this chunk: W_ih x of `count` steps and, where h is known, W_hh h. */
function startChunk(
  run: LayerRun,
  { products, buffers }: LayerWorkspace,
  first: number,
  count: number,
): void {
  const { batch, input_size, known, inputError } = run;
  const { x, xError, gates, gatesError, hidden, hiddenError, h, hError } = buffers;
  const from = first * batch * input_size;
  const to = from + count * batch * input_size;
  x.set(run.input.subarray(from, to));
  if (inputError) xError.set(inputError.subarray(from, to));
  products.input(gates, gatesError, x, inputError && xError, count * batch);
  addSamples(run, products.inputSample, buffers, first, count);
  if (!known) return;
  gatherPrevious(run, first, count, known.values, run.h, h);
  if (known.error) gatherPrevious(run, first, count, known.error, run.hError, hError);
  else hError.fill(0, 0, count * batch * outputSize(run.module));
  const operand = operandOf(run, buffers, count * batch);
  products.hidden(hidden, hiddenError, operand.h, known.error && operand.error, count * batch);
}

/** Adds what sampled errors of the input make of the sums. Leaves x as it was. */
function addSamples(
  { module, inputSamples, batch, input_size }: LayerRun,
  product: Product | undefined,
  { x, gatesError, sampled, sampledError }: LayerWorkspace['buffers'],
  first: number,
  count: number,
): void {
  if (!inputSamples || !product) return;
  const columns = KINDS[module.kind].gates.length * module.hidden_size;
  const length = count * batch * columns;
  const start = first * batch * input_size;
  const operand = x.slice(0, count * batch * input_size);
  sampledError.fill(0, 0, length);
  for (const sample of inputSamples) {
    x.set(sample.subarray(start, start + operand.length));
    product(sampled, x, count * batch);
    for (let i = 0; i < length; i++) sampledError[i] += (sampled[i] * sampled[i]) / inputSamples.length;
  }
  x.set(operand);
  for (let from = 0; from < length; from += columns) raiseToMean(sampledError, from, columns);
  for (let i = 0; i < length; i++) gatesError[i] += sampledError[i];
}

/** h as it is multiplied. */
function operandOf(
  { state, known, model, module }: LayerRun,
  buffers: LayerWorkspace['buffers'],
  rows: number,
) {
  const { h, hError, operandH, operandHError } = buffers;
  if (!state) return { h, error: hError };
  for (let i = 0; i < rows * outputSize(module); i++) {
    operandH[i] = roundTo(h[i], state);
    operandHError[i] = known ? hError[i] : model.rounded(hError[i], spacing(h[i], state));
  }
  return { h: operandH, error: operandHError };
}

/**
 * For each of `count` steps copies the known output of the step before.
 * @param output [steps, batch, width]
 * @param initial [batch, size]: what precedes the first step
 * @param previous [count, batch, size]
 */
function gatherPrevious(
  run: LayerRun,
  first: number,
  count: number,
  output: Floats,
  initial: Floats,
  previous: Floats,
): void {
  const { steps, batch, reverse, rowsAt, width, outputAt } = run;
  const size = initial.length / batch;
  for (let i = 0; i < count; i++) {
    const t = first + i;
    const before = reverse ? t + 1 : t - 1;
    // The reverse direction begins at each row's last valid step: rows that the step before lacks begin here.
    const rows = before < 0 || before === steps ? 0 : rowsAt(before);
    const start = before * batch * width;
    // With one direction, all rows of a step are adjacent.
    const adjacentRows = rows === batch && size === width ? batch : 0;
    previous.set(output.subarray(start, start + adjacentRows * size), i * batch * size);
    for (let row = adjacentRows; row < batch; row++) {
      const to = (i * batch + row) * size;
      const source = row < rows ? output : initial;
      const from = row < rows ? start + row * width + outputAt : row * size;
      for (let k = 0; k < size; k++) previous[to + k] = source[from + k];
    }
  }
}

interface WeightNorms {
  readonly input: number;
  readonly hidden: number;
}

/** Undefined where no sum of the whole sequence can overflow: h is below 1 but for relu, projections and h_0. */
function weightNorms(run: LayerRun, columns: number): WeightNorms | undefined {
  const { parameters, module, input, h, hugeSum } = run;
  const norms = {
    input: largestRowSum(parameters.weightIh, columns),
    hidden: largestRowSum(parameters.weightHh, columns),
  };
  if (module.nonlinearity === 'relu' || module.proj_size) return norms;
  const largestH = Math.max(1, largestMagnitude(h, 0, h.length));
  const largestX = largestMagnitude(input, 0, input.length);
  // Where NaN is among them, single rows are looked at.
  return norms.input * largestX + norms.hidden * largestH <= hugeSum ? undefined : norms;
}

/** The norm ‖W‖∞: the largest sum of magnitudes in a row. */
function largestRowSum(weight: Floats, rows: number): number {
  const size = weight.length / rows;
  let largest = 0;
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let k = row * size; k < (row + 1) * size; k++) sum += Math.abs(weight[k]);
    largest = Math.max(largest, sum);
  }
  return largest;
}

/** A step: its rows of x, which begin at `xRow`, and h before it. */
interface StepOperands {
  readonly t: number;
  readonly x: Floats;
  readonly xRow: number;
  readonly h: Floats;
  readonly rows: number;
}

/**
 * Marks the rows in which a partial sum may have overflowed although the whole sum is finite: no partial sum is larger
 * than ‖W_ih‖∞ max|x| + ‖W_hh‖∞ max|h|. A cell state that was computed from such a sum stays unknown.
 */
function markOverflow(run: LayerRun, norms: WeightNorms, step: StepOperands, overflown: Uint8Array): void {
  const { module, input_size, hugeSum, overflows } = run;
  const { x, xRow, h, rows } = step;
  const size = outputSize(module);
  for (let row = 0; row < rows; row++) {
    if (overflown[row] && carriesCell(module.kind)) continue;
    const inputSum = norms.input * largestMagnitude(x, (xRow + row) * input_size, input_size);
    const hiddenSum = norms.hidden * largestMagnitude(h, row * size, size);
    // An infinite weight or input is no overflow; an infinite h comes from one.
    const given = inputSum + norms.hidden;
    overflown[row] = inputSum + hiddenSum > hugeSum && given < Number.POSITIVE_INFINITY ? 1 : 0;
    if (overflown[row] && !overflows.some(({ batch }) => batch === row))
      overflows.push(largestSum(run, step, row));
  }
}

/** The sum of a step and row whose terms are the largest. */
function largestSum(run: LayerRun, { t, x, xRow, h }: StepOperands, row: number): Overflow {
  const { module, input_size, parameters, layer, reverse } = run;
  const { hidden_size, kind } = module;
  const { weightIh, weightHh } = parameters;
  const size = outputSize(module);
  let [largest, at] = [-1, 0];
  for (let j = 0; j < weightIh.length / input_size; j++) {
    let sum = 0;
    for (let k = 0; k < input_size; k++)
      sum += Math.abs(weightIh[j * input_size + k] * x[(xRow + row) * input_size + k]);
    for (let k = 0; k < size; k++) sum += Math.abs(weightHh[j * size + k] * h[row * size + k]);
    if (sum > largest) [largest, at] = [sum, j];
  }
  const { gates } = KINDS[kind];
  const direction = reverse ? 'reverse' : 'forward';
  return {
    layer,
    direction,
    step: t,
    batch: row,
    gate: gates[Math.floor(at / hidden_size)],
    unit: at % hidden_size,
  };
}

function largestMagnitude(values: Floats, from: number, count: number): number {
  let largest = 0;
  for (let i = from; i < from + count; i++) largest = Math.max(largest, Math.abs(values[i]));
  return largest;
}

/** Marks the rows of a step that are undecided, and raises their errors. A row stays undecided unless h is known. */
function markUndecided(
  run: LayerRun,
  t: number,
  rows: number,
  h: Floats,
  hError: Floats,
  overflown: Uint8Array,
  undecidedRows: Uint8Array,
): void {
  const { model, batch, known } = run;
  if (!model.isUndecided) return;
  const size = outputSize(run.module);
  for (let row = 0; row < rows; row++) {
    const from = row * size;
    const undecided = overflown[row] === 1 || model.isUndecided(h, hError, from, from + size);
    undecidedRows[row] = undecided || (undecidedRows[row] && !known) ? 1 : 0;
    if (undecidedRows[row])
      for (let k = from; k < from + size; k++) hError[k] = Math.max(hError[k], model.undecidedError);
    run.undecided[t * batch + row] = undecidedRows[row];
    run.undecidedAtEnd[row] = undecidedRows[row];
  }
}

/** Copies h of a step [rows, size] into this direction's columns of the output. */
function storeOutput(run: LayerRun, t: number, rows: number, h: Floats, hError: Floats): void {
  const { batch, width, outputAt, output, outputError } = run;
  const size = outputSize(run.module);
  const at = t * batch * width + outputAt;
  storeRows(h, rows, size, output, at, width);
  storeRows(hError, rows, size, outputError, at, width);
}

/** Copies the final h of those rows whose last step in this direction is t. */
function storeFinalRows(run: LayerRun, t: number, rows: number, h: Floats, hError: Floats): void {
  const size = outputSize(run.module);
  const continuing = rowsThatContinue(run, t, rows);
  if (continuing === rows) return;
  run.h.set(h.subarray(continuing * size, rows * size), continuing * size);
  run.hError.set(hError.subarray(continuing * size, rows * size), continuing * size);
}
