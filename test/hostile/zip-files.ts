import zlib from 'node:zlib';
import { bytesOf, floats, patched, times, u16, u32, u64 } from './bytes.js';
import type { HostileCase } from './corpus.js';
import { WICKED_NAMES } from './names.js';
import { int, ints, named, pickle, str, tensor } from './pickle-writer.js';
import { BUNDLE, casesOf, type Row } from './rows.js';
import { type ArchiveParts, archive, partsOf, savedState, savedWith, storagesOf } from './torch-writer.js';
import { bomb, in64Bits, type ZipEnd, type ZipFile, zip } from './zip-writer.js';

const FILE = 'x.pt';
const BASE = savedState(BUNDLE);
const HUGE = 2n ** 60n;
const spareTensor = (parts: Parameters<typeof tensor>[0]) => tensor({ key: str('spare'), ...parts });

/** The bundle with what the archive says otherwise about the pickle, about a storage that is needed, and about its end. */
const about = (name: string, lies: Partial<ZipFile>, more: ArchiveParts = {}) =>
  savedState(BUNDLE, { ...more, files: { [name]: lies } });
const end = (lies: ZipEnd) => savedState(BUNDLE, { end: lies });
const small = (lies: ZipEnd) => savedState(BUNDLE, { end: { large: undefined, ...lies } });
const unused = (file: Partial<ZipFile>) => savedState(BUNDLE, { more: [{ name: 'archive/extra', ...file }] });

/** Both kinds of members that are read: the pickle, and the numbers of a tensor. */
const member = (what: string, name: string): Row[] => {
  const data =
    name === 'data.pkl' ? pickle(named(partsOf(BUNDLE))) : storagesOf(BUNDLE)[name.replace('data/', '')];
  const says = `archive/${name}`;
  const of = (lies: Partial<ZipFile>) =>
    name === 'data.pkl'
      ? archive(data, { storages: storagesOf(BUNDLE), files: { [name]: lies } })
      : about(name, lies);
  const deflated = zlib.deflateRawSync(data);
  const stream = (stored: Uint8Array, central: ZipFile['central'] = {}): Partial<ZipFile> => ({
    deflated: true,
    stored,
    central,
  });
  return (
    [
      ['a wrong checksum', { central: { crc: 1 } }],
      ['a flipped bit', { stored: patched(data, 5, data[5] ^ 1) }],
      ['a flipped bit, deflated', stream(zlib.deflateRawSync(patched(data, 5, data[5] ^ 1)))],
      ['garbage that should be deflated', stream(times(100, 0xff))],
      ['random bytes that should be deflated', stream(bytesOf([6, 7, 9, 200, 33, 4, 78, 255, 0, 12]))],
      ['nothing that should be deflated', stream(bytesOf())],
      ['deflated data that are cut', stream(deflated.subarray(0, deflated.length / 2))],
      ['deflated data without their last byte', stream(deflated.subarray(0, -1))],
      ['deflated data that are longer than it says', stream(zlib.deflateRawSync(bytesOf(data, 0)))],
      ['deflated data that are shorter than it says', stream(zlib.deflateRawSync(data.subarray(0, -1)))],
      ['zlib’s header before the deflated data', stream(zlib.deflateSync(data))],
      ['gzip in the place of deflated data', stream(zlib.gzipSync(data))],
      ['a size that is too large', { central: { size: data.length + 1 } }],
      ['a size that is too small', { central: { size: data.length - 1 } }],
      ['sizes that are too large', { central: { size: data.length + 1, compressedSize: data.length + 1 } }],
      ['sizes that are too small', { central: { size: data.length - 1, compressedSize: data.length - 1 } }],
      ['sizes of 2^31', { central: { size: 2 ** 31, compressedSize: 2 ** 31 } }],
      ['a size of 2^31, deflated', stream(deflated, { size: 2 ** 31 })],
      ['sizes of 2^32 - 1', { central: { size: 0xffffffff, compressedSize: 0xffffffff } }],
      [
        'sizes of 2^60',
        { central: { size: 0xffffffff, compressedSize: 0xffffffff, extra: in64Bits(HUGE, HUGE) } },
      ],
      [
        'sizes of 2^40',
        { central: { size: 0xffffffff, compressedSize: 0xffffffff, extra: in64Bits(2 ** 40, 2 ** 40) } },
      ],
      ['a size of 2^40, deflated', stream(deflated, { size: 0xffffffff, extra: in64Bits(2 ** 40) })],
      ['another name in its own header', { local: { name: 'archive/other' } }],
      ['another name in the directory', { central: { name: 'archive/other' } }],
      ['another method in its own header', { local: { method: 8 } }],
      ['the method deflate for what is stored', { local: { method: 8 }, central: { method: 8 } }],
      [
        'the method store for what is deflated',
        { deflated: true, local: { method: 0 }, central: { method: 0 } },
      ],
      ['encryption', { central: { flags: 1 }, local: { flags: 1 } }],
      ['encryption in its own header', { local: { flags: 1 } }],
      ['strong encryption', { central: { flags: 0x41 }, local: { flags: 0x41 } }],
      ...[1, 6, 9, 12, 14, 93, 95, 99, 0xffff].map((method): [string, Partial<ZipFile>] => [
        `the method ${method}`,
        { local: { method }, central: { method } },
      ]),
      ['another disk', { central: { disk: 1 } }],
      ['a header at the end of the file', { central: { offset: BASE.length - 4 } }],
      ['a header behind the end of the file', { central: { offset: 2 ** 31 } }],
      ['a header at 2^60', { central: { offset: 0xffffffff, extra: in64Bits(HUGE) } }],
      ['a header at 2^64 - 1', { central: { offset: 0xffffffff, extra: in64Bits(2n ** 64n - 1n) } }],
      ['a header in the middle of another', { central: { offset: 7 } }],
      ['a name that is longer than the file', { local: { extra: times(60_000, 0) }, stored: bytesOf() }],
      ['an extra field that is cut', { central: { extra: bytesOf(u16(1), u16(24), u64(1)) } }],
      [
        'an extra field of 64 bits without numbers',
        { central: { size: 0xffffffff, extra: bytesOf(u16(1), u16(0)) } },
      ],
      ['a name that is not UTF-8', { local: { name: bytesOf(0xff) }, central: { name: bytesOf(0xff) } }],
    ] satisfies [string, Partial<ZipFile>][]
  ).map(
    ([name_, lies]): Row => [
      `${what} with ${name_}`,
      of(lies),
      2,
      ...(/checksum|flipped|garbage|cut$/.test(name_) && !/extra/.test(name_) ? [says] : []),
    ],
  );
};

const MANY = 65_535;

const rows: readonly Row[] = [
  [
    'sizes in 64 bits',
    about('data/0', { central: { size: 0xffffffff, compressedSize: 0xffffffff, extra: in64Bits(192, 192) } }),
    0,
  ],
  ['all sizes in 64 bits', end({ count: 0xffff, here: 0xffff, size: 0xffffffff, offset: 0xffffffff }), 0],
  ['unknown extra fields', about('data/0', { central: { extra: bytesOf(u16(0x5455), u16(1), 0) } }), 0],
  ['an unused file with a wrong checksum', unused({ data: floats([1]), central: { crc: 7 } }), 0],
  ['an unused file by an unknown method', unused({ central: { method: 99 } }), 0],
  ['an unused bomb', () => unused(bomb(40_000_000)), 0],
  [
    '65,535 unused files',
    () =>
      savedState(BUNDLE, {
        more: Array.from({ length: MANY - 13 }, (_, i) => ({ name: `archive/data/unused/${i}` })),
      }),
    0,
  ],
  ...member('the pickle', 'data.pkl'),
  ...member('a storage', 'data/0'),
  ['a pickle of 40 MB in 40 KB', () => archive(pickle(), { files: { 'data.pkl': bomb(40_000_000) } }), 2],
  ['a pickle of 30 MB in 30 KB', () => archive(pickle(), { files: { 'data.pkl': bomb(30_000_000) } }), 2],
  [
    'a pickle of 16 MB of marks in 16 KB',
    () =>
      archive(pickle(), {
        files: { 'data.pkl': { data: bytesOf(0x80, 2, times(16_000_000, '(')), deflated: true } },
      }),
    2,
  ],
  [
    'a version of 30 MB in 30 KB',
    () => savedState(BUNDLE, { files: { version: bomb(30_000_000) } }),
    2,
    'version',
  ],
  [
    'an output of 40 MB in 40 KB',
    () =>
      savedWith(
        BUNDLE,
        { output: spareTensor({ count: int(10_000_000) }) },
        { files: { 'data/spare': bomb(40_000_000) }, storages: { spare: bytesOf() } },
      ),
    2,
    'archive/data/spare',
  ],
  [
    'five tensors of 30 MB in 30 KB',
    () => {
      const spares = ['input', 'h_0', 'c_0', 'h_n', 'c_n'];
      const size = 7_500_000;
      return savedWith(
        BUNDLE,
        Object.fromEntries(
          spares.map((name) => [
            name,
            spareTensor({ key: str(`spare-${name}`), count: int(size), shape: ints([size]) }),
          ]),
        ),
        {
          storages: Object.fromEntries(spares.map((name) => [`spare-${name}`, bytesOf()])),
          files: Object.fromEntries(spares.map((name) => [`data/spare-${name}`, bomb(4 * size)])),
        },
      );
    },
    2,
  ],
  [
    'a weight of 40 MB in 40 KB',
    () =>
      savedWith(
        BUNDLE,
        { weight_ih_l0: spareTensor({ count: int(48), shape: ints([16, 3]), strides: ints([3, 1]) }) },
        {
          files: { 'data/spare': { ...bomb(40_000_000), central: { size: 192 } } },
          storages: { spare: bytesOf() },
        },
      ),
    2,
    'archive/data/spare',
  ],

  // Several files in one place
  [
    'two files of one name',
    savedState(BUNDLE, { more: [{ name: 'archive/data/0', data: storagesOf(BUNDLE)[0] }] }),
    2,
    'archive/data/0',
  ],
  [
    'two files in one place',
    savedState(BUNDLE, {
      more: [{ name: 'archive/data/more', data: pickle(named(partsOf(BUNDLE))), at: 0 }],
    }),
    2,
  ],
  [
    'a file inside another',
    savedState(BUNDLE, { more: [{ name: 'archive/data/more', data: floats([1]), at: 100 }] }),
    2,
  ],
  ['a file over the directory', about('version', { central: { compressedSize: 100, size: 100 } }), 2],
  [
    '1000 files in one place',
    () =>
      savedState(BUNDLE, {
        more: Array.from({ length: 1000 }, (_, i) => ({
          name: `archive/data/more${i}`,
          data: pickle(),
          at: 0,
        })),
      }),
    2,
  ],

  // The end
  ['no end', BASE.subarray(0, -22), 2],
  ['nothing but an end', zip([]), 2],
  ['nothing but the beginning', bytesOf('PK', 3, 4), 2],
  ['nothing but a local header', BASE.subarray(0, 100), 2],
  ...[1, 2, 21, 22, 23, 60, 100, 200, 500].map(
    (cut): Row => [`${cut} bytes less`, BASE.subarray(0, -cut), 2],
  ),
  ['cut in half', BASE.subarray(0, BASE.length / 2), 2],
  ['another number of files', small({ count: 3, here: 3 }), 2],
  ['more files than there are', small({ count: 100, here: 100 }), 2],
  ['65,535 files that are not there', small({ count: MANY, here: MANY }), 2],
  ['no files', small({ count: 0, here: 0 }), 2],
  ['the last of two disks', small({ disk: 1 }), 2, 'several parts'],
  ['a directory on another disk', small({ firstDisk: 1 }), 2, 'several parts'],
  ['files on other disks', small({ here: 1 }), 2, 'several parts'],
  ['a directory that is longer', small({ size: 100_000 }), 2],
  ['a directory of 2^32 - 1 bytes', small({ size: 0xffffffff }), 2],
  ['a directory without a length', small({ size: 0 }), 2],
  ['a directory at 0', small({ offset: 0 }), 2],
  ['a directory at 2^32 - 1', small({ offset: 0xffffffff }), 2],
  ['a directory elsewhere', small({ between: times(100, 0), offset: 0 }), 2],
  ['a comment that is longer than it says', small({ comment: 'xx', commentLength: 1 }), 2],
  ['a comment that is shorter than it says', small({ comment: 'xx', commentLength: 3 }), 2],
  ['something behind its end', small({ after: 'x' }), 2],
  ['something before its beginning', small({ before: 'MZ' }), 2],
  ['the directory’s 2^60 files', end({ large: { count: HUGE, here: HUGE } }), 2],
  ['the directory’s 100,001 files', end({ large: { count: 100_001, here: 100_001 } }), 2],
  ['the directory’s 2^64 - 1 files', end({ large: { count: 2n ** 64n - 1n, here: 2n ** 64n - 1n } }), 2],
  ['a directory of 2^60 bytes', end({ large: { size: HUGE } }), 2],
  ['a directory at 2^60', end({ large: { offset: HUGE } }), 2],
  ['an end at 2^60', end({ large: { record: HUGE } }), 2],
  ['an end at 2^64 - 1', end({ large: { record: 2n ** 64n - 1n } }), 2],
  ['an end at the end', end({ large: { record: BASE.length } }), 2],
  ['an end at the beginning', end({ large: { record: 0 } }), 2],
  ['an end that is none', end({ large: { magic: 0 } }), 2],
  ['an end on another disk', end({ large: { disk: 1 } }), 2, 'several parts'],
  ['files of an end on other disks', end({ large: { here: 1 } }), 2, 'several parts'],
  ['an entry that is none', small({ between: bytesOf(u32(0)), offset: BASE.length }), 2],
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `a file twice whose name has ${what}`,
      savedState(BUNDLE, { more: [{ name }, { name }] }),
      2,
      'two files of this name',
    ],
  ),
];

export const ZIP_CASES: readonly HostileCase[] = casesOf('zip', FILE, 'case', rows);
