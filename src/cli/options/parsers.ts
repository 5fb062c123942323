import { InvalidArgumentError } from 'commander';
import type { ToleranceOption } from '../../compare/tolerance.js';
import { WRITERS, writerFor } from '../../formats/write-tensors.js';
import type { Picks } from '../../inspect/selection.js';
import { EXPECTED_ROLES } from '../../module/case.js';

/** A float64 has no more digits. */
const MOST_DECIMALS = 17;

// Each parser takes an option's text and, if the option may be repeated, the result of those before it.

export function notNegative(text: string): number {
  const value = Number(text);
  // Number() alone would accept 0x10 and blanks.
  if (!/^\+?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text) || !Number.isFinite(value))
    throw new InvalidArgumentError('It takes a number from 0 on, as 1e-5.');
  return value;
}

export function fromOne(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new InvalidArgumentError('It takes a whole number from 1 on, as 4.');
  return Number(text);
}

export function collectName(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const equals = text.indexOf('=');
  const ours = text.slice(0, equals);
  const theirs = text.slice(equals + 1);
  if (equals < 1 || theirs === '') throw new InvalidArgumentError('It takes <ours>=<theirs>, as output=out.');
  return { ...before, [ours]: theirs };
}

export function collectTolerance(
  text: string,
  before: Readonly<Record<string, ToleranceOption>> = {},
): Record<string, ToleranceOption> {
  const match = /^([^=]+)=([^,]+),([^,]+)$/.exec(text);
  if (!match || !(EXPECTED_ROLES as readonly string[]).includes(match[1])) {
    throw new InvalidArgumentError(
      'It takes <output>=<rtol>,<atol>, as c_n=1e-5,1e-3; output is output, h_n or c_n.',
    );
  }
  const [, name, rtol, atol] = match;
  return { ...before, [name]: { rtol: notNegative(rtol), atol: notNegative(atol) } };
}

export function collectDecimals(
  text: string,
  before: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const [, tensor = 'all', decimals] = /^(?:([^=]+)=)?(1?\d)$/.exec(text) ?? [];
  if (decimals === undefined || Number(decimals) > MOST_DECIMALS)
    throw new InvalidArgumentError('It takes 0 to 17, for all or one tensor, as 4 or output=4.');
  return { ...before, [tensor]: Number(decimals) };
}

export function paddingFrom(text: string): number | 'ignore' {
  if (text === 'ignore') return text;
  const value = Number(text);
  if (!/^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text) || !Number.isFinite(value))
    throw new InvalidArgumentError('It takes a number, as -1, or ignore.');
  return value;
}

/** `3`, `0,2`, `0:10`, `-5:`: indices and ranges as in Python. */
export function picks(text: string): Picks {
  return text.split(',').map((item) => {
    const match = /^\s*(-?\d{1,15})?\s*(?:(:)\s*(-?\d{1,15})?)?\s*$/.exec(item);
    const [, from, colon, to] = match ?? [];
    if (from === undefined && colon === undefined)
      throw new InvalidArgumentError('It takes indices and ranges, as 3 or 0,2 or 0:10.');
    const number = (part: string | undefined) => (part === undefined ? undefined : Number(part));
    return colon === undefined ? Number(from) : { from: number(from), to: number(to) };
  });
}

export function oneIndex(text: string): Picks {
  if (!/^-?\d{1,15}$/.test(text))
    throw new InvalidArgumentError('It takes one index, as 3; --steps takes ranges.');
  return [Number(text)];
}

export function names(text: string): readonly string[] {
  const all = text.split(',').map((name) => name.trim());
  if (all.includes('')) throw new InvalidArgumentError('It takes names, as h or h,z.');
  return all;
}

export function saveFile(text: string): string {
  if (writerFor(text)) return text;
  throw new InvalidArgumentError(`It takes a file that ends in ${Object.keys(WRITERS).join(', ')}.`);
}
