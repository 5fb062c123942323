import { type Outputs, pick } from '../engine/forward.js';
import { DIFFERENCE_NAMES, DIFFERENCES, type Differences } from '../engine/kernels/kernels.js';
import type { Screened } from '../engine/screen.js';
import { type LayerTrace, partSize } from '../engine/trace.js';
import type { Sequence } from '../module/bind.js';
import { directionsOf, type Module, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';

/** These batch rows for each of `count` threads, dealt out from the longest to the shortest so that each has similar work. */
export function splitRows(
  { steps, lengths }: Pick<Sequence, 'steps' | 'lengths'>,
  rows: Iterable<number>,
  count: number,
): number[][] {
  const length = (row: number) => lengths?.[row] ?? steps;
  const sorted = [...rows].sort((a, b) => length(b) - length(a));
  const rowsByThread = Array.from({ length: count }, () => [] as number[]);
  for (const [i, row] of sorted.entries()) rowsByThread[i % count].push(row);
  return rowsByThread;
}

/** The sequence with these batch rows only. */
export function rowsOf(sequence: Sequence, rows: readonly number[], module: Module): Sequence {
  const { steps, batch, input, h0, c0, lengths } = sequence;
  const states = module.num_layers * directionsOf(module).length;
  const picked = (values: Floats, outer: number, inner: number) => pick(values, rows, outer, batch, inner);
  return {
    steps,
    batch: rows.length,
    input: picked(input, steps, module.input_size),
    h0: h0 && picked(h0, states, outputSize(module)),
    c0: c0 && picked(c0, states, module.hidden_size),
    lengths: lengths && rows.map((row) => lengths[row]),
  };
}

/**
 * The outputs of all batch rows.
 * @param outputs those of each thread
 * @param rows the rows of each thread
 */
export function joinRows(
  outputs: readonly Outputs[],
  rows: readonly (readonly number[])[],
  { steps, batch }: Sequence,
  module: Module,
): Omit<Outputs, 'kernels'> {
  const directionCount = directionsOf(module).length;
  const states = module.num_layers * directionCount;
  const size = outputSize(module);
  const join = (valuesOf: (output: Outputs) => Floats, outer: number, inner: number): Floats => {
    const first = valuesOf(outputs[0]);
    const all =
      first instanceof Float64Array
        ? new Float64Array(outer * batch * inner)
        : new Float32Array(outer * batch * inner);
    for (const [i, output] of outputs.entries()) scatter(valuesOf(output), all, outer, batch, inner, rows[i]);
    return all;
  };
  const [{ c_n, layers, trace, screened }] = outputs;
  const ofScreened = (valuesOf: (found: Screened) => Floats, outer: number, inner: number) =>
    join(({ screened }) => valuesOf(screened!), outer, inner);
  return {
    output: join(({ output }) => output, steps, directionCount * size),
    h_n: join(({ h_n }) => h_n, states, size),
    c_n: c_n && join((output) => output.c_n!, states, module.hidden_size),
    layers: layers?.map((_, layer) => join((output) => output.layers![layer], steps, directionCount * size)),
    screened: screened && {
      ...together(outputs),
      differences: differencesOf(outputs.map(({ screened }) => screened!.differences)),
      squares: ofScreened(({ squares }) => squares, 1, directionCount * size),
      counts: ofScreened(({ counts }) => counts, 1, directionCount * size),
      dh: ofScreened(({ dh }) => dh, states, size),
      hV: ofScreened(({ hV }) => hV, states, size),
      dc: ofScreened(({ dc }) => dc, states, c_n ? module.hidden_size : 0),
      cV: ofScreened(({ cV }) => cV, states, c_n ? module.hidden_size : 0),
    },
    trace: trace?.map(({ layer, direction, parts }, index): LayerTrace => {
      const joined = Object.keys(parts).map((name) => [
        name,
        join((output) => output.trace![index].parts[name], steps, partSize(module, name)),
      ]);
      return { layer, direction, parts: Object.fromEntries(joined) };
    }),
  };
}

/** The outputs of threads that divide the units: each has all outputs, and found something of its own units only. */
export function joinUnits(outputs: readonly Outputs[]): Outputs {
  const [first] = outputs;
  if (!first.screened) return first;
  const sum = (valuesOf: (found: Screened) => Floats): Floats =>
    outputs
      .slice(1)
      .reduce(
        (total, { screened }) => total.map((value, i) => value + valuesOf(screened!)[i]),
        valuesOf(first.screened!),
      );
  return {
    ...first,
    screened: {
      ...together(outputs),
      differences: first.screened.differences,
      squares: sum(({ squares }) => squares),
      counts: sum(({ counts }) => counts),
      dh: sum(({ dh }) => dh),
      hV: sum(({ hV }) => hV),
      dc: sum(({ dc }) => dc),
      cV: sum(({ cV }) => cV),
    },
  };
}

/** What the screenings of all threads tell of the whole. */
function together(outputs: readonly Outputs[]): Pick<Screened, 'isTold' | 'farthest'> {
  const all = outputs.map(({ screened }) => screened!);
  return {
    isTold: all.every(({ isTold }) => isTold),
    farthest: all[0].farthest.map((_, step) => Math.max(...all.map(({ farthest }) => farthest[step]))),
  };
}

/** The differences in the rows of all threads. */
function differencesOf(all: readonly Differences[]): Differences {
  const joined = DIFFERENCE_NAMES.map((name) => {
    const ofStep = (step: number) => all.map((ofRows) => ofRows[name][step]);
    return [name, all[0][name].map((_, step) => ofStep(step).reduce((a, b) => DIFFERENCES[name](a, b)))];
  });
  return Object.fromEntries(joined) as unknown as Differences;
}

/** Copies values [outer, rows, inner] to these batch rows of `target` [outer, batch, inner]. */
export function scatter(
  values: Floats | Uint8Array,
  target: Floats | Uint8Array,
  outer: number,
  batch: number,
  inner: number,
  rows: readonly number[],
): void {
  for (let i = 0; i < outer; i++) {
    for (const [from, to] of rows.entries()) {
      const start = (i * rows.length + from) * inner;
      target.set(values.subarray(start, start + inner), (i * batch + to) * inner);
    }
  }
}
