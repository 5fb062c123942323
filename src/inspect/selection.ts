import { partSize } from '../engine/trace.js';
import { CellcheckError } from '../errors.js';
import { type Direction, traced } from '../kinds.js';
import { directionsOf, type Module, withArticle } from '../module/parameters.js';

/** Indices, and ranges from one to before another, as Python's slices: below zero they count from the end. */
export type Picks = readonly (number | { readonly from?: number; readonly to?: number })[];

/** What of a network is looked at; what is absent is not narrowed, except that one batch row is taken. */
export interface Selection {
  readonly layer?: Picks;
  readonly direction?: Direction;
  readonly batch?: Picks;
  readonly steps?: Picks;
  readonly unit?: Picks;
  /** States and gates: h, c, and the kind's gates. */
  readonly show?: readonly string[];
}

/** A selection in the sizes of a network; nothing of it is empty. */
export interface Selected {
  readonly layers: readonly number[];
  readonly directions: readonly Direction[];
  readonly batches: readonly number[];
  readonly steps: readonly number[];
  /** Of hidden_size. */
  readonly units: readonly number[];
  readonly show: readonly string[];
  /** The units of each state and gate that is shown and has any: an h with a projection has fewer. */
  readonly unitsOf: Readonly<Record<string, readonly number[]>>;
}

/**
 * @throws CellcheckError where the network has no such layer, direction, batch row, step, unit or gate
 */
export function select(
  selection: Selection,
  module: Module,
  { steps, batch }: { readonly steps: number; readonly batch: number },
): Selected {
  const pick = (name: string, picks: Picks | undefined, size: number) =>
    picks ? resolve(name, picks, size) : range(0, size);
  const units = pick('unit', selection.unit, module.hidden_size);
  const show = pickParts(selection.show, module);
  const unitsOf = show
    .map((part) => [part, units.filter((unit) => unit < partSize(module, part))] as const)
    .filter(([, some]) => some.length > 0);
  if (unitsOf.length === 0) {
    throw new CellcheckError({
      problem: `h has no unit ${units.join(', ')}: with proj_size it has ${module.proj_size}`,
      hints: [`c and the gates have ${module.hidden_size}: add them to --show, as --show h,c`],
    });
  }
  return {
    layers: pick('layer', selection.layer, module.num_layers),
    directions: pickDirections(selection.direction, module),
    batches: pick('batch row', selection.batch ?? [0], batch),
    steps: pick('step', selection.steps, steps),
    units,
    show,
    unitsOf: Object.fromEntries(unitsOf),
  };
}

/** @throws CellcheckError unless a single step and unit are selected */
export function mustBeOne({ steps, units }: Selected): void {
  if (steps.length === 1 && units.length === 1) return;
  throw new CellcheckError({
    problem: `one step and one unit can be explained, and ${steps.length} and ${units.length} are selected`,
    hints: [`Choose them, as --step ${steps[0]} --unit ${units[0]}.`],
  });
}

/** @throws CellcheckError where more values are selected than a page has room for */
export function mustFit({ layers, directions, batches, steps, unitsOf }: Selected, mostValues: number): void {
  const units = Object.values(unitsOf).reduce((total, some) => total + some.length, 0);
  const values = units * layers.length * directions.length * batches.length * steps.length;
  if (values <= mostValues) return;
  throw new CellcheckError({
    problem: `${values} values are selected, and a page shows ${mostValues} at most`,
    hints: ['Select less, as --layer 0 --steps 0:500 or --show h. --save has no such limit.'],
  });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

function resolve(name: string, picks: Picks, size: number): number[] {
  const there = size === 1 ? `the only ${name} is 0` : `${name}s are 0 to ${size - 1}`;
  const inside = (index: number, last: number, text: string) => {
    const at = index < 0 ? index + size : index;
    if (at >= 0 && at <= last) return at;
    throw new CellcheckError({ problem: `${name} ${text} is out of range: ${there}` });
  };
  const indices = picks.flatMap((one) => {
    if (typeof one === 'number') return [inside(one, size - 1, String(one))];
    const { from, to } = one;
    const text = `${from ?? ''}:${to ?? ''}`;
    const found = range(inside(from ?? 0, size, text), to === undefined ? size : inside(to, size, text));
    if (found.length) return found;
    throw new CellcheckError({
      problem: `${name} ${text} selects nothing`,
      hints: ['A range ends before its second number, as in Python: 0:3 is 0, 1 and 2.'],
    });
  });
  return [...new Set(indices)].sort((a, b) => a - b);
}

function pickDirections(wanted: Direction | undefined, module: Module): readonly Direction[] {
  const all = directionsOf(module);
  if (wanted === undefined) return all;
  if (all.includes(wanted)) return [wanted];
  throw new CellcheckError({
    problem: `direction ${wanted} is none of this module's`,
    hints: ['It runs forward only: its state_dict has no _reverse parameters.'],
  });
}

function pickParts(wanted: readonly string[] | undefined, { kind }: Module): readonly string[] {
  const all = traced(kind);
  const stranger = wanted?.find((part) => !all.includes(part));
  if (stranger !== undefined) {
    throw new CellcheckError({
      problem: `${withArticle(kind)} has no ${stranger} to show: it has ${all.join(', ')}`,
    });
  }
  return all.filter((part) => !wanted || wanted.includes(part));
}
