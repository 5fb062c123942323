import { describe, expect, test } from 'vitest';
import { type Cursor, cursorOver, isNumber } from '../../src/formats/printed-tokens.js';
import { linesOf } from '../errors.js';

/** All tokens of a text. */
function tokensOf(text: string): string[] {
  const cursor = cursorOver(text);
  const tokens: string[] = [];
  for (let token = cursor.next(); token !== ''; token = cursor.next()) tokens.push(token);
  return tokens;
}

/** What the error says that reading a text ends with. */
const errorOf = (text: string, use: (cursor: Cursor) => void) => linesOf(() => use(cursorOver(text)));

describe('tokens', () => {
  test.each([
    ['numbers', '1 23 1. .5 0.25 -1.5 +2 -.5 12.50', '1 23 1. .5 0.25 -1.5 +2 -.5 12.50'],
    ['numbers with exponents', '1e5 12.25E-03 2.e+10 -.25e+12', '1e5 12.25E-03 2.e+10 -.25e+12'],
    ['words that follow a quote', `'w1'x "2"3`, `'w1' x "2" 3`],
    ['an exponent without digits', '1e 1e+ 1e+x', '1e 1e + 1e + x'],
    ['a word begun as a number', '1.5.2 12ab 2.0j -1_000 .5x +3.x', '1.5.2 12ab 2.0j -1_000 .5x +3.x'],
    ['numbers that end at a bracket or a comma', '1,2.]3)', '1 , 2. ] 3 )'],
    ['signs and points without digits', '- + . -. -a .a -.a', '- + . - . - a . a - . a'],
    ['what is not finite', 'inf -inf +nan nan', 'inf -inf +nan nan'],
    ['words that only begin so', '-info +nano -nan.', '- info + nano -nan .'],
    ['words', 'torch.float32 _x a1.b_2 Größe', 'torch.float32 _x a1.b_2 Gr ö ß e'],
    ['single characters', '([{}]):=,;@', '( [ { } ] ) : = , ; @'],
    ['two points', '.. x', '. . x'],
    ['what a module prints in brackets', '<A><>a<b>', '<A> <> a <b>'],
    ['brackets in brackets', '<a<b>', '< a <b>'],
    ['a quote that does not end', "'a b", "' a b"],
    ['a quote that ends in the next line', '\'a\nb\' "c\nd"', '\' a b \' " c d "'],
    ['a quote with a backslash', String.raw`'\n' "\n"`, String.raw`' \ n ' " \ n "`],
    ['brackets that end in the next line', '<a\nb>', '< a b >'],
  ])('%s', (_, text, tokens) => {
    expect(tokensOf(text)).toEqual(tokens.split(' '));
  });

  test('quoted names and objects in brackets keep their spaces', () => {
    expect(tokensOf(`'a "b' "c 'd" '' "" <A object at 0x1>`)).toEqual([
      `'a "b'`,
      `"c 'd"`,
      "''",
      '""',
      '<A object at 0x1>',
    ]);
  });

  test('brackets hold 200 characters at most', () => {
    expect(tokensOf(`<${'a'.repeat(200)}>`)).toHaveLength(1);
    expect(tokensOf(`<${'a'.repeat(201)}>`)).toHaveLength(3);
  });

  test('white space of every sort is between tokens, and none is one', () => {
    expect(tokensOf(' \t\r\n1\u00a02\u30003\n')).toEqual(['1', '2', '3']);
    expect(tokensOf(' \n')).toEqual([]);
    expect(tokensOf('')).toEqual([]);
  });

  test('an elision is an error that says how to print all', () => {
    expect(errorOf('[1,\n ...,', (cursor) => ['[', '1', ',', '...'].forEach(cursor.take))).toEqual([
      'line 2 has numbers that were left out (…)',
      '  Print all of it: torch.set_printoptions(threshold=10**9), or numpy.set_printoptions(threshold=sys.maxsize).',
    ]);
    expect(errorOf('....', (cursor) => cursor.peek())[0]).toBe('line 1 has numbers that were left out (…)');
  });

  test('a token that was looked at is the next one, once', () => {
    const cursor = cursorOver('a b');
    expect([
      cursor.peek(),
      cursor.peek(),
      cursor.next(),
      cursor.peek(),
      cursor.next(),
      cursor.next(),
    ]).toEqual(['a', 'a', 'a', 'b', 'b', '']);
  });
});

test('a number is one that Python writes, and nothing beside it', () => {
  for (const token of ['1', '12', '1.', '1.25', '.5', '.25', '-1', '+.5', '1e5', '1e15', '1.E+05', '.5e-3'])
    expect([token, isNumber(token)]).toEqual([token, true]);
  for (const token of [
    ...[
      '',
      '.',
      '-',
      '--1',
      'x1',
      '1x',
      '1.5.2',
      '1..',
      '.5.',
      '1e',
      '1e+',
      '1e+-5',
      '1e5x',
      'e5',
      ' 1',
      '1 ',
    ],
    ...['nan', 'inf', '0x1', '1_000'],
  ])
    expect([token, isNumber(token)]).toEqual([token, false]);
});

describe('patterns', () => {
  test('match after white space, only there, and what they took is gone', () => {
    const cursor = cursorOver('  ab  12 c');
    expect(cursor.match(/\d+/y)).toBeUndefined();
    expect(cursor.match(/(a)b/y)?.slice()).toEqual(['ab', 'a']);
    expect(cursor.match(/\d/y)?.[0]).toBe('1');
    expect(cursor.next()).toBe('2');
    expect(cursor.next()).toBe('c');
  });

  test('see the token that was looked at', () => {
    const cursor = cursorOver('a bc d');
    cursor.next();
    expect(cursor.peek()).toBe('bc');
    expect(cursor.match(/b/y)?.[0]).toBe('b');
    expect(cursor.peek()).toBe('c');
    expect(cursor.atEnd()).toBe(false);
    expect([cursor.next(), cursor.next(), cursor.next()]).toEqual(['c', 'd', '']);
  });

  test('that end nowhere take nothing', () => {
    const cursor = cursorOver('a');
    expect(cursor.match(/(?=a)/y)?.[0]).toBe('');
    expect(cursor.next()).toBe('a');
    expect(cursor.match(/a/y)).toBeUndefined();
  });
});

describe('places', () => {
  test('the end is where nothing but white space follows', () => {
    const cursor = cursorOver('a \n');
    expect(cursor.atEnd()).toBe(false);
    cursor.next();
    expect(cursor.atEnd()).toBe(true);
    expect(cursorOver('').atEnd()).toBe(true);
  });

  test('a line begins behind white space', () => {
    const starts = (text: string) => {
      const cursor = cursorOver(text);
      const found: [string, boolean][] = [];
      while (!cursor.atEnd()) {
        const start = cursor.atLineStart();
        found.push([cursor.next(), start]);
      }
      return found;
    };
    expect(starts('a b')).toEqual([
      ['a', true],
      ['b', false],
    ]);
    expect(starts(' \ta b\nc\n \t d\te')).toEqual([
      ['a', true],
      ['b', false],
      ['c', true],
      ['d', true],
      ['e', false],
    ]);
  });

  test('lines are counted from 1 on, up to the token that was looked at', () => {
    const cursor = cursorOver('\na b\n\n\nc\nd');
    const lines = [cursor.line()];
    for (const token of ['a', 'b', 'c', 'd']) {
      expect(cursor.peek()).toBe(token);
      lines.push(cursor.line());
      cursor.take(token);
      lines.push(cursor.line());
    }
    expect(lines).toEqual([1, 2, 2, 2, 2, 5, 5, 6, 6]);
    expect(cursorOver('a\nb').line()).toBe(1);
  });
});

describe('errors', () => {
  const NOTHING_RUNS = '  A .txt file holds tensors as Python prints them; nothing in it is executed.';
  const CUT = '  The text ends there: was all of it copied?';

  test('say what stands in the place of a token', () => {
    expect(errorOf('a\nb c', (cursor) => ['a', ','].forEach(cursor.take))).toEqual([
      'line 2 has b where , is expected',
      NOTHING_RUNS,
    ]);
    expect(errorOf('a b', (cursor) => cursor.unexpected('a\u001bb', 'a number'))).toEqual([
      'line 1 has "a\\u001bb" where a number is expected',
      NOTHING_RUNS,
    ]);
  });

  test('say where the text ends, or the token that is its last', () => {
    expect(errorOf('a', (cursor) => ['a', ')'].forEach(cursor.take))).toEqual([
      'line 1 has its end where ) is expected',
      CUT,
      NOTHING_RUNS,
    ]);
    expect(errorOf('a \n', (cursor) => cursor.take('b'))).toEqual([
      'line 1 has a where b is expected',
      CUT,
      NOTHING_RUNS,
    ]);
  });

  test('show 24 characters of a token', () => {
    const word = 'abcdefghijklmnopqrstuvwxyz';
    expect(errorOf(`${word} ,`, (cursor) => cursor.take(','))[0]).toBe(
      'line 1 has abcdefghijklmnopqrstuvwx where , is expected',
    );
  });

  test('have hints where there are some', () => {
    expect(errorOf('\na', (cursor) => cursor.fail('has it'))).toEqual(['line 1 has it']);
    expect(errorOf('a', (cursor) => cursor.fail('has it', ['Leave it.']))).toEqual([
      'line 1 has it',
      '  Leave it.',
    ]);
  });
});
