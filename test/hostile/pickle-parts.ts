import { type Part, times, u32 } from './bytes.js';
import { CANARY, WICKED_NAMES } from './names.js';
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
  put,
  REDUCE,
  reduce,
  SETITEM,
  SETITEMS,
  storage,
  str,
  TRUE,
  TUPLE1,
  tensor,
  tuple,
} from './pickle-writer.js';

type Row = readonly [name: string, part: Part, ...says: string[]];

const ORDERED_DICT = global('collections', 'OrderedDict');
const touch = str(`touch ${CANARY}`);
const python = str(`open(${JSON.stringify(CANARY)}, 'w')`);

/** Functions that run something, with what they would run. */
const RUNS: readonly (readonly [module: string, name: string, ...args: Part[]])[] = [
  ['os', 'system', touch],
  ['posix', 'system', touch],
  ['nt', 'system', touch],
  ['os', 'popen', touch],
  ['os', 'execvp', str('touch'), list(str('touch'), str(CANARY))],
  ['subprocess', 'Popen', list(str('touch'), str(CANARY))],
  ['subprocess', 'check_output', list(str('touch'), str(CANARY))],
  ['builtins', 'eval', python],
  ['builtins', 'exec', python],
  ['builtins', 'compile', python, str('x'), str('exec')],
  ['builtins', 'open', str(CANARY), str('w')],
  ['builtins', '__import__', str('os')],
  ['builtins', 'getattr', ORDERED_DICT, str('__init__')],
  ['builtins', 'map', global('torch', 'Size'), list()],
  ['__builtin__', 'eval', python],
  ['__builtin__', 'execfile', str(CANARY)],
  ['sys', 'exit', int(0)],
  ['sys', 'modules.__getitem__', str('os')],
  ['importlib', 'import_module', str('os')],
  ['runpy', '_run_code', python, EMPTY_DICT],
  ['runpy', 'run_path', str(CANARY)],
  ['shutil', 'rmtree', str(CANARY)],
  ['socket', 'socket'],
  ['pty', 'spawn', touch],
  ['webbrowser', 'open', str('http://x')],
  ['timeit', 'timeit', python],
  ['pickle', 'loads', str('x')],
  ['marshal', 'loads', str('x')],
  ['types', 'FunctionType', NONE, EMPTY_DICT],
  ['ctypes', 'CDLL', str('libc.so.6')],
  ['functools', 'partial', global('torch', 'Size')],
  ['operator', 'attrgetter', str('system')],
  ['copyreg', '_reconstructor', global('torch', 'Size'), NONE, NONE],
  ['copy_reg', '_reconstructor', global('torch', 'Size'), NONE, NONE],
  ['torch', 'load', str(CANARY)],
  ['torch.serialization', 'load', str(CANARY)],
  ['torch.storage', '_load_from_bytes', str('x')],
  ['torch.hub', 'load', str('x')],
  ['torch.jit', 'load', str(CANARY)],
  ['torch.nn.modules.rnn', 'LSTM', int(3), int(4)],
  ['torch._utils', '_rebuild_tensor_v2.__globals__'],
  ['torch._utils', '__builtins__'],
  ['torch', '__proto__'],
  ['torch', 'constructor'],
  ['', 'constructor'],
  ['__proto__', 'toString'],
  ['collections', 'OrderedDict.__init__'],
  ['numpy', 'load', str(CANARY)],
  ['numpy.core.multiarray', '_reconstruct', global('torch', 'Size'), ints([0]), str('b')],
  ['Torch', 'FloatStorage'],
  ['torch', 'floatstorage'],
  [' collections', 'OrderedDict'],
  ['collections\r', 'OrderedDict'],
];

const plain = (name: string) => (/^[\w.]+$/.test(name) ? [name] : []);

/** Parts that name what may not be named. */
export const FORBIDDEN: readonly Row[] = [
  ...RUNS.map(([module, name, ...args]): Row => {
    const renamed = module === '__builtin__' ? 'builtins' : module === 'copy_reg' ? 'copyreg' : module;
    return [
      `a call of ${JSON.stringify(`${module}.${name}`)}`,
      reduce(global(module, name), ...args),
      ...plain(`${renamed}.${name}`),
    ];
  }),
  ['a class that is only named', global('os', 'system'), 'would run os.system'],
  ['a class whose object is made', [global('os', 'system'), tuple(touch), NEWOBJ], 'would run os.system'],
  ['a class whose object has a state', [global('os', 'system'), touch, BUILD], 'would run os.system'],
  [
    'a chain of getattr',
    reduce(
      reduce(
        global('builtins', 'getattr'),
        reduce(global('builtins', '__import__'), str('os')),
        str('system'),
      ),
      touch,
    ),
    'would run builtins.getattr',
  ],
  ['a call of a dtype', reduce(global('torch', 'float32')), 'torch.float32'],
  ['a call of a storage', reduce(global('torch', 'FloatStorage'), int(4)), 'torch.FloatStorage'],
  ['an object of a storage', [global('torch', 'FloatStorage'), EMPTY_TUPLE, NEWOBJ], 'torch.FloatStorage'],
  ['a call of torch.Tensor', reduce(global('torch', 'Tensor'), int(4)), 'torch.Tensor'],
  [
    'a subclass that is rebuilt by os.system',
    reduce(
      global('torch._tensor', '_rebuild_from_type_v2'),
      global('os', 'system'),
      global('torch', 'Tensor'),
      tuple(touch),
      NONE,
    ),
    'would run os.system',
  ],
  [
    'a subclass that is rebuilt by a dict',
    reduce(
      global('torch._tensor', '_rebuild_from_type_v2'),
      ORDERED_DICT,
      global('torch', 'Tensor'),
      EMPTY_TUPLE,
      NONE,
    ),
  ],
  [
    'a subclass that is rebuilt by itself',
    reduce(
      global('torch._tensor', '_rebuild_from_type_v2'),
      global('torch._tensor', '_rebuild_from_type_v2'),
      global('torch', 'Tensor'),
      EMPTY_TUPLE,
      NONE,
    ),
  ],
  ['a class of TorchScript', [global('__torch__', 'Model'), EMPTY_TUPLE, NEWOBJ], '__torch__.Model'],
  ...WICKED_NAMES.filter(([, name]) => !name.includes('\n')).map(
    ([what, name]): Row => [`a class whose name has ${what}`, global(name, name)],
  ),
];

/** Opcodes that torch.save does not write, with operands that suit them. */
export const OTHER_OPCODES: readonly Row[] = (
  [
    ['POP', [NONE, '0']],
    ['POP_MARK', [MARK, NONE, '1']],
    ['DUP', [NONE, '2']],
    ['PERSID', 'Pstorage\n'],
    ['INST', [MARK, 'ios\nsystem\n']],
    ['OBJ', [MARK, ORDERED_DICT, 'o']],
    ['STACK_GLOBAL', [str('os'), str('system'), 0x93]],
    ['EXT1', [0x82, 1]],
    ['EXT2', [0x83, 1, 0]],
    ['EXT4', [0x84, u32(1)]],
    ['MEMOIZE', [NONE, 0x94]],
    ['FRAME', [0x95, u32(0xffffffff), u32(0xffffffff)]],
    ['INT', 'I1\n'],
    ['LONG', 'L1L\n'],
    ['FLOAT', 'F1\n'],
    ['STRING', "S'x'\n"],
    ['BINSTRING', ['T', u32(1), 'x']],
    ['UNICODE', 'Vx\n'],
    ['BINBYTES', ['B', u32(0xffffffff)]],
    ['SHORT_BINBYTES', ['C', 1, 'x']],
    ['LONG4', [0x8b, u32(0x7fffffff)]],
    ['SHORT_BINUNICODE', [0x8c, 1, 'x']],
    ['BINUNICODE8', [0x8d, u32(0xffffffff), u32(0xffffffff)]],
    ['BINBYTES8', [0x8e, u32(0xffffffff), u32(0xffffffff)]],
    ['ADDITEMS', [EMPTY_SET, MARK, 0x90]],
    ['FROZENSET', [MARK, 0x91]],
    ['NEWOBJ_EX', [ORDERED_DICT, EMPTY_TUPLE, EMPTY_DICT, 0x92]],
    ['BYTEARRAY8', [0x96, u32(0xffffffff), u32(0xffffffff)]],
    ['NEXT_BUFFER', 0x97],
    ['READONLY_BUFFER', 0x98],
    ['DICT', [MARK, 'd']],
    ['LIST', [MARK, 'l']],
    ['GET', 'g0\n'],
    ['PUT', [NONE, 'p0\n']],
    ['a NUL', 0],
    ['0xff', 0xff],
    ['a letter', 'z'],
  ] satisfies [string, Part][]
).map(([name, part]): Row => [`the opcode ${name}`, part, 'opcode 0x']);

/** Parts that do not fit together. */
export const MISFITS: readonly Row[] = [
  ['a value that nothing takes', [NONE, NONE]],
  ['an item put into a list', [EMPTY_LIST, str('a'), NONE, SETITEM], 'puts items into what is no dict'],
  ['items put into text', [str('x'), MARK, str('a'), NONE, SETITEMS], 'puts items into what is no dict'],
  ['a key without a value', [EMPTY_DICT, MARK, str('a'), SETITEMS], 'puts items into what is no dict'],
  ['an item appended to a dict', [EMPTY_DICT, NONE, APPEND], 'appends to what is no list'],
  ['items appended to a tuple', [EMPTY_TUPLE, MARK, NONE, APPENDS], 'appends to what is no list'],
  ['items appended to a number', [int(1), MARK, NONE, APPENDS], 'appends to what is no list'],
  ['a call of text', [str('os.system'), EMPTY_TUPLE, REDUCE], 'calls what is no function'],
  ['a call of None', [NONE, EMPTY_TUPLE, REDUCE], 'calls what is no function'],
  ['a call of a tensor', [tensor({}), EMPTY_TUPLE, REDUCE], 'calls what is no function'],
  ['a call with a list', [ORDERED_DICT, EMPTY_LIST, REDUCE], 'calls what is no function'],
  ['a call with a dict', [ORDERED_DICT, EMPTY_DICT, REDUCE], 'calls what is no function'],
  ['a call with text', [ORDERED_DICT, str('x'), REDUCE], 'calls what is no function'],
  ['an object of text', [str('x'), EMPTY_TUPLE, NEWOBJ], 'calls what is no function'],
  ...(
    [
      ['text', str('x')],
      ['a number', int(1)],
      ['None', NONE],
      ['a list', EMPTY_LIST],
      ['a tuple', EMPTY_TUPLE],
      ['a class', ORDERED_DICT],
      ['a storage', storage({})],
    ] satisfies [string, Part][]
  ).map(([what, part]): Row => [`the state of ${what}`, build(part, EMPTY_DICT), 'sets the state']),
  ['a value that was not remembered', get(200), 'recalls'],
  ['a value that was not remembered, far away', get(2 ** 32 - 1), 'recalls'],
  ['text of 2^32 - 1 bytes', ['X', u32(0xffffffff)]],
  ['text of 2^31 bytes', ['X', u32(0x80000000)]],
  ['text longer than the rest by far', ['X', u32(1_000_000), 'x']],
  ['a short text longer than the rest', ['U', 255]],
  ['a long number longer than the rest', [0x8a, 255]],
  ['text that is not UTF-8', str(Uint8Array.of(0xff, 0xfe)), 'not UTF-8'],
  ['text with a surrogate', str(Uint8Array.of(0xed, 0xa0, 0x80)), 'not UTF-8'],
  ['a class without a name', 'ccollections\n'],
  ['a class with a name of 100,000 characters', ['c', 'x'.repeat(100_000), '\nx\n'], 'line is longer'],
  ['protocol 6', [0x80, 6, NONE], 'unknown protocol'],
  ['protocol 255', [0x80, 255, NONE], 'unknown protocol'],
  ['items of an OrderedDict that are no pairs', reduce(ORDERED_DICT, list(str('ab'))), 'OrderedDict'],
  ['items of an OrderedDict of three', reduce(ORDERED_DICT, list(ints([1, 2, 3]))), 'OrderedDict'],
  ['an OrderedDict of text', reduce(ORDERED_DICT, str('ab')), 'OrderedDict'],
  ['a parameter of nothing', reduce(global('torch._utils', '_rebuild_parameter')), 'no tensor'],
  [
    'a parameter of a dict',
    reduce(global('torch._utils', '_rebuild_parameter'), EMPTY_DICT, TRUE, EMPTY_DICT),
    'no tensor',
  ],
];

const BEYOND = 'reaches beyond its storage';
const NONE_OF_IT = 'description is none';
const big = (exponent: number) => int(2n ** BigInt(exponent));

/** Tensors that are none. Their storage has four elements. */
export const TENSORS: readonly Row[] = [
  ['a view one element too long', tensor({ shape: ints([5]) }), BEYOND],
  ['a view that begins one element too late', tensor({ offset: int(1) }), BEYOND],
  ['a view that begins behind the end', tensor({ offset: int(4), shape: ints([1]) }), BEYOND],
  ['a scalar behind the end', tensor({ offset: int(4), shape: ints([]), strides: ints([]) }), BEYOND],
  ['a view with a stride too long', tensor({ shape: ints([2]), strides: ints([4]) }), BEYOND],
  ['a view with a second stride too long', tensor({ shape: ints([2, 2]), strides: ints([1, 3]) }), BEYOND],
  ['a view of 2^31 elements', tensor({ shape: tuple(big(31)) }), BEYOND],
  ['a view of 2^32 + 1 elements', tensor({ shape: tuple(int(2n ** 32n + 1n)) }), BEYOND],
  ['a view of 2^53 - 1 elements', tensor({ shape: tuple(int(2n ** 53n - 1n)) }), BEYOND],
  ['a view of 2^63 elements', tensor({ shape: tuple(big(63)) }), NONE_OF_IT],
  ['a view of 2^64 + 4 elements', tensor({ shape: tuple(int(2n ** 64n + 4n)) }), NONE_OF_IT],
  ['a stride of 2^53 - 1', tensor({ shape: ints([2]), strides: tuple(int(2n ** 53n - 1n)) }), BEYOND],
  ['a stride of 2^64', tensor({ shape: ints([2]), strides: tuple(big(64)) }), NONE_OF_IT],
  ['an offset of 2^53 - 1', tensor({ offset: int(2n ** 53n - 1n) }), BEYOND],
  ['an offset of 2^64', tensor({ offset: big(64) }), NONE_OF_IT],
  ['an offset of -1', tensor({ offset: int(-1), shape: ints([1]) }), NONE_OF_IT],
  ['an offset that is a float', tensor({ offset: float(0), shape: ints([5]) }), BEYOND],
  ['an offset of a half', tensor({ offset: float(0.5) }), NONE_OF_IT],
  ['an offset of NaN', tensor({ offset: float(Number.NaN) }), NONE_OF_IT],
  ['an offset that is None', tensor({ offset: NONE }), NONE_OF_IT],
  ['an offset that is text', tensor({ offset: str('0') }), NONE_OF_IT],
  ['a size of -4', tensor({ shape: ints([-4]) }), NONE_OF_IT],
  ['sizes of -2 and -2', tensor({ shape: ints([-2, -2]), strides: ints([1, 1]) }), NONE_OF_IT],
  ['a size of a half', tensor({ shape: tuple(float(0.5)) }), NONE_OF_IT],
  ['a size of infinity', tensor({ shape: tuple(float(Number.POSITIVE_INFINITY)) }), NONE_OF_IT],
  ['a size that is true', tensor({ shape: tuple(TRUE) }), NONE_OF_IT],
  ['a size that is text', tensor({ shape: tuple(str('4')) }), NONE_OF_IT],
  ['a size that is None', tensor({ shape: tuple(NONE) }), NONE_OF_IT],
  ['a size that is a tuple', tensor({ shape: tuple(ints([4])) }), NONE_OF_IT],
  ['sizes that are a number', tensor({ shape: int(4) }), NONE_OF_IT],
  ['sizes that are text', tensor({ shape: str('4') }), NONE_OF_IT],
  ['sizes that are a dict', tensor({ shape: EMPTY_DICT }), NONE_OF_IT],
  ['a stride of -1', tensor({ strides: ints([-1]) }), NONE_OF_IT],
  ['a stride of a half', tensor({ strides: tuple(float(0.5)) }), NONE_OF_IT],
  ['fewer strides than sizes', tensor({ strides: ints([]) }), NONE_OF_IT],
  ['more strides than sizes', tensor({ strides: ints([1, 1]) }), NONE_OF_IT],
  ['65 sizes', tensor({ shape: ints(Array(65).fill(1)), strides: ints(Array(65).fill(1)) }), NONE_OF_IT],
  ['no arguments', reduce(global('torch._utils', '_rebuild_tensor_v2')), NONE_OF_IT],
  ['one argument', reduce(global('torch._utils', '_rebuild_tensor_v2'), storage({})), NONE_OF_IT],
  ['a storage that is text', tensor({ stored: str('0') }), NONE_OF_IT],
  ['a storage that is a tensor', tensor({ stored: tensor({}) }), NONE_OF_IT],
  ['a storage that is a dict', tensor({ stored: EMPTY_DICT }), NONE_OF_IT],
  [
    'a storage without a dtype',
    tensor({ type: global('torch.storage', 'UntypedStorage'), count: int(16) }),
    'without a dtype',
  ],
  [
    'a dtype larger than the storage',
    reduce(
      global('torch._utils', '_rebuild_tensor_v3'),
      storage({ type: global('torch.storage', 'UntypedStorage'), count: int(16) }),
      int(0),
      ints([4]),
      ints([1]),
      FALSE,
      EMPTY_DICT,
      global('torch', 'float64'),
    ),
    BEYOND,
  ],

  // Persistent ids
  ...(
    [
      ['text', str('storage')],
      ['None', NONE],
      ['a number', int(0)],
      ['an empty tuple', EMPTY_TUPLE],
      ['a list', list(str('storage'))],
      ['a tuple of one', tuple(str('storage'))],
      ['a module', tuple(str('module'), NONE, str('x'), str('y'))],
      [
        'storage in capitals',
        tuple(str('Storage'), global('torch', 'FloatStorage'), str('0'), str('cpu'), int(4)),
      ],
      [
        'a class that is text',
        tuple(str('storage'), str('torch.FloatStorage'), str('0'), str('cpu'), int(4)),
      ],
      [
        'a class that is none of a storage',
        tuple(str('storage'), ORDERED_DICT, str('0'), str('cpu'), int(4)),
      ],
      [
        'a key that is a number',
        tuple(str('storage'), global('torch', 'FloatStorage'), int(0), str('cpu'), int(4)),
      ],
      [
        'a key that is None',
        tuple(str('storage'), global('torch', 'FloatStorage'), NONE, str('cpu'), int(4)),
      ],
      ['no number of elements', tuple(str('storage'), global('torch', 'FloatStorage'), str('0'), str('cpu'))],
    ] satisfies [string, Part][]
  ).map(([what, id]): Row => [`a persistent id of ${what}`, [id, BINPERSID], 'refers to what is no storage']),
  ...(
    [
      ['-4', int(-4)],
      ['a half', float(0.5)],
      ['text', str('4')],
      ['2^64', big(64)],
    ] satisfies [string, Part][]
  ).map(([what, count]): Row => [`a storage of ${what} elements`, storage({ count }), 'no storage']),
  ...(
    [
      ['that begins behind the end', tuple(str('v'), int(5), int(0))],
      ['that is too long', tuple(str('v'), int(1), int(4))],
      ['of 2^53 - 1 elements', tuple(str('v'), int(0), int(2n ** 53n - 1n))],
      ['that begins at -1', tuple(str('v'), int(-1), int(4))],
      ['of -1 elements', tuple(str('v'), int(0), int(-1))],
      ['that is text', str('v')],
      ['that is an empty tuple', EMPTY_TUPLE],
    ] satisfies [string, Part][]
  ).map(([what, view]): Row => [`a view of a storage ${what}`, storage({ view }), 'beyond its storage']),
];

/** Pickles that end too early, by their opcodes. */
export const UNDERFLOWS: readonly Row[] = (
  [
    ['STOP', ''],
    ['REDUCE', REDUCE],
    ['REDUCE of one value', [EMPTY_TUPLE, REDUCE]],
    ['NEWOBJ', NEWOBJ],
    ['BUILD', BUILD],
    ['BUILD of one value', [NONE, BUILD]],
    ['APPEND', APPEND],
    ['APPEND of one value', [NONE, APPEND]],
    ['APPENDS without a mark', [EMPTY_LIST, APPENDS]],
    ['APPENDS without a list', [MARK, APPENDS]],
    ['SETITEM', SETITEM],
    ['SETITEM of two values', [NONE, NONE, SETITEM]],
    ['SETITEMS without a mark', [EMPTY_DICT, SETITEMS]],
    ['SETITEMS without a dict', [MARK, SETITEMS]],
    ['TUPLE without a mark', 't'],
    ['TUPLE1', TUPLE1],
    ['TUPLE2 of one value', [NONE, 0x86]],
    ['TUPLE3 of two values', [NONE, NONE, 0x87]],
    ['TUPLE1 across a mark', [NONE, MARK, TUPLE1, 't']],
    ['REDUCE across a mark', [ORDERED_DICT, MARK, EMPTY_TUPLE, REDUCE, 't']],
    ['BINPERSID', BINPERSID],
    ['BINPUT', put(0)],
    ['LONG_BINPUT', put(70_000)],
    ['a mark that is left', [NONE, MARK]],
    ['two values', [NONE, NONE]],
  ] satisfies [string, Part][]
).map(([name, part]): Row => [name, part, 'its pickle']);

/** What is no state_dict, though it can be read. */
export const OTHER_ROOTS: readonly Row[] = [
  ['None', NONE],
  ['a number', int(1)],
  ['text', str('x')],
  ['true', TRUE],
  ['a class', ORDERED_DICT],
  ['an empty tuple', EMPTY_TUPLE],
  ['an empty list', EMPTY_LIST],
  ['an empty dict', EMPTY_DICT],
  ['a set', EMPTY_SET],
  ['a storage', storage({})],
  ['a dict of text', dict([str('weight_ih_l0'), str('x')])],
  ['a dict of numbers', dict([str('input'), int(1)], [str('output'), float(1)])],
  ['a dict whose keys are no text', dict([NONE, tensor({})], [TRUE, tensor({})], [EMPTY_TUPLE, tensor({})])],
];

/** Ten references to each, and so on: 10^30 values if somebody counted them. */
export const LAUGHS = (kind: 'list' | 'dict' | 'tuple'): Part => {
  const of = (inner: Part): Part =>
    kind === 'list'
      ? [EMPTY_LIST, MARK, times(10, inner), APPENDS]
      : kind === 'tuple'
        ? [MARK, times(10, inner), 't']
        : [EMPTY_DICT, MARK, Array.from({ length: 10 }, (_, i) => [int(i), inner]), SETITEMS];
  return tuple(
    [of(str('ha')), put(100)],
    ...Array.from({ length: 29 }, (_, i): Part => [of(get(100 + i)), put(101 + i)]),
  );
};
