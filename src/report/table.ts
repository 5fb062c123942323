import Table, { type Cell } from 'cli-table3';
import type { Place, RowComparison, TensorComparison } from '../compare/compare.js';
import type { Comparison, Subject } from '../compare/comparison.js';
import { fold } from './fold.js';
import { digitsApart, formatCount, formatDifference, formatValue } from './numbers.js';
import { type Style, styleFor, type Terminal } from './style.js';

/** A row of the table before the digits of its values are settled, or a line across it. */
type Entry =
  | { readonly label: string; readonly row: RowComparison }
  | { readonly label: string; readonly text: string };

const INDENT = '  ';
const GAP = '  ';
/** Fewer digits than these say nothing, and then the columns of values are left out. */
const NARROWEST_VALUE = 6;
const WIDEST_VALUE = 24;
const FEWEST_DIGITS = 7;
const WIDE_TERMINAL = 100;

/**
 * The table of one comparison: a row for every step of output, then one for every layer and direction of h_n and
 * c_n. No line is longer than the terminal is wide.
 */
export function stepTable(comparison: Comparison, terminal: Terminal, allSteps: boolean): string {
  const entries = comparison.tensors.flatMap((tensor) =>
    tensor.name === 'output'
      ? stepEntries(tensor, comparison, allSteps)
      : stateEntries(tensor, comparison.subject),
  );
  const style = styleFor(terminal);
  const failed = comparison.verdict === 'ill-conditioned' ? 'unclear' : 'DIFFERS';
  const rows = entries.flatMap((entry) => ('row' in entry ? [entry.row] : []));
  const digits = Math.max(
    FEWEST_DIGITS,
    ...rows.map(({ worst }) => digitsApart(worst.expected, worst.actual)),
  );
  const relative = terminal.columns > WIDE_TERMINAL;

  const fixed = (entry: Entry): string[] => {
    if (!('row' in entry)) return [entry.label];
    const { row } = entry;
    return [
      entry.label,
      `${row.mismatches}/${row.elements}`,
      formatDifference(row.worst.difference),
      ...(relative ? [formatDifference(row.relative)] : []),
      `[${row.worst.batch}, ${row.worst.unit}]`,
    ];
  };
  const head = ['step', 'differ', 'max |Δ|', ...(relative ? ['max rel'] : []), '[b, unit]'];
  const widths = columnWidths([head, ...entries.map(fixed)]);
  const room =
    terminal.columns - INDENT.length - failed.length - sum(widths) - GAP.length * (widths.length + 2);
  const valueWidth = Math.min(WIDEST_VALUE, Math.floor(room / 2));
  const withValues = valueWidth >= NARROWEST_VALUE;
  const values = (row: RowComparison) =>
    withValues
      ? [row.worst.expected, row.worst.actual].map((value) => formatValue(value, digits, valueWidth))
      : [];
  const valueWidths = columnWidths([
    withValues ? ['expected', 'actual'] : [],
    ...entries.map((entry) => ('row' in entry ? values(entry.row) : [])),
  ]);

  const colWidths = [...widths, ...valueWidths, failed.length];
  const table = new Table({
    chars: { ...NO_BORDER, middle: GAP },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colWidths,
    colAligns: colWidths.map((_, i) =>
      RIGHT_ALIGNED.has(i) || (i >= widths.length && i < colWidths.length - 1) ? 'right' : 'left',
    ),
  });
  table.push([...head, ...(withValues ? ['expected', 'actual'] : []), ''].map((text) => style.dim(text)));
  for (const entry of entries) {
    if ('row' in entry) table.push([...fixed(entry), ...values(entry.row), status(entry.row, failed, style)]);
    else table.push([entry.label, across(entry.text, colWidths)]);
  }
  return table
    .toString()
    .split('\n')
    .map((line) => (INDENT + line).trimEnd())
    .join('\n');
}

const NO_BORDER = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'])
    .map((part) => [part, '']),
);

/** step and differ */
const RIGHT_ALIGNED = new Set([0, 1]);

function across(text: string, colWidths: readonly number[]): Cell {
  return { content: text, colSpan: colWidths.length - 1, hAlign: 'left' };
}

function status(row: RowComparison, failed: string, style: Style): string {
  if (row.mismatches === 0) return style.good('ok');
  return failed === 'DIFFERS' ? style.bad(failed) : style.open(failed);
}

function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const count = Math.max(...rows.map((row) => row.length));
  return Array.from({ length: count }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function stepEntries(
  { rows, worst }: TensorComparison,
  { first, partsAt }: Comparison,
  allSteps: boolean,
): Entry[] {
  const firstMismatch =
    first?.tensor === 'output' ? first.place.row : rows.findIndex(({ mismatches }) => mismatches > 0);
  const matter = [firstMismatch, worst.row, ...(partsAt === undefined ? [] : [partsAt])];
  return fold(rows.length, matter, allSteps).map((line) => {
    if ('row' in line) return { label: String(line.row), row: rows[line.row] };
    return { label: '⋮', text: foldedText(rows.slice(line.from, line.to)) };
  });
}

function foldedText(rows: readonly RowComparison[]): string {
  const differing = rows.filter(({ mismatches }) => mismatches > 0).length;
  const worst = worstOf(rows);
  const where = `worst ${formatDifference(worst.difference)} at step ${worst.row}`;
  if (differing === 0) return `${formatCount(rows.length)} steps within tolerance, ${where}`;
  const count =
    differing === rows.length
      ? formatCount(differing)
      : `${formatCount(differing)} of ${formatCount(rows.length)}`;
  return `${count} steps differ, ${where}`;
}

/** The worst element of some rows, of those that mismatch if any do. */
function worstOf(rows: readonly RowComparison[]): Place {
  const failing = rows.filter(({ mismatches }) => mismatches > 0);
  return (failing.length ? failing : rows)
    .map(({ worst }) => worst)
    .reduce((a, b) => (b.difference > a.difference || Number.isNaN(b.difference) ? b : a));
}

function stateEntries({ name, rows }: TensorComparison, subject: Subject): Entry[] {
  if (rows.length === 1) return [{ label: name, row: rows[0] }];
  return [{ label: name, text: '' }, ...rows.map((row, i) => ({ label: stateLabel(i, subject), row }))];
}

/** `layer 1 reverse`; without the direction where there is only one. */
export function stateLabel(row: number, { directions, numLayers }: Subject): string {
  const direction = directions.length > 1 ? ` ${directions[row % directions.length]}` : '';
  return numLayers > 1 || direction === ''
    ? `layer ${Math.floor(row / directions.length)}${direction}`
    : direction.trim();
}
