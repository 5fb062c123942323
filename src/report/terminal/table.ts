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
  const pad = (text: string, column: number) => {
    const space = ' '.repeat(Math.max(0, widths[column] - visibleLength(text)));
    return columns[column].align === 'left' ? text + space : space + text;
  };
  const rows = lines.map((line) => ('across' in line ? [pad(line.label, 0), line.across] : line.map(pad)));
  if (heads.length) rows.unshift(heads.map((text, column) => pad(style.dim(text), column)));
  return rows.map((cells) => (INDENT + cells.join(GAP)).trimEnd()).join('\n');
}

export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const count = largest(rows.map((row) => row.length));
  return Array.from({ length: count }, (_, i) => largest(rows.map((row) => visibleLength(row[i] ?? ''))));
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
