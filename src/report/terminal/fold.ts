/** A row to show, or a line in place of the rows from `from` to before `to`. */
export type Line = { readonly row: number } | { readonly from: number; readonly to: number };

const FEW = 20;
const ENDS = 3;
const AROUND = 2;

/**
 * The lines of a table. Of many rows, the first, the last and those around important ones are shown, and the others are
 * folded; few rows are all shown.
 */
export function fold(rows: number, important: readonly number[], all: boolean): Line[] {
  const shown = (row: number) =>
    all ||
    rows <= FEW ||
    row < ENDS ||
    row >= rows - ENDS ||
    important.some((other) => Math.abs(row - other) <= AROUND);
  const lines: Line[] = [];
  for (let row = 0; row < rows; ) {
    let to = row;
    while (to < rows && !shown(to)) to++;
    // A line in place of one row saves nothing.
    if (to - row > 1) {
      lines.push({ from: row, to });
      row = to;
    } else {
      lines.push({ row });
      row++;
    }
  }
  return lines;
}
