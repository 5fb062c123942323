import type { Kernels, Product } from '../engine/kernels/kernels.js';
import { KINDS } from '../kinds.js';
import type { Parameters } from '../module/bind.js';
import { type Module, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import { errorCells } from './cells.js';
import type { ErrorModel } from './model.js';

/** One layer in one direction: what it starts from, and what is known of it. Batch rows are sorted, longest first. */
export interface LayerRun {
  readonly kernels: Kernels;
  readonly model: ErrorModel;
  /** Sums above this may have overflowed. */
  readonly hugeSum: number;
  readonly module: Module;
  readonly parameters: Parameters;
  /** How far each parameter may be from what is written; none if absent. */
  readonly uncertainty?: Parameters;
  readonly reverse: boolean;
  readonly steps: number;
  readonly batch: number;
  /** Batch rows that are still within their length at a step: always the first ones. */
  readonly rowsAt: (step: number) => number;
  /** [steps, batch, inputSize] */
  readonly input: Floats;
  readonly inputSize: number;
  /** As the model has errors; absent where the input is exact. */
  readonly inputError?: Floats;
  /** Group numbers of the input's columns, see twins.ts. */
  readonly inputTwins?: readonly number[];
  /** Those of this layer's own units and outputs. */
  readonly units?: readonly number[];
  readonly outputs?: readonly number[];
  /**
   * What h was in truth [steps, batch, width], this direction's columns from `at` on: every step begins from it.
   * Where it is absent, every step begins from the one before as it was computed here.
   */
  readonly known?: { readonly values: Floats; readonly error?: Floats };
  readonly width: number;
  readonly at: number;
  /** In: h_0 and c_0. Out: h_n and c_n. [batch, output size] and [batch, hidden] */
  readonly h: Floats;
  readonly hError: Floats;
  readonly c: Floats;
  readonly cError: Floats;
  /** Out: where the errors say nothing [steps, batch], and after a row's last step [batch]. */
  readonly lost: Uint8Array;
  readonly lostAtEnd: Uint8Array;
  /** Out [steps, batch, width], this direction's columns. */
  readonly output: Floats;
  readonly outputError: Floats;
}

// Values of the gates that a chunk holds.
const CHUNK_VALUES = 2 ** 16;

/** A product `W x + b` with the error of its result. */
type ErrorProduct = (
  out: Floats,
  outError: Floats,
  x: Floats,
  xError: Floats | undefined,
  rows: number,
) => void;

/**
 * Runs a layer through time with the error of every value. Where h is known, nothing but c goes from step to step, and
 * the products are made for many steps at once.
 */
export function runErrorLayer(run: LayerRun): void {
  const { model, module, steps, batch, inputSize, rowsAt, known, reverse } = run;
  const { hiddenSize, projSize, kind } = module;
  const gates = KINDS[kind].gates.length;
  const columns = gates * hiddenSize;
  const size = outputSize(module);
  const terms = inputSize + size + 4;
  const chunk = Math.min(steps, Math.max(1, Math.ceil(CHUNK_VALUES / columns / batch)));
  const hiddenRows = known ? chunk * batch : batch;
  const { products, buffers } = workspace(run, chunk * batch, hiddenRows, columns, terms);
  const { x, xError, a, aError, before, beforeError, hidden, hiddenError, cellH, cellHError, c, cError } =
    buffers;
  const { h, hError } = buffers;

  h.set(run.h);
  hError.set(run.hError);
  if (kind === 'LSTM') {
    c.set(run.c);
    cError.set(run.cError);
  }
  const { biasIh, biasHh } = run.parameters;
  const bias = new Float64Array(columns);
  if (biasIh && biasHh) for (let i = 0; i < columns; i++) bias[i] = biasIh[i] + biasHh[i];
  const cell = errorCells(model)[kind];
  const lostRows = new Uint8Array(batch);
  const overflown = new Uint8Array(batch);
  // Only relu's states grow without bound.
  const norms = module.nonlinearity === 'relu' && {
    input: norm(run.parameters.weightIh, columns),
    hidden: norm(run.parameters.weightHh, columns),
  };
  const step = {
    rows: batch,
    hiddenSize,
    gates: a,
    at: 0,
    hidden,
    hiddenAt: 0,
    gatesError: aError,
    hiddenError,
    bias,
    h: projSize ? cellH : h,
    hError: projSize ? cellHError : hError,
    c,
    cError,
    nonlinearity: module.nonlinearity,
  };

  for (let done = 0; done < steps; ) {
    const count = Math.min(chunk, steps - done);
    const first = reverse ? steps - done - count : done;
    const inputs = count * batch * inputSize;
    x.set(run.input.subarray(first * batch * inputSize, first * batch * inputSize + inputs));
    if (run.inputError)
      xError.set(run.inputError.subarray(first * batch * inputSize, first * batch * inputSize + inputs));
    products.input(a, aError, x, run.inputError && xError, count * batch);
    if (known) {
      gather(run, first, count, before, beforeError);
      products.hidden(hidden, hiddenError, before, known.error && beforeError, count * batch);
    }
    for (let i = 0; i < count; i++) {
      const at = reverse ? count - 1 - i : i;
      const t = first + at;
      step.rows = rowsAt(t);
      step.at = at * batch * columns;
      if (known) {
        step.hiddenAt = at * batch * columns;
        const from = at * batch * size;
        h.set(before.subarray(from, from + step.rows * size));
        if (known.error) hError.set(beforeError.subarray(from, from + step.rows * size));
        else hError.fill(0, 0, step.rows * size);
      } else products.hidden(hidden, hiddenError, h, hError, step.rows);
      // A part of a sum may have overflowed though all of it is finite.
      if (norms) {
        for (let row = 0; row < step.rows; row++) {
          const ofX = norms.input * largest(x, (at * batch + row) * inputSize, inputSize);
          overflown[row] = ofX + norms.hidden * largest(h, row * size, size) > run.hugeSum ? 1 : 0;
        }
      }
      cell(step);
      if (projSize) products.projection!(h, hError, cellH, cellHError, step.rows);
      keep(run, t, step.rows, h, hError, lostRows, overflown, size);
    }
    done += count;
  }
  run.h.set(h);
  run.hError.set(hError);
  if (kind === 'LSTM') {
    run.c.set(c);
    run.cError.set(cError);
  }
}

/** What h was before each step of a chunk. */
function gather(run: LayerRun, first: number, count: number, before: Floats, beforeError: Floats): void {
  const { steps, batch, reverse, rowsAt, width, at, known } = run;
  const { values, error } = known!;
  const size = run.h.length / batch;
  for (let i = 0; i < count; i++) {
    const t = first + i;
    const from = reverse ? t + 1 : t - 1;
    // A direction begins from the initial state: in reverse at each row's last valid step.
    const rows = from < 0 || from === steps ? 0 : rowsAt(from);
    for (let row = 0; row < batch; row++) {
      const to = (i * batch + row) * size;
      const start = (from * batch + row) * width + at;
      const inside = row < rows;
      const source = inside ? values : run.h;
      const sourceError = inside ? error : run.hError;
      const offset = inside ? start : row * size;
      for (let k = 0; k < size; k++) before[to + k] = source[offset + k];
      if (error) for (let k = 0; k < size; k++) beforeError[to + k] = sourceError![offset + k];
    }
  }
}

/** The largest magnitude of some values. */
function largest(values: Floats, from: number, count: number): number {
  let size = 0;
  for (let i = from; i < from + count; i++) size = Math.max(size, Math.abs(values[i]));
  return size;
}

/** The largest sum of a row's magnitudes. */
function norm(weight: Floats, rows: number): number {
  const size = weight.length / rows;
  let most = 0;
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let k = row * size; k < (row + 1) * size; k++) sum += Math.abs(weight[k]);
    most = Math.max(most, sum);
  }
  return most;
}

/** Takes over a step's h, and says where its errors say nothing. */
function keep(
  run: LayerRun,
  t: number,
  rows: number,
  h: Floats,
  hError: Floats,
  lostRows: Uint8Array,
  overflown: Uint8Array,
  size: number,
): void {
  const { model, batch, width, at, known } = run;
  for (let row = 0; row < rows; row++) {
    const from = row * size;
    if (model.lost) {
      const lost = overflown[row] === 1 || model.lost(h, hError, from, from + size);
      // What begins from what is known begins anew at every step.
      lostRows[row] = lost || (lostRows[row] && !known) ? 1 : 0;
      if (lostRows[row])
        for (let k = from; k < from + size; k++) hError[k] = Math.max(hError[k], model.lostError);
      run.lost[t * batch + row] = lostRows[row];
      run.lostAtEnd[row] = lostRows[row];
    }
    const to = (t * batch + row) * width + at;
    for (let k = 0; k < size; k++) {
      run.output[to + k] = h[from + k];
      run.outputError[to + k] = hError[from + k];
    }
  }
}

function workspace(run: LayerRun, inputRows: number, hiddenRows: number, columns: number, terms: number) {
  const { kernels, model, module, parameters, uncertainty, batch, inputSize, inputError, known } = run;
  const { weightIh, weightHh, biasIh, biasHh, weightHr } = parameters;
  const { hiddenSize, projSize, kind } = module;
  const size = outputSize(module);
  const many = hiddenRows > 1 ? 'many' : 'one';
  const facts = (name: 'Ih' | 'Hh' | 'Hr', twins: readonly number[] | undefined) => ({
    twins,
    uncertainty: uncertainty && {
      weight: uncertainty[`weight${name}`]!,
      bias: name === 'Hr' ? undefined : uncertainty[`bias${name}`],
    },
  });
  const inputFacts = facts('Ih', run.inputTwins);
  const input = model.factors(weightIh, biasIh, columns, terms, inputError !== undefined, inputFacts);
  const inexact = known === undefined || known.error !== undefined;
  const hidden = model.factors(weightHh, biasHh, columns, terms, inexact, facts('Hh', run.outputs));
  const projection =
    weightHr && model.factors(weightHr, undefined, projSize, hiddenSize, true, facts('Hr', run.units));
  const { products, buffers } = kernels.workspace(
    {
      input: { weight: weightIh, bias: biasIh, columns, rows: 'many' },
      input1: { ...input.first, columns, rows: 'many' },
      ...(input.second && { input2: { ...input.second, columns, rows: 'many' as const } }),
      hidden: { weight: weightHh, bias: biasHh, columns, rows: many },
      hidden1: { ...hidden.first, columns, rows: many },
      ...(hidden.second && { hidden2: { ...hidden.second, columns, rows: many } as const }),
      ...(projection && {
        projection: { weight: weightHr!, columns: projSize, rows: batch > 1 ? 'many' : 'one' },
        projection1: { ...projection.first, columns: projSize, rows: batch > 1 ? 'many' : 'one' },
      }),
      ...(projection?.second && {
        projection2: { ...projection.second, columns: projSize, rows: batch > 1 ? ('many' as const) : 'one' },
      }),
    },
    {
      x: inputRows * inputSize,
      xError: inputError ? inputRows * inputSize : 0,
      x1: Math.max(inputRows * inputSize, hiddenRows * size, batch * hiddenSize),
      x2: Math.max(inputRows * inputSize, hiddenRows * size, batch * hiddenSize),
      a: inputRows * columns,
      aError: inputRows * columns,
      a2: Math.max(inputRows, hiddenRows) * columns,
      before: hiddenRows * size,
      beforeError: known?.error ? hiddenRows * size : 0,
      hidden: hiddenRows * columns,
      hiddenError: hiddenRows * columns,
      h: batch * size,
      hError: batch * size,
      cellH: projSize ? batch * hiddenSize : 0,
      cellHError: projSize ? batch * hiddenSize : 0,
      c: kind === 'LSTM' ? batch * hiddenSize : 0,
      cError: kind === 'LSTM' ? batch * hiddenSize : 0,
    },
  );
  const { x1, x2, a2 } = buffers;
  const secondOf: Readonly<Record<string, Product | undefined>> = {
    input: products.input2,
    hidden: products.hidden2,
    projection: products.projection2,
  };
  const product =
    (name: 'input' | 'hidden' | 'projection', outs: number, ins: number, count: number): ErrorProduct =>
    (out, outError, x, xError, rows) => {
      const of = products[name];
      const second = secondOf[name];
      of(out, x, rows);
      model.operands(x, xError, rows * ins, count, x1, second && x2);
      products[`${name}1`](outError, x1, rows);
      second?.(a2, x2, rows);
      model.sums(out, outError, second && a2, rows * outs, count);
      if (name === 'projection') model.storeProjected(out, outError, rows * outs);
      else model.storeGates(out, outError, rows * outs);
    };
  return {
    buffers,
    products: {
      input: product('input', columns, inputSize, terms),
      hidden: product('hidden', columns, size, terms),
      projection: weightHr && product('projection', projSize, hiddenSize, hiddenSize),
    },
  };
}
