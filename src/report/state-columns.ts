import type { InspectedPart } from '../inspect/inspect.js';
import { digitsApart, formatCount, formatDifference, formatValue, largest } from './terminal/numbers.js';
import { strip, stripScale } from './terminal/strip.js';
import type { Style } from './terminal/style.js';
import { type Column, columnWidths, GAP, sum } from './terminal/table.js';

/** Up to this many units, and selected ones, are shown with every value; more units as a range and a strip. */
const FEW_UNITS = 4;
const USUAL_DIGITS = 6;
const MOST_DIGITS = 9;
const RANGE_DIGITS = 4;
const VALUE_WIDTH = 11;
const NARROWEST_STRIP = 8;
const WIDEST_STRIP = 64;
/** Stands for a value beyond a row's length. */
const NO_VALUE = '–';

/** Columns that are kept in one table. */
export interface Group {
  readonly columns: readonly Column[];
  /** The cells of each shown step. */
  readonly rows: readonly (readonly string[])[];
  /** The largest difference of these columns at a step; undefined where nothing is expected. */
  readonly differenceAt: (step: number) => Difference | undefined;
  /** A line above the columns; a group with a caption has its own table. */
  readonly caption?: string;
}

/** A state or a gate in one batch row. */
export interface View {
  readonly part: InspectedPart;
  /** The index of a step's unit 0 in the part's values. */
  readonly offsetOf: (step: number) => number;
  /** Whether the case has expected values for a step. */
  readonly isKnown: (step: number) => boolean;
  /** Whether a step is within the row's length. */
  readonly isActive: (step: number) => boolean;
}

export interface Difference {
  readonly unit: number;
  readonly expected: number;
  readonly actual: number;
  /** |actual − expected|; NaN where one is NaN. */
  readonly size: number;
  /** Whether the values are not close by the case's tolerance. */
  readonly far: boolean;
}

function isWorse(a: Difference | undefined, b: Difference | undefined): boolean {
  if (!a || !b) return a !== undefined;
  if (a.far !== b.far) return a.far;
  const [sizeA, sizeB] = [a, b].map(({ size }) => (Number.isNaN(size) ? Number.POSITIVE_INFINITY : size));
  return sizeA > sizeB;
}

/** The index of the worst difference. */
export function worstIndex(differences: readonly (Difference | undefined)[]): number {
  return differences.reduce(
    (worst, difference, i) => (isWorse(difference, differences[worst]) ? i : worst),
    0,
  );
}

/** The worst difference among units at a step; undefined where nothing is expected. */
export function worstOf(
  { part, offsetOf, isKnown }: View,
  units: readonly number[],
  step: number,
): Difference | undefined {
  if (!isKnown(step)) return undefined;
  const all = units.map((unit) => differenceAt(part, offsetOf(step) + unit, unit));
  return all[worstIndex(all)];
}

function differenceAt(part: InspectedPart, i: number, unit: number): Difference {
  const [actual, expected] = [part.values[i], part.expected!.values[i]];
  const far = part.expected!.far[i] === 1;
  // Infinities of one sign are equal; so are two NaN with equal_nan.
  const isEqual = actual === expected || (!far && Number.isNaN(actual));
  return { unit, expected, actual, size: isEqual ? 0 : Math.abs(actual - expected), far };
}

/**
 * The columns of one state or gate: its units, or their range.
 * @param chosen whether its units were selected
 * @param room the characters for these columns in a table of their own
 */
export function groupsOf(
  view: View,
  steps: readonly number[],
  { chosen, room, style }: { chosen: boolean; room: number; style: Style },
): Group[] {
  const { units } = view.part;
  if (chosen || units.length <= FEW_UNITS) return units.map((unit) => unitGroup(view, unit, steps, style));
  return [rangeGroup(view, steps, room, style)];
}

/** Marks a difference that is not close. */
export const FAR = '✗';

/** The sizes of differences, with a mark where the values are not close. */
function sizeCells(differences: readonly (Difference | undefined)[], { bad }: Style): string[] {
  const anyMarked = differences.some((difference) => difference?.far);
  return differences.map((difference) => {
    if (!difference) return '';
    const size = formatDifference(difference.size);
    return difference.far ? bad(`${size} ${FAR}`) : anyMarked ? `${size}  ` : size;
  });
}

/** The digits that tell expected from computed values apart, but not fewer or more than are readable. */
function digitsFor(differences: readonly (Difference | undefined)[]): number {
  const needed = differences.map((difference) =>
    difference ? digitsApart(difference.actual, difference.expected) : 0,
  );
  return Math.min(MOST_DIGITS, Math.max(USUAL_DIGITS, largest(needed)));
}

const numberColumn = (head: string): Column => ({ head, align: 'right' });

/** One unit's values, with the expected values beside them. */
function unitGroup(view: View, unit: number, steps: readonly number[], style: Style): Group {
  const { part, offsetOf, isKnown, isActive } = view;
  const name = part.size === 1 ? part.name : `${part.name}[${unit}]`;
  const value = (step: number) => part.values[offsetOf(step) + unit];
  const cell = (step: number, digits: number) =>
    isActive(step) || isKnown(step) ? formatValue(value(step), digits, VALUE_WIDTH) : NO_VALUE;
  const difference = (step: number) => worstOf(view, [unit], step);
  const differences = steps.map(difference);
  if (differences.every((difference) => difference === undefined)) {
    return {
      differenceAt: difference,
      columns: [numberColumn(name)],
      rows: steps.map((step) => [cell(step, USUAL_DIGITS)]),
    };
  }
  const digits = digitsFor(differences);
  const sizes = sizeCells(differences, style);
  return {
    differenceAt: difference,
    columns: [numberColumn(name), numberColumn('reference'), numberColumn('|Δ|')],
    rows: steps.map((step, i) => {
      const expected = differences[i]?.expected;
      const expectedCell = expected === undefined ? '' : formatValue(expected, digits, VALUE_WIDTH);
      return [cell(step, digits), expectedCell, sizes[i]];
    }),
  };
}

const RANGE_HEADS = ['min', 'mean', 'max'];

/** The range of many units, a strip of them and, where anything is expected, the unit that is farthest from it. */
function rangeGroup(view: View, steps: readonly number[], room: number, style: Style): Group {
  const { part, isActive } = view;
  const ranges = steps.map((step) => rangeCells(view, step));
  const differenceAt = (step: number) => worstOf(view, part.units, step);
  const farthest = farthestColumns(steps.map(differenceAt), style);
  const { width, beside } = stripLayout(ranges, farthest, part.units.length, room);

  const [low, high] = scaleOf(
    part,
    steps.filter(isActive).flatMap((step) => valuesAt(view, step)),
  );
  const scale = stripScale(formatDifference(low), formatDifference(high));
  const unitsPerMark = part.units.length / width;
  const mark =
    unitsPerMark === 1 ? 'a mark a unit' : `a mark is the farthest of ${Number(unitsPerMark.toFixed(1))}`;
  return {
    differenceAt,
    caption: `${part.name}   ${formatCount(part.units.length)} units, ${mark}: ${scale}`,
    columns: [
      ...RANGE_HEADS.map(numberColumn),
      { head: '', align: 'left' },
      ...farthest.heads.slice(0, beside).map(numberColumn),
    ],
    rows: ranges.map((range, i) => [
      ...range,
      range[0] === NO_VALUE ? '' : strip(valuesAt(view, steps[i]), [low, high], width),
      ...farthest.rows[i].slice(0, beside),
    ]),
  };
}

function valuesAt({ part, offsetOf }: View, step: number): number[] {
  return part.units.map((unit) => part.values[offsetOf(step) + unit]);
}

/** The cells of min, mean and max. */
function rangeCells(view: View, step: number): string[] {
  if (!view.isActive(step) && !view.isKnown(step)) return RANGE_HEADS.map(() => NO_VALUE);
  const values = valuesAt(view, step);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const range = [values.reduce((a, b) => Math.min(a, b)), mean, values.reduce((a, b) => Math.max(a, b))];
  return range.map((value) => formatValue(value, RANGE_DIGITS, VALUE_WIDTH));
}

/** Columns of which the first ones can be shown without the others. */
interface Columns {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The difference, the unit and the expected value that are farthest from what was computed; none without any. */
function farthestColumns(differences: readonly (Difference | undefined)[], style: Style): Columns {
  if (differences.every((difference) => difference === undefined))
    return { heads: [], rows: differences.map(() => []) };
  const digits = digitsFor(differences);
  const sizes = sizeCells(differences, style);
  return {
    heads: ['|Δ|', 'at unit', 'reference'],
    rows: differences.map((difference, i) =>
      difference
        ? [sizes[i], String(difference.unit), formatValue(difference.expected, digits, VALUE_WIDTH)]
        : ['', '', ''],
    ),
  };
}

/** The width of the strip, and the number of columns that fit beside it: all three, two or none. */
function stripLayout(
  ranges: readonly (readonly string[])[],
  farthest: Columns,
  units: number,
  room: number,
): { width: number; beside: number } {
  const roomWith = (beside: number) => {
    const rows = ranges.map((range, i) => [...range, ...farthest.rows[i].slice(0, beside)]);
    const widths = columnWidths([[...RANGE_HEADS, ...farthest.heads.slice(0, beside)], ...rows]);
    return room - sum(widths) - (widths.length + 1) * GAP.length;
  };
  const choices = farthest.heads.length ? [3, 2, 0] : [0];
  const beside = choices.find((count) => roomWith(count) >= NARROWEST_STRIP) ?? 0;
  const width = Math.min(WIDEST_STRIP, units, Math.max(NARROWEST_STRIP, roomWith(beside)));
  return { width, beside };
}

/** The range of the values; from −m to m where they are signed. */
function scaleOf({ signed }: InspectedPart, values: readonly number[]): [number, number] {
  const finite = values.filter(Number.isFinite);
  const magnitude = largest(finite.map(Math.abs));
  return [signed ? -magnitude : finite.reduce((a, b) => Math.min(a, b), magnitude), magnitude];
}
