import Table from 'cli-table3';
import { largest } from './numbers.js';
import { type Style, visibleLength } from './style.js';

export const INDENT = '  ';
export const GAP = '  ';

export interface Column {
  /** Of all columns or of none. */
  readonly head?: string;
  readonly align: 'left' | 'right';
}

/** A line of a table: a cell for every column, or a label and a text across the other columns. */
export type Line = readonly string[] | { readonly label: string; readonly across: string };

/** A table without borders, as wide as its cells need, the heads first. Cells may have colours. */
export function renderTable(columns: readonly Column[], lines: readonly Line[], style: Style): string {
  const heads = columns.flatMap(({ head }) => head ?? []);
  const widths = columnWidths([heads, ...lines.map((line) => ('across' in line ? [line.label] : line))]);
  // A line across the table needs its room too (cli-table3 counts one for each gap it covers); what is too much at
  // the end is blank.
  const inner = widths.slice(1, -1);
  const across = largest(lines.map((line) => ('across' in line ? line.across.length : 0)));
  const last = Math.max(widths[widths.length - 1], across - sum(inner) - inner.length);
  const table = new Table({
    chars: { ...NO_BORDER, middle: GAP },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colWidths: [...widths.slice(0, -1), last],
    colAligns: columns.map(({ align }) => align),
  });
  if (heads.length) table.push(heads.map((text) => style.dim(text)));
  for (const line of lines) {
    if ('across' in line) {
      const content = { content: line.across, colSpan: columns.length - 1, hAlign: 'left' as const };
      table.push([line.label, content]);
    } else table.push([...line]);
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

export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const count = largest(rows.map((row) => row.length));
  return Array.from({ length: count }, (_, i) => largest(rows.map((row) => visibleLength(row[i] ?? ''))));
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
