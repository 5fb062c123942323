const MARKS = '▁▂▃▄▅▆▇█';
/** Where a value is not a number. */
const NONE = '×';

/**
 * Values as a row of marks, higher for larger ones. Where values beside each other share a mark, it is that of the one
 * farthest from the middle of the scale: a mean would hide what stands out.
 * @param width in marks; as many as there are values at most
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

/** What the lowest and the highest mark stand for: `▁ -1 … 1 █` */
export function stripScale(low: string, high: string): string {
  return `${MARKS[0]} ${low} … ${high} ${MARKS[MARKS.length - 1]}`;
}
