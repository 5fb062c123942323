import { CellcheckError } from '../../errors.js';
import type { ByteCursor } from '../bytes.js';

/**
 * A value of a pickle. Nothing of Python is imported or called: a class or a function is its name (`global`), and what
 * would be made by calling it is what `Meaning` makes of that name.
 */
export type Value = null | boolean | number | bigint | string | Composite;

export type Composite =
  | { readonly is: 'tuple'; readonly items: Value[] }
  | { readonly is: 'list'; readonly items: Value[] }
  | { readonly is: 'dict'; readonly keys: Value[]; readonly values: Value[] }
  | { readonly is: 'global'; readonly name: string }
  /** An object with its attributes: of a class that `Meaning` takes as a plain record. */
  | { readonly is: 'record'; readonly name: string; state: Value }
  /** Something that no tensor depends on. */
  | { readonly is: 'other' }
  | { readonly is: 'storage'; readonly storage: unknown }
  | { readonly is: 'tensor'; readonly tensor: unknown };

/** What the names in a pickle stand for. A name without a meaning ends the reading. */
export interface Meaning {
  /** Whether a class or function may be named: `collections.OrderedDict`. */
  isKnown(name: string): boolean;
  /** The result of a function, or the new object of a class; undefined where the name may not be called. */
  call(name: string, args: readonly Value[]): Value | undefined;
  /** Whether an object of this class is a plain record of its attributes. */
  isRecord(name: string): boolean;
  /** The value that lies outside the pickle, in another part of the file. */
  persistent(id: Value): Value;
  unknown(name: string): CellcheckError;
}

// A pickle is small, a checkpoint's tensors lie outside it; but a hostile one can make much out of little.
const MOST_BYTES = 2 ** 24;
const MOST_VALUES = 1_500_000;
const MOST_CONTAINERS = 200_000;
const MOST_REMEMBERED = 400_000;

/** The longest pickle in bytes. */
export const LONGEST_PICKLE = MOST_BYTES;

const fault = (problem: string) =>
  new CellcheckError({
    problem: `its pickle ${problem}`,
    hints: ['The file is damaged, or was not written by torch.save.'],
  });

/**
 * Reads one pickle, from the cursor to its STOP. It knows the opcodes that torch.save and torch.jit.save write, the same
 * that torch.load(weights_only=True) reads (https://docs.pytorch.org/docs/stable/notes/serialization.html), and it does
 * not recurse.
 * @throws CellcheckError where it is damaged, too large, or names what has no meaning
 */
export function readPickle(cursor: ByteCursor, meaning: Meaning): Value {
  const start = cursor.position;
  const stack: Value[] = [];
  const marks: number[] = [];
  const memo = new Map<number, Value>();
  let made = 0;
  let containers = 0;
  const globals = new Map<string, Value>();

  const push = (value: Value) => {
    if (++made > MOST_VALUES) throw fault(`holds more than ${MOST_VALUES} values`);
    if (typeof value === 'object' && value !== null && ++containers > MOST_CONTAINERS)
      throw fault(`holds more than ${MOST_CONTAINERS} tensors, dicts, lists and tuples`);
    stack.push(value);
  };
  const pop = (): Value => {
    if (stack.length === (marks.at(-1) ?? 0)) throw fault('takes a value that is not there');
    return stack.pop()!;
  };
  const top = (): Value => {
    if (stack.length === (marks.at(-1) ?? 0)) throw fault('takes a value that is not there');
    return stack[stack.length - 1];
  };
  const popToMark = (): Value[] => {
    const mark = marks.pop();
    if (mark === undefined) throw fault('takes a mark that is not there');
    return stack.splice(mark);
  };
  const remember = (index: number) => {
    // The value that was made last may be on the other side of a mark.
    if (stack.length === 0) throw fault('remembers a value that is not there');
    memo.set(index, stack[stack.length - 1]);
    if (memo.size > MOST_REMEMBERED) throw fault(`remembers more than ${MOST_REMEMBERED} values`);
  };
  const recall = (index: number) => {
    if (!memo.has(index)) throw fault('recalls a value that is not there');
    // It is in memory once, however often it is recalled.
    if (++made > MOST_VALUES) throw fault(`holds more than ${MOST_VALUES} values`);
    stack.push(memo.get(index)!);
  };
  const bytes = (count: number) => {
    if (cursor.position + count - start > MOST_BYTES) throw fault(`is longer than ${MOST_BYTES} bytes`);
    return cursor.bytes(count);
  };
  const setItems = (target: Value, pairs: readonly Value[]) => {
    if (!isA(target, 'dict') || pairs.length % 2) throw fault('puts items into what is no dict');
    for (let i = 0; i < pairs.length; i += 2) {
      target.keys.push(pairs[i]);
      target.values.push(pairs[i + 1]);
    }
  };
  const append = (target: Value, items: readonly Value[]) => {
    if (!isA(target, 'list')) throw fault('appends to what is no list');
    for (const item of items) target.items.push(item);
  };
  const call = (callee: Value, args: Value): Value => {
    if (!isA(callee, 'global') || !isA(args, 'tuple')) throw fault('calls what is no function');
    const result = meaning.call(callee.name, args.items);
    if (result === undefined) throw meaning.unknown(callee.name);
    return result;
  };
  const newObject = (callee: Value, args: Value): Value => {
    if (isA(callee, 'global') && meaning.isRecord(callee.name))
      return { is: 'record', name: callee.name, state: null };
    return call(callee, args);
  };
  const build = (target: Value, state: Value) => {
    // The state of an OrderedDict is its _metadata, that of a tensor its attributes: neither counts.
    if (isA(target, 'record')) target.state = state;
    else if (!isA(target, 'dict') && !isA(target, 'tensor') && !isA(target, 'other'))
      throw fault('sets the state of what has none');
  };

  for (;;) {
    if (cursor.position - start > MOST_BYTES) throw fault(`is longer than ${MOST_BYTES} bytes`);
    const opcode = cursor.byte();
    switch (opcode) {
      case 0x80: // PROTO
        if (cursor.byte() > 5) throw fault('is of an unknown protocol');
        break;
      case 0x2e: {
        // STOP
        const value = pop();
        if (stack.length || marks.length) throw fault('ends with values that nothing took');
        return value;
      }
      case 0x63: // GLOBAL
        push(globalOf(cursor, meaning, globals));
        break;
      case 0x81: {
        // NEWOBJ
        const args = pop();
        push(newObject(pop(), args));
        break;
      }
      case 0x52: {
        // REDUCE
        const args = pop();
        push(call(pop(), args));
        break;
      }
      case 0x62: {
        // BUILD
        const state = pop();
        build(top(), state);
        break;
      }
      case 0x61: {
        // APPEND
        const item = pop();
        append(top(), [item]);
        break;
      }
      case 0x65: {
        // APPENDS
        const items = popToMark();
        append(top(), items);
        break;
      }
      case 0x73: {
        // SETITEM
        const value = pop();
        const key = pop();
        setItems(top(), [key, value]);
        break;
      }
      case 0x75: {
        // SETITEMS
        const pairs = popToMark();
        setItems(top(), pairs);
        break;
      }
      case 0x28: // MARK
        if (marks.push(stack.length) > MOST_VALUES) throw fault('has too many marks');
        break;
      case 0x74: // TUPLE
        push({ is: 'tuple', items: popToMark() });
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: {
        // TUPLE3
        const items: Value[] = [];
        for (let count = opcode - 0x84; count > 0; count--) items.unshift(pop());
        push({ is: 'tuple', items });
        break;
      }
      case 0x4e: // NONE
        push(null);
        break;
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
        push(opcode === 0x88);
        break;
      case 0x29: // EMPTY_TUPLE
        push({ is: 'tuple', items: [] });
        break;
      case 0x5d: // EMPTY_LIST
        push({ is: 'list', items: [] });
        break;
      case 0x7d: // EMPTY_DICT
        push({ is: 'dict', keys: [], values: [] });
        break;
      case 0x8f: // EMPTY_SET
        push({ is: 'other' });
        break;
      case 0x4a: // BININT
        push(cursor.uint(4) | 0);
        break;
      case 0x4b: // BININT1
        push(cursor.byte());
        break;
      case 0x4d: // BININT2
        push(cursor.uint(2));
        break;
      case 0x47: {
        // BINFLOAT
        const { buffer, byteOffset } = bytes(8);
        push(new DataView(buffer, byteOffset).getFloat64(0));
        break;
      }
      case 0x8a: // LONG1
        push(signed(bytes(cursor.byte())));
        break;
      case 0x58: // BINUNICODE
        push(text(bytes(cursor.uint(4))));
        break;
      case 0x55: // SHORT_BINSTRING
        push(text(bytes(cursor.byte())));
        break;
      case 0x51: // BINPERSID
        push(meaning.persistent(pop()));
        break;
      case 0x68: // BINGET
        recall(cursor.byte());
        break;
      case 0x6a: // LONG_BINGET
        recall(cursor.uint(4));
        break;
      case 0x71: // BINPUT
        remember(cursor.byte());
        break;
      case 0x72: // LONG_BINPUT
        remember(cursor.uint(4));
        break;
      default:
        throw new CellcheckError({
          problem: `its pickle has the opcode 0x${opcode.toString(16)}, which torch.save does not write`,
          hints: ['torch.save writes protocol 2. Save it again without pickle_protocol.'],
        });
    }
  }
}

export function isA<Is extends Composite['is']>(
  value: Value | undefined,
  is: Is,
): value is Extract<Composite, { is: Is }> {
  return typeof value === 'object' && value !== null && value.is === is;
}

/** Python 2 called some of the modules by other names. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['__builtin__', 'builtins'],
  ['copy_reg', 'copyreg'],
]);

function globalOf(cursor: ByteCursor, meaning: Meaning, known: Map<string, Value>): Value {
  const module = cursor.line();
  const name = `${RENAMED.get(module) ?? module}.${cursor.line()}`;
  if (!meaning.isKnown(name) && !meaning.isRecord(name)) throw meaning.unknown(name);
  const global = known.get(name) ?? { is: 'global', name };
  known.set(name, global);
  return global;
}

/** A little-endian two's complement number. */
function signed(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = 256n * value + BigInt(bytes[i]);
  if (bytes.length && bytes[bytes.length - 1] >= 128) value -= 1n << BigInt(8 * bytes.length);
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

function text(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fault('has text that is not UTF-8');
  }
}
