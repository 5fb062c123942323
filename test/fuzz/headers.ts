import { mutate } from './mutate.js';
import type { Random } from './random.js';

const DTYPES: readonly [dtype: string, bits: number][] = [
  ['F32', 32],
  ['F64', 64],
  ['F16', 16],
  ['BF16', 16],
  ['I64', 64],
  ['U8', 8],
  ['BOOL', 8],
  ['F8_E4M3', 8],
  ['F4', 4],
  ['F6_E2M3', 6],
  ['C64', 64],
  ['F128', 128],
  ['f32', 32],
];
const NAMES = [
  'a',
  'b',
  'c',
  'weight',
  'm.w',
  '',
  '__proto__',
  '__metadata__',
  'é',
  '\\u0061',
  '\\u00e9',
  '\\ud83d\\ude00',
  '\\ud800',
  '\\n',
  '😀',
];
const SIZES = [
  '0',
  '1',
  '2',
  '3',
  '4',
  '7',
  '-1',
  '-0',
  '1.0',
  '1.5',
  '1e0',
  '01',
  '4294967296',
  '9007199254740992',
  '18446744073709551616',
  '1e400',
  'null',
  '"1"',
  '[1]',
];
const METADATA = [
  '{}',
  'null',
  '{"format":"pt"}',
  '{"a":"1","a":"2"}',
  '{"a":1}',
  '{"a":null}',
  '[]',
  '"x"',
  '{"a":"\\ud800"}',
];
const FIELDS = [
  '"device":"cpu"',
  '"device":null',
  '"strides":[1,2]',
  '"tags":["a"]',
  '"x":{"y":[true]}',
  '"n":1e400',
  '"s":"\\ud800"',
  '"dtype":"F32"',
  '"shape":[]',
];
const SPACE = ['', '', '', '', ' ', '\n', '\t\r\n '];

/**
 * A random safetensors file: mostly a valid one with something off, so that every check is reached and passed about as
 * often.
 */
export function randomFile(random: Random): Uint8Array {
  const odd = (probability: number) => random.chance(probability);
  const space = () => random.pick(SPACE);
  const size = () => (odd(0.03) ? random.pick(SIZES) : String(random.below(5)));
  const members: string[] = [];
  let end = 0;
  for (let count = random.below(5); count > 0; count--) {
    const [dtype, bits] = odd(0.85) ? random.pick(DTYPES.slice(0, 8)) : random.pick(DTYPES);
    const shape = Array.from({ length: random.below(4) }, size);
    const bytes = Math.ceil((shape.reduce((product, one) => product * Number(one), 1) * bits) / 8);
    const begin = end;
    end += Number.isFinite(bytes) && bytes > 0 && bytes < 10_000 ? bytes : 0;
    const offsets = [begin, end].map((offset) =>
      odd(0.03) ? random.pick([...SIZES, String(offset + 1), String(offset - 1)]) : String(offset),
    );
    const fields = [
      `"dtype":${space()}${odd(0.02) ? random.pick(['null', '{"F32":null}', '["F32"]', '1']) : `"${dtype}"`}`,
      `"shape":[${shape.join(`${space()},`)}]`,
      `"data_offsets":[${offsets.join(',')}]`,
    ];
    if (odd(0.2)) fields.reverse();
    if (odd(0.05)) fields.push(random.pick(FIELDS));
    if (odd(0.02)) fields.pop();
    const description = odd(0.02)
      ? `[${fields.map((field) => field.slice(field.indexOf(':') + 1)).join(',')}]`
      : `{${fields.join(`,${space()}`)}}`;
    members.push(`"${odd(0.7) ? `t${count}` : random.pick(NAMES)}":${description}`);
  }
  if (odd(0.3)) members.push(`"__metadata__":${random.pick(METADATA)}`);
  if (odd(0.2)) members.reverse();
  const text = `${odd(0.02) ? ' ' : ''}{${space()}${members.join(`${space()},${space()}`)}${odd(0.02) ? ',' : ''}}${space()}`;
  const header = odd(0.3)
    ? mutate(encoder.encode(text), encoder.encode(random.pick(FIELDS)), random)
    : encoder.encode(text);
  const data = Math.max(0, end + (odd(0.05) ? random.pick([-1, 1, 4]) : 0));
  const file = new Uint8Array(8 + header.length + data);
  const length = header.length + (odd(0.03) ? random.pick([-1, 1, 2 ** 27, 2 ** 40]) : 0);
  new DataView(file.buffer).setBigUint64(0, BigInt(Math.max(0, length)), true);
  file.set(header, 8);
  for (let i = 8 + header.length; i < file.length; i++) file[i] = i & 0xff;
  return file;
}

const encoder = new TextEncoder();
