import type { InspectedPart } from '../inspect/inspect.js';
import { digitsApart, formatCount, formatDifference, formatValue, largest } from './terminal/numbers.js';
import { strip, stripScale } from './terminal/strip.js';
import type { Style } from './terminal/style.js';
import { type Column, columnWidths, GAP, sum } from './terminal/table.js';

/** Of as many units, or of those that were chosen, every value is shown; of more their range, and a strip. */
const FEW_UNITS = 4;
const USUAL_DIGITS = 6;
const MOST_DIGITS = 9;
const RANGE_DIGITS = 4;
const VALUE_WIDTH = 11;
const NARROWEST_STRIP = 8;
const WIDEST_STRIP = 64;
/** A row beyond its length has no values. */
const NOTHING = '–';

/** Columns that stay together. */
export interface Group {
  readonly columns: readonly Column[];
  /** Cells of every shown step. */
  readonly rows: readonly (readonly string[])[];
  /** The largest difference in these columns at a step, where anything is expected. */
  readonly differenceAt: (step: number) => Difference | undefined;
  /** What stands above them; such a group has a table of its own. */
  readonly caption?: string;
}

/** A state or a gate in one batch row, and how to find its numbers. */
export interface View {
  readonly part: InspectedPart;
  /** Index of unit 0 at a step. */
  readonly at: (step: number) => number;
  /** Whether the case says what is expected at a step. */
  readonly isKnown: (step: number) => boolean;
  /** Whether the network did anything at a step: it did not beyond the row's length. */
  readonly isActive: (step: number) => boolean;
}

export interface Difference {
  readonly unit: number;
  readonly expected: number;
  readonly actual: number;
  /** |actual − expected|; NaN where one is NaN. */
  readonly size: number;
  /** Whether it is not close, by the case's rule. */
  readonly far: boolean;
}

function isWorse(one: Difference | undefined, other: Difference | undefined): boolean {
  if (!one || !other) return one !== undefined;
  if (one.far !== other.far) return one.far;
  const [a, b] = [one.size, other.size].map((size) => (Number.isNaN(size) ? Number.POSITIVE_INFINITY : size));
  return a > b;
}

/** Which of the differences is the worst. */
export function worstIndex(differences: readonly (Difference | undefined)[]): number {
  return differences.reduce((worst, one, i) => (isWorse(one, differences[worst]) ? i : worst), 0);
}

/** The largest difference among units at a step, where anything is expected there. */
export function worstOf(
  { part, at, isKnown }: View,
  units: readonly number[],
  step: number,
): Difference | undefined {
  if (!isKnown(step)) return undefined;
  const all = units.map((unit) => differenceAt(part, at(step) + unit, unit));
  return all[worstIndex(all)];
}

function differenceAt({ values, expected }: InspectedPart, at: number, unit: number): Difference {
  const [actual, wanted] = [values[at], expected!.values[at]];
  const far = expected!.far[at] === 1;
  // Infinities of one sign are the same; so are two NaN where the case says so.
  const same = actual === wanted || (!far && Number.isNaN(actual));
  return { unit, expected: wanted, actual, size: same ? 0 : Math.abs(actual - wanted), far };
}

/**
 * The columns of one state or gate: its units, or their range.
 * @param chosen whether its units were asked for
 * @param room in characters, of a table that has these columns alone
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

/** Sizes of differences, those that are not close with a mark. */
function sizeCells(differences: readonly (Difference | undefined)[], { bad }: Style): string[] {
  const marked = differences.some((one) => one?.far);
  return differences.map((one) => {
    if (!one) return '';
    const size = formatDifference(one.size);
    return one.far ? bad(`${size} ${FAR}`) : marked ? `${size}  ` : size;
  });
}

/** As many digits as tell what is expected from what was computed, within bounds. */
function digitsFor(differences: readonly (Difference | undefined)[]): number {
  const apart = differences.map((one) => (one ? digitsApart(one.actual, one.expected) : 0));
  return Math.min(MOST_DIGITS, Math.max(USUAL_DIGITS, largest(apart)));
}

const number = (head: string): Column => ({ head, align: 'right' });

/** One unit's values, with what is expected beside them. */
function unitGroup(view: View, unit: number, steps: readonly number[], style: Style): Group {
  const { part, at, isKnown, isActive } = view;
  const name = part.size === 1 ? part.name : `${part.name}[${unit}]`;
  const value = (step: number) => part.values[at(step) + unit];
  const cell = (step: number, digits: number) =>
    isActive(step) || isKnown(step) ? formatValue(value(step), digits, VALUE_WIDTH) : NOTHING;
  const difference = (step: number) => worstOf(view, [unit], step);
  const differences = steps.map(difference);
  if (!differences.some((one) => one !== undefined)) {
    return {
      differenceAt: difference,
      columns: [number(name)],
      rows: steps.map((step) => [cell(step, USUAL_DIGITS)]),
    };
  }
  const digits = digitsFor(differences);
  const sizes = sizeCells(differences, style);
  return {
    differenceAt: difference,
    columns: [number(name), number('expected'), number('|Δ|')],
    rows: steps.map((step, i) => {
      const one = differences[i];
      return [cell(step, digits), one ? formatValue(one.expected, digits, VALUE_WIDTH) : '', sizes[i]];
    }),
  };
}

/** The range of many units and a strip of them; where anything is expected, the unit that is farthest from it. */
function rangeGroup(view: View, steps: readonly number[], room: number, style: Style): Group {
  const { part, at, isKnown, isActive } = view;
  const valuesAt = (step: number) => part.units.map((unit) => part.values[at(step) + unit]);
  const ranges = steps.map((step) => {
    if (!isActive(step) && !isKnown(step)) return [NOTHING, NOTHING, NOTHING];
    const values = valuesAt(step);
    const mean = values.reduce((a, b) => a + b) / values.length;
    const range = [values.reduce((a, b) => Math.min(a, b)), mean, values.reduce((a, b) => Math.max(a, b))];
    return range.map((value) => formatValue(value, RANGE_DIGITS, VALUE_WIDTH));
  });
  const difference = (step: number) => worstOf(view, part.units, step);
  const worst = steps.map(difference);
  const digits = digitsFor(worst);
  const sizes = sizeCells(worst, style);
  const farthest = worst.map((one, i) =>
    one ? [sizes[i], String(one.unit), formatValue(one.expected, digits, VALUE_WIDTH)] : ['', '', ''],
  );
  const heads = ['min', 'mean', 'max'];
  // As much of what stands beside the strip as leaves room for it.
  const withExpected = worst.some((one) => one !== undefined);
  const besides = withExpected ? [['|Δ|', 'at unit', 'expected'], ['|Δ|', 'at unit'], []] : [[]];
  const roomFor = (beside: readonly string[]) => {
    const rows = ranges.map((range, i) => [...range, ...farthest[i].slice(0, beside.length)]);
    const widths = columnWidths([[...heads, ...beside], ...rows]);
    return room - sum(widths) - (widths.length + 1) * GAP.length;
  };
  const beside = besides.find((one) => roomFor(one) >= NARROWEST_STRIP) ?? besides[besides.length - 1];
  const width = Math.min(WIDEST_STRIP, part.units.length, Math.max(NARROWEST_STRIP, roomFor(beside)));
  const [low, high] = scaleOf(part, steps.filter(isActive).flatMap(valuesAt));
  const scale = stripScale(formatDifference(low), formatDifference(high));
  const each = part.units.length / width;
  const mark = each === 1 ? 'a mark a unit' : `a mark is the farthest of ${Number(each.toFixed(1))}`;
  return {
    differenceAt: difference,
    caption: `${part.name}   ${formatCount(part.units.length)} units, ${mark}: ${scale}`,
    columns: [...heads.map(number), { head: '', align: 'left' }, ...beside.map(number)],
    rows: ranges.map((range, i) => [
      ...range,
      range[0] === NOTHING ? '' : strip(valuesAt(steps[i]), [low, high], width),
      ...farthest[i].slice(0, beside.length),
    ]),
  };
}

/** The range of the values; of what has a sign, from −m to m. */
function scaleOf({ signed }: InspectedPart, values: readonly number[]): [number, number] {
  const finite = values.filter(Number.isFinite);
  const most = largest(finite.map(Math.abs));
  return [signed ? -most : finite.reduce((a, b) => Math.min(a, b), most), most];
}
