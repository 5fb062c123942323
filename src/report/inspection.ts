import type { Place } from '../compare/compare.js';
import { printable } from '../errors.js';
import type { InspectedPart, Inspection } from '../inspect.js';
import { explanationText } from './explanation.js';
import { flow } from './flow.js';
import { fold } from './fold.js';
import { formatCount, formatDifference, largest } from './numbers.js';
import { type Difference, type Group, groupsOf, isWorse, type View, worstOf } from './state-columns.js';
import { stateLabel } from './step-table.js';
import { type Style, styleFor, type Terminal } from './style.js';
import { columnWidths, GAP, INDENT, type Line, renderTable, sum } from './table.js';
import { placeText, sequenceText } from './text.js';

export interface InspectionOptions {
  readonly terminal: Terminal;
  /** Shows every step of a long sequence. */
  readonly allSteps: boolean;
}

/** For people: what a network did, in tables for each layer and direction; or one step of one unit explained. */
export function inspectionText(label: string, inspection: Inspection, options: InspectionOptions): string {
  const { terminal } = options;
  const { subject, explanations, selected, notes, warnings } = inspection;
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
    ...warnings.map((warning) => `${style.open('warning')}: ${warning}`),
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
