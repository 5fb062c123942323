import { CellcheckError, printable } from '../errors.js';
import { formatShape } from '../tensor/shape.js';

/** A nested array of numbers: rectangular, or the scan would have failed. */
interface NumberArray {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** What a JSON text holds. Objects have no prototype; arrays hold numbers only. */
export type JsonValue = string | boolean | null | number | NumberArray | JsonObject;
interface JsonObject {
  [key: string]: JsonValue;
}

export function isNumberArray(value: JsonValue): value is NumberArray {
  // Objects from JSON have no prototype.
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) !== null;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isNumberArray(value);
}

const DEEPEST = 32;
// Names cost memory many times their size. The largest checkpoints have some ten thousand tensors in a file.
const MOST_NAMES = 10_000;
const MOST_MEMBERS = 65_536;
// A header's arrays are shapes and offsets.
const MOST_HEADER_NUMBERS = 1000;

const RAGGED = ['The rows of a tensor must all have the same length.'];
const NON_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

// Powers of ten that float64 holds exactly.
const POWERS_OF_TEN = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

const QUOTE = 34;
const PLUS = 43;
const COMMA = 44;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const COLON = 58;
const OPEN_ROW = 91;
const BACKSLASH = 92;
const CLOSE_ROW = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

const isDigit = (code: number) => code >= 48 && code <= 57;

/**
 * JSON as cellcheck takes it, in one pass over the bytes: nested number arrays become a shape and flat values, and
 * what JSON.parse lets through is refused (duplicate names, ragged rows, numbers beyond double, lone surrogates,
 * depth without limit). Messages name the place, never the text: the file may be anybody's.
 * @throws CellcheckError without a file
 */
export function scanJson(bytes: Uint8Array): JsonValue {
  return scanner(bytes, MOST_NAMES, Number.POSITIVE_INFINITY).whole();
}

/**
 * The members of a JSON object, each handed over as soon as it is read, and then forgotten: for a header with more
 * entries than should be in memory at once.
 * @param isTaken whether a name came before
 * @throws CellcheckError without a file; also where the text is not an object
 */
export function scanMembers(
  bytes: Uint8Array,
  isTaken: (name: string) => boolean,
  take: (name: string, value: JsonValue) => void,
): void {
  scanner(bytes, MOST_MEMBERS, MOST_HEADER_NUMBERS).wholeObject(isTaken, take);
}

function scanner(bytes: Uint8Array, mostNames: number, mostNumbers: number) {
  checkUtf8(bytes);
  // One byte order mark is let through.
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const textOf = (from: number, to: number) => decoder.decode(bytes.subarray(from, to));
  let at = start;
  let names = 0;

  // The names on the way to where the scan is.
  const path: string[] = [];
  const fail = (problem: string, hints?: readonly string[]): never => {
    throw new CellcheckError({ tensor: path.length ? path.join('.') : undefined, problem, hints });
  };
  const syntax = (expected: string): never => {
    const lineStart = Math.max(bytes.subarray(0, at).lastIndexOf(10) + 1, start);
    let line = 1;
    for (let i = 0; i < lineStart; i++) if (bytes[i] === 10) line++;
    const column = textOf(lineStart, at).length + 1;
    const special = /^-?(?:NaN|Infinity)/.test(textOf(at, at + 9));
    return fail(`line ${line}, column ${column}: expected ${expected}`, [
      special ? 'Write NaN and infinities in quotes: "NaN", "-Infinity".' : 'This is not valid JSON.',
    ]);
  };

  const tooManyNames = () => new CellcheckError({ problem: `holds more than ${mostNames} names` });

  const space = () => {
    for (;;) {
      const code = bytes[at];
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      at++;
    }
  };
  const literal = <T>(word: string, value: T): T => {
    if (textOf(at, at + word.length) !== word) syntax('a value');
    at += word.length;
    return value;
  };

  const string = (): string => {
    if (bytes[at] !== QUOTE) syntax('a name in double quotes');
    const from = at + 1;
    let end = from;
    let escaped = false;
    let complete = true;
    for (; bytes[end] !== QUOTE && complete; end++) {
      if (bytes[end] === BACKSLASH) {
        escaped = true;
        end++;
      }
      // Also false beyond the end.
      complete = bytes[end] >= 32;
    }
    const raw = textOf(from, end);
    let value = raw;
    try {
      if (escaped && complete) value = JSON.parse(`"${raw}"`);
    } catch {
      complete = false;
    }
    if (!complete) syntax('a string without raw control characters or unknown escapes');
    at = end + 1;
    if (escaped && !value.isWellFormed())
      fail('a name or string holds half of a surrogate pair', ['This is not valid Unicode.']);
    return value;
  };

  const number = (): number => {
    const from = at;
    const notOne = (): never => {
      at = from;
      return syntax('a number');
    };
    // The digits as one integer; once beyond 2^53 it is not exact any more, and stays beyond.
    let digits = 0;
    let exponent = 0;
    let code = bytes[at];
    if (code === MINUS) code = bytes[++at];
    if (code === ZERO) code = bytes[++at];
    else {
      if (!isDigit(code)) notOne();
      for (; isDigit(code); code = bytes[++at]) digits = 10 * digits + (code - ZERO);
    }
    if (code === DOT) {
      code = bytes[++at];
      const point = at;
      if (!isDigit(code)) notOne();
      for (; isDigit(code); code = bytes[++at]) digits = 10 * digits + (code - ZERO);
      exponent = point - at;
    }
    if (code === 101 || code === 69) {
      code = bytes[++at];
      const sign = code === MINUS ? -1 : 1;
      if (code === MINUS || code === PLUS) code = bytes[++at];
      if (!isDigit(code)) notOne();
      let power = 0;
      for (; isDigit(code); code = bytes[++at]) power = 10 * power + (code - ZERO);
      exponent += sign * power;
    }
    // An exact integer times or over an exact power of ten is rounded once, as it should be (Clinger 1990).
    if (digits <= Number.MAX_SAFE_INTEGER && Math.abs(exponent) < POWERS_OF_TEN.length) {
      const value = exponent < 0 ? digits / POWERS_OF_TEN[-exponent] : digits * POWERS_OF_TEN[exponent];
      return bytes[from] === MINUS ? -value : value;
    }
    const value = Number(textOf(from, at));
    if (!Number.isFinite(value))
      fail('a number is too large for float64', ['Write infinities as the string "Infinity".']);
    return value;
  };

  const members = (
    depth: number,
    isTaken: (key: string) => boolean,
    take: (key: string, value: JsonValue) => void,
  ) => {
    at++;
    space();
    if (bytes[at] === CLOSE_OBJECT) {
      at++;
      return;
    }
    for (;;) {
      space();
      const key = string();
      if (isTaken(key)) fail(`the name ${printable(key)} stands twice`, ['Which of the two is meant?']);
      if (++names > mostNames) throw tooManyNames();
      space();
      if (bytes[at] !== COLON) syntax("':'");
      at++;
      path.push(key);
      take(key, value(depth + 1));
      path.pop();
      space();
      if (bytes[at] === CLOSE_OBJECT) break;
      if (bytes[at] !== COMMA) syntax("',' or '}'");
      at++;
    }
    at++;
  };
  const object = (depth: number): JsonObject => {
    const result: JsonObject = Object.create(null);
    members(
      depth,
      (key) => Object.hasOwn(result, key),
      (key, value) => {
        result[key] = value;
      },
    );
    return result;
  };

  /** How many numbers an array has at most: its memory is taken at once, and the bytes for it are there. */
  const countNumbers = (): number => {
    let commas = 0;
    let open = 0;
    for (let i = at; i < bytes.length; i++) {
      const code = bytes[i];
      if (code === COMMA) commas++;
      else if (code === OPEN_ROW) open++;
      else if (code === CLOSE_ROW && --open === 0) break;
      else if (code === QUOTE) for (i++; i < bytes.length && bytes[i] !== QUOTE; ) i++;
    }
    return commas + 1;
  };

  // `shape[level]` is fixed by the first row at that level; every later one must match it.
  const array = (depth: number): NumberArray => {
    const count = countNumbers();
    if (count > mostNumbers) fail(`is a list of more than ${mostNumbers} numbers`);
    const values = new Float64Array(count);
    let filled = 0;
    const shape: number[] = [];
    const indices: number[] = [];
    let deepest = -1;
    const entry = (levels: number) =>
      levels > 0 ? `entry ${formatShape(indices.slice(0, levels))}` : 'the array';
    const row = (level: number) => {
      if (depth + level > DEEPEST) fail(`arrays are nested deeper than ${DEEPEST}`);
      at++;
      space();
      let count = 0;
      if (bytes[at] !== CLOSE_ROW) {
        for (;;) {
          space();
          indices[level] = count;
          if (bytes[at] === OPEN_ROW) {
            if (deepest === level) fail(`${entry(level + 1)} is a row among numbers`, RAGGED);
            row(level + 1);
          } else {
            if ((deepest !== -1 && deepest !== level) || shape.length > level + 1)
              fail(`${entry(level + 1)} is a number among rows`, RAGGED);
            deepest = level;
            values[filled++] = element(() => entry(level + 1));
          }
          count++;
          space();
          if (bytes[at] === CLOSE_ROW) break;
          if (bytes[at] !== COMMA) syntax("',' or ']'");
          at++;
        }
      } else if (deepest !== -1 && deepest !== level)
        fail(`${entry(level)} is empty among rows that are not`, RAGGED);
      at++;
      if (shape[level] === undefined) shape[level] = count;
      else if (shape[level] !== count) {
        fail(`${entry(level)} has ${count} entries, the ones before it ${shape[level]}`, RAGGED);
      }
    };
    row(0);
    return {
      shape: Array.from(shape, (size) => size ?? 0),
      values: filled === values.length ? values : values.slice(0, filled),
    };
  };
  const element = (entry: () => string): number => {
    const code = bytes[at];
    if (isDigit(code) || code === MINUS) return number();
    if (code !== QUOTE) {
      // true, false, null, or an object.
      if (code === 116 || code === 102 || code === 110 || code === OPEN_OBJECT)
        fail(`${entry()} is not a number`);
      syntax('a number');
    }
    const word = string();
    if (!Object.hasOwn(NON_FINITE, word)) {
      fail(`${entry()} is text, not a number`, [
        'Only "NaN", "Infinity" and "-Infinity" are written in quotes.',
      ]);
    }
    return NON_FINITE[word];
  };

  const value = (depth: number): JsonValue => {
    if (depth > DEEPEST) fail(`objects are nested deeper than ${DEEPEST}`);
    space();
    const code = bytes[at];
    switch (code) {
      case OPEN_OBJECT:
        return object(depth);
      case OPEN_ROW:
        return array(depth);
      case QUOTE:
        return string();
      case 116:
        return literal('true', true);
      case 102:
        return literal('false', false);
      case 110:
        return literal('null', null);
      default:
        return isDigit(code) || code === MINUS ? number() : syntax('a value');
    }
  };

  const end = () => {
    space();
    if (at < bytes.length) syntax('the end of the file');
  };
  return {
    whole(): JsonValue {
      const result = value(0);
      end();
      return result;
    },
    wholeObject(isTaken: (name: string) => boolean, take: (name: string, value: JsonValue) => void): void {
      space();
      if (bytes[at] !== OPEN_OBJECT) syntax("'{'");
      let count = 0;
      members(0, isTaken, (name, value) => {
        // What is inside a member is forgotten with it.
        names = 0;
        if (++count > mostNames) throw tooManyNames();
        take(name, value);
      });
      end();
    },
  };
}

const CHUNK = 2 ** 20;

/** In pieces, none of which begins inside a character: the text as a whole would take as much memory again. */
function checkUtf8(bytes: Uint8Array): void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (let from = 0; from < bytes.length; ) {
    let to = Math.min(from + CHUNK, bytes.length);
    for (let back = 0; back < 3 && to < bytes.length && (bytes[to] & 0xc0) === 0x80; back++) to--;
    try {
      decoder.decode(bytes.subarray(from, to));
    } catch {
      throw new CellcheckError({ problem: 'is not UTF-8 text', hints: ['Save it as UTF-8.'] });
    }
    from = to;
  }
}
