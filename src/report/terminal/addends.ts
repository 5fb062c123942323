const USUAL_DECIMALS = 6;
const MOST_DECIMALS = 20;
const LARGEST_FIXED = 1e15;

/**
 * The number of decimals for the numbers of one sum: six, more where all of them are small, and fewer where one is so
 * large that six decimals would be beyond its precision.
 */
export function decimalsFor(values: readonly number[]): number {
  const magnitude = values.filter(Number.isFinite).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  if (magnitude === 0) return USUAL_DECIMALS;
  const exponent = Math.floor(Math.log10(magnitude));
  if (exponent < -3) return USUAL_DECIMALS - 3 - exponent;
  return Math.max(0, Math.min(USUAL_DECIMALS, 2 * USUAL_DECIMALS - exponent));
}

/** A number with this many decimals, never `-0`; with an exponent where it is too large or too small for decimals. */
export function fixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'inf' : '-inf';
  if (Math.abs(value) >= LARGEST_FIXED || decimals > MOST_DECIMALS) {
    return value === 0 ? '0' : value.toExponential(USUAL_DECIMALS).replace('e+', 'e');
  }
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace('-', '') : text;
}

/**
 * Numbers rounded to this many decimals so that the printed numbers add up to the printed sum: each is rounded up or
 * down, those with the largest fractions up. Where that is not possible (numbers that are not finite, or too large for
 * exact arithmetic), each is rounded to nearest.
 */
export function addends(values: readonly number[], total: number, decimals: number): string[] {
  const scale = 10 ** decimals;
  const scaled = values.map((value) => value * scale);
  const floors = scaled.map(Math.floor);
  // From the printed text, because toFixed and Math.round round halves differently.
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

/** Printed numbers as a sum: `a + b − c` */
export function added(numbers: readonly string[]): string {
  return numbers.reduce((text, number) =>
    number.startsWith('-') ? `${text} − ${number.slice(1)}` : `${text} + ${number}`,
  );
}
