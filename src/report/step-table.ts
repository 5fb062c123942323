import type { Place } from '../compare/element.js';
import type { RowComparison } from '../compare/tensor.js';
import { isSequence } from '../kinds.js';
import type { Subject } from '../verdict/comparison.js';
import type { ReportedComparison, ReportedTensor } from './reported.js';
import { judgedByRounding, sigmasHead } from './rounding-text.js';
import { fold } from './terminal/fold.js';
import {
  digitsApart,
  formatCount,
  formatDifference,
  formatSigmas,
  formatValue,
  largest,
} from './terminal/numbers.js';
import { styleFor, type Terminal } from './terminal/style.js';
import { type Column, columnWidths, GAP, INDENT, type Line, renderTable, sum } from './terminal/table.js';

/** A row of the table, or a label with a text across the columns. */
type Entry =
  | { readonly label: string; readonly row: RowComparison }
  | { readonly label: string; readonly text: string };

/** A column and its cell in a row. */
interface FactColumn extends Column {
  readonly cell: (row: RowComparison) => string;
}

const WIDE_TERMINAL = 100;
const STEP: Column = { head: 'step', align: 'right' };
const VALUES: readonly Column[] = [
  { head: 'reference', align: 'right' },
  { head: 'cellcheck', align: 'right' },
];
const STATUS: Column = { head: '', align: 'left' };
/** In less room than their head takes, values have too few digits to be useful: their columns are left out. */
const NARROWEST_VALUE = 'reference'.length;
const USUAL_DIGITS = 8;
const FEWEST_DIGITS = 3;

/**
 * The table of one comparison: a row for every step of output, then one for every layer and direction of h_n and
 * c_n. No line is longer than the terminal is wide.
 */
export function stepTable(comparison: ReportedComparison, terminal: Terminal, allSteps: boolean): string {
  const entries = entriesOf(comparison, allSteps);
  const rows = entries.flatMap((entry) => ('row' in entry ? [entry.row] : []));
  const failed = comparison.verdict === 'differs' ? 'DIFFERS' : 'unclear';
  const statuses = rows.map(({ mismatches }) => (mismatches === 0 ? 'ok' : failed));
  const facts = factColumns(comparison, terminal);
  const rowFacts = rows.map((row) => facts.map(({ cell }) => cell(row)));

  const labels = [STEP.head!, ...entries.map(({ label }) => label)];
  const widths = [
    ...columnWidths(labels.map((label) => [label])),
    ...columnWidths([facts.map(({ head }) => head!), ...rowFacts]),
  ];
  const statusWidth = largest(statuses.map(({ length }) => length));
  const gaps = INDENT.length + GAP.length * (widths.length + VALUES.length);
  const room = Math.floor((terminal.columns - gaps - statusWidth - sum(widths)) / VALUES.length);
  const withValues = room >= NARROWEST_VALUE;
  const rowValues = withValues ? valueTexts(rows, room) : rows.map(() => []);

  const style = styleFor(terminal);
  const paint = { ok: style.good, DIFFERS: style.bad, unclear: style.open };
  const rowCells = statuses.map((status, i) => [...rowFacts[i], ...rowValues[i], paint[status](status)]);
  let next = 0;
  const lines = entries.map((entry): Line => {
    if ('text' in entry) return { label: entry.label, across: entry.text };
    return [entry.label, ...rowCells[next++]];
  });
  return renderTable([STEP, ...facts, ...(withValues ? VALUES : []), STATUS], lines, style);
}

function entriesOf(comparison: ReportedComparison, allSteps: boolean): Entry[] {
  const { tensors, subject } = comparison;
  const withNames = tensors.filter(({ name }) => isSequence(name)).length > 1;
  return tensors.flatMap((tensor): Entry[] => {
    if (!isSequence(tensor.name)) return stateEntries(tensor, subject);
    const steps = stepEntries(tensor, comparison, allSteps);
    return withNames ? [{ label: tensor.name, text: '' }, ...steps] : steps;
  });
}

/** Differences are aligned left, because exponents would make them ragged on the right. */
function factColumns({ tensors }: ReportedComparison, { columns }: Terminal): FactColumn[] {
  const [judged] = judgedByRounding(tensors);
  const sigmas: FactColumn[] = judged
    ? [
        {
          head: sigmasHead(judged),
          align: 'right',
          cell: ({ sigmas }) => (sigmas === undefined ? '?' : formatSigmas(sigmas)),
        },
      ]
    : [];
  const relative: FactColumn[] =
    columns > WIDE_TERMINAL
      ? [{ head: 'max rel', align: 'left', cell: (row) => formatDifference(row.relative) }]
      : [];
  return [
    { head: 'differ', align: 'right', cell: ({ mismatches, elements }) => `${mismatches}/${elements}` },
    ...sigmas,
    { head: 'max |Δ|', align: 'left', cell: ({ worst }) => formatDifference(worst.difference) },
    ...relative,
    { head: '[b, unit]', align: 'left', cell: ({ worst }) => `[${worst.batch}, ${worst.unit}]` },
  ];
}

function valuesOf({ worst }: RowComparison): number[] {
  return [worst.expected, worst.actual];
}

/**
 * Expected and actual values, all with the same number of digits: enough to tell the two apart in every row, or as many
 * as fit.
 */
function valueTexts(rows: readonly RowComparison[], room: number): string[][] {
  const apart = rows.map(({ worst }) => digitsApart(worst.expected, worst.actual));
  for (let digits = Math.max(USUAL_DIGITS, largest(apart)); digits > FEWEST_DIGITS; digits--) {
    const texts = rows.map((row) =>
      valuesOf(row).map((value) => formatValue(value, digits, Number.POSITIVE_INFINITY)),
    );
    if (texts.every((pair) => pair.every((text) => text.length <= room))) return texts;
  }
  return rows.map((row) => valuesOf(row).map((value) => formatValue(value, FEWEST_DIGITS, room)));
}

function stepEntries(
  { name, rows, worst }: ReportedTensor,
  { first, divergesAt }: ReportedComparison,
  allSteps: boolean,
): Entry[] {
  const firstMismatch =
    first?.tensor === name ? first.place.step : rows.findIndex(({ mismatches }) => mismatches > 0);
  const important = [firstMismatch, worst.step, ...(divergesAt === undefined ? [] : [divergesAt])];
  return fold(rows.length, important, allSteps).map((line) => {
    if ('row' in line) return { label: String(line.row), row: rows[line.row] };
    return { label: '⋮', text: foldedText(rows.slice(line.from, line.to)) };
  });
}

function foldedText(rows: readonly RowComparison[]): string {
  const failing = rows.filter(({ mismatches }) => mismatches > 0);
  const worst = worstOf(failing.length ? failing : rows);
  const where = `worst ${formatDifference(worst.difference)} at step ${worst.step}`;
  const all = formatCount(rows.length);
  const limit = rows[0].sigmas === undefined ? 'tolerance' : 'rounding';
  if (failing.length === 0) return `${all} steps within ${limit}, ${where}`;
  return `${failing.length === rows.length ? all : `${formatCount(failing.length)} of ${all}`} steps beyond ${limit}, ${where}`;
}

function worstOf(rows: readonly RowComparison[]): Place {
  return rows
    .map(({ worst }) => worst)
    .reduce((a, b) => (b.difference > a.difference || Number.isNaN(b.difference) ? b : a));
}

function stateEntries({ name, rows }: ReportedTensor, subject: Subject): Entry[] {
  if (rows.length === 1) return [{ label: name, row: rows[0] }];
  // `layer` is written once above the rows, which have no room for it.
  const [word] = /^layer /.exec(stateLabel(rows[0].worst, subject)) ?? [''];
  return [
    { label: word ? `${name}, ${word.trim()}` : name, text: '' },
    ...rows.map((row) => ({ label: stateLabel(row.worst, subject).slice(word.length), row })),
  ];
}

/** `layer 1 reverse`; without the layer or the direction where there is only one. */
export function stateLabel({ layer, direction }: Place, { directions, num_layers }: Subject): string {
  const directionWords = directions.length > 1 ? [direction] : [];
  const layerWords = num_layers > 1 || directionWords.length === 0 ? [`layer ${layer}`] : [];
  return [...layerWords, ...directionWords].join(' ');
}
