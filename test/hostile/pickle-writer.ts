import type { RawTensor } from '../write.js';
import { bytesOf, type Part, u16, u32 } from './bytes.js';

// A part for each of Python's opcodes that torch.save writes, by the names of pickletools, and for some that it does not.

export const NONE: Part = 'N';
export const TRUE: Part = 0x88;
export const FALSE: Part = 0x89;
export const MARK: Part = '(';
export const REDUCE: Part = 'R';
export const BUILD: Part = 'b';
export const NEWOBJ: Part = 0x81;
export const BINPERSID: Part = 'Q';
export const EMPTY_TUPLE: Part = ')';
export const EMPTY_LIST: Part = ']';
export const EMPTY_DICT: Part = '}';
export const EMPTY_SET: Part = 0x8f;
export const TUPLE1: Part = 0x85;
export const SETITEM: Part = 's';
export const SETITEMS: Part = 'u';
export const APPEND: Part = 'a';
export const APPENDS: Part = 'e';
const STOP: Part = '.';

export const put = (index: number): Part => (index < 256 ? ['q', index] : ['r', u32(index)]);
export const get = (index: number): Part => (index < 256 ? ['h', index] : ['j', u32(index)]);

export function str(text: string | Uint8Array): Part {
  const bytes = bytesOf(text);
  return ['X', u32(bytes.length), bytes];
}

export function int(value: number | bigint): Part {
  const big = BigInt(value);
  if (big >= 0n && big < 256n) return ['K', Number(big)];
  if (big >= 0n && big < 65536n) return ['M', u16(Number(big))];
  if (big >= -(2n ** 31n) && big < 2n ** 31n) return ['J', u32(Number(BigInt.asUintN(32, big)))];
  const bytes: number[] = [];
  let rest = big;
  do {
    bytes.push(Number(rest & 255n));
    rest >>= 8n;
  } while (
    !((rest === 0n && bytes[bytes.length - 1] < 128) || (rest === -1n && bytes[bytes.length - 1] >= 128))
  );
  return [0x8a, bytes.length, bytes];
}

export function float(value: number): Part {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return ['G', bytes];
}

export const tuple = (...items: readonly Part[]): Part => [MARK, items, 't'];
export const list = (...items: readonly Part[]): Part => [EMPTY_LIST, MARK, items, APPENDS];
export const dict = (...items: readonly (readonly [Part, Part])[]): Part => [
  EMPTY_DICT,
  MARK,
  items,
  SETITEMS,
];
export const named = (values: Readonly<Record<string, Part>>): Part =>
  dict(...Object.entries(values).map(([key, value]) => [str(key), value] as const));
export const global = (module: string, name: string): Part => ['c', module, '\n', name, '\n'];
export const reduce = (callee: Part, ...args: readonly Part[]): Part => [callee, tuple(...args), REDUCE];
export const build = (object: Part, state: Part): Part => [object, state, BUILD];
/** An object of a class without arguments, as torch.jit.save writes one. */
export const object = (module: string, name: string, state: Part): Part => [
  global(module, name),
  EMPTY_TUPLE,
  NEWOBJ,
  state,
  BUILD,
];

/** A pickle of protocol 2. */
export const pickle = (...parts: readonly Part[]): Buffer => bytesOf(0x80, 2, parts, STOP);

const ORDERED_DICT = global('collections', 'OrderedDict');

/** An OrderedDict with the `_metadata` of a state_dict. */
export const orderedDict = (values: Readonly<Record<string, Part>>): Part => [
  reduce(ORDERED_DICT),
  MARK,
  Object.entries(values).map(([key, value]) => [str(key), value]),
  SETITEMS,
  named({ _metadata: build(reduce(ORDERED_DICT), EMPTY_DICT) }),
  BUILD,
];

export interface StorageParts {
  readonly key?: Part;
  readonly type?: Part;
  readonly count?: Part;
  readonly location?: Part;
  readonly view?: Part;
}

/** The persistent id of a storage. */
export const storage = ({
  key = str('0'),
  type = global('torch', 'FloatStorage'),
  count = int(4),
  location = str('cpu'),
  view,
}: StorageParts): Part => [
  tuple(str('storage'), type, key, location, count, ...(view ? [view] : [])),
  BINPERSID,
];

export interface TensorParts extends StorageParts {
  readonly offset?: Part;
  readonly shape?: Part;
  readonly strides?: Part;
  readonly stored?: Part;
  readonly rebuild?: Part;
}

/** A tensor, any part of which may be something else. */
export const tensor = ({
  offset = int(0),
  shape = tuple(int(4)),
  strides = tuple(int(1)),
  rebuild = global('torch._utils', '_rebuild_tensor_v2'),
  stored,
  ...parts
}: TensorParts): Part =>
  reduce(rebuild, stored ?? storage(parts), offset, shape, strides, FALSE, reduce(ORDERED_DICT));

export const ints = (values: readonly (number | bigint)[]): Part => tuple(...values.map(int));

export function rowMajorStrides(shape: readonly number[]): number[] {
  let step = 1;
  return shape
    .toReversed()
    .map((size) => {
      const stride = step;
      step *= size;
      return stride;
    })
    .reverse();
}

const STORAGE_TYPES: Readonly<Record<string, readonly [name: string, bytes: number]>> = {
  F32: ['FloatStorage', 4],
  F64: ['DoubleStorage', 8],
  I64: ['LongStorage', 8],
};

/** A tensor as torch.save writes it, whose storage has this key. */
export function storedTensor({ dtype, shape, bytes }: RawTensor, key: string): Part {
  const [type, size] = STORAGE_TYPES[dtype];
  return tensor({
    key: str(key),
    type: global('torch', type),
    count: int(bytes.length / size),
    shape: ints(shape),
    strides: ints(rowMajorStrides(shape)),
  });
}
