import { CellcheckError } from '../errors.js';

/** A position in a JSON text, from which tokens are read. Errors do not name the file. */
export interface Scanner {
  /** The names of the members that enclose the position; errors say them. */
  readonly path: string[];
  /** Skips white space, and returns the byte that follows; at the end of the text it equals no byte. */
  peek(): number;
  /** Skips one byte. */
  skip(): void;
  /** Skips the bracket that opens an object or array. */
  open(what: 'objects' | 'arrays'): void;
  /** Skips the bracket that closes the innermost object or array. */
  close(): void;
  /** After an entry: whether another follows a comma. If not, the closing bracket is next. */
  another(closing: number): boolean;
  /** Skips a word and returns what it stands for. */
  word<T>(word: string, value: T): T;
  string(): string;
  number(): number;
  /** The most numbers that the array at the position can hold, by its commas. */
  countNumbers(): number;
  /** Requires the end of the text. */
  end(): void;
  syntaxError(expected: string): never;
  fail(problem: string, hints?: readonly string[]): never;
}

const DEEPEST = 32;

// Powers of ten that float64 holds exactly.
const POWERS_OF_TEN = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

export const QUOTE = 34;
const PLUS = 43;
const COMMA = 44;
export const MINUS = 45;
const DOT = 46;
const ZERO = 48;
export const COLON = 58;
export const OPEN_BRACKET = 91;
const BACKSLASH = 92;
export const CLOSE_BRACKET = 93;
export const OPEN_BRACE = 123;
export const CLOSE_BRACE = 125;

export const isDigit = (byte: number) => byte >= 48 && byte <= 57;

/**
 * Reads a JSON text from its beginning, in one pass over the bytes. It is as strict as JSON.parse, and stricter about
 * depth, numbers beyond float64 and lone surrogates. Messages say where a fault is and never quote the text, which may
 * be anybody's.
 * @throws CellcheckError where the bytes are not UTF-8
 */
export function scannerOver(bytes: Uint8Array): Scanner {
  checkUtf8(bytes);
  // One byte order mark is accepted.
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const textOf = (from: number, to: number) => decoder.decode(bytes.subarray(from, to));
  const path: string[] = [];
  let position = start;
  let depth = 0;

  const fail = (problem: string, hints?: readonly string[]): never => {
    throw new CellcheckError({ tensor: path.length ? path.join('.') : undefined, problem, hints });
  };
  const syntaxError = (expected: string): never => {
    const lineStart = Math.max(bytes.subarray(0, position).lastIndexOf(10) + 1, start);
    let line = 1;
    for (let i = 0; i < lineStart; i++) if (bytes[i] === 10) line++;
    const column = textOf(lineStart, position).length + 1;
    const notFinite = /^-?(?:NaN|Infinity)/.test(textOf(position, position + 9));
    return fail(`line ${line}, column ${column}: expected ${expected}`, [
      notFinite ? 'Write NaN and infinities in quotes: "NaN", "-Infinity".' : 'This is not valid JSON.',
    ]);
  };

  const peek = (): number => {
    for (;;) {
      const byte = bytes[position];
      if (byte !== 32 && byte !== 10 && byte !== 13 && byte !== 9) return byte;
      position++;
    }
  };

  const string = (): string => {
    if (peek() !== QUOTE) syntaxError('a name in double quotes');
    const from = position + 1;
    let end = from;
    let escaped = false;
    let valid = true;
    for (; bytes[end] !== QUOTE && valid; end++) {
      if (bytes[end] === BACKSLASH) {
        escaped = true;
        end++;
      }
      // Also false beyond the end.
      valid = bytes[end] >= 32;
    }
    let text = textOf(from, end);
    // Text without escapes is what it stands for, and well-formed, since the bytes are UTF-8.
    if (escaped && valid) {
      try {
        text = JSON.parse(`"${text}"`);
      } catch {
        valid = false;
      }
    }
    if (!valid) syntaxError('a string without raw control characters or unknown escapes');
    position = end + 1;
    if (escaped && !text.isWellFormed())
      fail('a name or string holds half of a surrogate pair', ['This is not valid Unicode.']);
    return text;
  };

  const number = (): number => {
    const from = position;
    const requireDigit = (byte: number) => {
      if (isDigit(byte)) return;
      position = from;
      syntaxError('a number');
    };
    // All digits as one integer. Once beyond 2^53 it is no longer exact, and it never comes back below.
    let digits = 0;
    let exponent = 0;
    let byte = bytes[position];
    if (byte === MINUS) byte = bytes[++position];
    if (byte === ZERO) byte = bytes[++position];
    else {
      requireDigit(byte);
      for (; isDigit(byte); byte = bytes[++position]) digits = 10 * digits + (byte - ZERO);
    }
    if (byte === DOT) {
      byte = bytes[++position];
      const fraction = position;
      requireDigit(byte);
      for (; isDigit(byte); byte = bytes[++position]) digits = 10 * digits + (byte - ZERO);
      exponent = fraction - position;
    }
    if (byte === 101 || byte === 69) {
      byte = bytes[++position];
      const sign = byte === MINUS ? -1 : 1;
      if (byte === MINUS || byte === PLUS) byte = bytes[++position];
      requireDigit(byte);
      let power = 0;
      for (; isDigit(byte); byte = bytes[++position]) power = 10 * power + (byte - ZERO);
      exponent += sign * power;
    }
    // An exact integer times or divided by an exact power of ten is rounded only once, so it is right (Clinger 1990).
    if (digits <= Number.MAX_SAFE_INTEGER && Math.abs(exponent) < POWERS_OF_TEN.length) {
      const value = exponent < 0 ? digits / POWERS_OF_TEN[-exponent] : digits * POWERS_OF_TEN[exponent];
      return bytes[from] === MINUS ? -value : value;
    }
    const value = Number(textOf(from, position));
    if (!Number.isFinite(value))
      fail('a number is too large for float64', ['Write infinities as the string "Infinity".']);
    return value;
  };

  return {
    path,
    peek,
    skip() {
      position++;
    },
    open(what) {
      if (++depth > DEEPEST) fail(`${what} are nested deeper than ${DEEPEST}`);
      position++;
    },
    close() {
      depth--;
      position++;
    },
    another(closing) {
      const byte = peek();
      if (byte === closing) return false;
      if (byte !== COMMA) syntaxError(`',' or '${String.fromCharCode(closing)}'`);
      position++;
      return true;
    },
    word(word, value) {
      if (textOf(position, position + word.length) !== word) syntaxError('a value');
      position += word.length;
      return value;
    },
    string,
    number,
    countNumbers() {
      let commas = 0;
      let openBrackets = 0;
      for (let i = position; i < bytes.length; i++) {
        const byte = bytes[i];
        if (byte === COMMA) commas++;
        else if (byte === OPEN_BRACKET) openBrackets++;
        else if (byte === CLOSE_BRACKET && --openBrackets === 0) break;
        else if (byte === QUOTE) for (i++; i < bytes.length && bytes[i] !== QUOTE; ) i++;
      }
      return commas + 1;
    },
    end() {
      peek();
      if (position < bytes.length) syntaxError('the end of the file');
    },
    syntaxError,
    fail,
  };
}

const CHUNK = 2 ** 20;

/** In chunks that end between two characters: the decoded text of all of it would take as much memory again. */
function checkUtf8(bytes: Uint8Array): void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (let from = 0; from < bytes.length; ) {
    let to = Math.min(from + CHUNK, bytes.length);
    // A byte 10xxxxxx continues a character; there are at most three of them.
    for (let back = 0; back < 3 && (bytes[to] & 0xc0) === 0x80; back++) to--;
    try {
      decoder.decode(bytes.subarray(from, to));
    } catch {
      throw new CellcheckError({ problem: 'is not UTF-8 text', hints: ['Save it as UTF-8.'] });
    }
    from = to;
  }
}
