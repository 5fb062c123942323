import { CellcheckError } from '../../errors.js';
import { DTYPES, decode, requireReadable } from '../../tensor/dtype.js';
import { elementCount } from '../../tensor/shape.js';
import { NAMELESS } from '../../tensor/state-dict.js';
import type { Tensor } from '../../tensor/tensor.js';
import { rowMajor, swapBytes } from '../row-major.js';
import type { Storage, StoredTensor } from './meaning.js';
import { isA, type Value } from './pickle.js';

// Every container is visited once: a dict that is in two others counts where it is met first.
const MOST_DEPTH = 64;
/** Of all names together, in characters. */
const MOST_LETTERS = 2 ** 24;
const MOST_TENSORS = 131_072;

interface Visit {
  readonly value: Value;
  readonly name: string;
  readonly depth: number;
  /** Whether the value has the attributes of an object. */
  readonly isState: boolean;
}

/**
 * The tensors in what was pickled, by their names: those of dicts, lists and attributes joined by points. A single tensor
 * has no name; what a module returns, `(output, h_n)` or `(output, (h_n, c_n))`, has the names of PyTorch's documentation.
 */
export function tensorsIn(root: Value): Map<string, StoredTensor> {
  const found = new Map<string, StoredTensor>();
  const returned = outputsIn(root);
  if (returned) return returned;
  const visited = new Set<Value>();
  let letters = 0;
  const waiting: Visit[] = [{ value: root, name: NAMELESS, depth: 0, isState: false }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { value, name, depth, isState } = next;
    if (isA(value, 'tensor')) {
      if (found.has(name)) throw new CellcheckError({ tensor: name, problem: 'is there twice' });
      if (found.size === MOST_TENSORS)
        throw new CellcheckError({ problem: `holds more than ${MOST_TENSORS} tensors` });
      found.set(name, value.tensor as StoredTensor);
      continue;
    }
    if (typeof value !== 'object' || value === null || visited.has(value) || depth === MOST_DEPTH) continue;
    visited.add(value);
    if (isA(value, 'record')) {
      waiting.push({ value: value.state, name, depth: depth + 1, isState: true });
      continue;
    }
    // In reverse, so that the first is visited first.
    for (const [key, member] of membersFromLast(value)) {
      // Lists of a scripted module repeat its parameters, as _flat_weights does.
      if (isState && isA(member, 'list')) continue;
      letters += name.length + key.length;
      if (letters > MOST_LETTERS)
        throw new CellcheckError({ problem: `has names of more than ${MOST_LETTERS} characters` });
      const path = name === NAMELESS ? key : `${name}.${key}`;
      waiting.push({ value: member, name: path, depth: depth + 1, isState: false });
    }
  }
  return found;
}

/** The members that may hold tensors, one by one: there may be more of them, and of others, than are ever named. */
function* membersFromLast(value: Value): Generator<readonly [string, Value]> {
  const mayHold = (member: Value) => typeof member === 'object' && member !== null;
  if (isA(value, 'list') || isA(value, 'tuple')) {
    for (let i = value.items.length - 1; i >= 0; i--)
      if (mayHold(value.items[i])) yield [String(i), value.items[i]];
  }
  if (!isA(value, 'dict')) return;
  const members = new Map<string, Value>();
  for (const [i, key] of value.keys.entries()) {
    if (typeof key !== 'string' && typeof key !== 'number') continue;
    const name = String(key);
    if (members.has(name)) throw new CellcheckError({ tensor: name, problem: 'is there twice' });
    members.set(name, value.values[i]);
  }
  yield* [...members].reverse().filter(([, member]) => mayHold(member));
}

/** The tensors of `output, h_n = rnn(x)`, or of `output, (h_n, c_n) = lstm(x)`, where the shapes tell. */
function outputsIn(value: Value): Map<string, StoredTensor> | undefined {
  if (!isA(value, 'tuple') || value.items.length !== 2) return undefined;
  const [output, state] = value.items;
  const states = isA(state, 'tuple') && state.items.length === 2 ? state.items : [state];
  if (!isA(output, 'tensor') || !states.every((item) => isA(item, 'tensor'))) return undefined;
  const tensors = [output, ...states].map(
    (item) => (isA(item, 'tensor') ? (item.tensor as StoredTensor) : undefined)!,
  );
  // Two states of one shape may also be those that an LSTMCell returns.
  if (tensors.length === 2 && tensors[0].shape.length < 3 && `${tensors[0].shape}` === `${tensors[1].shape}`)
    return undefined;
  return new Map(['output', 'h_n', 'c_n'].slice(0, tensors.length).map((name, i) => [name, tensors[i]]));
}

/** Reads the bytes of a storage, from one position to another. */
export type ReadStorage = (storage: Storage, from: number, to: number) => Uint8Array;

/** Views may overlap. All in all they may not become much more than what is stored. */
const MOST_COPIES = 4;
const SMALL = 2 ** 25;

/**
 * The named tensors. Of each storage only what they use is read, and that once.
 * @throws CellcheckError where a dtype is not read, or where views of little come to much
 */
export function loadStored(
  tensors: ReadonlyMap<string, StoredTensor>,
  names: readonly string[],
  readStorage: ReadStorage,
  bigEndian: boolean,
): Map<string, Tensor> {
  const wanted = names.map((name) => {
    const tensor = tensors.get(name)!;
    return { name, ...tensor, dtype: requireReadable(name, tensor.dtype) };
  });
  const ranges = new Map<string, { storage: Storage; from: number; to: number }>();
  let asked = 0;
  for (const { storage, dtype, itemSize, shape, strides, offset } of wanted) {
    if (shape.includes(0)) continue;
    // Integers become float64, 16-bit floats float32.
    asked += elementCount(shape) * (DTYPES[dtype].float ? Math.max(itemSize, 4) : 8);
    const base = storage.start * storage.itemSize;
    const from = base + offset * itemSize;
    const to = from + itemSize * (1 + shape.reduce((sum, size, i) => sum + (size - 1) * strides[i], 0));
    const range = ranges.get(storage.key);
    ranges.set(storage.key, {
      storage,
      from: Math.min(from, range?.from ?? from),
      to: Math.max(to, range?.to ?? to),
    });
  }
  const stored = [...ranges.values()].reduce((sum, { from, to }) => sum + to - from, 0);
  if (asked > SMALL + MOST_COPIES * stored) {
    throw new CellcheckError({
      found: `tensors of ${asked} bytes that are views of ${stored}`,
      expected: 'tensors that are not expanded so far',
      hints: ['Save what they hold: tensor.contiguous().'],
    });
  }
  const bytes = new Map(
    [...ranges].map(([key, { storage, from, to }]) => [key, { from, bytes: readStorage(storage, from, to) }]),
  );
  return new Map(
    wanted.map((tensor) => {
      const { storage, dtype, shape, itemSize, offset } = tensor;
      const part = bytes.get(storage.key);
      if (!part || shape.includes(0))
        return [tensor.name, { dtype, shape, data: decode(new Uint8Array(), dtype) }];
      const start = storage.start * storage.itemSize + offset * itemSize - part.from;
      const inOrder = rowMajor(part.bytes, start, itemSize, shape, tensor.strides);
      return [
        tensor.name,
        { dtype, shape, data: decode(bigEndian ? swapBytes(inOrder, itemSize) : inOrder, dtype) },
      ];
    }),
  );
}
