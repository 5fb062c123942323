import { lstmBundle, raw, safetensorsBytes, withHeader } from '../write.js';
import type { HostileCase } from './corpus.js';

const FILE = 'x.safetensors';
const BASE = safetensorsBytes(lstmBundle());
const HEADER_LENGTH = Number(new DataView(BASE.buffer, BASE.byteOffset).getBigUint64(0, true));
const HEADER = Buffer.from(BASE.subarray(8, 8 + HEADER_LENGTH)).toString();
const DATA = BASE.subarray(8 + HEADER_LENGTH);
const END = DATA.length;

type Row = readonly [name: string, bytes: Uint8Array, exit: 0 | 1 | 2, ...says: string[]];

/** Four more bytes of data, described by these members of the header. */
const member = (text: string, more = 4) =>
  withHeader(`${HEADER.slice(0, -1)},${text}}`, Buffer.concat([DATA, new Uint8Array(more)]));
const tensor = (name: string, dtype: string, shape: string, offsets: string) =>
  `"${name}":{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;
/** One unused tensor more, a part of whose description may be anything. */
const spare = ({
  name = 'spare',
  dtype = '"F32"',
  shape = '[1]',
  offsets = `[${END},${END + 4}]`,
  more = 4,
}) => member(tensor(name, dtype, shape, offsets), more);
const length = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};
const bytesInHeader = (bytes: number[]) => {
  const text = Buffer.from(`${HEADER.slice(0, -1)},"__metadata__":{"note":"`);
  const header = Buffer.concat([text, Uint8Array.from(bytes), Buffer.from('"}}')]);
  return Buffer.concat([length(BigInt(header.length)), header, DATA]);
};
const withTensor = (name: string, values: (shape: readonly number[]) => ReturnType<typeof raw>) => {
  const tensors = lstmBundle();
  return safetensorsBytes({ ...tensors, [name]: values(tensors[name].shape) });
};
const filled = (value: number) => (shape: readonly number[]) =>
  raw(shape, Array(shape.reduce((a, b) => a * b)).fill(value));
const many = (count: number, one: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => one(i)).join(',');

const BITS: readonly [dtype: string, bits: number][] = [
  ...['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'].map(
    (d) => [d, 8] as [string, number],
  ),
  ['F4', 4],
  ...['I16', 'U16', 'F16', 'BF16'].map((d) => [d, 16] as [string, number]),
  ...['I32', 'U32', 'F32'].map((d) => [d, 32] as [string, number]),
  ...['I64', 'U64', 'F64', 'C64'].map((d) => [d, 64] as [string, number]),
];

const ROWS: readonly Row[] = [
  ['as it is', BASE, 0, 'parity'],

  // The length
  ['nothing at all', new Uint8Array(), 2, 'is empty'],
  ...[1, 4, 7].map((n): Row => [`${n} bytes`, BASE.subarray(0, n), 2, `found ${n} bytes`]),
  ['only a length', BASE.subarray(0, 8), 2, `a header of ${HEADER_LENGTH} bytes in a file of 8`],
  ...[100_000_001n, 2n ** 31n, 2n ** 32n + 16n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n].map(
    (n): Row => [
      `a header length of ${n}`,
      Buffer.concat([length(n), BASE.subarray(8)]),
      2,
      `found a header length of ${n} bytes, expected 100000000 at most`,
    ],
  ),
  [
    'a header of 100,000,000 bytes that are not there',
    Buffer.concat([length(100_000_000n), DATA]),
    2,
    'the header within the file',
  ],
  [
    'a header longer than the file by a byte',
    Buffer.concat([length(BigInt(BASE.length - 7)), BASE.subarray(8)]),
    2,
    'the header within the file',
  ],
  [
    'a header shorter by a byte',
    Buffer.concat([length(BigInt(HEADER_LENGTH - 1)), BASE.subarray(8)]),
    2,
    'line 1, column',
  ],
  [
    'a header longer by a byte',
    Buffer.concat([length(BigInt(HEADER_LENGTH + 1)), BASE.subarray(8)]),
    2,
    'x.safetensors',
  ],
  ['no header', withHeader('', DATA), 2, 'does not begin with {'],

  // Text
  ...[
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong NUL', [0xe0, 0x80, 0x80]],
    ['a surrogate in UTF-8', [0xed, 0xa0, 0x80]],
    ['a lone continuation', [0x80]],
    ['a character cut short', [0xe2, 0x82]],
    ['beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['a byte that is never used', [0xff]],
    ['Latin-1', [0xe9]],
  ].map(
    ([what, bytes]): Row => [
      `${what} in the header`,
      bytesInHeader(bytes as number[]),
      2,
      'is not UTF-8 text',
    ],
  ),
  ['a raw control byte in a string', bytesInHeader([0x1b, 0x5b]), 2, 'raw control characters'],
  ['a raw newline in a string', bytesInHeader([0x0a]), 2, 'raw control characters'],
  ['characters of four bytes', bytesInHeader([0xf0, 0x9f, 0x98, 0x80]), 0, 'parity'],
  ['a header cut in half', withHeader(HEADER.slice(0, HEADER_LENGTH / 2), DATA), 2, 'line 1, column'],
  ['a trailing comma', withHeader(`${HEADER.slice(0, -1)},}`, DATA), 2, 'expected a name in double quotes'],
  ['a comment', withHeader(`${HEADER.slice(0, -1)}/* */}`, DATA), 2, "expected ',' or '}'"],
  ['two objects', withHeader(`${HEADER}{}`, DATA), 2, 'expected the end of the file'],
  ['single quotes', withHeader(HEADER.replaceAll('"', "'"), DATA), 2, 'expected a name in double quotes'],
  ['a byte order mark', withHeader(`\ufeff${HEADER}`, DATA), 2, 'does not begin with {'],
  ['NULs as padding', withHeader(`${HEADER}\0\0\0`, DATA), 2, 'expected the end of the file'],
  ['spaces as padding', withHeader(`${HEADER}     `, DATA), 0, 'parity'],
  ['newlines as padding', withHeader(`${HEADER}\n\n`, DATA), 0, 'parity'],
  ['a space before the header', withHeader(` ${HEADER}`, DATA), 2, 'does not begin with {'],
  ['an array', withHeader('[]', DATA), 2, 'does not begin with {'],
  ['null', withHeader('null', DATA), 2, 'does not begin with {'],
  ['a string', withHeader('"x"', DATA), 2, 'does not begin with {'],
  ['no tensors', withHeader('{}'), 2, 'no tensors'],
  ['no tensors, and data', withHeader('{}', DATA), 2, `found ${END} bytes of tensor data, expected 0`],
  ['a lone surrogate as a name', spare({ name: '\\ud800' }), 2, 'half of a surrogate pair'],
  [
    'half a pair in the metadata',
    member('"__metadata__":{"a":"\\udc00"}', 0),
    2,
    '__metadata__',
    'half of a surrogate pair',
  ],
  ['an unknown escape', spare({ name: '\\x41' }), 2, 'unknown escapes'],
  ['an escape cut short', spare({ name: '\\u00' }), 2, 'unknown escapes'],
  ...[33, 128, 10_000, 1_000_000].flatMap((depth): Row[] => [
    [
      `${depth} arrays in each other`,
      spare({ shape: '['.repeat(depth) + ']'.repeat(depth) }),
      2,
      'spare',
      'nested deeper than 32',
    ],
    [
      `${depth} objects in each other`,
      spare({ shape: `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}` }),
      2,
      'spare.',
      'nested deeper than 32',
    ],
  ]),

  // Names twice
  ['a tensor twice', spare({ name: 'input' }), 2, 'the name input appears twice'],
  ['a tensor twice, once escaped', spare({ name: '\\u0069nput' }), 2, 'the name input appears twice'],
  ...['dtype', 'shape', 'data_offsets'].map(
    (field): Row => [
      `${field} twice`,
      member(`"spare":{"${field}":null,"dtype":"F32","shape":[1],"data_offsets":[${END},${END + 4}]}`),
      2,
      'spare',
      `the name ${field} appears twice`,
    ],
  ),
  [
    'metadata twice',
    member('"__metadata__":{},"__metadata__":{}', 0),
    2,
    'the name __metadata__ appears twice',
  ],
  [
    'a key of the metadata twice',
    member('"__metadata__":{"a":"1","a":"2"}', 0),
    2,
    '__metadata__: the name a appears twice',
  ],

  // Metadata
  ['metadata that is null', member('"__metadata__":null', 0), 0, 'parity'],
  ['metadata that is empty', member('"__metadata__":{}', 0), 0, 'parity'],
  [
    'metadata of other programs',
    member('"__metadata__":{"format":"pt","ss_tag":"{\\"a\\":1}"}', 0),
    0,
    'parity',
  ],
  ...['{"a":1}', '{"a":null}', '{"a":{}}', '{"a":["b"]}', '[]', '"text"', '1', 'true'].map(
    (value): Row => [`metadata that is ${value}`, member(`"__metadata__":${value}`, 0), 2, '__metadata__'],
  ),
  [
    'a tensor of that name',
    spare({ name: '__metadata__' }),
    2,
    '__metadata__: holds something else than text',
  ],
  ['an unknown module', member('"__metadata__":{"module":"Transformer"}', 0), 2, 'module: is not one of RNN'],
  ['a tolerance that is negative', member('"__metadata__":{"atol":"-1"}', 0), 2, 'atol'],
  ['a tolerance that is infinite', member('"__metadata__":{"rtol":"Infinity"}', 0), 2, 'rtol'],
  ['a tolerance of 1e999', member('"__metadata__":{"rtol":"1e999"}', 0), 2, 'rtol'],
  ['a tolerance in hexadecimal', member('"__metadata__":{"atol":"0x10"}', 0), 2, 'atol'],
  ['a batch_first of maybe', member('"__metadata__":{"batch_first":"maybe"}', 0), 2, 'batch_first'],
  [
    'a tolerance that lets everything pass',
    member('"__metadata__":{"atol":"1e9"}', 0),
    0,
    'zeros would pass too',
  ],

  // Descriptions
  [
    'an unknown field',
    member(`"spare":{"dtype":"F32","shape":[1],"data_offsets":[${END},${END + 4}],"device":"cpu"}`),
    0,
    'parity',
  ],
  ['a description that is a list', member(`"spare":["F32",[1],[${END},${END + 4}]]`), 2, 'spare'],
  ['a description that is null', member('"spare":null'), 2, 'spare', 'is not an object'],
  ['a description that is text', member('"spare":"F32"'), 2, 'spare', 'is not an object'],
  ['a description that is empty', member('"spare":{}'), 2, 'spare: its dtype'],
  ...[
    '"F128"',
    '"C128"',
    '"f32"',
    '"F32 "',
    '""',
    'null',
    '32',
    '{"F32":null}',
    '["F32"]',
    '"F32\\u0000"',
  ].map((dtype): Row => [`dtype ${dtype}`, spare({ dtype }), 2, 'spare', 'dtype']),
  ...BITS.map(
    ([dtype, bits]): Row => [
      `an unused tensor of ${dtype}`,
      spare({ dtype: `"${dtype}"`, shape: '[2]', offsets: `[${END},${END + bits / 4}]`, more: bits / 4 }),
      0,
      'parity',
    ],
  ),
  ...['F6_E2M3', 'F6_E3M2'].flatMap((dtype): Row[] => [
    [
      `four values of ${dtype}`,
      spare({ dtype: `"${dtype}"`, shape: '[4]', offsets: `[${END},${END + 3}]`, more: 3 }),
      0,
      'parity',
    ],
    [
      `three values of ${dtype}`,
      spare({ dtype: `"${dtype}"`, shape: '[3]', offsets: `[${END},${END + 2}]`, more: 2 }),
      2,
      'spare',
    ],
  ]),
  [
    'three values of four bits',
    spare({ dtype: '"F4"', shape: '[3]', offsets: `[${END},${END + 1}]`, more: 1 }),
    2,
    'spare',
  ],
  ...[
    '["1"]',
    '[true]',
    '[null]',
    '[-1]',
    '[1.5]',
    '["NaN"]',
    '[9007199254740992]',
    '[18446744073709551616]',
    '[1e308]',
    '[[1]]',
    '[[]]',
    '1',
    '"1"',
    'null',
    '{}',
    '{"0":1}',
    `[${'1,'.repeat(70)}1]`,
  ].map((shape): Row => [`shape ${shape.slice(0, 40)}`, spare({ shape }), 2, 'spare', 'shape']),
  ['shape [1e400]', spare({ shape: '[1e400]' }), 2, 'spare.shape: a number is too large'],
  ...['[1.0]', '[1e0]'].map((shape): Row => [`shape ${shape}`, spare({ shape }), 0, 'parity']),
  ['a scalar', spare({ shape: '[]' }), 0, 'parity'],
  ['zero size', spare({ shape: '[0]', offsets: `[${END},${END}]`, more: 0 }), 0, 'parity'],
  [
    'zero size in three dimensions',
    spare({ shape: '[2,0,3]', offsets: `[${END},${END}]`, more: 0 }),
    0,
    'parity',
  ],
  [
    'zero size before huge ones',
    spare({ shape: '[0,1099511627776,1099511627776]', offsets: `[${END},${END}]`, more: 0 }),
    0,
    'parity',
  ],
  [
    'zero size after huge ones',
    spare({ shape: '[1099511627776,1099511627776,0]', offsets: `[${END},${END}]`, more: 0 }),
    2,
    'spare',
    'larger than any file',
  ],
  ...[
    '[2305843009213693952]',
    '[4294967296,4294967296]',
    '[1099511627776,1099511627776]',
    '[9007199254740991,9007199254740991]',
  ].map((shape): Row => [`shape ${shape}, a product beyond 2^53`, spare({ shape }), 2, 'spare']),
  [
    'a petabyte',
    spare({ shape: '[281474976710655]' }),
    2,
    'spare: found 4 bytes of data, expected 1125899906842620',
  ],

  // Offsets
  ...[
    ['one offset', `[${END}]`],
    ['three offsets', `[${END},${END + 2},${END + 4}]`],
    ['no offsets', '[]'],
    ['offsets as text', `["${END}","${END + 4}"]`],
    ['a negative offset', `[-4,0]`],
    ['a fraction', `[${END}.5,${END + 4}.5]`],
    ['offsets in a row of their own', `[[${END},${END + 4}]]`],
    ['offsets that are null', 'null'],
    ['an offset beyond 2^53', `[${END},9007199254740996]`],
    ['reversed offsets', `[${END + 4},${END}]`],
  ].map(([what, offsets]): Row => [what, spare({ offsets }), 2, 'spare']),
  [
    'data that are too short for the shape',
    spare({ offsets: `[${END},${END + 3}]`, more: 3 }),
    2,
    'spare: found 3 bytes of data, expected 4 for F32 [1]',
  ],
  [
    'data that are too long for the shape',
    spare({ offsets: `[${END},${END + 8}]`, more: 8 }),
    2,
    'spare: found 8 bytes of data, expected 4',
  ],
  ['an alias', spare({ offsets: `[${END - 4},${END}]`, more: 0 }), 2, 'overlap or leave a hole'],
  [
    'the whole file again',
    spare({ shape: `[${END / 4}]`, offsets: `[0,${END}]`, more: 0 }),
    2,
    'overlap or leave a hole',
  ],
  ['an overlap of one byte', spare({ offsets: `[${END - 1},${END + 3}]`, more: 3 }), 2, 'spare', 'overlap'],
  ['a hole of one byte', spare({ offsets: `[${END + 1},${END + 5}]`, more: 5 }), 2, 'spare', 'hole'],
  ['offsets beyond the end of the file', spare({ offsets: `[${END},${END + 4}]`, more: 0 }), 2, 'cut short'],
  [
    'a tensor that ends at 2^52',
    spare({ dtype: '"U8"', shape: '[4503599627370496]', offsets: `[${END},${4503599627370496 + END}]` }),
    2,
    'spare',
  ],
  ['a byte too many', Buffer.concat([BASE, new Uint8Array(1)]), 2, 'appended'],
  ['a zip appended', Buffer.concat([BASE, Buffer.from('PK\x03\x04 and more')]), 2, 'appended'],
  ['a byte too few', BASE.subarray(0, -1), 2, 'cut short'],
  ['only the header', BASE.subarray(0, 8 + HEADER_LENGTH), 2, 'cut short'],
  [
    'zero size where a neighbour begins',
    member(
      `${tensor('a', '"F32"', '[1]', `[${END},${END + 4}]`)},${tensor('b', '"F32"', '[0]', `[${END},${END}]`)}`,
    ),
    0,
    'parity',
  ],
  [
    'data in another order than the header',
    member(
      `${tensor('a', '"F32"', '[1]', `[${END + 4},${END + 8}]`)},${tensor('b', '"F32"', '[1]', `[${END},${END + 4}]`)}`,
      8,
    ),
    0,
    'parity',
  ],
  [
    'a header of odd length',
    withHeader(`${HEADER} `.padEnd(HEADER_LENGTH % 2 ? HEADER_LENGTH + 2 : HEADER_LENGTH + 1), DATA),
    0,
    'parity',
  ],
  [
    'every tensor at an odd place',
    safetensorsBytes({ odd: { dtype: 'U8', shape: [1], bytes: new Uint8Array(1) }, ...lstmBundle() }),
    0,
    'parity',
  ],

  // Names
  ...[
    '',
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'toString',
    '\\u0000',
    '\\u001b[2J',
    '../../etc/passwd',
    '0',
  ].map((name): Row => [`an unused tensor named "${name}"`, spare({ name }), 0, 'parity']),
  ['a name of a million letters', spare({ name: 'x'.repeat(1_000_000) }), 0, 'parity'],
  [
    'a broken tensor with a name of a million letters',
    spare({ name: 'x'.repeat(1_000_000), shape: '[2]' }),
    2,
    'xxx…',
  ],
  [
    '65,537 tensors',
    member(
      many(65_537, (i) => tensor(`${i}`, '"U8"', '[0]', `[${END},${END}]`)),
      0,
    ),
    2,
    'more than 65536 names',
  ],
  [
    '65,000 modules',
    member(
      many(65_000, (i) => tensor(`m${i}.weight_ih_l0`, '"U8"', '[0]', `[${END},${END}]`)),
      0,
    ),
    2,
    '--prefix',
  ],
  [
    '65,000 modules, of which one is chosen',
    member(
      `"__metadata__":{"module":"LSTM","prefix":"m5."},${many(65_000, (i) => tensor(`m${i}.weight_ih_l0`, '"U8"', '[0]', `[${END},${END}]`))}`,
      0,
    ),
    2,
    'm5.',
  ],
  [
    '65,000 names that are nearly parameters',
    member(
      many(65_000, (i) => tensor(`weight_ih_l0${i}x`, '"U8"', '[0]', `[${END},${END}]`)),
      0,
    ),
    2,
    'unexpected  weight_ih_l00x',
    'more',
  ],
  [
    '60,000 layers',
    member(
      many(60_000, (i) => tensor(`weight_ih_l${i + 1}`, '"U8"', '[0]', `[${END},${END}]`)),
      0,
    ),
    2,
    'weight_ih_l',
  ],
  ['a layer numbered 10^15', spare({ name: 'weight_ih_l1000000000000000' }), 2, 'weight_'],
  ['a layer numbered 2^31', spare({ name: 'weight_hh_l2147483648' }), 2, 'weight_'],
  [
    '700,000 keys in the metadata',
    member(`"__metadata__":{${many(700_000, (i) => `"${i}":""`)}}`, 0),
    2,
    'more than 65536 names',
  ],
  [
    '700,000 unknown fields',
    member(`"spare":{${many(700_000, (i) => `"${i}":0`)}}`),
    2,
    'more than 65536 names',
  ],
  [
    'a shape of 4,000,000 dimensions',
    spare({ shape: `[${'1,'.repeat(4_000_000)}1]` }),
    2,
    'spare.shape: is a list of more than 1000 numbers',
  ],
  [
    'a shape of 4,000,000 rows',
    spare({ shape: `[${'[],'.repeat(3_000_000)}[]]` }),
    2,
    'spare.shape: is a list of more than 1000 numbers',
  ],
  ['8 MB of spaces', withHeader(`${HEADER}${' '.repeat(8_000_000)}`, DATA), 0, 'parity'],
  [
    'a number of 8,000,000 digits',
    spare({ shape: `[${'1'.repeat(8_000_000)}]` }),
    2,
    'a number is too large',
  ],
  ['8 MB of metadata', member(`"__metadata__":{"note":"${'x'.repeat(8_000_000)}"}`, 0), 0, 'parity'],
  ['8 MB of escapes', member(`"__metadata__":{"note":"${'\\u0041'.repeat(1_400_000)}"}`, 0), 0, 'parity'],

  // Values, and what is needed
  ['NaN in a weight', withTensor('weight_hh_l0', filled(Number.NaN)), 1, 'NaN'],
  ['infinity in a weight', withTensor('weight_ih_l0', filled(Number.POSITIVE_INFINITY)), 1, 'differs'],
  ['NaN in the input', withTensor('input', filled(Number.NaN)), 1, 'NaN'],
  ['NaN as expected', withTensor('h_n', filled(Number.NaN)), 1, 'NaN'],
  ['infinity as expected', withTensor('c_n', filled(Number.NEGATIVE_INFINITY)), 1, '-inf'],
  [
    'NaN everywhere',
    safetensorsBytes(
      Object.fromEntries(
        Object.entries(lstmBundle()).map(([name, { shape }]) => [name, filled(Number.NaN)(shape)]),
      ),
    ),
    1,
    'NaN',
  ],
  ['zeros as expected', withTensor('output', filled(0)), 1, 'differs'],
  ['one value as expected', withTensor('output', () => raw([1], [0])), 2, 'output: found [1]'],
  ['no values as expected', withTensor('output', () => raw([0, 2, 4], [])), 2, 'output: found [0, 2, 4]'],
  [
    'no steps',
    safetensorsBytes({ ...lstmBundle(), input: raw([0, 2, 3], []), output: raw([0, 2, 4], []) }),
    2,
    'input: found [0, 2, 3]',
  ],
  [
    'no rows',
    safetensorsBytes({
      ...lstmBundle(),
      input: raw([6, 0, 3], []),
      output: raw([6, 0, 4], []),
      h_0: raw([1, 0, 4], []),
      c_0: raw([1, 0, 4], []),
      h_n: raw([1, 0, 4], []),
      c_n: raw([1, 0, 4], []),
    }),
    2,
    'input: found [6, 0, 3]',
  ],
  [
    'no units',
    safetensorsBytes({ ...lstmBundle(), weight_hh_l0: raw([0, 0], []), weight_ih_l0: raw([0, 3], []) }),
    2,
    'weight_',
  ],
  ['a scalar as weight', withTensor('weight_hh_l0', () => raw([], [1])), 2, 'weight_hh_l0'],
  [
    'a weight of nine dimensions',
    withTensor('weight_hh_l0', () => raw([1, 1, 1, 1, 1, 1, 1, 16, 4], Array(64).fill(0))),
    2,
    'weight_hh_l0',
  ],
  ...['I64', 'U8', 'F8_E4M3', 'BOOL', 'C64', 'F4'].map((dtype): Row => {
    const bits = new Map(BITS).get(dtype)!;
    const weights = { dtype, shape: [16, 4], bytes: new Uint8Array((64 * bits) / 8) };
    return [
      `a weight of ${dtype}`,
      safetensorsBytes({ ...lstmBundle(), weight_hh_l0: weights }),
      2,
      'weight_hh_l0: found dtype',
    ];
  }),
];

export const SAFETENSORS_CASES: readonly HostileCase[] = ROWS.map(([name, bytes, exit, ...says]) => ({
  name: `safetensors: ${name.slice(0, 80)}`,
  files: { [FILE]: bytes },
  exit,
  says: exit === 2 ? [FILE, ...says] : says,
}));
