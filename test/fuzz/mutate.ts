import type { Random } from './random.js';

const INTERESTING = [
  0, 1, 9, 10, 13, 27, 32, 34, 44, 45, 46, 48, 57, 58, 91, 92, 93, 101, 123, 125, 127, 128, 191, 192, 237,
  255,
];

// What readers of these formats know, and what they trip over.
const TOKENS = [
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
].map((text) => new TextEncoder().encode(text));

/** One to four changes to a file: flipped bits, other bytes, cuts, copies, tokens, parts of another file. */
export function mutate(file: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let bytes = Uint8Array.from(file);
  for (let changes = 1 + random.below(1 + random.below(4)); changes > 0; changes--)
    bytes = change(bytes, other, random);
  return bytes;
}

function change(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
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
      return spliced(result, at, random.chance(0.5) ? length : 0, random.pick(TOKENS));
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
