import { CellcheckError, printable } from '../errors.js';
import { formatShape } from '../tensor/shape.js';

/** A nested array of numbers: rectangular, or the scan would have failed. */
interface NumberArray {
  readonly shape: readonly number[];
  readonly values: readonly number[];
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

const DEEPEST = 32;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const NON_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

/**
 * JSON as cellcheck takes it, in one pass: nested number arrays become a shape and flat values, and what
 * JSON.parse lets through is refused (duplicate names, ragged rows, numbers beyond double, lone surrogates,
 * depth without limit). Messages name the place, never the text: the file may be anybody's.
 * @throws CellcheckError without a file
 */
export function scanJson(bytes: Uint8Array): JsonValue {
  const text = decodeText(bytes);
  let at = 0;

  // Where the scan is, as the names and rows on the way there: ['weight_hh_l0', 3].
  const path: (string | number)[] = [];
  const fail = (problem: string, hints?: string[]): never => {
    const names = path.filter((part) => typeof part === 'string');
    throw new CellcheckError({ tensor: names.length ? names.join('.') : undefined, problem, hints });
  };
  const syntax = (expected: string): never => {
    const before = text.slice(0, at).split('\n');
    const special = /^-?(?:NaN|Infinity)/.test(text.slice(at, at + 9));
    return fail(
      `line ${before.length}, column ${before[before.length - 1].length + 1}: expected ${expected}`,
      [special ? 'Write NaN and infinities in quotes: "NaN", "-Infinity".' : 'This is not valid JSON.'],
    );
  };

  const space = () => {
    for (;;) {
      const code = text.charCodeAt(at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      at++;
    }
  };
  const literal = <T>(word: string, value: T): T => {
    if (!text.startsWith(word, at)) syntax('a value');
    at += word.length;
    return value;
  };
  const string = (): string => {
    if (text[at] !== '"') syntax('a name in double quotes');
    let end = at + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
    let value = '';
    try {
      value = JSON.parse(text.slice(at, end + 1));
    } catch {
      syntax('a string without raw control characters or unknown escapes');
    }
    at = end + 1;
    if (!value.isWellFormed())
      fail('a name or string holds half of a surrogate pair', ['This is not valid Unicode.']);
    return value;
  };
  const number = (): number => {
    NUMBER.lastIndex = at;
    if (!NUMBER.test(text)) syntax('a number');
    const value = Number(text.slice(at, NUMBER.lastIndex));
    at = NUMBER.lastIndex;
    if (!Number.isFinite(value))
      fail('a number is too large for float64', ['Write infinities as the string "Infinity".']);
    return value;
  };

  const object = (depth: number): JsonObject => {
    const result: JsonObject = Object.create(null);
    at++;
    space();
    if (text[at] === '}') {
      at++;
      return result;
    }
    for (;;) {
      space();
      const key = string();
      if (Object.hasOwn(result, key))
        fail(`the name ${printable(key)} stands twice`, ['Which of the two is meant?']);
      space();
      if (text[at] !== ':') syntax("':'");
      at++;
      path.push(key);
      result[key] = value(depth + 1);
      path.pop();
      space();
      if (text[at] === '}') break;
      if (text[at] !== ',') syntax("',' or '}'");
      at++;
    }
    at++;
    return result;
  };

  // `shape[level]` is fixed by the first row at that level; every later one must match it.
  const array = (depth: number): NumberArray => {
    const shape: number[] = [];
    const values: number[] = [];
    let deepest = -1;
    const row = (level: number) => {
      if (depth + level > DEEPEST) fail(`arrays are nested deeper than ${DEEPEST}`);
      at++;
      space();
      let count = 0;
      if (text[at] !== ']') {
        for (;;) {
          space();
          path.push(count);
          if (text[at] === '[') {
            if (deepest === level) fail(`${rowName(path)} is a row among numbers`, RAGGED);
            row(level + 1);
          } else {
            if (deepest !== -1 && deepest !== level) fail(`${rowName(path)} is a number among rows`, RAGGED);
            if (shape.length > level + 1) fail(`${rowName(path)} is a number among rows`, RAGGED);
            deepest = level;
            values.push(element());
          }
          path.pop();
          count++;
          space();
          if (text[at] === ']') break;
          if (text[at] !== ',') syntax("',' or ']'");
          at++;
        }
      } else if (deepest !== -1 && deepest !== level)
        fail(`${rowName(path)} is empty among rows that are not`, RAGGED);
      at++;
      if (shape[level] === undefined) shape[level] = count;
      else if (shape[level] !== count) {
        fail(`${rowName(path)} has ${count} entries, the ones before it ${shape[level]}`, RAGGED);
      }
    };
    row(0);
    return { shape: Array.from(shape, (size) => size ?? 0), values };
  };
  const element = (): number => {
    if (text[at] !== '"') {
      if (/[tfn{]/.test(text[at] ?? '')) fail(`${rowName(path)} is not a number`);
      return number();
    }
    const word = string();
    if (!Object.hasOwn(NON_FINITE, word)) {
      fail(`${rowName(path)} is text, not a number`, [
        'Only "NaN", "Infinity" and "-Infinity" are written in quotes.',
      ]);
    }
    return NON_FINITE[word];
  };

  const value = (depth: number): JsonValue => {
    if (depth > DEEPEST) fail(`objects are nested deeper than ${DEEPEST}`);
    space();
    switch (text[at]) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return string();
      case 't':
        return literal('true', true);
      case 'f':
        return literal('false', false);
      case 'n':
        return literal('null', null);
      default:
        return /[-\d]/.test(text[at] ?? '') ? number() : syntax('a value');
    }
  };

  const result = value(0);
  space();
  if (at < text.length) syntax('the end of the file');
  return result;
}

const RAGGED = ['The rows of a tensor must all have the same length.'];

/** `row [2][0]` from the numbers at the end of a path. */
function rowName(path: readonly (string | number)[]): string {
  const from = path.findLastIndex((part) => typeof part === 'string') + 1;
  const indices = path.slice(from) as number[];
  return indices.length ? `entry ${formatShape(indices)}` : 'the array';
}

function decodeText(bytes: Uint8Array): string {
  let text: string;
  try {
    // `ignoreBOM: false` drops one byte order mark; a second one stays and fails as JSON.
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CellcheckError({ problem: 'is not UTF-8 text', hints: ['Save it as UTF-8.'] });
  }
  return text;
}
