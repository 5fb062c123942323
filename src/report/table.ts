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
  // A line across the table may be longer than its columns are: it gets another one, which is blank. (cli-table3 counts
  // one for each gap that a line covers.)
  const across = largest(lines.map((line) => ('across' in line ? line.across.length : 0)));
  const missing = across - sum(widths.slice(1)) - (widths.length - 2);
  const blank = missing > 0 ? [''] : [];
  const rows = lines.map((line) => {
    if (!('across' in line)) return [...line, ...blank];
    const colSpan = columns.length - 1 + blank.length;
    return [line.label, { content: line.across, colSpan, hAlign: 'left' as const }];
  });
  if (heads.length) rows.unshift([...heads.map((text) => style.dim(text)), ...blank]);
  const drawn: string[] = [];
  for (let from = 0; from < rows.length; from += PIECE) {
    const table = new Table({
      chars: { ...NO_BORDER, middle: GAP },
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
      colWidths: [...widths, ...blank.map(() => missing)],
      colAligns: columns.map(({ align }) => align),
    });
    table.push(...rows.slice(from, from + PIECE));
    drawn.push(table.toString());
  }
  return drawn
    .join('\n')
    .split('\n')
    .map((line) => (INDENT + line).trimEnd())
    .join('\n');
}

// The time that cli-table3 takes grows with the square of the rows; the columns are as wide in every piece.
const PIECE = 100;

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
