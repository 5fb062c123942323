import { CellcheckError } from '../../errors.js';
import { decode, requireReadable } from '../../tensor/dtype.js';
import { elementCount } from '../../tensor/shape.js';
import { NAMELESS } from '../../tensor/state-dict.js';
import type { Tensor } from '../../tensor/tensor.js';
import { rowMajor, swapBytes } from '../row-major.js';
import type { Storage, StoredTensor } from './meaning.js';
import { isA, type Value } from './pickle.js';

// Every container is visited once: a dict that is in two others counts where it is met first.
const MOST_DEPTH = 64;
const LONGEST_NAME = 1000;

/**
 * The tensors in what was pickled, by their names: those of dicts, lists and attributes joined by points. A single tensor
 * has no name; what a module returns, `(output, h_n)` or `(output, (h_n, c_n))`, has the names of PyTorch's documentation.
 */
export function tensorsIn(root: Value): Map<string, StoredTensor> {
  const found = new Map<string, StoredTensor>();
  const returned = outputsIn(root);
  if (returned) return returned;
  const visited = new Set<Value>();
  const waiting: { readonly value: Value; readonly name: string; readonly depth: number }[] = [
    { value: root, name: NAMELESS, depth: 0 },
  ];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { value, name, depth } = next;
    if (isA(value, 'tensor')) {
      if (!found.has(name)) found.set(name, value.tensor as StoredTensor);
      continue;
    }
    if (visited.has(value) || depth === MOST_DEPTH || name.length > LONGEST_NAME) continue;
    const members = membersOf(value);
    if (members.length === 0) continue;
    visited.add(value);
    // In reverse, so that the first is visited first.
    for (const [key, member] of members.reverse())
      waiting.push({ value: member, name: name === NAMELESS ? key : `${name}.${key}`, depth: depth + 1 });
  }
  return found;
}

function membersOf(value: Value): (readonly [string, Value])[] {
  // Lists of a scripted module repeat its parameters, as _flat_weights does.
  if (isA(value, 'record')) return membersOf(value.state).filter(([, member]) => !isA(member, 'list'));
  if (isA(value, 'dict'))
    return value.keys.flatMap((key, i) =>
      typeof key === 'string' || typeof key === 'number' ? [[String(key), value.values[i]] as const] : [],
    );
  if (isA(value, 'list') || isA(value, 'tuple')) return value.items.map((item, i) => [String(i), item]);
  return [];
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
  for (const { storage, itemSize, shape, strides, offset } of wanted) {
    if (shape.includes(0)) continue;
    asked += elementCount(shape) * itemSize;
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
