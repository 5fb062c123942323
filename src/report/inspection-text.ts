import { printable } from '../errors.js';
import type { InspectedPart, Inspection } from '../inspect/inspect.js';
import { sequenceText } from './comparison-text.js';
import { explanationText } from './explanation-text.js';
import { differenceLines } from './inspection-differences.js';
import { noteText, warningText } from './remarks-text.js';
import { FAR, type Group, groupsOf, type View, worstIndex, worstOf } from './state-columns.js';
import { flow } from './terminal/flow.js';
import { fold } from './terminal/fold.js';
import { formatCount, formatDifference, largest } from './terminal/numbers.js';
import { type Style, styleFor, type Terminal } from './terminal/style.js';
import { columnWidths, GAP, INDENT, type Line, renderTable, sum } from './terminal/table.js';

export interface InspectionOptions {
  readonly terminal: Terminal;
  /** Shows every step of a long sequence. */
  readonly allSteps: boolean;
}

/** A text for people: states and gates in tables for each layer and direction, or one step of one unit explained. */
export function inspectionText(label: string, inspection: Inspection, options: InspectionOptions): string {
  const { terminal } = options;
  const { subject, explanations, selected, notes, warnings } = inspection;
  const style = styleFor(terminal);
  const [first, ...words] = subject.words;
  const facts = [...words, sequenceText(subject), `computed in ${subject.compute}`];
  const body = explanations.length
    ? explanations.map((explanation) => explanationText(explanation, terminal, style))
    : partsByPlace(inspection).flatMap((parts) =>
        selected.batches.map((batch) => blockText(parts, batch, inspection, options, style)),
      );
  const after = [
    ...(explanations.length ? [] : [...batchNote(inspection), ...differenceLines(inspection)]),
    ...notes.map((note) => `note: ${noteText(note)}`),
    ...warnings.map((warning) => `${style.open('warning')}: ${warningText(warning)}`),
  ];
  return `\n${[
    `${flow([`${style.strong(printable(label))}   ${first}`, ...facts], ' · ', terminal, 2)}`,
    ...body,
    ...(after.length ? [after.map((line) => flow([INDENT + line], ' ', terminal, 4)).join('\n')] : []),
  ].join('\n\n')}\n`;
}

/** The parts grouped by layer and direction; all groups begin with the same name. */
function partsByPlace({ parts }: Inspection): InspectedPart[][] {
  const starts = parts.flatMap((part, i) => (i === 0 || part.name === parts[0].name ? [i] : []));
  return starts.map((start, i) => parts.slice(start, starts[i + 1]));
}

/** The tables of one layer and direction in one batch row. */
function blockText(
  parts: readonly InspectedPart[],
  batch: number,
  inspection: Inspection,
  options: InspectionOptions,
  style: Style,
): string {
  const { subject, selected, chosen, lengths } = inspection;
  const { layer, direction } = parts[0];
  const { terminal, allSteps } = options;
  const views = parts.map((part): View => {
    const row = (step: number) => step * subject.batch + batch;
    return {
      part,
      offsetOf: (step) => row(step) * part.size,
      isKnown: (step) => part.expected?.known[row(step)] === 1,
      isActive: (step) => step < (lengths?.[batch] ?? subject.steps),
    };
  });
  const { steps } = selected;
  const lines = fold(
    steps.length,
    views.flatMap((view) => importantSteps(view, steps)),
    allSteps || chosen.steps,
  );
  const shown = lines.flatMap((line) => ('row' in line ? [steps[line.row]] : []));
  const labels = lines.map((line) => ('row' in line ? String(steps[line.row]) : '⋮'));
  const room =
    terminal.columns - INDENT.length - Math.max('step'.length, largest(labels.map(({ length }) => length)));

  const groups = views.flatMap((view) => groupsOf(view, shown, { chosen: chosen.units, room, style }));
  const tables = tablesOf(groups, room).map((together) => {
    let next = 0;
    const rows = lines.map((line, i): Line => {
      if ('from' in line)
        return { label: '⋮', across: foldedText(steps.slice(line.from, line.to), together) };
      const row = next++;
      return [labels[i], ...together.flatMap((group) => group.rows[row])];
    });
    const columns = [
      { head: 'step', align: 'right' as const },
      ...together.flatMap((group) => group.columns),
    ];
    const [{ caption }] = together;
    const above = caption ? `${flow([INDENT + caption], ' ', terminal, 4)}\n` : '';
    return above + renderTable(columns, rows, style);
  });
  const place = `layer ${layer} ${direction}${subject.batch > 1 ? `, batch ${batch}` : ''}`;
  return [INDENT + style.strong(place), ...tables].join('\n\n');
}

/** The indices of the steps with the worst difference, and with the first that is not close. */
function importantSteps(view: View, steps: readonly number[]): number[] {
  const differences = steps.map((step) => worstOf(view, view.part.units, step));
  if (differences.every((difference) => difference === undefined)) return [];
  const first = differences.findIndex((difference) => difference?.far);
  return [worstIndex(differences), ...(first < 0 ? [] : [first])];
}

function foldedText(steps: readonly number[], groups: readonly Group[]): string {
  const all = steps.flatMap((step) =>
    groups.map(({ differenceAt }) => ({ step, difference: differenceAt(step) })),
  );
  const { step, difference } = all[worstIndex(all.map((entry) => entry.difference))];
  const where = difference
    ? `, largest |Δ| ${formatDifference(difference.size)}${difference.far ? ` ${FAR}` : ''} at step ${step}`
    : '';
  return `${formatCount(steps.length)} steps${where}`;
}

/** The groups of each table: as many beside each other as there is room for. */
function tablesOf(groups: readonly Group[], room: number): Group[][] {
  const tables: Group[][] = [];
  let left = 0;
  for (const group of groups) {
    const widths = columnWidths([group.columns.map(({ head }) => head ?? ''), ...group.rows]);
    const width = sum(widths) + widths.length * GAP.length;
    const isAlone = group.caption !== undefined || tables.at(-1)?.[0].caption !== undefined;
    if (tables.length === 0 || isAlone || width > left) {
      tables.push([group]);
      left = room - width;
    } else {
      tables[tables.length - 1].push(group);
      left -= width;
    }
  }
  return tables;
}

function batchNote({ subject, chosen }: Inspection): string[] {
  if (subject.batch === 1 || chosen.batch) return [];
  return [`batch row 0 of ${subject.batch}: --batch 1 shows another, --batch : all of them`];
}
