const USUAL_DECIMALS = 6;
const MOST_DECIMALS = 20;
const LARGEST_FIXED = 1e15;

/**
 * How many decimals show numbers of one sum: six, or more where all are small, and fewer where one is so large that they
 * would say nothing.
 */
export function decimalsFor(values: readonly number[]): number {
  const most = values.filter(Number.isFinite).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  if (most === 0) return USUAL_DECIMALS;
  const exponent = Math.floor(Math.log10(most));
  if (exponent < -3) return USUAL_DECIMALS - 3 - exponent;
  return Math.max(0, Math.min(USUAL_DECIMALS, 2 * USUAL_DECIMALS - exponent));
}

/** A number with so many decimals; never `-0`. Beyond what decimals say anything of, with an exponent. */
export function fixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'inf' : '-inf';
  if (Math.abs(value) >= LARGEST_FIXED || decimals > MOST_DECIMALS) {
    return value === 0 ? '0' : value.toExponential(USUAL_DECIMALS).replace('e+', 'e');
  }
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace('-', '') : text;
}

/**
 * Numbers with so many decimals that add up, as they are printed, to their sum as it is printed: each is rounded to one
 * of its two neighbours, those nearest to their upper one first. Where that is not possible (numbers that are not
 * finite, or too large for exact steps), each is rounded to the nearest.
 */
export function addends(values: readonly number[], total: number, decimals: number): string[] {
  const scale = 10 ** decimals;
  const scaled = values.map((value) => value * scale);
  const floors = scaled.map(Math.floor);
  // As it is printed: toFixed and Math.round part where half a digit is left.
  const target = Math.round(Number(fixed(total, decimals)) * scale);
  const missing = target - floors.reduce((a, b) => a + b, 0);
  const exact = decimals <= MOST_DECIMALS && scaled.every((value) => Math.abs(value) < 2 ** 50);
  if (!exact || missing < 0 || missing > values.length) return values.map((value) => fixed(value, decimals));
  const fractions = scaled.map((value, i) => value - floors[i]);
  const upwards = new Set(
    [...fractions.keys()].sort((a, b) => fractions[b] - fractions[a]).slice(0, missing),
  );
  return floors.map((floor, i) => fixed((floor + (upwards.has(i) ? 1 : 0)) / scale, decimals));
}

/** `a + b − c` of printed numbers */
export function added(numbers: readonly string[]): string {
  return numbers.reduce((text, number) =>
    number.startsWith('-') ? `${text} − ${number.slice(1)}` : `${text} + ${number}`,
  );
}
