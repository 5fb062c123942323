/** A row to show, or a stretch of rows from `from` to before `to` that one line stands for. */
export type Line = { readonly row: number } | { readonly from: number; readonly to: number };

const FEW = 20;
const ENDS = 3;
const AROUND = 2;

/** Of many rows the first, the last, and the surroundings of those that matter; few are shown whole. */
export function fold(rows: number, matter: readonly number[], all: boolean): Line[] {
  const shown = (row: number) =>
    all ||
    rows <= FEW ||
    row < ENDS ||
    row >= rows - ENDS ||
    matter.some((important) => Math.abs(row - important) <= AROUND);
  const lines: Line[] = [];
  for (let row = 0; row < rows; ) {
    let to = row;
    while (to < rows && !shown(to)) to++;
    // A line that stands for one row saves nothing.
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
