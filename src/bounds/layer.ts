import type { ErrorStep, Kernels, Product } from '../engine/kernels/kernels.js';
import { carriesCell, KINDS } from '../kinds.js';
import type { Parameters } from '../module/bind.js';
import { type Module, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import { errorCells } from './cells.js';
import type { ErrorModel } from './model.js';

/** One layer in one direction: what it starts from, and what is known of it. Batch rows are sorted, longest first. */
export interface LayerRun {
  readonly kernels: Kernels;
  readonly model: ErrorModel;
  /** Whether the kernels' own cells may do what the model's do. */
  readonly fastCells: boolean;
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
  /** [steps, batch, input_size] */
  readonly input: Floats;
  readonly input_size: number;
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
  const { model, module, steps, batch, input_size, rowsAt, known, reverse } = run;
  const { hidden_size, proj_size, kind } = module;
  const gates = KINDS[kind].gates.length;
  const columns = gates * hidden_size;
  const size = outputSize(module);
  const terms = input_size + size + 4;
  const chunk = Math.min(steps, Math.max(1, Math.ceil(CHUNK_VALUES / columns / batch)));
  const hiddenRows = known ? chunk * batch : batch;
  const { products, buffers, varianceStep } = workspace(run, chunk * batch, hiddenRows, columns, terms);
  const { x, xError, a, aError, hidden, hiddenError, cellH, cellHError, c, cError, bias } = buffers;
  // Of every step of a chunk where they are known, else of the last step: what they were before it, and then are.
  const { h, hError } = buffers;

  if (!known) {
    h.set(run.h);
    hError.set(run.hError);
  }
  if (carriesCell(kind)) {
    c.set(run.c);
    cError.set(run.cError);
  }
  const { biasIh, biasHh } = run.parameters;
  for (let i = 0; i < columns; i++) bias[i] = biasIh && biasHh ? biasIh[i] + biasHh[i] : 0;
  const fast = run.fastCells ? varianceStep?.[kind] : undefined;
  const ofVariance = model.kernelTerms?.(terms);
  const cell = fast && ofVariance ? (one: ErrorStep) => fast(one, ofVariance) : errorCells(model)[kind];
  const lostRows = new Uint8Array(batch);
  const overflown = new Uint8Array(batch);
  // Only relu's states grow without bound.
  const norms = module.nonlinearity === 'relu' && {
    input: norm(run.parameters.weightIh, columns),
    hidden: norm(run.parameters.weightHh, columns),
  };

  for (let done = 0; done < steps; ) {
    const count = Math.min(chunk, steps - done);
    const first = reverse ? steps - done - count : done;
    const inputs = count * batch * input_size;
    x.set(run.input.subarray(first * batch * input_size, first * batch * input_size + inputs));
    if (run.inputError)
      xError.set(run.inputError.subarray(first * batch * input_size, first * batch * input_size + inputs));
    products.input(a, aError, x, run.inputError && xError, count * batch);
    if (known) {
      gather(run, first, count, known.values, run.h, h);
      if (known.error) gather(run, first, count, known.error, run.hError, hError);
      else hError.fill(0, 0, count * batch * size);
      products.hidden(hidden, hiddenError, h, known.error && hError, count * batch);
    }
    for (let i = 0; i < count; i++) {
      const at = reverse ? count - 1 - i : i;
      const t = first + at;
      const rows = rowsAt(t);
      if (!known) products.hidden(hidden, hiddenError, h, hError, rows);
      const from = known ? at * batch * size : 0;
      const ownH = known ? h.subarray(from, from + batch * size) : h;
      const ownError = known ? hError.subarray(from, from + batch * size) : hError;
      // A part of a sum may have overflowed though all of it is finite.
      if (norms) {
        for (let row = 0; row < rows; row++) {
          const ofX = norms.input * largest(x, (at * batch + row) * input_size, input_size);
          overflown[row] = ofX + norms.hidden * largest(ownH, row * size, size) > run.hugeSum ? 1 : 0;
        }
      }
      cell({
        rows,
        hidden_size,
        gates: a,
        at: at * batch * columns,
        hidden,
        hiddenAt: known ? at * batch * columns : 0,
        gatesError: aError,
        hiddenError,
        terms,
        bias,
        h: proj_size ? cellH : ownH,
        hError: proj_size ? cellHError : ownError,
        c,
        cError,
        nonlinearity: module.nonlinearity,
      });
      if (proj_size) products.projection(ownH, ownError, cellH, cellHError, rows);
      keep(run, t, rows, ownH, ownError, lostRows, overflown, size);
      // Rows whose last step this was.
      const left = reverse ? (t === 0 ? 0 : rows) : t + 1 < steps ? rowsAt(t + 1) : 0;
      if (left < rows) {
        run.h.set(ownH.subarray(left * size, rows * size), left * size);
        run.hError.set(ownError.subarray(left * size, rows * size), left * size);
      }
    }
    done += count;
  }
  if (carriesCell(kind)) {
    run.c.set(c);
    run.cError.set(cError);
  }
}

/** Writes into h what a known output [steps, batch, width] was before each step of a chunk; before the first, `initial`. */
function gather(
  run: LayerRun,
  first: number,
  count: number,
  output: Floats,
  initial: Floats,
  h: Floats,
): void {
  const { steps, batch, reverse, rowsAt, width, at } = run;
  const size = initial.length / batch;
  for (let i = 0; i < count; i++) {
    const t = first + i;
    const from = reverse ? t + 1 : t - 1;
    // A direction begins from the initial state: in reverse at each row's last valid step.
    const rows = from < 0 || from === steps ? 0 : rowsAt(from);
    const start = from * batch * width;
    // With one direction all rows lie together.
    const whole = rows === batch && size === width ? batch : 0;
    h.set(output.subarray(start, start + whole * size), i * batch * size);
    for (let row = whole; row < batch; row++) {
      const to = (i * batch + row) * size;
      const source = row < rows ? output : initial;
      const offset = row < rows ? start + row * width + at : row * size;
      for (let k = 0; k < size; k++) h[to + k] = source[offset + k];
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
  for (let row = 0; model.lost && row < rows; row++) {
    const from = row * size;
    const lost = overflown[row] === 1 || model.lost(h, hError, from, from + size);
    // What begins from what is known begins anew at every step.
    lostRows[row] = lost || (lostRows[row] && !known) ? 1 : 0;
    if (lostRows[row])
      for (let k = from; k < from + size; k++) hError[k] = Math.max(hError[k], model.lostError);
    run.lost[t * batch + row] = lostRows[row];
    run.lostAtEnd[row] = lostRows[row];
  }
  const whole = size === width ? rows : 0;
  run.output.set(h.subarray(0, whole * size), t * batch * width);
  run.outputError.set(hError.subarray(0, whole * size), t * batch * width);
  for (let row = whole; row < rows; row++) {
    const from = row * size;
    const to = (t * batch + row) * width + at;
    for (let k = 0; k < size; k++) {
      run.output[to + k] = h[from + k];
      run.outputError[to + k] = hError[from + k];
    }
  }
}

function workspace(run: LayerRun, inputRows: number, hiddenRows: number, columns: number, terms: number) {
  const { kernels, model, module, parameters, uncertainty, batch, input_size, inputError, known } = run;
  const { weightIh, weightHh, biasIh, biasHh, weightHr } = parameters;
  const { hidden_size, proj_size, kind } = module;
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
    weightHr && model.factors(weightHr, undefined, proj_size, hidden_size, true, facts('Hr', run.units));
  const { products, buffers, varianceStep } = kernels.workspace(
    {
      input: { weight: weightIh, bias: biasIh, columns, rows: 'many' },
      input1: { ...input.first, columns, rows: 'many' },
      ...(input.second && { input2: { ...input.second, columns, rows: 'many' as const } }),
      hidden: { weight: weightHh, bias: biasHh, columns, rows: many },
      hidden1: { ...hidden.first, columns, rows: many },
      ...(hidden.second && { hidden2: { ...hidden.second, columns, rows: many } as const }),
      ...(projection && {
        projection: { weight: weightHr!, columns: proj_size, rows: batch > 1 ? 'many' : 'one' },
        projection1: { ...projection.first, columns: proj_size, rows: batch > 1 ? 'many' : 'one' },
      }),
      ...(projection?.second && {
        projection2: {
          ...projection.second,
          columns: proj_size,
          rows: batch > 1 ? ('many' as const) : 'one',
        },
      }),
    },
    {
      x: inputRows * input_size,
      xError: inputError ? inputRows * input_size : 0,
      x1: Math.max(inputRows * input_size, hiddenRows * size, batch * hidden_size),
      x2: Math.max(inputRows * input_size, hiddenRows * size, batch * hidden_size),
      a: inputRows * columns,
      aError: inputRows * columns,
      a2: Math.max(inputRows, hiddenRows) * columns,
      hidden: hiddenRows * columns,
      hiddenError: hiddenRows * columns,
      h: hiddenRows * size,
      hError: hiddenRows * size,
      cellH: proj_size ? batch * hidden_size : 0,
      cellHError: proj_size ? batch * hidden_size : 0,
      c: carriesCell(kind) ? batch * hidden_size : 0,
      cError: carriesCell(kind) ? batch * hidden_size : 0,
      bias: columns,
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
      if (!second) return;
      second(a2, x2, rows);
      for (let i = 0; i < rows * outs; i++) outError[i] += a2[i];
    };
  const project = product('projection', proj_size, hidden_size, hidden_size);
  return {
    buffers,
    varianceStep,
    products: {
      input: product('input', columns, input_size, terms),
      hidden: product('hidden', columns, size, terms),
      projection: (h: Floats, hError: Floats, unprojected: Floats, error: Floats, rows: number) => {
        project(h, hError, unprojected, error, rows);
        for (let i = 0; i < rows * proj_size; i++) hError[i] = model.projected(h[i], hError[i], hidden_size);
      },
    },
  };
}
