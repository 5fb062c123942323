import { partSize } from '../engine/trace.js';
import { CellcheckError } from '../errors.js';
import { type Direction, traced } from '../kinds.js';
import { directionsOf, type Module, withArticle } from '../module/parameters.js';

/** Indices and ranges as in Python: `to` is excluded, and negative ones count from the end. */
export type Picks = readonly (number | { readonly from?: number; readonly to?: number })[];

/** The selected part of a network; an absent property selects everything, except `batch`: the first batch row. */
export interface Selection {
  readonly layer?: Picks;
  readonly direction?: Direction;
  readonly batch?: Picks;
  readonly steps?: Picks;
  readonly unit?: Picks;
  /** Names of states and gates: h, c, and the gates of the module's kind. */
  readonly show?: readonly string[];
}

/** A selection as indices of a network; no list is empty. */
export interface Selected {
  readonly layers: readonly number[];
  readonly directions: readonly Direction[];
  readonly batches: readonly number[];
  readonly steps: readonly number[];
  /** Indices below hidden_size. */
  readonly units: readonly number[];
  readonly show: readonly string[];
  /** The selected units of each state and gate that has any of them: h has fewer units with a projection. */
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
  checkSelection(selection);
  const pick = (name: string, picks: Picks | undefined, size: number) =>
    picks ? resolve(name, picks, size) : range(0, size);
  const units = pick('unit', selection.unit, module.hidden_size);
  const show = pickParts(selection.show, module);
  const unitsOf = show
    .map((part) => [part, units.filter((unit) => unit < partSize(module, part))] as const)
    .filter(([, units]) => units.length > 0);
  if (unitsOf.length === 0) {
    throw new CellcheckError({
      code: 'option',
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

const PICKS = ['layer', 'batch', 'steps', 'unit'];
const SELECTED = [...PICKS, 'direction', 'show'];

/** @throws CellcheckError for what TypeScript would refuse: a misspelt name would select everything */
function checkSelection(selection: Selection): void {
  for (const [name, value] of Object.entries(selection)) {
    const refuse = (problem: string) => {
      throw new CellcheckError({ code: 'option', tensor: `select.${name}`, problem });
    };
    if (!SELECTED.includes(name)) refuse(`is not one of ${SELECTED.join(', ')}`);
    if (value === undefined || name === 'direction') continue;
    const isItem = PICKS.includes(name) ? isPick : (item: unknown) => typeof item === 'string';
    if (!Array.isArray(value) || value.length === 0 || !value.every(isItem))
      refuse(`is not a list of ${PICKS.includes(name) ? 'whole numbers and { from, to }' : 'names'}`);
  }
}

function isPick(pick: unknown): boolean {
  if (typeof pick !== 'object' || pick === null) return Number.isInteger(pick);
  return Object.entries(pick).every(
    ([end, index]) => (end === 'from' || end === 'to') && (index === undefined || Number.isInteger(index)),
  );
}

/** @throws CellcheckError unless a single step and unit are selected */
export function mustBeOne({ steps, units }: Selected): void {
  if (steps.length === 1 && units.length === 1) return;
  throw new CellcheckError({
    code: 'option',
    problem: `explain takes one step and one unit, but ${steps.length} and ${units.length} are selected`,
    hints: [`Choose them, as --step ${steps[0]} --unit ${units[0]}.`],
  });
}

/** @throws CellcheckError where more values are selected than a page has room for */
export function mustFit({ layers, directions, batches, steps, unitsOf }: Selected, mostValues: number): void {
  const units = Object.values(unitsOf).reduce((total, { length }) => total + length, 0);
  const values = units * layers.length * directions.length * batches.length * steps.length;
  if (values <= mostValues) return;
  throw new CellcheckError({
    code: 'option',
    problem: `${values} values are selected, and a page shows ${mostValues} at most`,
    hints: ['Select less, as --layer 0 --steps 0:500 or --show h. --save has no such limit.'],
  });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

function resolve(name: string, picks: Picks, size: number): number[] {
  const valid = size === 1 ? `the only ${name} is 0` : `${name}s are 0 to ${size - 1}`;
  const absolute = (index: number, last: number, text: string) => {
    const fromStart = index < 0 ? index + size : index;
    if (fromStart >= 0 && fromStart <= last) return fromStart;
    throw new CellcheckError({ code: 'option', problem: `${name} ${text} is out of range: ${valid}` });
  };
  const indices = picks.flatMap((pick) => {
    if (typeof pick === 'number') return [absolute(pick, size - 1, String(pick))];
    const { from, to } = pick;
    const text = `${from ?? ''}:${to ?? ''}`;
    const picked = range(absolute(from ?? 0, size, text), to === undefined ? size : absolute(to, size, text));
    if (picked.length) return picked;
    throw new CellcheckError({
      code: 'option',
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
    code: 'option',
    problem: `this module has no ${wanted} direction`,
    hints:
      wanted === 'reverse'
        ? ['It runs forward only: its state_dict has no _reverse parameters.']
        : ['Directions are forward and reverse.'],
  });
}

function pickParts(wanted: readonly string[] | undefined, { kind }: Module): readonly string[] {
  const all = traced(kind);
  const unknown = wanted?.find((part) => !all.includes(part));
  if (unknown !== undefined) {
    throw new CellcheckError({
      code: 'option',
      problem: `${withArticle(kind)} has no ${unknown} to show: it has ${all.join(', ')}`,
    });
  }
  return all.filter((part) => !wanted || wanted.includes(part));
}
