import { bytesOf, floats, patched, times } from './bytes.js';
import type { HostileCase } from './corpus.js';
import { INHERITED, WICKED_NAMES } from './names.js';
import { npy, npyOf, npz } from './numpy-writer.js';
import { BUNDLE, CASE, casesOf, type Row } from './rows.js';
import { bomb, in64Bits, zip } from './zip-writer.js';

const OUTPUT = npyOf(CASE.output);
const { h_n, ...BUT_H_N } = BUNDLE;
const output = (parts: Parameters<typeof npy>[0]) =>
  npy({ shape: '(6, 2, 4)', data: CASE.output.bytes, ...parts });
const NEVER = "__import__('os').system('touch /tmp/cellcheck-canary')";

const headers: readonly Row[] = [
  ['code for a dtype', npy({ descr: NEVER }), 2, 'header'],
  ['code for a shape', npy({ shape: `(${NEVER},)` }), 2, 'header'],
  ['code for an order', npy({ order: NEVER }), 2, 'header'],
  [
    'code behind the dict',
    npy({ header: `{'descr': '<f4', 'fortran_order': False, 'shape': (4,), } and ${NEVER}` }),
    2,
    'header',
  ],
  ['code in the place of the dict', npy({ header: NEVER }), 2, 'header'],
  ['a comprehension', npy({ shape: '(9 for _ in (1,))' }), 2, 'header'],
  ['a power', npy({ shape: '(9**9**9,)' }), 2, 'header'],
  [
    'another key',
    npy({ header: "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'x': 1, }" }),
    2,
    'header',
  ],
  ['a key less', npy({ header: "{'descr': '<f4', 'fortran_order': False, }" }), 2, 'header'],
  [
    'a key twice',
    npy({ header: "{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (4,), }" }),
    2,
    'header',
  ],
  ['a list', npy({ header: '[1, 2]' }), 2, 'header'],
  ['an empty header', npy({ header: '' }), 2, 'header'],
  ['10,000 brackets', npy({ header: '('.repeat(10_000) }), 2, 'header'],
  ['60,000 spaces and no end', npy({ header: `{${' '.repeat(60_000)}` }), 2, 'header'],
  ['60,000 commas', npy({ shape: `(${','.repeat(60_000)})` }), 2],
  ['60,000 digits', npy({ shape: `(${'9'.repeat(60_000)},)` }), 2],
  ['10,000 sizes', npy({ shape: `(${'1, '.repeat(10_000)})` }), 2],
  [
    'a header of 70,000 bytes',
    npy({ version: [2, 0], header: `{'descr': '<f4'${' '.repeat(70_000)}` }),
    2,
    'header of',
  ],
  ['a header of 2^32 - 1 bytes', npy({ version: [2, 0], headerLength: 0xffffffff }), 2, 'header of'],
  ['a header longer than the file', npy({ headerLength: 65_535 }), 2],
  ['a header without a length', OUTPUT.subarray(0, 8), 2],
  ['half a magic number', OUTPUT.subarray(0, 3), 2],
  ['only a magic number', OUTPUT.subarray(0, 6), 2],
  ['another magic number', patched(OUTPUT, 0, 'x'), 2],
  ['version 0', npy({ version: [0, 0] }), 2, 'version'],
  ['version 4', npy({ version: [4, 0] }), 2, 'version'],
  ['version 255', npy({ version: [255, 255] }), 2, 'version'],
  ...["'O'", "'|O'", "'|O8'"].map((descr): Row => [`dtype ${descr}`, npy({ descr }), 2, 'objects of Python']),
  ...["[('a', '<f4'), ('b', '<f4')]", "[('\\x1b[2J', '<f4')]", '[]'].map(
    (descr): Row => [`dtype ${descr}`, npy({ descr }), 2, 'structured'],
  ),
  ...[
    "'|V2'",
    "'<c8'",
    "'<U4'",
    "'|S4'",
    "'<M8[ns]'",
    "'<f16'",
    "'f4'",
    "'<f3'",
    "'<'",
    "''",
    "'<F4'",
    "'float32'",
    "'<f4<f4'",
    "'!f4'",
  ].map((descr): Row => [`dtype ${descr}`, npy({ descr }), 2, 'dtype']),
  ...INHERITED.map((name): Row => [`dtype <${name}`, npy({ descr: `'<${name}'` }), 2, 'dtype']),
  ...WICKED_NAMES.filter(([, name]) => !/["\\]/.test(name)).map(
    ([what, name]): Row => [
      `a dtype with ${what}`,
      npy({ descr: `'${Buffer.from(name).toString('latin1')}'` }),
      2,
      'dtype',
    ],
  ),
  ...[
    '(-4,)',
    '(-2, -2)',
    '(4.0,)',
    '(0.5,)',
    "('4',)",
    '(None,)',
    '(True,)',
    '4',
    '[4]',
    '(4',
    '((4,),)',
    '(1e1,)',
    '(0x4,)',
    '(4;)',
    '(1 4,)',
    '(４,)',
  ].map((shape): Row => [`shape ${shape}`, npy({ shape }), 2]),
  ...[
    '(5,)',
    '(3,)',
    '(0,)',
    '()',
    '(1000000000000,)',
    '(9007199254740991,)',
    '(18446744073709551616,)',
    '(4294967296, 4294967296)',
    '(4611686018427387905, 4)',
    `(${'9007199254740991, '.repeat(30)})`,
    `(${'9007199254740991, '.repeat(30)}0)`,
  ].map((shape): Row => [`${shape.length} letters of shape ${shape.slice(0, 60)}`, npy({ shape }), 2]),
];

const npyRows: readonly Row[] = [
  ['as it is', OUTPUT, 0],
  ['of version 2', output({ version: [2, 0] }), 0],
  ['of version 3', output({ version: [3, 1] }), 0],
  ['with sizes of Python 2', output({ shape: '(6L, 2L, 4L)' }), 0],
  [
    'without a comma at the end',
    output({ header: "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 2, 4)}" }),
    0,
  ],
  ...headers,
  ['one byte more', bytesOf(OUTPUT, 0), 2, 'appended'],
  ['one byte less', OUTPUT.subarray(0, -1), 2, 'cut short'],
  ['no data', OUTPUT.subarray(0, -CASE.output.bytes.length), 2, 'cut short'],
  ['a second array', bytesOf(OUTPUT, OUTPUT), 2, 'appended'],
  ['a pickle behind it', bytesOf(OUTPUT, 'cos\nsystem\n(S"touch /tmp/cellcheck-canary"\ntR.'), 2, 'appended'],
  ['another order', output({ order: 'True', shape: '(12, 4)' }), 2],
  ['big-endian numbers that are little-endian', output({ descr: "'>f4'" }), 1],
  ['NaN', output({ data: floats(Array(48).fill(Number.NaN)) }), 1],
];

const inNpz = (data: Uint8Array): Row[1] => npz(BUT_H_N, {}, [{ name: 'h_n.npy', data }]);

const npzRows: readonly Row[] = [
  ['as it is', npz(BUNDLE), 0],
  [
    'deflated',
    npz(BUNDLE, Object.fromEntries(Object.keys(BUNDLE).map((name) => [name, { deflated: true }]))),
    0,
  ],
  ...INHERITED.map(
    (name): Row => [`an array named ${name}`, npz(BUNDLE, {}, [{ name: `${name}.npy`, data: npy() }]), 0],
  ),
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `an array whose name has ${what}`,
      npz(BUNDLE, {}, [{ name: `${name}.npy`, data: npy() }]),
      0,
    ],
  ),
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `a file that is no array, whose name has ${what}`,
      npz(BUNDLE, {}, [{ name, data: npy() }]),
      2,
      'no array',
    ],
  ),
  ...headers
    .filter((_, i) => i % 2 === 0)
    .flatMap(([name, content, , ...says]): Row[] =>
      content instanceof Uint8Array && !/magic/.test(name) ? [[name, inNpz(content), 2, 'h_n', ...says]] : [],
    ),
  ['an array with an unknown magic number', inNpz(times(100, 0)), 2, 'h_n'],
  ['an empty array file', inNpz(bytesOf()), 2, 'h_n'],
  ['an array that is a zip archive', inNpz(npz(BUNDLE)), 2, 'h_n'],
  ['an array twice', npz(BUNDLE, {}, [{ name: 'h_n.npy', data: npyOf(h_n) }]), 2, 'h_n.npy'],
  ['a file that is no array', npz(BUNDLE, {}, [{ name: 'setup.py', data: bytesOf('x') }]), 2, 'setup.py'],
  ['a folder', npz(BUNDLE, {}, [{ name: 'folder/' }]), 2, 'folder/'],
  ['../../h_n.npy', npz(BUT_H_N, {}, [{ name: '../../h_n.npy', data: npyOf(h_n) }]), 2],
  ['nothing', zip([]), 2],
  ['a wrong checksum', npz(BUNDLE, { h_n: { central: { crc: 1 } } }), 2, 'h_n'],
  ['a flipped bit', npz(BUNDLE, { h_n: { stored: patched(npyOf(h_n), -3, 0xff) } }), 2, 'h_n', 'checksum'],
  ['deflated garbage', npz(BUNDLE, { h_n: { deflated: true, stored: times(50, 0xaa) } }), 2, 'h_n'],
  ['an unknown method', npz(BUNDLE, { h_n: { central: { method: 12 }, local: { method: 12 } } }), 2, 'h_n'],
  ['encryption', npz(BUNDLE, { h_n: { central: { flags: 1 }, local: { flags: 1 } } }), 2, 'h_n'],
  ['a size of 2^60', npz(BUNDLE, { h_n: { central: { size: 0xffffffff, extra: in64Bits(2n ** 60n) } } }), 2],
  [
    'a size of 2^40, deflated',
    npz(BUNDLE, { h_n: { deflated: true, central: { size: 0xffffffff, extra: in64Bits(2 ** 40) } } }),
    2,
  ],
  [
    'an array of 40 MB in 40 KB',
    () =>
      npz(BUNDLE, {}, [
        {
          name: 'spare.npy',
          data: bytesOf(npy({ shape: '(10000000,)', data: times(40_000_000, 0) })),
          deflated: true,
        },
      ]),
    2,
    'spare',
  ],
  [
    'five arrays of 30 MB in 30 KB',
    () => {
      const data = npy({ shape: '(7500000,)', data: times(30_000_000, 0) });
      const { weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, output } = BUNDLE;
      const names = ['input', 'h_0', 'c_0', 'h_n', 'c_n'];
      return npz(
        { weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, output },
        {},
        names.map((name) => ({ name: `${name}.npy`, data, deflated: true })),
      );
    },
    2,
  ],
  [
    'lengths of 30 MB in 30 KB',
    () =>
      npz(BUNDLE, {}, [
        {
          name: 'lengths.npy',
          data: npy({ descr: "'|i1'", shape: '(30000000,)', data: times(30_000_000, 1) }),
          deflated: true,
        },
      ]),
    2,
  ],
  [
    'bombs that are no arrays',
    () =>
      npz(
        BUNDLE,
        {},
        Array.from({ length: 3 }, (_, i) => ({ name: `${i}.npy`, ...bomb(30_000_000) })),
      ),
    2,
  ],
  [
    '20,000 arrays in one place',
    () =>
      npz(
        BUNDLE,
        {},
        Array.from({ length: 20_000 }, (_, i) => ({ name: `${i}.npy`, data: npy(), at: 0 })),
      ),
    2,
  ],
  [
    '20,000 arrays',
    () =>
      npz(
        BUNDLE,
        {},
        Array.from({ length: 20_000 }, (_, i) => ({ name: `${i}.npy`, data: npy() })),
      ),
    2,
    'at most',
  ],
  ['cut by a byte', npz(BUNDLE).subarray(0, -1), 2],
  ['cut in half', npz(BUNDLE).subarray(0, 900), 2],
];

export const NUMPY_CASES: readonly HostileCase[] = [
  ...casesOf('npy', 'x.npy', 'expected', npyRows),
  ...casesOf('npz', 'x.npz', 'case', npzRows),
];
