import { CellcheckError, printable } from '../../errors.js';
import { isA, type Meaning, type Value } from './pickle.js';

/** The numbers of one or several tensors, which lie outside the pickle. */
export interface Storage {
  readonly key: string;
  /** As safetensors names them, or PyTorch's own name where cellcheck does not read them; undefined if untyped. */
  readonly dtype: string | undefined;
  /** Bytes of an element; 1 if untyped. */
  readonly itemSize: number;
  /** Elements of the whole storage. */
  readonly total: number;
  /** The part of it that is meant, in elements: old files have views of storages. */
  readonly start: number;
  readonly count: number;
}

/** A tensor: a view of a storage. Offset and strides count elements. */
export interface StoredTensor {
  readonly storage: Storage;
  readonly dtype: string;
  readonly itemSize: number;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** PyTorch's dtypes: the name of its storages, that of its tensors, the one of safetensors, and the bytes. */
const TORCH_DTYPES: readonly (readonly [storage: string, torch: string, dtype: string, bytes: number])[] = [
  ['Double', 'float64', 'F64', 8],
  ['Float', 'float32', 'F32', 4],
  ['Half', 'float16', 'F16', 2],
  ['BFloat16', 'bfloat16', 'BF16', 2],
  ['Long', 'int64', 'I64', 8],
  ['Int', 'int32', 'I32', 4],
  ['Short', 'int16', 'I16', 2],
  ['Char', 'int8', 'I8', 1],
  ['Byte', 'uint8', 'U8', 1],
  // These are listed, but not read.
  ['Bool', 'bool', 'BOOL', 1],
  ['ComplexFloat', 'complex64', 'complex64', 8],
  ['ComplexDouble', 'complex128', 'complex128', 16],
  ['QInt8', 'qint8', 'qint8', 1],
  ['QUInt8', 'quint8', 'quint8', 1],
  ['QInt32', 'qint32', 'qint32', 4],
  ['', 'uint16', 'U16', 2],
  ['', 'uint32', 'U32', 4],
  ['', 'uint64', 'U64', 8],
  ['', 'float8_e4m3fn', 'F8_E4M3', 1],
  ['', 'float8_e5m2', 'F8_E5M2', 1],
];

const STORAGES = new Map<string, Pick<Storage, 'dtype' | 'itemSize'>>([
  ['torch.storage.UntypedStorage', { dtype: undefined, itemSize: 1 }],
]);
for (const [storage, , dtype, itemSize] of TORCH_DTYPES)
  if (storage) STORAGES.set(`torch.${storage}Storage`, { dtype, itemSize });
const DTYPE_NAMES = new Map(
  TORCH_DTYPES.map(([, torch, dtype, itemSize]) => [`torch.${torch}`, { dtype, itemSize }]),
);

const other: Value = { is: 'other' };
// A list of pairs may be given to OrderedDict many times; it makes one dict.
const dicts = new WeakMap<readonly Value[], Value>();

function dictOf(pairs: readonly Value[]): Value | undefined {
  const known = dicts.get(pairs);
  if (known) return known;
  const items = pairs.flatMap((pair) => (isA(pair, 'tuple') || isA(pair, 'list') ? [pair.items] : []));
  if (items.length !== pairs.length || items.some(({ length }) => length !== 2)) return undefined;
  const dict: Value = {
    is: 'dict',
    keys: items.map(([key]) => key),
    values: items.map(([, value]) => value),
  };
  dicts.set(pairs, dict);
  return dict;
}

type Call = (args: readonly Value[]) => Value | undefined;

/** The functions and classes that may be called in a pickle, and what their calls stand for. */
const CALLS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['torch._utils._rebuild_tensor', (args) => tensorOf(args.slice(0, 4))],
  ['torch._utils._rebuild_tensor_v2', (args) => tensorOf(args.slice(0, 4))],
  ['torch._utils._rebuild_tensor_v3', (args) => tensorOf(args.slice(0, 4), args[6])],
  ['torch._utils._rebuild_parameter', ([tensor]) => tensorIn(tensor)],
  ['torch._utils._rebuild_parameter_with_state', ([tensor]) => tensorIn(tensor)],
  ['torch._tensor._rebuild_from_type_v2', ([rebuild, , args]) => rebuilt(rebuild, args)],
  [
    'collections.OrderedDict',
    ([items]) => (items === undefined ? dictOf([]) : isA(items, 'list') ? dictOf(items.items) : undefined),
  ],
  ['torch.Size', ([sizes]) => sizes],
  // What is beside the tensors of a checkpoint.
  ['torch.device', () => other],
  ['collections.Counter', () => other],
  ['builtins.set', () => other],
  ['builtins.complex', () => other],
  ['builtins.bytearray', () => other],
  ['_codecs.encode', () => other],
  // A single number of NumPy, as a loss that a training loop has kept.
  ['numpy.dtype', () => other],
  ['numpy.core.multiarray.scalar', () => other],
  ['numpy._core.multiarray.scalar', () => other],
  // torch.jit.save's lists, and the type that it says of them.
  ...['build_intlist', 'build_doublelist', 'build_boollist', 'build_tensorlist'].map(
    (name) => [`torch.jit._pickle.${name}`, ([items]: readonly Value[]) => items] as const,
  ),
  ['torch.jit._pickle.restore_type_tag', ([value]) => value],
]);

/** Named, but never called. */
const NAMES: ReadonlySet<string> = new Set([
  ...STORAGES.keys(),
  ...DTYPE_NAMES.keys(),
  'torch.Tensor',
  'torch.nn.parameter.Parameter',
]);

/** The meaning of the names that are in a `state_dict`, and no others. */
export const STATE_DICT: Meaning = {
  isKnown: (name) => CALLS.has(name) || NAMES.has(name),
  call: (name, args) => CALLS.get(name)?.(args),
  isRecord: () => false,
  persistent: storageOf,
  unknown: unknownName,
};

/** The same with TorchScript's classes, whose objects are records of their attributes. */
export const SCRIPTED: Meaning = { ...STATE_DICT, isRecord: (name) => name.startsWith('__torch__.') };

/** Modules of Python whose functions nobody needs in a checkpoint. */
const SYSTEM = /^(?:os|nt|posix|sys|subprocess|builtins|shutil|socket|importlib|runpy|pty|webbrowser)\./;

/** Instead of a checkpoint with objects in it. Nested dicts of tensors are kept, and modules become their state_dict. */
const SAVE_TENSORS_ALONE = [
  'import torch',
  "saved = torch.load('{FILE}', weights_only=False)  # runs code in the file: only if you trust it",
  'def tensors(x):',
  '    if isinstance(x, dict): return {k: tensors(v) for k, v in x.items()}',
  '    if isinstance(x, (list, tuple)): return [tensors(v) for v in x]',
  "    if hasattr(x, 'state_dict'): return x.state_dict()",
  '    return x if torch.is_tensor(x) else None',
  "torch.save(tensors(saved), '{STEM}-tensors.pt')",
].map((line) => `  ${line}`);

function unknownName(name: string): CellcheckError {
  if (SYSTEM.test(name)) {
    return new CellcheckError({
      problem: `its pickle would run ${printable(name)}`,
      hints: [
        'cellcheck runs nothing, so the file is refused. No checkpoint needs this: do not load it in Python.',
      ],
    });
  }
  return new CellcheckError({
    problem: `holds an object of Python, ${printable(name)}, beside or around its tensors`,
    hints: [
      'Only tensors are read: objects can run code. Save the tensors alone, in Python:',
      ...SAVE_TENSORS_ALONE,
    ],
  });
}

const misfit = (problem: string) =>
  new CellcheckError({ problem: `its pickle ${problem}`, hints: ['The file is damaged.'] });

const isCount = (value: Value | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** `('storage', class, key, location, number of elements)`, and in old files `(key, offset, size)` of a view. */
function storageOf(id: Value): Value {
  const [tag, type, key, , count, view] = isA(id, 'tuple') ? id.items : [];
  const known = isA(type, 'global') ? STORAGES.get(type.name) : undefined;
  if (tag !== 'storage' || !known || typeof key !== 'string' || !isCount(count))
    throw misfit('refers to what is no storage');
  let start = 0;
  let length = count;
  if (view !== undefined && view !== null) {
    const [, offset, size] = isA(view, 'tuple') ? view.items : [];
    if (!isCount(offset) || !isCount(size) || offset + size > count)
      throw misfit('refers to a view that reaches beyond its storage');
    [start, length] = [offset, size];
  }
  const storage: Storage = { key, ...known, total: count, start, count: length };
  return { is: 'storage', storage };
}

const MOST_DIMENSIONS = 64;

/** @param args storage, offset, shape, strides */
function tensorOf([stored, offset, sizes, steps]: readonly Value[], type?: Value): Value {
  const shape = countsOf(sizes);
  const strides = countsOf(steps);
  const named = isA(type, 'global') ? DTYPE_NAMES.get(type.name) : undefined;
  if (!isA(stored, 'storage') || !isCount(offset) || !shape || shape.length !== strides?.length)
    throw misfit('has a tensor whose description is none');
  const storage = stored.storage as Storage;
  const dtype = named?.dtype ?? storage.dtype;
  const itemSize = named?.itemSize ?? storage.itemSize;
  if (dtype === undefined) throw misfit('has a tensor without a dtype');
  const count = Math.floor((storage.count * storage.itemSize) / itemSize);
  const last = shape.reduce((sum, size, i) => sum + (size - 1) * strides[i], offset);
  if (!shape.includes(0) && !(last < count))
    throw misfit(`has a tensor that reaches beyond its storage ${printable(storage.key)}`);
  const tensor: StoredTensor = { storage, dtype, itemSize, offset, shape, strides };
  return { is: 'tensor', tensor };
}

function countsOf(value: Value): readonly number[] | undefined {
  if (!isA(value, 'tuple') && !isA(value, 'list')) return undefined;
  const { items } = value;
  return items.length <= MOST_DIMENSIONS && items.every(isCount) ? (items as readonly number[]) : undefined;
}

function tensorIn(value: Value | undefined): Value {
  if (!isA(value, 'tensor')) throw misfit('has a parameter that is no tensor');
  return value;
}

/** A tensor that has attributes, or a subclass: only what rebuilds tensors may be called for it. */
function rebuilt(rebuild: Value | undefined, args: Value | undefined): Value | undefined {
  if (!isA(rebuild, 'global') || !isA(args, 'tuple') || !rebuild.name.startsWith('torch._utils._rebuild_'))
    return undefined;
  return CALLS.get(rebuild.name)?.(args.items);
}
