import { describe, expect, test } from 'vitest';
import {
  isNumberArray,
  isObject,
  isOtherList,
  type JsonValue,
  parseJson,
  parseMembers,
} from '../../src/formats/json-values.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const scan = (text: string) => parseJson(bytes(text));
/** The members of an object as a header's are read. */
const scanHeader = (text: string, members = new Map<string, JsonValue>()) => {
  parseMembers(
    bytes(text),
    (name) => members.has(name),
    (name, value) => members.set(name, value),
  );
  return members;
};
/** The whole message, hints too. */
const exactly = (message: string) => expect.objectContaining({ message });
const numbers = (...values: number[]) => ({ shape: [values.length], values: Float64Array.from(values) });

test('a list of numbers, another list, an object and what is none of them are told apart', () => {
  const kinds = (text: string) => [isNumberArray, isOtherList, isObject].map((is) => is(scan(text)));
  for (const text of ['[1]', '[]', '[[]]', '["NaN"]']) expect(kinds(text)).toEqual([true, false, false]);
  for (const text of ['["a"]', '[null]', '[[1, true]]', '[{}]'])
    expect(kinds(text)).toEqual([false, true, false]);
  for (const text of ['{}', '{"shape": [1], "values": [1]}', '{"problem": "p", "hints": []}'])
    expect(kinds(text)).toEqual([false, false, true]);
  for (const text of ['null', '1', 'true', '"text"']) expect(kinds(text)).toEqual([false, false, false]);
});

test('all that an object may hold, with any space about it', () => {
  const all = {
    number: -12.5,
    text: ' a\u{1f600}/"\n',
    yes: true,
    no: false,
    nothing: null,
    empty: {},
    inner: { a: 1, 'two words': { b: 2 } },
    list: numbers(1, -2),
    rows: { shape: [2, 2], values: Float64Array.of(1, 2, 3, 4) },
    'no numbers': numbers(),
    'no rows': { shape: [2, 0], values: new Float64Array() },
  };
  const text =
    '{"number":-12.5,"text":" a\\ud83d\\ude00\\/\\"\\n","yes":true,"no":false,"nothing":null,"empty":{},"inner":{"a":1,"two words":{"b":2}},"list":[1,-2],"rows":[[1,2],[3,4]],"no numbers":[],"no rows":[[],[]]}';
  expect(scan(text)).toEqual(all);
  expect(Object.fromEntries(scanHeader(text))).toEqual(all);
  for (const space of [' ', '\n', '\r', '\t', ' \r\n\t ']) {
    const spaced = text.replace(/[{}[\],]|(?<="):|\b(?=[\]},])/g, (mark) => space + mark + space);
    expect(scan(spaced)).toEqual(all);
    expect(Object.fromEntries(scanHeader(spaced))).toEqual(all);
  }
});

test('a byte order mark inside is text, and a character that begins like one is none', () => {
  expect(scan('\ufeff{"\ufeffa": "\ufeff"}')).toEqual({ '\ufeffa': '\ufeff' });
  // ef 80 bf, ef bb 80, e1 bb bf
  for (const first of ['\uf03f', '\ufec0', '\u1eff'])
    expect(() => scan(`${first}[1]`)).toThrow('line 1, column 1: expected a value');
});

describe('what is wrong, where, and what to do', () => {
  const NOT_JSON = '  This is not valid JSON.';
  const QUOTED = '  Write NaN and infinities in quotes: "NaN", "-Infinity".';
  const RAGGED = '  The rows of a tensor must all have the same length.';
  const QUOTED_WORDS = 'Only "NaN", "Infinity" and "-Infinity" are written in quotes.';
  const UNFINISHED = 'expected a string without raw control characters or unknown escapes';

  test.each([
    ['[1,\n\n 2,\n  x]', `line 4, column 3: expected a number\n${NOT_JSON}`],
    ['[\nx]', `line 2, column 1: expected a number\n${NOT_JSON}`],
    ['\ufeff[x]', `line 1, column 2: expected a number\n${NOT_JSON}`],
    ['{"\u00e9\u20ac": x}', `"\u00e9\u20ac": line 1, column 8: expected a value\n${NOT_JSON}`],
    ['{"a": 1, "b": x}', `b: line 1, column 15: expected a value\n${NOT_JSON}`],
    ['{"a": {"b": {"c": x}}}', `a.b.c: line 1, column 19: expected a value\n${NOT_JSON}`],
    ['[1]\f', `line 1, column 4: expected the end of the file\n${NOT_JSON}`],
    ['{"a": 1, \v"b": 2}', `line 1, column 10: expected a name in double quotes\n${NOT_JSON}`],
    ['trux', `line 1, column 1: expected a value\n${NOT_JSON}`],
    ['falsy', `line 1, column 1: expected a value\n${NOT_JSON}`],
    ['nul', `line 1, column 1: expected a value\n${NOT_JSON}`],
    ['truex', `line 1, column 5: expected the end of the file\n${NOT_JSON}`],
    ['{"a" 1}', `line 1, column 6: expected ':'\n${NOT_JSON}`],
    ['{"a": 1 "b": 2}', `line 1, column 9: expected ',' or '}'\n${NOT_JSON}`],
    ['[1 2]', `line 1, column 4: expected ',' or ']'\n${NOT_JSON}`],
    ['[1', `line 1, column 3: expected ',' or ']'\n${NOT_JSON}`],
    ['{', `line 1, column 2: expected a name in double quotes\n${NOT_JSON}`],
    ['[NaN]', `line 1, column 2: expected a number\n${QUOTED}`],
    ['[Infinity]', `line 1, column 2: expected a number\n${QUOTED}`],
    ['[1, -Infinity]', `line 1, column 5: expected a number\n${QUOTED}`],
    ['{"a": NaN}', `a: line 1, column 7: expected a value\n${QUOTED}`],
    ['[xNaN]', `line 1, column 2: expected a number\n${NOT_JSON}`],
    ['[1, -]', `line 1, column 5: expected a number\n${NOT_JSON}`],
    ['[-a]', `line 1, column 2: expected a number\n${NOT_JSON}`],
    ['[1.]', `line 1, column 2: expected a number\n${NOT_JSON}`],
    ['[0.e1]', `line 1, column 2: expected a number\n${NOT_JSON}`],
    ['[1e]', `line 1, column 2: expected a number\n${NOT_JSON}`],
    ['[1e+]', `line 1, column 2: expected a number\n${NOT_JSON}`],
    ['[1E-]', `line 1, column 2: expected a number\n${NOT_JSON}`],
    ['[1e+-1]', `line 1, column 2: expected a number\n${NOT_JSON}`],
    ['[-01]', `line 1, column 4: expected ',' or ']'\n${NOT_JSON}`],
    ['[1/2]', `line 1, column 3: expected ',' or ']'\n${NOT_JSON}`],
    ['[1:2]', `line 1, column 3: expected ',' or ']'\n${NOT_JSON}`],
    ['[+1]', `line 1, column 2: expected a number\n${NOT_JSON}`],
    ['[-1e309]', `a number is too large for float64\n  Write infinities as the string "Infinity".`],
    ['["NaN', `line 1, column 2: ${UNFINISHED}\n${NOT_JSON}`],
    ['"a\\', `line 1, column 1: ${UNFINISHED}\n${NOT_JSON}`],
    ['"a\\"', `line 1, column 1: ${UNFINISHED}\n${NOT_JSON}`],
    ['"\\x"', `line 1, column 1: ${UNFINISHED}\n${NOT_JSON}`],
    ['"\\u00g0"', `line 1, column 1: ${UNFINISHED}\n${NOT_JSON}`],
    ['"\u001f"', `line 1, column 1: ${UNFINISHED}\n${NOT_JSON}`],
    ['"\\\n"', `line 1, column 1: ${UNFINISHED}\n${NOT_JSON}`],
    ['"\\udc00"', 'a name or string holds half of a surrogate pair\n  This is not valid Unicode.'],
    ['{"a": {"b": 1, "b": 2}}', 'a: the name b appears twice\n  Which of the two is meant?'],
    ['{"a": [true, x]}', `a: line 1, column 14: expected a value\n${NOT_JSON}`],
    ['["a", [1, {"b": tru}]]', `b: line 1, column 17: expected a value\n${NOT_JSON}`],
    ['[["a"], [1]', `line 1, column 12: expected ',' or ']'\n${NOT_JSON}`],
    ['[null, {"a": 1, "a": 2}]', 'the name a appears twice\n  Which of the two is meant?'],
    ['[[1, 2], [3], ["a"]]', `entry [1] has 1 entries, the ones before it 2\n${RAGGED}`],
    ['[[1, 2], [3]]', `entry [1] has 1 entries, the ones before it 2\n${RAGGED}`],
    ['[[[1], [2]], [[3], [4, 5]]]', `entry [1, 1] has 2 entries, the ones before it 1\n${RAGGED}`],
    ['[[1], [[2]]]', `entry [1, 0] is a row among numbers\n${RAGGED}`],
    ['[[[1], [2]], [3]]', `entry [1, 0] is a number among rows\n${RAGGED}`],
    ['[[[1]], []]', `entry [1] is empty among rows that are not\n${RAGGED}`],
  ])('%j', (text, message) => {
    expect(() => scan(text)).toThrow(exactly(message));
  });

  test.each([
    ['[true]', 'entry [0] is not a number', false],
    ['[0, false]', 'entry [1] is not a number', false],
    ['[0, null]', 'entry [1] is not a number', false],
    ['[[1, 2], [3, {}]]', 'entry [1, 1] is not a number', false],
    ['[{"a": [1]}, 2]', 'entry [0] is not a number', false],
    ['[["a"]]', 'entry [0, 0] is text, not a number', true],
    ['["toString"]', 'entry [0] is text, not a number', true],
    ['["a", null]', 'entry [0] is text, not a number', true],
    ['[[1], ["a"], [1, 2, 3], [[4]], 5]', 'entry [1, 0] is text, not a number', true],
  ])(
    'a list of something else than numbers is no error, but kept without its entries: %s',
    (text, problem, quoted) => {
      const list = { problem, hints: quoted ? [QUOTED_WORDS] : [] };
      expect(scan(text)).toEqual(list);
      expect(scan(`{"before": [1], "a": ${text}, "after": [2]}`)).toEqual({
        before: numbers(1),
        a: list,
        after: numbers(2),
      });
    },
  );

  test('bytes that are no text', () => {
    expect(() => parseJson(Uint8Array.of(34, 0xff, 34))).toThrow(
      exactly('is not UTF-8 text\n  Save it as UTF-8.'),
    );
  });

  test('a header that is no object', () => {
    expect(() => scanHeader(' [1]')).toThrow(exactly(`line 1, column 2: expected '{'\n${NOT_JSON}`));
    expect(() => scanHeader('{} 1')).toThrow(
      exactly(`line 1, column 4: expected the end of the file\n${NOT_JSON}`),
    );
  });
});

test.each([
  '-0',
  '120',
  '9.05',
  '-7.25e1',
  '3E0',
  '1e-0',
  '4e+05',
  '25e-3',
  '1e22',
  '1e23',
  '123456789012345678e-22',
  '9007199254740991',
  '9007199254740993.5',
  '98765432109876543210987654321e-6',
  '0e999',
  '1e-999',
  `0.${'0'.repeat(99)}1e5`,
])('%s is read as Number reads it', (text) => {
  expect(scan(text)).toBe(Number(text));
  expect(scan(`[${text}]`)).toEqual(numbers(Number(text)));
});

describe('limits', () => {
  const rows = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  const inObjects = (levels: number, text: string) => '{"a":'.repeat(levels) + text + '}'.repeat(levels);
  const names = (count: number, value = '1') =>
    `{${Array.from({ length: count }, (_, i) => `"${i}":${value}`).join()}}`;

  test('rows and objects are nested 32 levels deep at most, together too', () => {
    expect(scan(rows(32))).toMatchObject({ shape: Array(32).fill(1, 0, 31).fill(0, 31) });
    expect(() => scan(rows(33))).toThrow('arrays are nested deeper than 32');
    expect(() => scan(inObjects(32, '1'))).not.toThrow();
    expect(() => scan(inObjects(31, '{}'))).not.toThrow();
    expect(() => scan(inObjects(33, '1'))).toThrow('objects are nested deeper than 32');
    expect(() => scan(inObjects(32, '{}'))).toThrow('objects are nested deeper than 32');
    expect(() => scan(inObjects(20, rows(12)))).not.toThrow();
    expect(() => scan(inObjects(20, rows(13)))).toThrow('arrays are nested deeper than 32');
    // Behind an entry that is no number too.
    expect(() => scan(`["a", ${rows(31)}]`)).not.toThrow();
    expect(() => scan(`["a", ${rows(32)}]`)).toThrow('arrays are nested deeper than 32');
    expect(() => scan(`["a", ${inObjects(32, '1')}]`)).toThrow('objects are nested deeper than 32');
    // Beside each other they may be any number.
    const many = Array.from({ length: 40 }, (_, i) => `"${i}":${rows(31)}`);
    expect(() => scan(`{${many}}`)).not.toThrow();
  });

  test('a text may have ten thousand names, wherever they are', () => {
    expect(Object.keys(scan(names(10_000)) as object)).toHaveLength(10_000);
    expect(() => scan(names(10_001))).toThrow(exactly('holds more than 10000 names'));
    expect(() => scan(`{"a": ${names(5000)}, "b": ${names(4998)}}`)).not.toThrow();
    expect(() => scan(`{"a": ${names(5000)}, "b": ${names(4999)}}`)).toThrow('holds more than 10000 names');
    expect(() => scan(`[${names(10_001)}]`)).toThrow('holds more than 10000 names');
  });

  test('a header may have 65536 members, each with its own names', () => {
    const members = new Map<string, JsonValue>();
    expect(() => scanHeader(names(65_537), members)).toThrow(exactly('holds more than 65536 names'));
    expect(members.size).toBe(65_536);
    expect(scanHeader(`{"a": ${names(40_000)}, "b": ${names(30_000)}}`).size).toBe(2);
  });

  test('each list of a header may have a thousand numbers, whatever stands elsewhere', () => {
    const list = (count: number) => `[${Array(count).fill('1.25')}]`;
    const square = (count: number) => `[${Array(count).fill(list(count))}]`;
    expect(scanHeader(`{"a": ${list(1000)}}`).get('a')).toMatchObject({ shape: [1000] });
    expect(scanHeader(`{"a": ${square(31)}, "b": ${list(1000)}}`).size).toBe(2);
    expect(scanHeader(names(1001, '[[1],[2]]')).size).toBe(1001);
    expect(() => scanHeader(`{"a": ${list(1001)}}`)).toThrow(
      exactly('a: is a list of more than 1000 numbers'),
    );
    expect(() => scanHeader(`{"a": ${square(32)}}`)).toThrow('a: is a list of more than 1000 numbers');
    // Commas in a text are none between numbers.
    expect(scanHeader(`{"a": ["${','.repeat(2000)}"]}`).get('a')).toMatchObject({
      problem: 'entry [0] is text, not a number',
    });
    expect(scan(list(1001))).toMatchObject({ shape: [1001] });
  });
});

describe('text is checked in pieces of a mebibyte', () => {
  const MEBIBYTE = 2 ** 20;

  test('a character may stand across their ends', () => {
    for (const character of ['\u00e9', '\u20ac', '\u{1f600}']) {
      const length = Buffer.byteLength(character);
      for (let before = 0; before < length; before++) {
        const count = Math.ceil(MEBIBYTE / length) + 2;
        const file = Buffer.concat([Buffer.alloc(before, '1'), Buffer.alloc(count * length, character)]);
        // No JSON, which is found out at once; but text.
        expect(() => parseJson(file)).toThrow(before ? 'expected the end of the file' : 'expected a value');
      }
    }
  });

  test('what is no character is found in all of them', () => {
    for (const at of [MEBIBYTE - 1, MEBIBYTE, MEBIBYTE + 1, 2 * MEBIBYTE - 1]) {
      const file = Buffer.alloc(2 * MEBIBYTE, 'x');
      file[at] = 0xff;
      expect(() => parseJson(file)).toThrow('is not UTF-8 text');
    }
    const tails = Buffer.concat([Buffer.alloc(MEBIBYTE, 'x'), Buffer.alloc(MEBIBYTE + 9, 0x80)]);
    expect(() => parseJson(tails)).toThrow('is not UTF-8 text');
  });
});
