import Table from 'cli-table3';
import { largest } from './numbers.js';
import { type Style, visibleLength } from './style.js';

export const INDENT = '  ';
export const GAP = '  ';

export interface Column {
  /** Either all columns of a table have one, or none. */
  readonly head?: string;
  readonly align: 'left' | 'right';
}

/** A line of a table: a cell for each column, or a label and a text across the other columns. */
export type Line = readonly string[] | { readonly label: string; readonly across: string };

/** No borders: an indent, and a gap between columns. */
const CHARS = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: INDENT, 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: GAP },
};

/** Longer tables are aligned here, because the time of cli-table3 grows with the square of the lines. */
const MOST_DRAWN = 100;

/** A table without borders, with its heads first. Columns are as wide as their cells, which may have colours. */
export function renderTable(columns: readonly Column[], lines: readonly Line[], style: Style): string {
  const heads = columns.flatMap(({ head }) => head ?? []);
  const widths = columnWidths([heads, ...lines.map((line) => ('across' in line ? [line.label] : line))]);
  const rows = [
    ...(heads.length ? [heads.map((head) => style.dim(head))] : []),
    // The text across is added below, because it may be longer than the columns.
    ...lines.map((line) => ('across' in line ? [line.label] : line)),
  ];
  const aligns = columns.map(({ align }) => align);
  const drawn = (rows.length > MOST_DRAWN ? alignRows : drawRows)(rows, widths, aligns);
  const first = drawn.length - lines.length;
  return drawn
    .map((text, i) => {
      const line = lines[i - first];
      if (!line || !('across' in line)) return text.trimEnd();
      const label = text.slice(0, INDENT.length + widths[0]);
      return (label + GAP + line.across).trimEnd();
    })
    .join('\n');
}

type Rows = readonly (readonly string[])[];

/** The lines of a table; a row may lack its last cells. */
export function drawRows(
  rows: Rows,
  widths: readonly number[],
  aligns: readonly Column['align'][],
): string[] {
  const table = new Table({
    chars: CHARS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colWidths: [...widths],
    colAligns: [...aligns],
  });
  for (const row of rows) table.push(widths.map((_, column) => row[column] ?? ''));
  return table.toString().split('\n');
}

/** The same lines in linear time. */
export function alignRows(
  rows: Rows,
  widths: readonly number[],
  aligns: readonly Column['align'][],
): string[] {
  return rows.map((row) => {
    const cells = widths.map((width, column) => {
      const text = row[column] ?? '';
      const space = ' '.repeat(width - visibleLength(text));
      return aligns[column] === 'left' ? text + space : space + text;
    });
    return INDENT + cells.join(GAP);
  });
}

export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const count = largest(rows.map((row) => row.length));
  return Array.from({ length: count }, (_, i) => largest(rows.map((row) => visibleLength(row[i] ?? ''))));
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
