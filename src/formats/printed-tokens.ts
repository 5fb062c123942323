import { CellcheckError, printable } from '../errors.js';

/** A place in a text, from which tokens and lines are taken. */
export interface Cursor {
  /** The token that comes next, after white space; empty at the end. */
  peek(): string;
  next(): string;
  /** Takes a token that must be this one. */
  take(token: string): void;
  /** Skips white space, and takes what the sticky pattern finds there; undefined where it finds nothing. */
  match(pattern: RegExp): RegExpExecArray | undefined;
  /** Whether nothing but white space follows. */
  atEnd(): boolean;
  /** Whether nothing but white space is before this place in its line. */
  atLineStart(): boolean;
  /** The line of the place, from 1 on. */
  line(): number;
  unexpected(token: string, expected: string): never;
  fail(problem: string, hints?: readonly string[]): never;
}

// One of: a number, a word, a quoted name, what an object prints in angle brackets, an elision, a single character. No
// alternative can end at more than one place, so that a scan never goes back.
const TOKEN =
  /[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+](?:inf|nan)\b|[A-Za-z_][\w.]*|'[^'\\\n]*'|"[^"\\\n]*"|<[^<>\n]{0,200}>|\.\.\.|[^\s]/y;
const BEGINS_NUMBER = /^[-+]?\.?\d/;
const NUMBER = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/;
/** What follows a number in the same word makes it none. */
const REST_OF_WORD = /[\w.]*/y;
const SHOWN = 24;

const PRINT_ALL =
  'Print all of it: torch.set_printoptions(threshold=10**9), or numpy.set_printoptions(threshold=sys.maxsize).';

export function isNumber(token: string): boolean {
  return NUMBER.test(token);
}

/**
 * Reads a text from its beginning on.
 * @throws CellcheckError without a file, naming the line and what stands there
 */
export function cursorOver(text: string): Cursor {
  // Where the token begins that was looked at, and where the next one is looked for.
  let start = 0;
  let at = 0;
  let ahead: string | undefined;
  const counted = { at: 0, line: 1 };

  const sticky = (pattern: RegExp, from: number) => {
    pattern.lastIndex = from;
    return pattern.exec(text) ?? undefined;
  };
  const skipSpace = () => {
    while (at < text.length && /\s/.test(text[at])) at++;
  };
  /** Goes back to before the token that was looked at. */
  const giveBack = () => {
    if (ahead !== undefined) at = start;
    ahead = undefined;
    skipSpace();
    start = at;
  };
  const cursor: Cursor = {
    peek() {
      if (ahead !== undefined) return ahead;
      skipSpace();
      start = at;
      let token = sticky(TOKEN, at)?.[0] ?? '';
      at += token.length;
      if (BEGINS_NUMBER.test(token)) {
        const rest = sticky(REST_OF_WORD, at)![0];
        token += rest;
        at += rest.length;
      }
      if (token === '...') cursor.fail('has numbers that were left out (…)', [PRINT_ALL]);
      ahead = token;
      return token;
    },
    next() {
      const token = cursor.peek();
      ahead = undefined;
      return token;
    },
    take(wanted) {
      const token = cursor.next();
      if (token !== wanted) cursor.unexpected(token, wanted);
    },
    atEnd() {
      giveBack();
      return start === text.length;
    },
    match(pattern) {
      giveBack();
      const found = sticky(pattern, at);
      if (found) at += found[0].length;
      return found;
    },
    atLineStart() {
      for (let i = start - 1; i >= 0 && text[i] !== '\n'; i--) if (!/\s/.test(text[i])) return false;
      return true;
    },
    line() {
      // Places come in order.
      for (; counted.at < start; counted.at++) if (text[counted.at] === '\n') counted.line++;
      return counted.line;
    },
    unexpected(token, expected) {
      const what = token === '' ? 'its end' : printable(token.slice(0, SHOWN));
      const cut = text.slice(at).trim() === '';
      return cursor.fail(`has ${what} where ${expected} is expected`, [
        ...(cut ? ['The text ends there: was all of it copied?'] : []),
        'A .txt file holds tensors as Python prints them; nothing in it is executed.',
      ]);
    },
    fail(problem, hints) {
      throw new CellcheckError({ problem: `line ${cursor.line()} ${problem}`, hints });
    },
  };
  return cursor;
}
