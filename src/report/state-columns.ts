import type { InspectedPart } from '../inspect.js';
import { digitsApart, formatCount, formatDifference, formatValue, largest } from './numbers.js';
import { strip, stripScale } from './strip.js';
import { type Column, columnWidths, GAP, sum } from './table.js';

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
  readonly withExpected: boolean;
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
}

export function isWorse(one: Difference | undefined, other: Difference | undefined): boolean {
  if (!one || !other) return one !== undefined;
  return Number.isNaN(one.size) ? !Number.isNaN(other.size) : one.size > other.size;
}

/** The largest difference at a step, where anything is expected there. */
export function worstOf(views: readonly View[], step: number): Difference | undefined {
  let worst: Difference | undefined;
  for (const { part, at, isKnown } of views) {
    if (!isKnown(step)) continue;
    for (const unit of part.units) {
      const one = differenceAt(part, at(step) + unit, unit);
      if (isWorse(one, worst)) worst = one;
    }
  }
  return worst;
}

function differenceAt({ values, expected }: InspectedPart, at: number, unit: number): Difference {
  const [actual, wanted] = [values[at], expected!.values[at]];
  // Infinities of one sign are the same.
  return { unit, expected: wanted, actual, size: actual === wanted ? 0 : Math.abs(actual - wanted) };
}

/** The columns of one state or gate: its units, or their range. */
export function groupsOf(view: View, steps: readonly number[], chosen: boolean, room: number): Group[] {
  const { part } = view;
  if (chosen || part.units.length <= FEW_UNITS) return part.units.map((unit) => unitGroup(view, unit, steps));
  return [rangeGroup(view, steps, room)];
}

const number = (head: string): Column => ({ head, align: 'right' });

/** One unit's values, with what is expected beside them. */
function unitGroup({ part, at, isKnown, isActive }: View, unit: number, steps: readonly number[]): Group {
  const name = part.size === 1 ? part.name : `${part.name}[${unit}]`;
  const value = (step: number) => part.values[at(step) + unit];
  const cell = (step: number, digits: number) =>
    isActive(step) || isKnown(step) ? formatValue(value(step), digits, VALUE_WIDTH) : NOTHING;
  if (!part.expected || !steps.some(isKnown)) {
    return {
      withExpected: false,
      columns: [number(name)],
      rows: steps.map((step) => [cell(step, USUAL_DIGITS)]),
    };
  }
  const known = steps.filter(isKnown).map((step) => differenceAt(part, at(step) + unit, unit));
  const apart = largest(known.map(({ actual, expected }) => digitsApart(actual, expected)));
  const digits = Math.min(MOST_DIGITS, Math.max(USUAL_DIGITS, apart));
  return {
    withExpected: true,
    columns: [number(name), number('expected'), number('|Δ|')],
    rows: steps.map((step) => {
      if (!isKnown(step)) return [cell(step, digits), '', ''];
      const { expected, size } = differenceAt(part, at(step) + unit, unit);
      return [cell(step, digits), formatValue(expected, digits, VALUE_WIDTH), formatDifference(size)];
    }),
  };
}

/** The range of many units and a strip of them; where anything is expected, the unit that is farthest from it. */
function rangeGroup(view: View, steps: readonly number[], room: number): Group {
  const { part, at, isKnown, isActive } = view;
  const valuesAt = (step: number) => part.units.map((unit) => part.values[at(step) + unit]);
  const ranges = steps.map((step) => {
    if (!isActive(step) && !isKnown(step)) return [NOTHING, NOTHING, NOTHING];
    const values = valuesAt(step);
    const mean = values.reduce((a, b) => a + b) / values.length;
    const range = [values.reduce((a, b) => Math.min(a, b)), mean, values.reduce((a, b) => Math.max(a, b))];
    return range.map((value) => formatValue(value, RANGE_DIGITS, VALUE_WIDTH));
  });
  const worst = steps.map((step) => worstOf([view], step));
  const apart = largest(worst.map((one) => (one ? digitsApart(one.actual, one.expected) : 0)));
  const digits = Math.min(MOST_DIGITS, Math.max(USUAL_DIGITS, apart));
  const farthest = worst.map((one) =>
    one
      ? [formatDifference(one.size), String(one.unit), formatValue(one.expected, digits, VALUE_WIDTH)]
      : ['', '', ''],
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
    withExpected,
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
