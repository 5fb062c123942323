import { CellcheckError, printable } from '../errors.js';

/** A position in a text, from which tokens and lines are read. */
export interface Cursor {
  /** The next token, after white space; empty at the end. */
  peek(): string;
  next(): string;
  /** Reads a token, which must be this one. */
  take(token: string): void;
  /** Skips white space and reads what a sticky pattern matches there; undefined where it does not match. */
  match(pattern: RegExp): RegExpExecArray | undefined;
  /** Whether only white space follows. */
  atEnd(): boolean;
  /** Whether only white space is before the position in its line. */
  atLineStart(): boolean;
  /** The line of the position, counted from 1. */
  line(): number;
  unexpected(token: string, expected: string): never;
  fail(problem: string, hints?: readonly string[]): never;
}

// One of: a number, a word, a quoted name, an object printed in angle brackets, an ellipsis, a single character. Each
// alternative can end at only one position, so that matching never backtracks.
const TOKEN =
  /[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+](?:inf|nan)\b|[A-Za-z_][\w.]*|'[^'\\\n]*'|"[^"\\\n]*"|<[^<>\n]{0,200}>|\.\.\.|[^\s]/y;
const BEGINS_NUMBER = /^[-+]?\.?\d/;
const NUMBER = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/;
/** A number with this behind it is none. */
const REST_OF_WORD = /[\w.]*/y;
const SHOWN = 24;

const PRINT_ALL =
  'Print all of it: torch.set_printoptions(threshold=10**9), or numpy.set_printoptions(threshold=sys.maxsize).';

export function isNumber(token: string): boolean {
  return NUMBER.test(token);
}

/**
 * Reads a text from its beginning.
 * @throws CellcheckError without a file, naming the line and what is there
 */
export function cursorOver(text: string): Cursor {
  // A token that was peeked at begins at `start`; the next one is looked for at `position`.
  let start = 0;
  let position = 0;
  let peeked: string | undefined;
  const counted = { position: 0, line: 1 };

  const sticky = (pattern: RegExp, from: number) => {
    pattern.lastIndex = from;
    return pattern.exec(text) ?? undefined;
  };
  const skipSpace = () => {
    while (position < text.length && /\s/.test(text[position])) position++;
  };
  /** Goes back to the beginning of a token that was peeked at. */
  const unpeek = () => {
    if (peeked !== undefined) position = start;
    peeked = undefined;
    skipSpace();
    start = position;
  };
  const cursor: Cursor = {
    peek() {
      if (peeked !== undefined) return peeked;
      skipSpace();
      start = position;
      let token = sticky(TOKEN, position)?.[0] ?? '';
      position += token.length;
      if (BEGINS_NUMBER.test(token)) {
        const rest = sticky(REST_OF_WORD, position)![0];
        token += rest;
        position += rest.length;
      }
      if (token === '...') cursor.fail('has numbers that were left out (…)', [PRINT_ALL]);
      peeked = token;
      return token;
    },
    next() {
      const token = cursor.peek();
      peeked = undefined;
      return token;
    },
    take(wanted) {
      const token = cursor.next();
      if (token !== wanted) cursor.unexpected(token, wanted);
    },
    atEnd() {
      unpeek();
      return start === text.length;
    },
    match(pattern) {
      unpeek();
      const found = sticky(pattern, position);
      if (found) position += found[0].length;
      return found;
    },
    atLineStart() {
      for (let i = start - 1; i >= 0 && text[i] !== '\n'; i--) if (!/\s/.test(text[i])) return false;
      return true;
    },
    line() {
      // The position only moves forward, so that each line is counted once.
      for (; counted.position < start; counted.position++)
        if (text[counted.position] === '\n') counted.line++;
      return counted.line;
    },
    unexpected(token, expected) {
      const what = token === '' ? 'its end' : printable(token.slice(0, SHOWN));
      const isCut = text.slice(position).trim() === '';
      return cursor.fail(`has ${what} where ${expected} is expected`, [
        ...(isCut ? ['The text ends there: was all of it copied?'] : []),
        'A .txt file holds tensors as Python prints them; nothing in it is executed.',
      ]);
    },
    fail(problem, hints) {
      throw new CellcheckError({ problem: `line ${cursor.line()} ${problem}`, hints });
    },
  };
  return cursor;
}
