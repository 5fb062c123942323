import { raw } from '../write.js';
import { bytesOf, floats, type Part, patched, times, u32, u64 } from './bytes.js';
import type { HostileCase } from './corpus.js';
import { CANARY, INHERITED, WICKED_NAMES } from './names.js';
import {
  FORBIDDEN,
  LAUGHS,
  MISFITS,
  OTHER_OPCODES,
  OTHER_ROOTS,
  TENSORS,
  UNDERFLOWS,
} from './pickle-parts.js';
import {
  APPEND,
  APPENDS,
  BINPERSID,
  BUILD,
  build,
  dict,
  EMPTY_DICT,
  EMPTY_LIST,
  EMPTY_SET,
  EMPTY_TUPLE,
  FALSE,
  float,
  get,
  global,
  int,
  ints,
  list,
  MARK,
  NEWOBJ,
  NONE,
  named,
  object,
  orderedDict,
  pickle,
  put,
  REDUCE,
  reduce,
  rowMajorStrides,
  SETITEM,
  SETITEMS,
  storage,
  str,
  TUPLE1,
  tensor,
  tuple,
} from './pickle-writer.js';
import { BUNDLE, casesOf, type Row } from './rows.js';
import {
  archive,
  LEGACY_MAGIC,
  legacy,
  partsOf,
  savedState,
  savedWith,
  scripted,
  scriptedPickle,
  scriptedState,
  storagesOf,
  systemSaying,
} from './torch-writer.js';

const FILE = 'x.pt';
const STORAGES = storagesOf(BUNDLE);
const FOUR = { spare: floats([1, 2, 3, 4]) };
const ORDERED_DICT = global('collections', 'OrderedDict');

/** The bundle, with one part more in it. Storages of parts have the key 0, which is one of the bundle's. */
const plus = (part: Part) => () => savedWith(BUNDLE, { spare: part });
const root = (...parts: readonly Part[]) =>
  archive(pickle(...parts), { storages: { 0: floats([1, 2, 3, 4]) } });
const spareTensor = (parts: Parameters<typeof tensor>[0]) => tensor({ key: str('spare'), ...parts });
const withSpare = (parts: Parameters<typeof tensor>[0], spare: Uint8Array = FOUR.spare) =>
  savedWith(BUNDLE, { spare: spareTensor(parts) }, { storages: { spare } });
/** The bundle with one of its tensors described otherwise; its storage is `spare`. */
const instead = (name: string, parts: Parameters<typeof tensor>[0], spare: Uint8Array) =>
  savedWith(BUNDLE, { [name]: spareTensor(parts) }, { storages: { spare } });

/** The weight as PyTorch stores a transposed one. */
function transposed(): Buffer {
  const { shape, bytes } = BUNDLE.weight_ih_l0;
  const [rows, columns] = shape;
  const values = new Float32Array(Uint8Array.from(bytes).buffer);
  const stored = Array.from(
    { length: values.length },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)],
  );
  return instead(
    'weight_ih_l0',
    { count: int(values.length), shape: ints(shape), strides: ints([1, rows]) },
    floats(stored),
  );
}

/** All tensors as views of one storage. */
function inOneStorage(): Buffer {
  let offset = 0;
  const parts = Object.entries(BUNDLE).map(([name, { shape, bytes }]) => {
    const begin = offset;
    offset += bytes.length / 4;
    return [name, begin, shape] as const;
  });
  const total = offset;
  const views = parts.map(([name, begin, shape]) => [
    name,
    spareTensor({
      count: int(total),
      offset: int(begin),
      shape: ints(shape),
      strides: ints(rowMajorStrides(shape)),
    }),
  ]);
  const spare = Buffer.concat(Object.values(BUNDLE).map(({ bytes }) => bytes));
  return archive(pickle(orderedDict(Object.fromEntries(views))), { storages: { spare } });
}

const MUCH = 1_400_000;

/** What both containers and TorchScript must withstand: much out of little. */
const growths: readonly (readonly [name: string, part: () => Part])[] = [
  ['lists of lists of lists', () => LAUGHS('list')],
  ['dicts of dicts of dicts', () => LAUGHS('dict')],
  ['tuples of tuples of tuples', () => LAUGHS('tuple')],
  ['a list that holds itself', () => [EMPTY_LIST, put(100), get(100), APPEND]],
  ['a dict that holds itself', () => [EMPTY_DICT, put(100), str('a'), get(100), SETITEM]],
  ['lists in each other 100,000 deep', () => [times(100_000, EMPTY_LIST), times(99_999, APPEND)]],
  ['200,000 TUPLE1', () => [NONE, times(200_000, TUPLE1)]],
  ['LONG_BINPUT 2^32 - 1', () => [NONE, put(2 ** 32 - 1)]],
  ['much text by one reference', () => tuple([str('x'.repeat(100_000)), put(100)], times(100_000, get(100)))],
  ['30,000 numbers of 255 bytes', () => tuple(times(30_000, [0x8a, 255, times(255, 0x55)]))],
  ['many lists', () => tuple(times(MUCH, EMPTY_LIST))],
  ['many dicts', () => tuple(times(MUCH, EMPTY_DICT))],
  ['many tuples', () => tuple(times(MUCH, EMPTY_TUPLE))],
  [
    'many things that are remembered',
    () => tuple(Array.from({ length: 300_000 }, (_, i) => [NONE, put(i + 1000)])),
  ],
  ['many classes', () => tuple(times(500_000, global('torch', 'Size')))],
  [
    'many storages',
    () =>
      tuple(
        [tuple(str('storage'), global('torch', 'FloatStorage'), str('0'), str('cpu'), int(4)), put(100)],
        times(700_000, [get(100), BINPERSID]),
      ),
  ],
  [
    'many tensors without a name',
    () =>
      tuple(
        [[tuple(storage({}), int(0), ints([4]), ints([1])), put(100)]],
        [global('torch._utils', '_rebuild_tensor_v2'), put(101)],
        times(400_000, [get(101), get(100), REDUCE]),
      ),
  ],
  [
    'a dict of a list that is copied many times',
    () =>
      tuple(
        [ORDERED_DICT, put(100)],
        [tuple([EMPTY_LIST, MARK, [ints([1, 2]), put(102)], times(50_000, get(102)), APPENDS]), put(101)],
        times(100, [get(100), get(101), REDUCE]),
      ),
  ],
  [
    'one tensor under many long names',
    () =>
      dict([
        str(`x${'k'.repeat(900)}`),
        tuple([tensor({ shape: ints([1]) }), put(100)], times(500_000, get(100))),
      ]),
  ],
  [
    'one long name in many dicts',
    () =>
      tuple(
        [tensor({ shape: ints([1]) }), put(100)],
        [str('k'.repeat(1_000_000)), put(101)],
        times(400, [EMPTY_DICT, get(101), get(100), SETITEM]),
      ),
  ],
];

const controls: readonly Row[] = [
  ['as it is', savedState(BUNDLE), 0],
  ['without padding and descriptors', savedState(BUNDLE, { end: { large: undefined } }), 0],
  [
    'deflated',
    savedState(BUNDLE, { files: { 'data.pkl': { deflated: true }, 'data/0': { deflated: true } } }),
    0,
  ],
  ['without a byte order', savedState(BUNDLE, { byteorder: undefined }), 0],
  ['of protocol 3', archive(patched(pickle(orderedDict(partsOf(BUNDLE))), 1, 3), { storages: STORAGES }), 0],
  ['version 1', savedState(BUNDLE, { version: '1' }), 0],
  ['version 10', savedState(BUNDLE, { version: '10\n' }), 0],
  ['a plain dict', archive(pickle(named(partsOf(BUNDLE))), { storages: STORAGES }), 0],
  [
    'a dict in a dict',
    archive(pickle(named({ spare: EMPTY_DICT, state: named(partsOf(BUNDLE)) })), { storages: STORAGES }),
    2,
    'state.input',
  ],
  [
    'with what a checkpoint has beside its tensors',
    () =>
      savedWith(BUNDLE, {
        epoch: int(3),
        loss: float(0.5),
        args: named({ lr: float(1e-3), betas: tuple(float(0.9), float(0.999)), name: str('x') }),
        device: reduce(global('torch', 'device'), str('cuda'), int(0)),
        shape: reduce(global('torch', 'Size'), list(int(1), int(2))),
        dtype: global('torch', 'float32'),
        counter: reduce(global('collections', 'Counter'), EMPTY_DICT),
        set: EMPTY_SET,
        complex: reduce(global('builtins', 'complex'), float(1), float(2)),
        bytes: reduce(global('_codecs', 'encode'), str('x'), str('latin1')),
        long: int(2n ** 70n),
        negative: int(-(2n ** 70n)),
      }),
    0,
  ],
  [
    'parameters',
    () =>
      savedWith(
        BUNDLE,
        Object.fromEntries(
          Object.entries(partsOf(BUNDLE)).map(([name, part]) => [
            name,
            reduce(global('torch._utils', '_rebuild_parameter'), part, FALSE, reduce(ORDERED_DICT)),
          ]),
        ),
      ),
    0,
  ],
  [
    'a storage on a GPU',
    instead(
      'h_n',
      { location: str('cuda:0'), count: int(8), shape: ints([1, 2, 4]), strides: ints([8, 4, 1]) },
      BUNDLE.h_n.bytes,
    ),
    0,
  ],
  ['a weight that is stored transposed', transposed, 0],
  ['all tensors in one storage', inOneStorage, 0],
  ['a spare tensor without elements', withSpare({ shape: ints([0, 3]), strides: ints([3, 1]) }), 0],
  [
    'a spare tensor of 10^12 elements by a stride of 0',
    withSpare({ shape: ints([10 ** 12]), strides: ints([0]) }),
    0,
  ],
  [
    'a spare tensor of sizes whose product is no number',
    withSpare({ shape: ints([...Array(20).fill(2n ** 53n - 1n), 0]), strides: ints(Array(21).fill(0)) }),
    0,
  ],
  [
    'a spare tensor of a dtype that is not read',
    withSpare({ type: global('torch', 'ComplexFloatStorage'), count: int(2), shape: ints([2]) }),
    0,
  ],
  ...INHERITED.map(
    (name): Row => [
      `a spare tensor named ${name}`,
      savedWith(BUNDLE, { [name]: spareTensor({}) }, { storages: FOUR }),
      0,
    ],
  ),
  ...INHERITED.map(
    (name): Row => [
      `items named ${name}`,
      savedWith(BUNDLE, { spare: named({ [name]: named({ dtype: str('x') }) }) }),
      0,
    ],
  ),
  ...INHERITED.map(
    (name): Row => [
      `a state with ${name}`,
      savedWith(BUNDLE, { spare: build(reduce(ORDERED_DICT), named({ [name]: str('x') })) }),
      0,
    ],
  ),
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `a spare tensor whose name has ${what}`,
      savedWith(BUNDLE, { [name]: spareTensor({}) }, { storages: FOUR }),
      0,
    ],
  ),
  ['a comment of the archive', savedState(BUNDLE, { end: { comment: 'x' } }), 0],
  [
    'a checksum that is wrong in a storage that is not used',
    savedWith(
      BUNDLE,
      { spare: spareTensor({}) },
      { storages: FOUR, files: { 'data/spare': { central: { crc: 1 } } } },
    ),
    0,
  ],
  [
    'storages that no tensor has',
    savedState(BUNDLE, { storages: { ...STORAGES, 999: floats([1]), '../../x': floats([1]) } }),
    0,
  ],
];

const containers: readonly Row[] = [
  ...['0', '11', '99', '-1', '', 'abc', 'NaN', '1\n\u001b[2J', '4294967299', '18446744073709551619'].map(
    (version): Row => [`version ${JSON.stringify(version)}`, savedState(BUNDLE, { version }), 2, 'version'],
  ),
  ['no version', savedState(BUNDLE, { version: undefined }), 2, 'no version'],
  ...['middle', '', 'LITTLE', 'little\0', '\u001b[2J', 'little-endian-or-not-so-little'].map(
    (byteorder): Row => [
      `byte order ${JSON.stringify(byteorder)}`,
      savedState(BUNDLE, { byteorder }),
      2,
      'byte order',
    ],
  ),
  ['no folder', savedState(BUNDLE, { root: '' }), 2, 'a zip archive of something else'],
  ['a folder in a folder', savedState(BUNDLE, { root: 'a/b/' }), 2],
  ['a root of /', savedState(BUNDLE, { root: '/' }), 2],
  [
    'two folders',
    savedState(BUNDLE, { more: [{ name: 'other/data.pkl', data: pickle(EMPTY_DICT) }] }),
    2,
    'outside',
  ],
  [
    'a file beside the folder',
    savedState(BUNDLE, { more: [{ name: 'setup.py', data: bytesOf('x') }] }),
    2,
    'setup.py',
  ],
  ...['../../etc/passwd', '/etc/passwd', '..\\x', 'C:\\x', '../archive/x', '.'].map(
    (name): Row => [
      `a file named ${name}`,
      savedState(BUNDLE, { more: [{ name, data: bytesOf('x') }] }),
      2,
      'outside',
    ],
  ),
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `a file whose name has ${what}`,
      savedState(BUNDLE, { more: [{ name, data: bytesOf('x') }] }),
      2,
      'outside',
    ],
  ),
  ...WICKED_NAMES.filter(([, name]) => !name.includes('/')).map(
    ([what, name]): Row => [
      `a folder whose name has ${what}`,
      savedState(BUNDLE, { root: `${name}/`, version: '99' }),
      2,
      'version',
    ],
  ),
  ['no pickle', savedState(BUNDLE, { files: { 'data.pkl': { name: 'other.pkl' } } }), 2],
  ['an empty pickle', archive(bytesOf(), { storages: STORAGES }), 2],
  [
    'no storages',
    archive(pickle(orderedDict(partsOf(BUNDLE)))),
    2,
    'archive/data/',
    'no such file in the archive',
  ],
  [
    'one storage less',
    savedState(BUNDLE, { files: { 'data/0': { name: 'data/zero' } } }),
    2,
    'archive/data/0',
    'no such file',
  ],
  [
    'a storage cut by an element',
    savedState(BUNDLE, { storages: { ...STORAGES, 0: STORAGES[0].subarray(4) } }),
    2,
    'archive/data/0',
    'bytes of numbers',
  ],
  [
    'a storage longer by an element',
    savedState(BUNDLE, { storages: { ...STORAGES, 0: bytesOf(STORAGES[0], u32(0)) } }),
    2,
    'archive/data/0',
    'bytes of numbers',
  ],
  [
    'a storage longer by a byte',
    savedState(BUNDLE, { storages: { ...STORAGES, 0: bytesOf(STORAGES[0], 0) } }),
    2,
    'archive/data/0',
    'bytes of numbers',
  ],
  [
    'an empty storage',
    savedState(BUNDLE, { storages: { ...STORAGES, 0: bytesOf() } }),
    2,
    'archive/data/0',
    'bytes of numbers',
  ],
  ...[
    '../../../../etc/passwd',
    '/etc/passwd',
    '',
    '..',
    '0/../1',
    '\u001b[2J',
    '__proto__',
    'constructor',
  ].map(
    (key): Row => [
      `a storage with the key ${JSON.stringify(key)}`,
      savedWith(BUNDLE, {
        h_n: tensor({ key: str(key), count: int(8), shape: ints([1, 2, 4]), strides: ints([8, 4, 1]) }),
      }),
      2,
      'no such file',
    ],
  ),
  [
    'a name that appears twice',
    archive(
      pickle(
        dict(...Object.entries(partsOf(BUNDLE)).map(([name, part]) => [str(name), part] as const), [
          str('h_n'),
          tensor({ key: str('spare'), count: int(8), shape: ints([1, 2, 4]), strides: ints([8, 4, 1]) }),
        ]),
      ),
      { storages: { ...STORAGES, spare: floats(Array(8).fill(9)) } },
    ),
    2,
    'h_n',
  ],
  [
    'something behind the end of the pickle',
    archive(bytesOf(pickle(orderedDict(partsOf(BUNDLE))), 'cos\nsystem\n'), { storages: STORAGES }),
    2,
  ],
  [
    'two pickles',
    archive(bytesOf(pickle(NONE), pickle(orderedDict(partsOf(BUNDLE)))), { storages: STORAGES }),
    2,
  ],
  [
    'a pickle without its end',
    archive(pickle(orderedDict(partsOf(BUNDLE))).subarray(0, -1), { storages: STORAGES }),
    2,
  ],
  [
    'a pickle cut in half',
    archive(pickle(orderedDict(partsOf(BUNDLE))).subarray(0, 400), { storages: STORAGES }),
    2,
  ],
  ['text in the place of the pickle', archive(bytesOf('import os'), { storages: STORAGES }), 2],
  ['zeros in the place of the pickle', archive(times(1000, 0), { storages: STORAGES }), 2],
];

/** A tensor that the case needs, which is far larger than what is stored. */
const expanded: readonly Row[] = [
  [
    'a weight of 10^12 elements',
    instead('weight_ih_l0', { shape: ints([16, 10 ** 12]), strides: ints([0, 0]) }, FOUR.spare),
    2,
    'weight_ih_l0',
  ],
  [
    'an input of 10^12 elements',
    instead('input', { shape: ints([10 ** 6, 10 ** 6, 3]), strides: ints([0, 0, 1]) }, FOUR.spare),
    2,
    'views',
  ],
  [
    'an output of 2^60 elements',
    instead('output', { shape: ints([2 ** 30, 2 ** 30]), strides: ints([0, 0]) }, FOUR.spare),
    2,
    'views',
  ],
  [
    'an output of infinitely many elements',
    instead('output', { shape: ints(Array(30).fill(2 ** 52)), strides: ints(Array(30).fill(0)) }, FOUR.spare),
    2,
    'views',
  ],
  [
    'lengths of 30 million elements',
    () =>
      savedWith(
        BUNDLE,
        {
          lengths: spareTensor({
            type: global('torch', 'CharStorage'),
            shape: ints([30_000_000]),
            strides: ints([0]),
          }),
        },
        { storages: { spare: bytesOf(u32(0)) } },
      ),
    2,
  ],
  [
    'an output of 15 million elements of 16 bits',
    instead(
      'output',
      { type: global('torch', 'HalfStorage'), count: int(2), shape: ints([15_000_000]), strides: ints([0]) },
      bytesOf(u32(0)),
    ),
    2,
  ],
  [
    'an output of 4 million elements',
    instead('output', { shape: ints([6, 2, 333_333]), strides: ints([0, 0, 0]) }, FOUR.spare),
    2,
  ],
  [
    'weights that do not exist, of 10^12 elements',
    instead('weight_hh_l0', { shape: ints([4 * 10 ** 6, 10 ** 6]), strides: ints([0, 0]) }, FOUR.spare),
    2,
  ],
  [
    'a weight of sizes 0',
    instead('weight_hh_l0', { shape: ints([0, 0]), strides: ints([0, 0]) }, FOUR.spare),
    2,
  ],
  [
    'an output without elements',
    instead('output', { shape: ints([6, 0, 4]), strides: ints([0, 0, 0]) }, FOUR.spare),
    2,
  ],
  [
    'an output of sizes whose product is no number',
    instead(
      'output',
      { shape: ints([...Array(20).fill(2n ** 53n - 1n), 0]), strides: ints(Array(21).fill(0)) },
      FOUR.spare,
    ),
    2,
  ],
  [
    'a weight that is complex',
    instead(
      'weight_ih_l0',
      {
        type: global('torch', 'ComplexFloatStorage'),
        count: int(48),
        shape: ints([16, 3]),
        strides: ints([3, 1]),
      },
      floats(Array(96).fill(0)),
    ),
    2,
    'weight_ih_l0',
  ],
  [
    'a weight that is true and false',
    instead(
      'weight_ih_l0',
      { type: global('torch', 'BoolStorage'), count: int(48), shape: ints([16, 3]), strides: ints([3, 1]) },
      times(48, 1),
    ),
    2,
    'weight_ih_l0',
  ],
  ['a weight that is a dict', savedWith(BUNDLE, { weight_ih_l0: EMPTY_DICT }), 2],
  ['a weight that is text', savedWith(BUNDLE, { weight_ih_l0: str('x') }), 2],
  ['an output that is NaN', savedState({ ...BUNDLE, output: raw([6, 2, 4], Array(48).fill(Number.NaN)) }), 1],
];

const zipRows: readonly Row[] = [
  ...controls,
  ...containers,
  ...expanded,
  ...[...FORBIDDEN, ...OTHER_OPCODES, ...MISFITS, ...TENSORS].map(
    ([name, part, ...says]): Row => [name, plus(part), 2, ...says],
  ),
  ...UNDERFLOWS.map(([name, part, ...says]): Row => [`only ${name}`, root(part), 2, ...says]),
  ...OTHER_ROOTS.map(([name, part, ...says]): Row => [`the object is ${name}`, root(part), 2, ...says]),
  ...growths.map(([name, part]): Row => [`as the object: ${name}`, () => root(part()), 2]),
  ['200,000 marks', root(times(200_000, MARK)), 2],
  ['two million marks', root(times(2_000_000, MARK)), 2],
  ['two million values', root(times(2_000_000, NONE)), 2, 'values'],
  [
    '100,000 spare tensors',
    () =>
      savedWith(
        BUNDLE,
        {
          spare: [
            EMPTY_DICT,
            MARK,
            Array.from({ length: 100_000 }, (_, i) => [int(i), i ? get(100) : [spareTensor({}), put(100)]]),
            SETITEMS,
          ],
        },
        { storages: FOUR },
      ),
    0,
  ],
];

const legacyRows: readonly Row[] = [
  ['as it is', legacy(BUNDLE), 0],
  ...FORBIDDEN.slice(0, 12).map(
    ([name, part, ...says]): Row => [
      name,
      legacy(BUNDLE, { object: orderedDict({ ...partsOf(BUNDLE), spare: part }) }),
      2,
      ...says,
    ],
  ),
  ...(['protocol', 'system', 'object', 'keys'] as const).map(
    (place): Row => [
      `a call in the place of the ${place}`,
      legacy(BUNDLE, { [place]: reduce(global('os', 'system'), str(`touch ${CANARY}`)) }),
      2,
      'would run os.system',
    ],
  ),
  ...TENSORS.slice(0, 12).map(
    ([name, part, ...says]): Row => [
      name,
      legacy(BUNDLE, { object: orderedDict({ ...partsOf(BUNDLE), spare: part }) }),
      2,
      ...says,
    ],
  ),
  ['protocol 1000', legacy(BUNDLE, { protocol: int(1000) }), 2, 'unknown protocol'],
  ['a protocol that is text', legacy(BUNDLE, { protocol: str('1001') }), 2, 'unknown protocol'],
  ['a protocol that is true', legacy(BUNDLE, { protocol: 0x88 }), 2, 'unknown protocol'],
  ['big-endian', legacy(BUNDLE, { system: systemSaying(false) }), 2, 'little-endian'],
  ['no byte order', legacy(BUNDLE, { system: EMPTY_DICT }), 2, 'little-endian'],
  ['a system that is None', legacy(BUNDLE, { system: NONE }), 2, 'little-endian'],
  ['keys that are a tuple', legacy(BUNDLE, { keys: tuple(str('0')) }), 2],
  ['keys that are None', legacy(BUNDLE, { keys: NONE }), 2],
  ['no keys', legacy(BUNDLE, { keys: EMPTY_LIST }), 2, 'behind its last storage'],
  ['no keys and no data', legacy(BUNDLE, { keys: EMPTY_LIST, data: [] }), 2],
  ['a key that is a number', legacy(BUNDLE, { keys: list(int(0)) }), 2, 'storage'],
  ['a key twice', legacy(BUNDLE, { keys: list(str('0'), str('0')) }), 2, 'storage'],
  ['a key of no tensor', legacy(BUNDLE, { keys: list(str('999')) }), 2, 'storage'],
  ...['__proto__', 'constructor', '\u001b[2J'].map(
    (key): Row => [`the key ${JSON.stringify(key)}`, legacy(BUNDLE, { keys: list(str(key)) }), 2, 'storage'],
  ),
  ...[0, 1, 2n ** 32n, 2n ** 53n, 2n ** 60n, 2n ** 64n - 1n].map(
    (count): Row => [
      `a storage of ${count} elements`,
      legacy(BUNDLE, { data: [u64(count), ...Object.values(BUNDLE).map(({ bytes }) => bytes)] }),
      2,
    ],
  ),
  ['something behind its end', bytesOf(legacy(BUNDLE), 0), 2, 'behind its last storage'],
  ['cut by a byte', legacy(BUNDLE).subarray(0, -1), 2],
  ['cut in half', legacy(BUNDLE).subarray(0, legacy(BUNDLE).length / 2), 2],
  ['only the magic number', LEGACY_MAGIC, 2],
  ['only half of the magic number', LEGACY_MAGIC.subarray(0, 8), 2],
  [
    'another magic number',
    legacy(BUNDLE, { magic: patched(LEGACY_MAGIC, 5, 0) }),
    2,
    'a pickle, but not one of torch.save',
  ],
  ['a plain pickle', pickle(named({ a: int(1) })), 2, 'a pickle'],
  ['a plain pickle of protocol 4', bytesOf(0x80, 4, 0x95, u64(2), NONE, '.'), 2, 'a pickle'],
  ['nothing that is known', bytesOf('hello world'), 2, 'no PyTorch checkpoint'],
  ['nothing at all', bytesOf(), 2],
  ['a tar file', bytesOf('sys_info', times(92, 0), '0000644', times(401, 0)), 2],
  [
    'many storages',
    () => {
      const count = 60_000;
      const keys = Array.from({ length: count }, (_, i) => `s${i}`);
      return legacy(BUNDLE, {
        object: orderedDict({
          spare: tuple(...keys.map((key) => storage({ key: str(key), count: int(1) }))),
        }),
        keys: list(...keys.map(str)),
        data: keys.map(() => [u64(1), u32(0)]),
      });
    },
    2,
  ],
  ['60,000 marks behind the object', legacy(BUNDLE, { keys: [list(), times(60_000, MARK)] }), 2],
];

const selfish: Part = [global('__torch__', 'M'), EMPTY_TUPLE, NEWOBJ, put(100), get(100), BUILD];
const chain = (length: number): Part => [
  times(length, [global('__torch__', 'M'), EMPTY_TUPLE, NEWOBJ]),
  NONE,
  times(length, BUILD),
];

const scriptedRows: readonly Row[] = [
  ['as it is', scriptedState(BUNDLE), 0],
  [
    'with lists of integers',
    scripted(
      { ...partsOf(BUNDLE), sizes: reduce(global('torch.jit._pickle', 'build_intlist'), list(int(1))) },
      { storages: STORAGES },
    ),
    0,
  ],
  [
    'with code that would do something',
    scriptedState(BUNDLE, {
      more: [
        { name: 'archive/code/__torch__/evil.py', data: bytesOf(`open(${JSON.stringify(CANARY)}, 'w')`) },
      ],
    }),
    0,
  ],
  [
    'with constants that are no pickle',
    scriptedState(BUNDLE, { files: { 'constants.pkl': { data: bytesOf('x') } } }),
    0,
  ],
  ...FORBIDDEN.slice(0, 12).map(
    ([name, part, ...says]): Row => [
      name,
      scripted({ ...partsOf(BUNDLE), spare: part }, { storages: STORAGES }),
      2,
      ...says,
    ],
  ),
  ...TENSORS.slice(0, 8).map(
    ([name, part, ...says]): Row => [
      name,
      scripted({ ...partsOf(BUNDLE), spare: part }, { storages: STORAGES }),
      2,
      ...says,
    ],
  ),
  [
    'a class of its own that is called',
    scripted({ spare: reduce(global('__torch__', 'Model'), NONE) }),
    2,
    '__torch__.Model',
  ],
  ['a class beside TorchScript’s own', scripted({ spare: object('__torch', 'Model', EMPTY_DICT) }), 2],
  [
    'a class whose name only begins as one',
    scripted({ spare: object('__torch__x', 'Model', EMPTY_DICT) }),
    2,
  ],
  ...WICKED_NAMES.filter(([, name]) => !name.includes('\n') && name.length < 900).map(
    ([what, name]): Row => [
      `a class whose name has ${what}`,
      scripted({ ...partsOf(BUNDLE), spare: object('__torch__', name, NONE) }, { storages: STORAGES }),
      0,
    ],
  ),
  ['an object whose state is itself', scriptedPickle(pickle(selfish)), 2],
  ['an object in itself', scripted({ spare: selfish }), 2],
  ['objects in each other 100,000 deep', scriptedPickle(pickle(chain(100_000))), 2],
  ['an attribute that is objects in each other 10,000 deep', scripted({ spare: chain(10_000) }), 2],
  ['an object whose state is None', scriptedPickle(pickle(object('__torch__', 'M', NONE))), 2],
  ['an object whose state is a tensor', scriptedPickle(pickle(object('__torch__', 'M', tensor({})))), 2],
  ['a type tag of nothing', scripted({ spare: reduce(global('torch.jit._pickle', 'restore_type_tag')) }), 2],
  ['a list of nothing', scripted({ spare: reduce(global('torch.jit._pickle', 'build_tensorlist')) }), 2],
  [
    'another function of torch.jit',
    scripted({ spare: reduce(global('torch.jit._pickle', 'eval'), str('x')) }),
    2,
  ],
  ...growths
    .slice(0, 8)
    .map(
      ([name, part]): Row => [
        name,
        scriptedPickle(pickle(object('__torch__', 'M', named({ spare: part() })))),
        2,
      ],
    ),
];

export const TORCH_CASES: readonly HostileCase[] = [
  ...casesOf('torch', FILE, 'case', zipRows),
  ...casesOf('torch, legacy', FILE, 'case', legacyRows),
  ...casesOf('torch, scripted', FILE, 'case', scriptedRows),
];
