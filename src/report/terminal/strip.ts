const MARKS = '▁▂▃▄▅▆▇█';
/** The mark of NaN. */
const NONE = '×';

/**
 * Values as a row of marks, higher marks for larger values. Where neighbouring values share a mark, it shows the one
 * farthest from the middle of the scale, because a mean would hide outliers.
 * @param width the largest number of marks
 */
export function strip(
  values: readonly number[],
  [low, high]: readonly [number, number],
  width: number,
): string {
  const count = Math.min(width, values.length);
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [i, i + 1].map((edge) => Math.floor((edge * values.length) / count));
    const shared = values.slice(from, to);
    if (shared.some(Number.isNaN)) return NONE;
    const middle = (low + high) / 2;
    const value = shared.reduce((a, b) => (Math.abs(b - middle) > Math.abs(a - middle) ? b : a));
    const height = (value - low) / (high - low || 1);
    return MARKS[Math.min(MARKS.length - 1, Math.max(0, Math.floor(height * MARKS.length)))];
  }).join('');
}

/** The values of the lowest and the highest mark: `▁ -1 … 1 █` */
export function stripScale(low: string, high: string): string {
  return `${MARKS[0]} ${low} … ${high} ${MARKS[MARKS.length - 1]}`;
}
