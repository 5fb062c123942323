import fs from 'node:fs';
import path from 'node:path';
import { SAMPLES } from '../cli.js';
import type { HostileCase } from './corpus.js';

const FILE = 'x.json';
const BASE: Record<string, unknown> = JSON.parse(
  fs.readFileSync(path.join(SAMPLES, 'bundles', 'gru.json'), 'utf8'),
);
const TEXT = JSON.stringify(BASE);

type Row = readonly [name: string, text: string | Uint8Array, exit: 0 | 1 | 2, ...says: string[]];

/** The bundle with the text of one of its members replaced. */
const withMember = (name: string, text: string) =>
  `{${Object.entries({ ...BASE, [name]: null })
    .map(([key, value]) => `${JSON.stringify(key)}:${key === name ? text : JSON.stringify(value)}`)
    .join(',')}}`;
/** The bundle with one member more, as it stands in a file. */
const plus = (text: string) => `${TEXT.slice(0, -1)},${text}}`;
const H_N = BASE.h_n as number[][][];
/** h_n with its first value as it is written here. */
const first = (value: string) =>
  withMember(
    'h_n',
    JSON.stringify(H_N).replace(/-?[\d.e-]+/, () => value),
  );
const described = (dtype: string, shape: string, data: string) =>
  `{"dtype":${dtype},"shape":${shape},"data":${data}}`;
const FLAT = JSON.stringify(H_N.flat(2));
const SHAPE = JSON.stringify([1, H_N[0].length, H_N[0][0].length]);
const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Uint8Array.from(part))));

const ROWS: readonly Row[] = [
  ['as it is', TEXT, 0, 'parity'],
  ['with much space', JSON.stringify(BASE, null, '\t \r\n'.slice(0, 3)), 0, 'parity'],

  // Text
  ['nothing at all', '', 2, 'is empty'],
  ['only spaces', '   \n', 2, 'line 2, column 1: expected a value'],
  ['one byte order mark', `\ufeff${TEXT}`, 0, 'parity'],
  ['two byte order marks', `\ufeff\ufeff${TEXT}`, 2, 'expected a value'],
  ['UTF-16', Buffer.from(`\ufeff${TEXT}`, 'utf16le'), 2, 'UTF-16'],
  ['UTF-16 without a mark', Buffer.from(TEXT, 'utf16le'), 2, 'line 1, column 2'],
  ['gzip', bytes([0x1f, 0x8b, 8, 0], TEXT), 2, 'gunzip'],
  ['a web page', '<!DOCTYPE html><html>not found</html>', 2, 'a web page'],
  ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\n', 2, 'git lfs pull'],
  ['conflict marks', `<<<<<<< HEAD\n${TEXT}\n=======\n${TEXT}\n>>>>>>> other\n`, 2, 'conflict'],
  ['Latin-1 in a name', bytes(TEXT.slice(0, -1), ',"caf', [0xe9], '":[1]}'), 2, 'is not UTF-8 text'],
  ['an overlong character', bytes(TEXT.slice(0, -1), ',"', [0xc0, 0xaf], '":[1]}'), 2, 'is not UTF-8 text'],
  ['a character cut short at the end', bytes(TEXT, [0xe2, 0x82]), 2, 'is not UTF-8 text'],
  ['cut in half', TEXT.slice(0, TEXT.length / 2), 2, 'line 1, column'],
  ['cut before the last bracket', TEXT.slice(0, -1), 2, "expected ',' or '}'"],
  ['two values', `${TEXT}${TEXT}`, 2, 'expected the end of the file'],
  ['a NUL at the end', `${TEXT}\0`, 2, 'expected the end of the file'],
  ['a trailing comma', `${TEXT.slice(0, -1)},}`, 2, 'expected a name in double quotes'],
  ['a comment', plus('// why\n"spare":[1]'), 2, 'expected a name in double quotes'],
  ['names without quotes', plus('spare:[1]'), 2, 'expected a name in double quotes'],
  ['single quotes', plus("'spare':[1]"), 2, 'expected a name in double quotes'],
  ['a raw newline in a name', plus('"spa\nre":[1]'), 2, 'raw control characters'],
  ['a raw escape in a name', plus('"\u001b[2J":[1]'), 2, 'raw control characters'],
  ['an unknown escape', plus('"\\x1b":[1]'), 2, 'unknown escapes'],
  ['half a surrogate pair', plus('"\\ud800":[1]'), 2, 'half of a surrogate pair'],
  ['a string without an end', `${TEXT.slice(0, -1)},"spare`, 2, 'line 1, column'],
  ['true in capitals', plus('"spare":True'), 2, 'expected a value'],
  ['undefined', plus('"spare":undefined'), 2, 'expected a value'],

  // What is not a file of tensors
  ...['3', '"text"', 'true', 'null'].map(
    (text): Row => [`only ${text}`, text, 2, 'expected an object of tensors'],
  ),
  ['an empty object', '{}', 2, 'no tensors'],
  ['an empty list', '[]', 2, 'output'],
  ['a list of lists that are empty', '[[],[]]', 2, 'output'],
  [
    'the index of a sharded checkpoint',
    '{"metadata":{"total_size":1},"weight_map":{"a":"b.safetensors"}}',
    2,
    'sharded checkpoint',
    '.safetensors.index.json',
  ],
  [
    'the same beside the tensors of a case',
    plus('"weight_map":{"a":"b.safetensors"}'),
    2,
    'sharded checkpoint',
  ],
  ['only the weight_map of one', '{"weight_map":{"a":"../../etc/passwd"}}', 2, 'sharded checkpoint'],
  ['one tensor', '[[1,2],[3,4]]', 2, 'one of output, h_n, c_n'],
  ['a package.json', '{"name":"x","version":"1.0.0"}', 2, 'name: found a string'],

  // Names
  ['a tensor twice', plus('"input":[1]'), 2, 'the name input appears twice'],
  ['a tensor twice, once escaped', plus('"\\u0069nput":[1]'), 2, 'the name input appears twice'],
  ['options twice', plus('"case":{}'), 2, 'the name case appears twice'],
  [
    'a field twice',
    withMember('h_n', `{"dtype":"F32","dtype":"F32","shape":${SHAPE},"data":${FLAT}}`),
    2,
    'h_n: the name dtype appears twice',
  ],
  ...['__proto__', 'constructor', 'toString', '', 'hasOwnProperty'].map(
    (name): Row => [`an unused tensor named "${name}"`, plus(`"${name}":[1]`), 0, 'parity'],
  ),
  [
    'options with a prototype',
    withMember('case', '{"__proto__":{"module":"LSTM"}}'),
    2,
    '__proto__: is not an option',
  ],
  ['an unknown option', withMember('case', '{"modul":"GRU"}'), 2, 'case.modul: is not an option'],
  [
    'a tolerance that is negative',
    withMember('case', '{"tolerance":{"atol":-1}}'),
    2,
    'case.tolerance.atol: is negative',
  ],
  [
    'a tolerance that is text',
    withMember('case', '{"tolerance":{"atol":"1"}}'),
    2,
    'case.tolerance.atol: is not a number',
  ],
  [
    'a tolerance of 1e999',
    withMember('case', '{"tolerance":{"atol":1e999}}'),
    2,
    'case.tolerance.atol',
    'too large',
  ],
  [
    'a tolerance of "Infinity"',
    withMember('case', '{"tolerance":{"rtol":"Infinity"}}'),
    2,
    'case.tolerance.rtol',
  ],
  [
    'a tolerance that lets everything pass',
    withMember('case', '{"tolerance":{"atol":1e300}}'),
    0,
    'zeros would pass too',
  ],
  ['a list of options', withMember('case', '[1]'), 2, 'case'],
  ['options that are null', withMember('case', 'null'), 2, 'case'],
  ['a module that is a number', withMember('case', '{"module":1}'), 2, 'case.module'],

  // Numbers
  ...['NaN', 'Infinity', '-Infinity'].map(
    (text): Row => [`${text} without quotes`, first(text), 2, 'h_n', 'Write NaN and infinities in quotes'],
  ),
  ['"NaN"', first('"NaN"'), 1, 'NaN'],
  ['"Infinity"', first('"Infinity"'), 1, ' inf '],
  ['"-Infinity"', first('"-Infinity"'), 1, ' -inf '],
  ...['0x10', '.5', '+1', '1.', '1e', '1e+', '-', '01', '1_000', '١', '1f', '0b1'].map(
    (text): Row => [`the number ${text}`, first(text), 2, 'h_n'],
  ),
  ['1e400', first('1e400'), 2, 'h_n: a number is too large for float64'],
  ['400 digits', first('9'.repeat(400)), 2, 'h_n: a number is too large for float64'],
  ['1e39', first('1e39'), 1, 'differs'],
  ['1e-400', first('1e-400'), 1, 'differs'],
  ['a number of 100,000 digits', first(`0.${'3'.repeat(100_000)}`), 1, 'differs'],
  ['an exponent of 100,000 digits', first(`1e-${'9'.repeat(100_000)}`), 1, 'differs'],
  ...['"0.1"', '""', '"nan"', '"inf"', '" NaN"', '"1e5"'].map(
    (text): Row => [`the text ${text}`, first(text), 2, 'h_n', 'entry [0, 0, 0] is text, not a number'],
  ),
  ...['null', 'true', 'false', '{}'].map(
    (text): Row => [`${text} as a number`, first(text), 2, 'h_n', 'entry [0, 0, 0] is not a number'],
  ),
  ['[] as a number', first('[]'), 2, 'h_n', 'entry'],
  ['[1] as a number', first('[1]'), 2, 'h_n', 'entry'],

  // Rows
  [
    'a value too few',
    withMember('h_n', JSON.stringify([[H_N[0][0], H_N[0][1].slice(1)]])),
    2,
    'h_n: entry [0, 1] has 3 entries, the ones before it 4',
  ],
  [
    'the right count in wrong rows',
    withMember('h_n', JSON.stringify([[H_N[0].flat().slice(0, 5), H_N[0].flat().slice(5)]])),
    2,
    'h_n: entry [0, 1] has 3 entries, the ones before it 5',
  ],
  ['a number among rows', withMember('h_n', '[[[1,2],3]]'), 2, 'h_n: entry [0, 1] is a number among rows'],
  ['a row among numbers', withMember('h_n', '[[1,[2]]]'), 2, 'h_n: entry [0, 1] is a row among numbers'],
  ['an empty row', withMember('h_n', '[[[1,2],[]]]'), 2, 'h_n: entry [0, 1] has 0 entries'],
  ['rows of another depth', withMember('h_n', '[[[1]],[1]]'), 2, 'h_n: entry [1, 0] is a number among rows'],
  ['no values', withMember('h_n', '[]'), 2, 'h_n: found [0]'],
  ['rows without values', withMember('h_n', '[[],[]]'), 2, 'h_n: found [2, 0]'],
  ['no values as output', withMember('output', '[[[]]]'), 2, 'output: found [1, 1, 0]'],
  ['a trailing comma in a row', withMember('h_n', '[1,]'), 2, 'h_n', 'expected a number'],
  ['two commas', withMember('h_n', '[1,,2]'), 2, 'h_n', 'expected a number'],
  ['no comma', withMember('h_n', '[1 2]'), 2, 'h_n', "expected ',' or ']'"],
  ['a flat list', withMember('h_n', FLAT), 2, 'h_n: found [8]'],
  ['text in the place of a tensor', withMember('h_n', '"[1]"'), 2, 'h_n: found a string'],
  ['a number in the place of a tensor', withMember('h_n', '1'), 2, 'h_n: found a number'],
  ['null in the place of a tensor', withMember('h_n', 'null'), 2, 'h_n: found null'],
  [
    'an object in the place of a tensor',
    withMember('h_n', '{"0":[1]}'),
    2,
    'h_n: found tensors inside it, as h_n.0',
  ],
  [
    'an object of data alone in the place of a tensor',
    withMember('h_n', `{"data":${FLAT}}`),
    2,
    'h_n: found tensors inside it, as h_n.data',
  ],
  [
    'an object of something else in the place of a tensor',
    withMember('h_n', '{"text":"none"}'),
    2,
    'h_n',
    'found an object of another form',
  ],
  [
    'an empty object in the place of a tensor',
    withMember('h_n', '{}'),
    2,
    'h_n: found an object of another form',
  ],
  ['an object in the place of the output', withMember('output', '{"0":[1]}'), 2, 'output'],
  ['an object in the place of a weight', withMember('weight_hh_l0', '{"0":[1]}'), 2, 'weight_hh_l0'],
  ['text in the place of a weight', withMember('weight_hh_l0', '"none"'), 2, 'weight_hh_l0: found a string'],
  ['text in a list in the place of lengths', plus('"lengths":["6","6"]'), 2, 'lengths: entry [0] is text'],
  ['null in the place of a state', plus('"h_0":null'), 2, 'h_0: found null'],
  ['null in the place of a layer output', plus('"output_l0":null'), 2, 'output_l0: found null'],

  // What stands beside the tensors
  ['a text beside the tensors', plus('"device":"cpu"'), 0, 'parity', 'left aside, no tensors: device'],
  ['a number beside the tensors', plus('"epoch":3'), 0, 'parity', 'left aside, no tensors: epoch'],
  ['null beside the tensors', plus('"loss":null'), 0, 'parity', 'left aside, no tensors: loss'],
  ['a list of words beside the tensors', plus('"vocabulary":["a","b"]'), 0, 'parity', 'vocabulary'],
  ['an empty object beside the tensors', plus('"extra":{}'), 0, 'parity', 'left aside, no tensors: extra'],
  ['an object beside the tensors', plus('"args":{"lr":0.1,"name":"run"}'), 0, 'parity', 'args.lr, args.name'],
  [
    'a hundred texts beside the tensors',
    plus(Array.from({ length: 100 }, (_, i) => `"t${i}":""`).join(',')),
    0,
    'left aside, no tensors: t0,',
    '…',
  ],
  ['a tensor in an object', plus('"more":{"input":[1]}'), 0, 'parity'],
  ['a tensor nested and with its point', plus('"a":{"b":[1]},"a.b":[1]'), 2, 'a.b: is there twice'],
  ['a ragged list beside the tensors', plus('"a":[[1],[2,3]]'), 2, 'a: entry [1] has 2 entries'],
  ...[33, 1_000, 1_000_000].flatMap((depth): Row[] => [
    [
      `${depth} lists in each other`,
      withMember('h_n', '['.repeat(depth) + ']'.repeat(depth)),
      2,
      'h_n',
      'nested deeper than 32',
    ],
    [
      `${depth} lists that never end`,
      withMember('h_n', '['.repeat(depth)),
      2,
      'h_n',
      'nested deeper than 32',
    ],
    [
      `${depth} objects in each other`,
      `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
      2,
      'nested deeper than 32',
    ],
  ]),

  // Shape and data
  ['dtype, shape and data', withMember('h_n', described('"float32"', SHAPE, FLAT)), 0, 'parity'],
  ...[
    ['a negative shape', '[-4,-2]'],
    ['a fraction', '[16,0.5]'],
    ['text', '["8"]'],
    ['null', 'null'],
    ['rows', '[[1,2,4]]'],
    ['a number beyond 2^53', '[9007199254740993]'],
    ['70 dimensions', `[${'1,'.repeat(69)}8]`],
  ].map(
    ([what, shape]): Row => [
      `a shape of ${what}`,
      withMember('h_n', described('"F32"', shape, FLAT)),
      2,
      'h_n',
    ],
  ),
  [
    'a shape of 10^18 values',
    withMember('h_n', described('"F32"', '[1000000000,1000000000]', FLAT)),
    2,
    'h_n: found 8 values, expected 1000000000000000000',
  ],
  [
    'a shape of no values',
    withMember('h_n', described('"F32"', '[0,8]', FLAT)),
    2,
    'h_n: found 8 values, expected 0',
  ],
  [
    'fewer values than the shape',
    withMember('h_n', described('"F32"', SHAPE, '[1]')),
    2,
    'h_n: found 1 values, expected 8',
  ],
  ['data in rows', withMember('h_n', described('"F32"', SHAPE, JSON.stringify(H_N))), 2, 'h_n'],
  ['an unknown dtype', withMember('h_n', described('"float8"', SHAPE, FLAT)), 2, 'h_n: has a dtype'],
  ['a dtype that is null', withMember('h_n', described('null', SHAPE, FLAT)), 2, 'h_n'],
  [
    'a dtype of integers',
    withMember('h_n', described('"int64"', SHAPE, FLAT)),
    2,
    'h_n: a value is not an int64',
  ],
  [
    '1e39 as float32',
    withMember('h_n', described('"F32"', SHAPE, '[1e39,1,1,1,1,1,1,1]')),
    2,
    'h_n: a value is too large for float32',
  ],
  [
    '70000 as float16',
    withMember('h_n', described('"F16"', SHAPE, '[70000,1,1,1,1,1,1,1]')),
    2,
    'h_n: a value is too large for float16',
  ],
  ['no data', withMember('h_n', `{"dtype":"F32","shape":${SHAPE}}`), 2, 'h_n'],
  [
    'a field more',
    withMember('h_n', `{"dtype":"F32","shape":${SHAPE},"data":${FLAT},"device":"cpu"}`),
    2,
    'h_n',
  ],

  // Lengths
  ...[
    ['none', '[]', 'lengths: found [0]'],
    ['zero', '[0,6]', 'lengths: found 0 for batch row 0'],
    ['negative', '[-1,6]', 'lengths: found -1 for batch row 0'],
    ['fractions', '[2.5,6]', 'lengths: found 2.5 for batch row 0'],
    ['beyond the input', '[7,6]', 'lengths: found 7 for batch row 0'],
    ['NaN', '["NaN",6]', 'lengths: found NaN for batch row 0'],
    ['too many', '[6,6,6]', 'lengths: found [3]'],
    ['1e300', '[1e300,6]', 'lengths: found 1e+300 for batch row 0'],
  ].map(([what, text, says]): Row => [`lengths: ${what}`, plus(`"lengths":${text}`), 2, says]),

  // Size
  ['4,000,000 numbers', `[${'0,'.repeat(4_000_000)}0]`, 2, 'one of output, h_n, c_n'],
  [
    '4,000,000 numbers as input',
    withMember('input', `[${'0,'.repeat(4_000_000)}0]`),
    2,
    'input: found [4000001]',
  ],
  ['2,000,000 rows of one', withMember('input', `[${'[0],'.repeat(2_000_000)}[0]]`), 2, 'input'],
  [
    '3,000,000 rows of nothing',
    withMember('input', `[${'[],'.repeat(3_000_000)}[]]`),
    2,
    'input: found [3000001, 0]',
  ],
  ['9,000,000 commas', withMember('input', `[${','.repeat(9_000_000)}]`), 2, 'input', 'expected a number'],
  ['text of 9,000,000 commas', withMember('input', `["${','.repeat(9_000_000)}"]`), 2, 'input', 'is text'],
  ['9,000,000 open brackets', `{"input":${'['.repeat(9_000_000)}`, 2, 'input', 'nested deeper'],
  [
    '800,000 names',
    `{${Array.from({ length: 800_000 }, (_, i) => `"${i}":0`).join(',')}}`,
    2,
    'more than 10000 names',
  ],
  ['9,000 tensors', plus(Array.from({ length: 9_000 }, (_, i) => `"${i}":[0]`).join(',')), 0, 'parity'],
  [
    '9,000 unknown options',
    withMember('case', `{${Array.from({ length: 9_000 }, (_, i) => `"${i}":0`).join(',')}}`),
    2,
    'case.0: is not an option',
    'more',
  ],
  ['a name of 9,000,000 letters', plus(`"${'x'.repeat(9_000_000)}":[0]`), 0, 'parity'],
  ['a name of 3,000,000 wide letters', plus(`"${'€'.repeat(3_000_000)}":[0`), 2, '€…'],
  ['9 MB of escapes', plus(`"${'\\u20ac'.repeat(1_500_000)}":0`), 0, 'parity', '€…'],
  [
    'a million times "NaN"',
    withMember('input', `[${'"NaN",'.repeat(1_000_000)}0]`),
    2,
    'input: found [1000001]',
  ],
  ['a string of 9,000,000 letters', `"${'x'.repeat(9_000_000)}"`, 2, 'found a string'],
  ['500,000 lines and a slip', `[${'0,\n'.repeat(500_000)}x]`, 2, 'line 500001, column 1'],
];

export const JSON_CASES: readonly HostileCase[] = ROWS.map(([name, content, exit, ...says]) => ({
  name: `JSON: ${name.slice(0, 80)}`,
  files: { [FILE]: content },
  exit,
  says: exit === 2 ? [FILE, ...says] : says,
}));
