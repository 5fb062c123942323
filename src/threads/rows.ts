import { type Outputs, pick } from '../engine/forward.js';
import { type LayerTrace, partSize } from '../engine/trace.js';
import type { Sequence } from '../module/bind.js';
import { directionsOf, type Module, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';

/** Batch rows for each of `count` threads, of about as many steps: the longest go round first. */
export function splitRows({ batch, steps, lengths }: Sequence, count: number): number[][] {
  const length = (row: number) => lengths?.[row] ?? steps;
  const rows = [...Array(batch).keys()].sort((a, b) => length(b) - length(a));
  const parts = Array.from({ length: count }, () => [] as number[]);
  for (const [i, row] of rows.entries()) parts[i % count].push(row);
  return parts;
}

/** Some batch rows of a sequence. */
export function rowsOf(sequence: Sequence, rows: readonly number[], module: Module): Sequence {
  const { steps, batch, input, h0, c0, lengths } = sequence;
  const states = module.num_layers * directionsOf(module).length;
  const take = (values: Floats, outer: number, inner: number) => pick(values, rows, outer, batch, inner);
  return {
    steps,
    batch: rows.length,
    input: take(input, steps, module.input_size),
    h0: h0 && take(h0, states, outputSize(module)),
    c0: c0 && take(c0, states, module.hidden_size),
    lengths: lengths && rows.map((row) => lengths[row]),
  };
}

/** The outputs of all rows, out of those of some rows each. */
export function joinRows(
  parts: readonly Outputs[],
  rows: readonly (readonly number[])[],
  { steps, batch }: Sequence,
  module: Module,
): Omit<Outputs, 'kernels'> {
  const directionCount = directionsOf(module).length;
  const states = module.num_layers * directionCount;
  const size = outputSize(module);
  const join = (values: (part: Outputs) => Floats, outer: number, inner: number): Floats => {
    const first = values(parts[0]);
    const all =
      first instanceof Float64Array
        ? new Float64Array(outer * batch * inner)
        : new Float32Array(outer * batch * inner);
    for (const [i, part] of parts.entries()) scatter(values(part), all, outer, batch, inner, rows[i]);
    return all;
  };
  const [{ c_n, trace }] = parts;
  return {
    output: join(({ output }) => output, steps, directionCount * size),
    h_n: join(({ h_n }) => h_n, states, size),
    c_n: c_n && join((part) => part.c_n!, states, module.hidden_size),
    trace: trace?.map(({ layer, direction, parts: names }, place): LayerTrace => {
      const joined = Object.keys(names).map((name) => [
        name,
        join((part) => part.trace![place].parts[name], steps, partSize(module, name)),
      ]);
      return { layer, direction, parts: Object.fromEntries(joined) };
    }),
  };
}

/** Values [outer, rows, inner] into rows of others, [outer, batch, inner]. */
function scatter(
  values: Floats,
  into: Floats,
  outer: number,
  batch: number,
  inner: number,
  rows: readonly number[],
): void {
  for (let i = 0; i < outer; i++) {
    for (const [from, to] of rows.entries()) {
      const start = (i * rows.length + from) * inner;
      into.set(values.subarray(start, start + inner), (i * batch + to) * inner);
    }
  }
}
