import { CellcheckError, printable } from '../errors.js';
import { formatShape } from '../tensor/shape.js';
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  isDigit,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  scannerOver,
} from './json-tokens.js';

/** A nested array of numbers, which is rectangular. */
interface NumberArray {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** A list that holds something else than numbers, which is not kept. */
interface OtherList {
  /** Why it is no tensor. */
  readonly problem: string;
  readonly hints: readonly string[];
}

/** The value of a JSON text. Objects have no prototype. */
export type JsonValue = string | boolean | null | number | NumberArray | OtherList | JsonObject;
interface JsonObject {
  [key: string]: JsonValue;
}

export function isNumberArray(value: JsonValue): value is NumberArray {
  return isList(value) && 'values' in value;
}

/** Whether the value is a list of something else than numbers. */
export function isOtherList(value: JsonValue): value is OtherList {
  return isList(value) && 'problem' in value;
}

const isList = (value: JsonValue): value is NumberArray | OtherList =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) !== null;

export function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value);
}

// A name takes many times its size in memory. The largest checkpoints have some ten thousand tensors in a file.
const MOST_NAMES = 10_000;
const MOST_MEMBERS = 65_536;
// The arrays of a safetensors header are shapes and offsets.
const MOST_HEADER_NUMBERS = 1000;

const RAGGED = ['The rows of a tensor must all have the same length.'];
const IN_QUOTES = ['Only "NaN", "Infinity" and "-Infinity" are written in quotes.'];
const NOT_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

/**
 * The value of a JSON text. Nested arrays of numbers become a shape and flat values; duplicate names and ragged rows are
 * errors.
 * @param mostNames how many names the text may have
 * @throws CellcheckError without a file
 */
export function parseJson(bytes: Uint8Array, mostNames = MOST_NAMES): JsonValue {
  const { value, end } = parserOver(bytes, mostNames, Number.POSITIVE_INFINITY);
  const whole = value();
  end();
  return whole;
}

/**
 * Passes on each member of a JSON object as soon as it is read, and does not keep it: a header may have more entries
 * than should be in memory at once.
 * @param isDuplicate whether a name came before
 * @throws CellcheckError without a file; also where the text is not an object
 */
export function parseMembers(
  bytes: Uint8Array,
  isDuplicate: (name: string) => boolean,
  onMember: (name: string, value: JsonValue) => void,
): void {
  const { members, forgetNames, end } = parserOver(bytes, MOST_MEMBERS, MOST_HEADER_NUMBERS);
  let count = 0;
  members(isDuplicate, (name, value) => {
    forgetNames();
    if (++count > MOST_MEMBERS) throw tooManyNames(MOST_MEMBERS);
    onMember(name, value);
  });
  end();
}

const tooManyNames = (most: number) => new CellcheckError({ problem: `holds more than ${most} names` });

/**
 * @param mostNames how many names the text may have
 * @param mostNumbers how many numbers an array may have
 */
function parserOver(bytes: Uint8Array, mostNames: number, mostNumbers: number) {
  const scanner = scannerOver(bytes);
  const { fail } = scanner;
  let names = 0;

  const value = (): JsonValue => {
    const byte = scanner.peek();
    switch (byte) {
      case OPEN_BRACE:
        return object();
      case OPEN_BRACKET:
        return array();
      case QUOTE:
        return scanner.string();
      case 116:
        return scanner.word('true', true);
      case 102:
        return scanner.word('false', false);
      case 110:
        return scanner.word('null', null);
      default:
        return isDigit(byte) || byte === MINUS ? scanner.number() : scanner.syntaxError('a value');
    }
  };

  const members = (
    isDuplicate: (name: string) => boolean,
    onMember: (name: string, value: JsonValue) => void,
  ): void => {
    if (scanner.peek() !== OPEN_BRACE) scanner.syntaxError("'{'");
    scanner.open('objects');
    if (scanner.peek() !== CLOSE_BRACE) {
      do {
        const name = scanner.string();
        if (isDuplicate(name))
          fail(`the name ${printable(name)} appears twice`, ['Which of the two is meant?']);
        if (++names > mostNames) throw tooManyNames(mostNames);
        if (scanner.peek() !== COLON) scanner.syntaxError("':'");
        scanner.skip();
        scanner.path.push(name);
        onMember(name, value());
        scanner.path.pop();
      } while (scanner.another(CLOSE_BRACE));
    }
    scanner.close();
  };
  const object = (): JsonObject => {
    const result: JsonObject = Object.create(null);
    members(
      (name) => Object.hasOwn(result, name),
      (name, member) => {
        result[name] = member;
      },
    );
    return result;
  };

  const array = (): NumberArray | OtherList => {
    // Memory is taken for all numbers at once: each of them takes two bytes of the text.
    const most = scanner.countNumbers();
    if (most > mostNumbers) fail(`is a list of more than ${mostNumbers} numbers`);
    const values = new Float64Array(most);
    let count = 0;
    // The first row at a level fixes its size.
    const sizes: number[] = [];
    const indices: number[] = [];
    // The level that has the numbers; the others have rows.
    let numberLevel: number | undefined;
    let other: OtherList | undefined;
    const entryAt = (level: number) => `entry ${formatShape(indices.slice(0, level + 1))}`;

    const row = (level: number) => {
      scanner.open('arrays');
      let size = 0;
      if (scanner.peek() !== CLOSE_BRACKET) {
        do {
          indices[level] = size++;
          if (other) {
            value();
            continue;
          }
          const byte = scanner.peek();
          if (byte === OPEN_BRACKET) {
            if (numberLevel === level) fail(`${entryAt(level)} is a row among numbers`, RAGGED);
            row(level + 1);
          } else {
            if (sizes.length > level + 1) fail(`${entryAt(level)} is a number among rows`, RAGGED);
            numberLevel = level;
            values[count++] = isDigit(byte) || byte === MINUS ? scanner.number() : notFinite(byte, level);
          }
        } while (scanner.another(CLOSE_BRACKET));
      } else if (numberLevel !== undefined && numberLevel !== level)
        fail(`${entryAt(level - 1)} is empty among rows that are not`, RAGGED);
      scanner.close();
      if (other) return;
      sizes[level] ??= size;
      if (sizes[level] !== size)
        fail(`${entryAt(level - 1)} has ${size} entries, the ones before it ${sizes[level]}`, RAGGED);
    };
    /** A number for which JSON has no literal, as a string. */
    const notFinite = (byte: number, level: number): number => {
      if (byte !== QUOTE) {
        // true, false, null or an object.
        if (byte !== 116 && byte !== 102 && byte !== 110 && byte !== OPEN_BRACE)
          scanner.syntaxError('a number');
        value();
        other = { problem: `${entryAt(level)} is not a number`, hints: [] };
        return 0;
      }
      const text = scanner.string();
      if (Object.hasOwn(NOT_FINITE, text)) return NOT_FINITE[text];
      other = { problem: `${entryAt(level)} is text, not a number`, hints: IN_QUOTES };
      return 0;
    };

    row(0);
    return (
      other ?? {
        shape: sizes,
        values: count === most ? values : values.slice(0, count),
      }
    );
  };

  return {
    value,
    members,
    forgetNames() {
      names = 0;
    },
    end: scanner.end,
  };
}
