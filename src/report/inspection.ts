import type { Place } from '../compare/compare.js';
import { printable } from '../errors.js';
import type { InspectedPart, Inspection } from '../inspect.js';
import { explanationText } from './explanation.js';
import { flow } from './flow.js';
import { fold } from './fold.js';
import { digitsApart, formatCount, formatDifference, formatValue, largest } from './numbers.js';
import { stateLabel } from './step-table.js';
import { strip, stripScale } from './strip.js';
import { type Style, styleFor, type Terminal } from './style.js';
import { type Column, columnWidths, GAP, INDENT, type Line, renderTable, sum } from './table.js';
import { placeText, sequenceText } from './text.js';

export interface InspectionOptions {
  readonly terminal: Terminal;
  /** Shows every step of a long sequence. */
  readonly allSteps: boolean;
}

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
interface Group {
  readonly columns: readonly Column[];
  /** Cells of every shown step. */
  readonly rows: readonly (readonly string[])[];
  readonly withExpected: boolean;
  /** What stands above them; such a group has a table of its own. */
  readonly caption?: string;
}

/** A state or a gate in one batch row, and how to find its numbers. */
interface View {
  readonly part: InspectedPart;
  /** Index of unit 0 at a step. */
  readonly at: (step: number) => number;
  /** Whether the case says what is expected at a step. */
  readonly isKnown: (step: number) => boolean;
  /** Whether the network did anything at a step: it did not beyond the row's length. */
  readonly isActive: (step: number) => boolean;
}

interface Difference {
  readonly unit: number;
  readonly expected: number;
  readonly actual: number;
  /** |actual − expected|; NaN where one is NaN. */
  readonly size: number;
}

/** For people: what a network did, in tables for each layer and direction; or one step of one unit explained. */
export function inspectionText(label: string, inspection: Inspection, options: InspectionOptions): string {
  const { terminal } = options;
  const { subject, explanations, selected, notes } = inspection;
  const style = styleFor(terminal);
  const [first, ...words] = subject.words;
  const facts = [...words, sequenceText(subject), `computed in ${subject.compute}`];
  const body = explanations.length
    ? explanations.map((explanation) => explanationText(explanation, terminal, style))
    : placesOf(inspection).flatMap((parts) =>
        selected.batches.map((batch) => blockText(parts, batch, inspection, options, style)),
      );
  const after = [
    ...(explanations.length ? [] : [...batchNote(inspection), ...differenceLines(inspection)]),
    ...notes.map((note) => `note: ${note}`),
  ];
  return `\n${[
    `${flow([`${style.strong(printable(label))}   ${first}`, ...facts], ' · ', terminal, 2)}`,
    ...body,
    ...(after.length ? [after.map((line) => flow([INDENT + line], ' ', terminal, 4)).join('\n')] : []),
  ].join('\n\n')}\n`;
}

/** The parts of each layer and direction. */
function placesOf({ parts }: Inspection): InspectedPart[][] {
  const starts = parts.flatMap((part, i) => (i === 0 || part.name === parts[0].name ? [i] : []));
  return starts.map((start, i) => parts.slice(start, starts[i + 1]));
}

/** One layer and direction in one batch row. */
function blockText(
  parts: readonly InspectedPart[],
  batch: number,
  inspection: Inspection,
  options: InspectionOptions,
  style: Style,
): string {
  const { subject, selected, chosen, lengths } = inspection;
  const { layer, direction } = parts[0];
  const views = parts.map((part): View => {
    const row = (step: number) => step * subject.batch + batch;
    return {
      part,
      at: (step) => row(step) * part.size,
      isKnown: (step) => part.expected?.known[row(step)] === 1,
      isActive: (step) => step < (lengths?.[batch] ?? subject.steps),
    };
  });
  const { steps } = selected;
  const differences = steps.map((step) => worstOf(views, step));
  const most = differences.reduce((a, b, i) => (isWorse(b, differences[a]) ? i : a), 0);
  const lines = fold(steps.length, differences[most] ? [most] : [], options.allSteps || chosen.steps);
  const shown = lines.flatMap((line) => ('row' in line ? [steps[line.row]] : []));
  const labels = lines.map((line) => ('row' in line ? String(steps[line.row]) : '⋮'));
  const room =
    options.terminal.columns -
    INDENT.length -
    Math.max('step'.length, largest(labels.map(({ length }) => length)));

  const tables = packed(
    views.flatMap((view) => groupsOf(view, shown, chosen.units, room)),
    room,
  ).map((groups) => {
    let next = 0;
    const rows = lines.map((line, i): Line => {
      if ('row' in line) {
        const at = next++;
        return [labels[i], ...groups.flatMap(({ rows }) => rows[at])];
      }
      const { from, to } = line;
      const apart = groups.some(({ withExpected }) => withExpected) ? differences.slice(from, to) : [];
      return { label: '⋮', across: foldedText(steps.slice(from, to), apart) };
    });
    const columns = [{ head: 'step', align: 'right' as const }, ...groups.flatMap((group) => group.columns)];
    const [{ caption }] = groups;
    return (
      (caption ? `${flow([INDENT + caption], ' ', options.terminal, 4)}\n` : '') +
      renderTable(columns, rows, style)
    );
  });
  const place = `layer ${layer} ${direction}${subject.batch > 1 ? `, batch ${batch}` : ''}`;
  return [INDENT + style.strong(place), ...tables].join('\n\n');
}

function foldedText(steps: readonly number[], differences: readonly (Difference | undefined)[]): string {
  const worst = differences.reduce((a, b, i) => (isWorse(b, differences[a]) ? i : a), 0);
  const size = differences[worst]?.size;
  const where = size === undefined ? '' : `, largest |Δ| ${formatDifference(size)} at step ${steps[worst]}`;
  return `${formatCount(steps.length)} steps${where}`;
}

function isWorse(one: Difference | undefined, other: Difference | undefined): boolean {
  if (!one || !other) return one !== undefined;
  return Number.isNaN(one.size) ? !Number.isNaN(other.size) : one.size > other.size;
}

/** The largest difference at a step, where anything is expected there. */
function worstOf(views: readonly View[], step: number): Difference | undefined {
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
function groupsOf(view: View, steps: readonly number[], chosen: boolean, room: number): Group[] {
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

/** Groups beside each other as far as there is room, in as many tables as that takes. */
function packed(groups: readonly Group[], room: number): Group[][] {
  const tables: Group[][] = [];
  let left = 0;
  for (const group of groups) {
    const widths = columnWidths([group.columns.map(({ head }) => head ?? ''), ...group.rows]);
    const width = sum(widths) + widths.length * GAP.length;
    const alone = group.caption !== undefined || tables.at(-1)?.[0].caption !== undefined;
    if (tables.length === 0 || alone || width > left) {
      tables.push([group]);
      left = room - width;
    } else {
      tables[tables.length - 1].push(group);
      left -= width;
    }
  }
  return tables;
}

function batchNote({ subject, chosen, tensors }: Inspection): string[] {
  if (subject.batch === 1 || chosen.batch) return [];
  const differing = tensors.flatMap(({ rows }) => rows).find(({ mismatches }) => mismatches > 0);
  const other = differing?.worst.batch
    ? `--batch ${differing.worst.batch} is where values differ first`
    : '--batch 1 shows another, --batch : all of them';
  return [`batch row 0 of ${subject.batch}: ${other}`];
}

/** How far the outputs are from what the case expects, all of it, whatever is selected. */
function differenceLines({ tensors, subject }: Inspection): string[] {
  return tensors.map(({ name, worst, mismatches, elements, rows }) => {
    const where = (place: Place) =>
      name === 'output'
        ? `at ${placeText(name, place, subject)}`
        : `in ${stateLabel(place.row, subject)} [batch ${place.batch}, unit ${place.unit}]`;
    const farthest = `largest |Δ| ${formatDifference(worst.difference)} ${where(worst)}`;
    if (mismatches === 0) return `${name}: close to what is expected, ${farthest}`;
    const first = where(rows.find((row) => row.mismatches > 0)!.worst);
    return `${name}: ${formatCount(mismatches)} of ${formatCount(elements)} values are not close, first ${first}; ${farthest}`;
  });
}
