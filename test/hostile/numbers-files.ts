import fs from 'node:fs';
import path from 'node:path';
import { safetensorsBytes } from '../write.js';
import { bytesOf, floats, times } from './bytes.js';
import type { HostileCase } from './corpus.js';
import { CANARY, INHERITED, WICKED_NAMES } from './names.js';
import { global, pickle, reduce, str } from './pickle-writer.js';
import { BUNDLE, CASE, CASE_BYTES, casesOf, type Row, WEIGHTS } from './rows.js';
import { archive, savedState } from './torch-writer.js';

// Files without names or dtypes: rows of numbers and raw bytes; and the files that an index names.

const VALUES = new Float32Array(Uint8Array.from(CASE.output.bytes).buffer);
const [STEPS, BATCH, UNITS] = CASE.output.shape;
/** A block for each batch row. */
const LINES: readonly (readonly string[])[] = Array.from({ length: BATCH }, (_, b) =>
  Array.from({ length: STEPS }, (_, t) =>
    Array.from(VALUES.subarray((t * BATCH + b) * UNITS, (t * BATCH + b + 1) * UNITS), (value) =>
      value.toPrecision(9),
    ).join(','),
  ),
);
const TEXT = LINES.map((lines) => lines.join('\n')).join('\n\n');
/** The text with one line in the place of another. */
const line = (text: string) => TEXT.replace(LINES[0][2], () => text);
const cell = (text: string) => line(LINES[0][2].replace(/^[^,]*/, () => text));

const csvRows: readonly Row[] = [
  ['as it is', TEXT, 0],
  ['a final newline and blank lines', `\n\n${TEXT}\n\n\n`, 0],
  ['Windows’ line ends', TEXT.replaceAll('\n', '\r\n'), 0],
  ['a byte order mark', `\ufeff${TEXT}`, 0],
  ['a line of names', `a,b,c,d\n${TEXT}`, 0],
  ['comments', `# a\n${TEXT}\n# \u001b[2J`, 0],
  ...WICKED_NAMES.filter(([, name]) => !/[\n\r]/.test(name)).map(
    ([what, name]): Row => [`a line of names with ${what}`, `a,b,c,${name}\n${TEXT}`, 0],
  ),
  ['nothing at all', '', 2, 'is empty'],
  ['only spaces', '  \n \n', 2, 'no numbers'],
  ['only names', 'a,b,c,d\n', 2, 'no numbers'],
  ['only a comment', '# 1,2,3\n', 2, 'no numbers'],
  ['a row with a number less', line('1,2,3'), 2, 'line 3 has 3 numbers'],
  ['a row with a number more', line('1,2,3,4,5'), 2, 'line 3 has 5 numbers'],
  ['a row of one number', line('1'), 2, 'line 3 has 1 number'],
  ['a first row with a number less', TEXT.replace(/^[^,]*,/, ''), 2],
  ['a block with a row less', TEXT.replace(`${LINES[0][2]}\n`, () => ''), 2, 'blocks'],
  ['a block with a row more', TEXT.replace(LINES[0][2], () => `${LINES[0][2]}\n${LINES[0][2]}`), 2, 'blocks'],
  ['one block less', LINES[0].join('\n'), 2],
  ['a blank line inside a block', TEXT.replace(LINES[0][2], () => `${LINES[0][2]}\n`), 2, 'blocks'],
  ...[
    'x',
    '1x',
    '0x10',
    '1_000',
    '1e',
    'e5',
    '--1',
    '+-1',
    '1.2.3',
    '.',
    '-',
    '1,5;2',
    '½',
    '１',
    '٣',
    '1 2',
    'None',
    'null',
    'NaNs',
    'infinit',
    '1e5e5',
    '1d5',
    '(1)',
    '[1]',
    '"1',
    "'1'",
    '=1+1',
    '<b>',
    '1\0',
    '\0',
    'true',
  ].map((text): Row => [`a cell with ${JSON.stringify(text)}`, cell(text), 2, 'line 3']),
  ...WICKED_NAMES.filter(([, name]) => !/[\n\r]/.test(name)).map(
    ([what, name]): Row => [`a cell with ${what}`, cell(name), 2, 'line 3'],
  ),
  ...INHERITED.map((name): Row => [`a cell with ${name}`, cell(name), 2, 'line 3']),
  ['1e999', cell('1e999'), 2, 'line 3', 'beyond double precision'],
  ['400 digits', cell('9'.repeat(400)), 2, 'line 3', 'beyond double precision'],
  ['an exponent of 400 digits', cell(`1e${'9'.repeat(400)}`), 2, 'line 3', 'beyond double precision'],
  ['1e39', cell('1e39'), 1],
  ['NaN', cell('nan'), 1],
  ['infinity', cell('-inf'), 1],
  ['another number', cell('0.5'), 1],
  ['an empty cell', cell(''), 2, 'line 3'],
  ['two byte order marks', `\ufeff\ufeff${TEXT}`, 2],
  ['UTF-16', Buffer.from(`\ufeff${TEXT}`, 'utf16le'), 2, 'UTF-16'],
  ['UTF-16 without a mark', Buffer.from(TEXT, 'utf16le'), 2],
  ['Latin-1', bytesOf(TEXT, 0xe9), 2, 'UTF-8'],
  ['a character cut short', bytesOf(TEXT, [0xe2, 0x82]), 2, 'UTF-8'],
  ['an overlong NUL', bytesOf(TEXT, [0xc0, 0x80]), 2, 'UTF-8'],
  ['NULs', bytesOf(times(1000, 0)), 2],
  ['a NUL behind its end', `${TEXT}\0`, 2],
  ['a page of HTML', '<!DOCTYPE html><html>', 2, 'web page'],
  ['a program', 'import os\nos.system("x")\n', 2],
  ['a line of 9 MB of digits', () => `0.${'1'.repeat(9_000_000)}`, 2],
  ['a line of 9 MB of letters', () => cell('x'.repeat(9_000_000)), 2, 'a line of'],
  ['a line of 9 MB of commas', () => ','.repeat(9_000_000), 2],
  ['a line of 9 MB of spaces', () => `${TEXT}${' '.repeat(9_000_000)}x`, 2],
  ['a line of 9 MB of quotes', () => cell('"'.repeat(9_000_000)), 2, 'a line of'],
  ['4.5 million numbers in a line', () => '0,'.repeat(4_500_000), 2],
  ['4.5 million lines', () => '0\n'.repeat(4_500_000), 2],
  ['700,000 numbers with ten digits', () => '0.5000000000 '.repeat(690_000), 2],
  ['9 MB of blank lines', () => `1${'\n'.repeat(9_000_000)}1`, 2],
  ['4 million blocks', () => '1\n\n'.repeat(3_000_000), 2],
  ['20 MB', () => '1 '.repeat(10_000_000), 2, 'at most'],
  ['cut in the middle of a row', TEXT.slice(0, -30), 2],
];

const INDEX = 'x.safetensors.index.json';
const SHARD = { 'a.safetensors': safetensorsBytes(WEIGHTS) };
const map = (files: Readonly<Record<string, unknown>>) =>
  JSON.stringify({ metadata: { total_size: 1 }, weight_map: files });
const every = (file: unknown) => map(Object.fromEntries(Object.keys(WEIGHTS).map((name) => [name, file])));
const one = (file: unknown) =>
  map({
    ...Object.fromEntries(Object.keys(WEIGHTS).map((name) => [name, 'a.safetensors'])),
    weight_hh_l0: file,
  });
const spare = (name: string, file: unknown) =>
  map({ ...Object.fromEntries(Object.keys(WEIGHTS).map((known) => [known, 'a.safetensors'])), [name]: file });

const indexRows: readonly Row[] = [
  ['as it is', every('a.safetensors'), 0],
  [
    'another size',
    JSON.stringify({ metadata: { total_size: -1e300 }, ...JSON.parse(every('a.safetensors')) }),
    0,
  ],
  [
    '50,000 tensors in files that are not there',
    () =>
      map({
        ...Object.fromEntries(
          Array.from({ length: 50_000 }, (_, i) => [`ghost${i}.weight`, `ghost${i}.safetensors`]),
        ),
        ...JSON.parse(every('a.safetensors')).weight_map,
      }),
    0,
  ],
  ['a tensor too much in a file', every('more.safetensors'), 0],
  ...[
    '',
    '.',
    '..',
    '...',
    '../a.safetensors',
    '/etc/passwd',
    '/etc/passwd.safetensors',
    '../../../../etc/passwd',
    './a.safetensors',
    'b/a.safetensors',
    'b\\a.safetensors',
    '..\\a.safetensors',
    'C:a.safetensors',
    'a.safetensors\0',
    'a\0.safetensors',
    'a',
    'a.pt',
    'a.safetensors.x',
    'a.json',
    'a.pickle',
    'file:///a.safetensors',
    INDEX,
  ].map((file): Row => [`a tensor in ${JSON.stringify(file)}`, one(file), 2, 'weight_hh_l0']),
  ...[null, 1, true, ['a.safetensors'], { file: 'a.safetensors' }, [1], 0.5].map(
    (file): Row => [`a tensor in ${JSON.stringify(file)}`, one(file), 2, 'weight_hh_l0'],
  ),
  ...WICKED_NAMES.map(
    ([what, name]): Row => [`a tensor in a file whose name has ${what}`, one(`${name}.safetensors`), 2],
  ),
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `a tensor whose name has ${what}, in no file`,
      spare(name, '../x'),
      2,
      'expected a .safetensors',
    ],
  ),
  ...INHERITED.map(
    (name): Row => [
      `a tensor named ${name}, in no file`,
      spare(name, 1)
        .replace('"weight_map":{', `"weight_map":{"${name}":"../x",`)
        .replace(/,"(\w+)":1}/, '}'),
      2,
      name,
    ],
  ),
  [
    'a tensor in a file that is not there',
    one('nothing.safetensors'),
    2,
    'nothing.safetensors',
    'no such file',
  ],
  [
    'a tensor in a file that does not have it',
    one('other.safetensors'),
    2,
    'weight_hh_l0',
    'other.safetensors',
  ],
  ['a tensor in a file with a fault', one('broken.safetensors'), 2, 'broken.safetensors'],
  ['a tensor in an empty file', one('empty.safetensors'), 2, 'empty.safetensors'],
  ['a tensor in a folder', one('folder.safetensors'), 2, 'folder.safetensors'],
  ['a tensor in a link to a device', one('zero.safetensors'), 2, 'zero.safetensors'],
  ['a tensor in a link to /etc/passwd', one('passwd.safetensors'), 2, 'passwd.safetensors'],
  ['a tensor in a link to itself', one('loop.safetensors'), 2, 'loop.safetensors'],
  ['a tensor in a pickle that runs something', one('evil.bin'), 2, 'evil.bin', 'would run os.system'],
  ['a tensor in a pickle that is none', one('broken.bin'), 2, 'broken.bin'],
  [
    'a tensor twice',
    every('a.safetensors').replace('"weight_map":{', '"weight_map":{"weight_hh_l0":"other.safetensors",'),
    2,
    'weight_hh_l0 appears twice',
  ],
  [
    'a tensor twice, once escaped',
    every('a.safetensors').replace(
      '"weight_map":{',
      '"weight_map":{"\\u0077eight_hh_l0":"other.safetensors",',
    ),
    2,
    'appears twice',
  ],
  ['two maps', every('a.safetensors').replace('{', '{"weight_map":{},'), 2, 'appears twice'],
  ['no map', '{}', 2, 'weight_map'],
  ['a map that is null', '{"weight_map":null}', 2, 'weight_map'],
  ['a map that is a list', '{"weight_map":[]}', 2, 'weight_map'],
  ['a map that is text', '{"weight_map":"a.safetensors"}', 2, 'weight_map'],
  ['a map of a prototype', '{"__proto__":{"weight_map":{"a":"b.safetensors"}}}', 2, 'weight_map'],
  ['a list', '[]', 2],
  ['an empty map', '{"weight_map":{}}', 2],
  ['nothing at all', '', 2],
  ['text', 'x', 2],
  ['a map that is cut', every('a.safetensors').slice(0, -3), 2, 'line 1'],
  ['maps in each other', `{"weight_map":${'{"a":'.repeat(50)}1${'}'.repeat(50)}}`, 2],
  ['100,000 brackets', `{"weight_map":${'{"a":'.repeat(100_000)}`, 2],
  [
    '300,000 tensors',
    () => map(Object.fromEntries(Array.from({ length: 300_000 }, (_, i) => [i, 'a.safetensors']))),
    2,
  ],
  ['a name of 5 MB', () => spare('n'.repeat(5_000_000), '../x'), 2],
];

const nowhere = (folder: string) => {
  fs.mkdirSync(path.join(folder, 'folder.safetensors'));
  fs.symlinkSync('/dev/zero', path.join(folder, 'zero.safetensors'));
  fs.symlinkSync('/etc/passwd', path.join(folder, 'passwd.safetensors'));
  fs.symlinkSync('loop.safetensors', path.join(folder, 'loop.safetensors'));
};

const SHARDS = {
  ...SHARD,
  'more.safetensors': safetensorsBytes(BUNDLE),
  'other.safetensors': safetensorsBytes(CASE),
  'broken.safetensors': safetensorsBytes(BUNDLE).subarray(0, -1),
  'empty.safetensors': '',
  'evil.bin': archive(pickle(reduce(global('os', 'system'), str(`touch ${CANARY}`)))),
  'broken.bin': 'x',
};

const RAW = { file: 'x.raw', dtype: 'float32', shape: CASE.output.shape };
/** A case whose expected output is a file of bytes. */
const rawCase = (
  name: string,
  expected: object,
  exit: 0 | 1 | 2,
  says: readonly string[],
  bytes: Uint8Array = CASE.output.bytes,
): HostileCase => ({
  name: `raw: ${name}`,
  files: {
    'case.json': JSON.stringify({
      weights: 'b.safetensors',
      input: 'b.safetensors',
      expected: { output: { ...RAW, ...expected } },
    }),
    'b.safetensors': safetensorsBytes(BUNDLE),
    'x.raw': bytes,
  },
  argv: ['.'],
  exit,
  says: exit === 0 ? ['parity'] : says,
});

const RAW_CASES: readonly HostileCase[] = [
  rawCase('as it is', {}, 0, []),
  rawCase('a byte more', {}, 2, ['x.raw', '193 bytes'], bytesOf(CASE.output.bytes, 0)),
  rawCase('a byte less', {}, 2, ['x.raw', '191 bytes'], CASE.output.bytes.subarray(1)),
  rawCase('nothing', {}, 2, ['x.raw', '0 bytes'], bytesOf()),
  rawCase('other numbers', {}, 1, ['differs'], floats(Array(48).fill(0.25))),
  rawCase('another dtype of the same size', { dtype: 'int32' }, 2, ['x.raw']),
  ...['float128', 'constructor', '__proto__', '', 'F32; rm', '\u001b[2J', 'complex64'].map((dtype) =>
    rawCase(`dtype ${JSON.stringify(dtype)}`, { dtype }, 2, ['dtype']),
  ),
  ...[
    [-48],
    [-6, -8],
    [48.5],
    [0.5, 96],
    [2 ** 53],
    [1e308, 1e308],
    [],
    [0],
    [6, 2, 5],
    [2 ** 32, 2 ** 32],
    Array(100).fill(1),
  ].map((shape) => rawCase(`shape ${JSON.stringify(shape).slice(0, 40)}`, { shape }, 2, [])),
  ...['48', null, [['48']], ['6', '2', '4'], { length: 3 }, [6, 2, null], [true, 48]].map((shape) =>
    rawCase(`shape ${JSON.stringify(shape)}`, { shape }, 2, ['case.json']),
  ),
  ...['../x.raw', '/etc/passwd', '/dev/zero', 'nothing.raw', '', '.', '\u001b[2J'].map((file) =>
    rawCase(`the file ${JSON.stringify(file)}`, { file }, 2, []),
  ),
  rawCase('a dtype only', { file: undefined }, 2, ['case.json']),
  rawCase('no dtype', { dtype: undefined }, 2, ['case.json']),
  rawCase('no shape', { shape: undefined }, 2, ['case.json']),
];

export const NUMBERS_CASES: readonly HostileCase[] = [
  ...casesOf('numbers', 'x.csv', 'expected', csvRows),
  ...casesOf('index', INDEX, 'weights', indexRows, SHARDS).map((hostile) => ({
    ...hostile,
    says: hostile.exit === 2 ? hostile.says.slice(1) : hostile.says,
    make: (folder: string) => {
      hostile.make?.(folder);
      nowhere(folder);
    },
  })),
  ...casesOf(
    'index of pickles',
    'x.bin.index.json',
    'weights',
    [
      ['as it is', every('a.bin'), 0],
      ['a shard that runs something', one('evil.bin'), 2],
    ],
    { 'a.bin': savedState(WEIGHTS), ...SHARDS },
  ).map((hostile) => ({ ...hostile, says: hostile.exit === 2 ? ['evil.bin'] : hostile.says })),
  ...RAW_CASES,
  {
    name: 'JSON: one long name before many others',
    files: {
      'x.json': `{"${'n'.repeat(1_000_000)}":{${Array.from({ length: 400 }, (_, i) => `"${i}":[1]`)}}}`,
    },
    exit: 2,
    says: ['x.json'],
  },
  {
    name: 'JSON: weights that are nested',
    files: {
      'x.json': JSON.stringify({ a: { __proto__: null, constructor: [1], '\u001b[2J': { b: [1] } } }),
      'case.safetensors': CASE_BYTES,
    },
    argv: ['--weights', 'x.json', '--input', 'case.safetensors', '--expected', 'case.safetensors'],
    exit: 2,
    says: ['x.json'],
  },
];
