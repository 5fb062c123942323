import type { Random } from './random.js';

const INTERESTING = [
  0, 1, 9, 10, 13, 27, 32, 34, 44, 45, 46, 48, 57, 58, 91, 92, 93, 101, 123, 125, 127, 128, 191, 192, 237,
  255,
];

/** Bytes that mutations put into a file. */
export type Tokens = readonly Uint8Array[];

const bytes = (texts: readonly string[]): Tokens => texts.map((text) => Buffer.from(text, 'latin1'));
const utf8 = (texts: readonly string[]): Tokens => texts.map((text) => new TextEncoder().encode(text));

// What readers of these formats know, and what they trip over.
const TOKENS = utf8([
  '"dtype"',
  '"shape"',
  '"data_offsets"',
  '"data"',
  '"__metadata__"',
  '"__proto__"',
  '"case"',
  '"F32"',
  '"F64"',
  '"BF16"',
  '"I64"',
  '"F4"',
  '"NaN"',
  '"Infinity"',
  '[0,4]',
  '[]',
  '[[]]',
  '{}',
  'null',
  'true',
  '-0',
  '1e400',
  '1e-400',
  '1.0',
  '9007199254740993',
  '18446744073709551615',
  '\\u0000',
  '\\ud800',
  '\\"',
  ',',
  ':',
  '\ufeff',
  '😀',
  '{"a":',
  '[[[[[[[[',
]);

/** Opcodes and names of pickles, with operands. */
export const PICKLE_TOKENS = bytes([
  ...'.(tR}]u)saebNQ0oi',
  '\x80\x02',
  '\x81',
  '\x85',
  '\x86',
  '\x87',
  '\x88',
  '\x8a\x01\xff',
  '\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01',
  '\x8f',
  '\x93',
  'K\x00',
  'K\xff',
  'J\xff\xff\xff\xff',
  'J\xff\xff\xff\x7f',
  'M\xff\xff',
  'G\x7f\xf0\x00\x00\x00\x00\x00\x00',
  'X\x01\x00\x00\x00a',
  'X\xff\xff\xff\xff',
  'q\x00',
  'h\x00',
  'h\x01',
  'r\xff\xff\xff\xff',
  'ccollections\nOrderedDict\n',
  'ctorch._utils\n_rebuild_tensor_v2\n',
  'ctorch._utils\n_rebuild_parameter\n',
  'ctorch._tensor\n_rebuild_from_type_v2\n',
  'ctorch\nFloatStorage\n',
  'ctorch\nDoubleStorage\n',
  'ctorch.storage\nUntypedStorage\n',
  'ctorch\nSize\n',
  'c__torch__\nM\n)\x81',
  'cos\nsystem\n',
]);

export const NPY_TOKENS = utf8([
  ...["'<f8'", "'>f4'", "'|i1'", "'<i8'", "'|O'", "'<constructor'", 'True', 'False', '()', '(0,)', '(-1,)'],
  ...['(2, 2)', '(4L,)', '9007199254740991, ', '0, ', ' ', ',', "'descr': ", "'shape': ", '{', '}', '\n'],
]);

export const ROW_TOKENS = utf8([
  ...[
    ',',
    ';',
    '\t',
    ' ',
    '\n',
    '\n\n',
    '\r\n',
    '#',
    '"',
    'nan',
    '-inf',
    '1e999',
    '1e-999',
    '0x1',
    '.',
    '-',
    '\0',
  ],
  ...['\ufeff', '1.', '00', 'e5', 'a,b', ',1', '123456789012345678'],
]);

export const INDEX_TOKENS = utf8([
  ...[
    '"weight_map"',
    '"a.safetensors"',
    '"b.bin"',
    '"../x"',
    '"__proto__"',
    'null',
    '{}',
    '[]',
    ',',
    ':',
    '/',
    '..',
  ],
  ...['"a"', '"b"', '"x.safetensors"', '\\u0000', '.bin'],
]);

/** Tags, lengths and names of ONNX's messages. */
export const PROTOBUF_TOKENS = bytes([
  ...[
    '\x00',
    '\x08\x00',
    '\x08\x01',
    '\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01',
    '\x10\x01',
    '\x10\x0b',
    '\x10\x07',
  ],
  ...[
    '\x70\x01',
    '\x0a\x00',
    '\x12\x00',
    '\x1a\x00',
    '\x2a\x00',
    '\x3a\x00',
    '\x42\x00',
    '\x4a\x00',
    '\x4a\x04abcd',
  ],
  ...['\x0b', '\x0c', '\x0f', '\xff\xff\xff\xff\x0f', '\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01'],
  ...[
    '\x0a\x01X',
    '\x0a\x01W',
    '\x0a\x01R',
    '\x12\x01w',
    '\x22\x04LSTM',
    '\x22\x03GRU',
    '\x22\x06Concat',
    '\x22\x05Slice',
  ],
  ...['\x22\x0bconstructor', '\x22\x08Identity', '\x22\x09Transpose', '\x22\x09Unsqueeze', '\x22\x07Squeeze'],
]);

/** One to four changes to a file: flipped bits, other bytes, cuts, copies, tokens, parts of another file. */
export function mutate(
  file: Uint8Array,
  other: Uint8Array,
  random: Random,
  tokens: Tokens = TOKENS,
): Uint8Array {
  let bytes = Uint8Array.from(file);
  for (let changes = 1 + random.below(1 + random.below(4)); changes > 0; changes--)
    bytes = change(bytes, other, random, tokens);
  return bytes;
}

function change(
  bytes: Uint8Array,
  other: Uint8Array,
  random: Random,
  tokens: Tokens,
): Uint8Array<ArrayBuffer> {
  const at = random.below(bytes.length + 1);
  const length = random.below(Math.min(16, bytes.length - at) + 1);
  const result = Uint8Array.from(bytes);
  switch (random.below(7)) {
    case 0:
      if (at < result.length) result[at] ^= 1 << random.below(8);
      return result;
    case 1:
      if (at < result.length) result[at] = random.chance(0.7) ? random.pick(INTERESTING) : random.below(256);
      return result;
    case 2:
      return spliced(result, at, length, new Uint8Array());
    case 3:
      return spliced(result, at, 0, result.subarray(at, at + length));
    case 4:
      return spliced(result, at, random.chance(0.5) ? length : 0, random.pick(tokens));
    case 5: {
      const from = random.below(other.length + 1);
      return spliced(result, at, length, other.subarray(from, from + random.below(32)));
    }
    default:
      return random.chance(0.2)
        ? result.slice(0, at)
        : result.fill(random.pick(INTERESTING), at, at + length);
  }
}

function spliced(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(bytes.length - remove + insert.length);
  result.set(bytes.subarray(0, at));
  result.set(insert, at);
  result.set(bytes.subarray(at + remove), at + insert.length);
  return result;
}
