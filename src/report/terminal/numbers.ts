/** A difference or a tolerance in two significant digits: `0`, `2.1e-8`, `0.31`, `57`. Rounded to nearest. */
export function formatDifference(value: number): string {
  if (value === 0) return '0';
  if (!Number.isFinite(value)) return formatSpecial(value);
  const scientific = value.toExponential(1);
  const exponent = Number(scientific.split('e')[1]);
  if (exponent >= -2 && exponent <= 1) return String(Number(value.toPrecision(2)));
  return tidyExponent(scientific);
}

/** Standard deviations: `0.4`, `1.3`, `27`, `1.2e5`. */
export function formatSigmas(value: number): string {
  if (!Number.isFinite(value)) return formatSpecial(value);
  if (value >= 9999.5) return tidyExponent(value.toExponential(1));
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

/** A number with all of its digits: `1.3e-6`, `0.02`. */
export function formatExact(value: number): string {
  if (value === 0) return '0';
  if (!Number.isFinite(value)) return formatSpecial(value);
  const size = Math.abs(value);
  return size >= 1e-2 && size < 1e6 ? String(value) : tidyExponent(value.toExponential());
}

/** 25600 as `25,600`; not by toLocaleString, whose first call takes 15 ms. */
export function formatCount(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** The largest of the values, 0 if there are none; not by Math.max, which cannot take a hundred thousand arguments. */
export function largest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}

/** The number of significant digits with which two numbers differ; 0 where they are equal or not finite. */
export function digitsApart(a: number, b: number): number {
  if (a === b || !Number.isFinite(a) || !Number.isFinite(b)) return 0;
  for (let digits = 1; digits < 17; digits++)
    if (a.toPrecision(digits) !== b.toPrecision(digits)) return digits;
  return 17;
}

/** A value with this number of significant digits, or with as many as fit the width. */
export function formatValue(value: number, digits: number, width: number): string {
  if (!Number.isFinite(value)) return formatSpecial(value);
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e7) {
    let whole = 0;
    while (size >= 10 ** whole) whole++;
    for (let decimals = Math.max(0, digits - whole); decimals >= 0; decimals--) {
      const text = value.toFixed(decimals);
      if (text.length <= width && (Number(text) !== 0 || decimals === 0)) return text;
    }
  }
  for (let decimals = digits - 1; decimals > 0; decimals--) {
    const text = tidyExponent(value.toExponential(decimals), false);
    if (text.length <= width) return text;
  }
  return tidyExponent(value.toExponential(0));
}

function formatSpecial(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'inf' : '-inf';
}

function tidyExponent(text: string, trim = true): string {
  const [digits, exponent] = text.split('e');
  return `${trim ? digits.replace(/\.0$/, '') : digits}e${Number(exponent)}`;
}
