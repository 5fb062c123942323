import { CellcheckError } from '../errors.js';
import type { Source } from './format.js';

/** A position in a file, from which bytes are read in order. */
export interface ByteCursor {
  readonly position: number;
  byte(): number;
  /** The next bytes; their number is held against what is left before memory is taken. */
  bytes(count: number): Uint8Array;
  /** An unsigned little-endian number of 1 to 8 bytes; beyond 2^53 it is not a safe integer. */
  uint(size: number): number;
  /** Text up to a line feed, which is skipped. */
  line(): string;
}

const WINDOW = 2 ** 16;
const LONGEST_LINE = 1000;

/**
 * @param windowLength how many bytes are read at once
 * @throws CellcheckError, from every function of the cursor, where the file ends too early
 */
export function byteCursor(source: Source, start = 0, windowLength = WINDOW): ByteCursor {
  // A window onto the file, so that small reads do not each go to the disk.
  let window = new Uint8Array();
  let windowStart = start;
  let position = start;

  const fill = (count: number) => {
    const inside = position - windowStart;
    if (inside + count <= window.length) return;
    const length = Math.max(count, Math.min(windowLength, source.size - position));
    window = source.read(position, length) as Uint8Array<ArrayBuffer>;
    windowStart = position;
  };
  const bytes = (count: number): Uint8Array => {
    fill(count);
    const from = position - windowStart;
    position += count;
    return window.subarray(from, from + count);
  };
  // A view of each number would be garbage of a hundred times its size.
  const uint = (size: number): number => {
    fill(size);
    const from = position - windowStart;
    position += size;
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = 256 * value + window[from + i];
    return value;
  };
  const byte = () => uint(1);
  return {
    get position() {
      return position;
    },
    byte,
    bytes,
    uint,
    line() {
      let text = '';
      for (let next = byte(); next !== 10; next = byte()) {
        if (text.length === LONGEST_LINE)
          throw new CellcheckError({ problem: `a line is longer than ${LONGEST_LINE} characters` });
        text += String.fromCharCode(next);
      }
      return text;
    },
  };
}

/** A file that is in memory, or a part of one. */
export function sourceOver(bytes: Uint8Array): Source {
  return bounded({ size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) });
}

/** Refuses to read beyond the end, before memory is taken: where to read is often what the file itself says. */
export function bounded({ size, read, sibling }: Source): Source {
  return {
    size,
    ...(sibling && { sibling: (file: string) => bounded(sibling(file)) }),
    read(offset, length, into) {
      if (offset >= 0 && length >= 0 && offset + length <= size) return read(offset, length, into);
      throw new CellcheckError({
        found: `${size} bytes`,
        expected: `${length} more from byte ${offset} on`,
        hints: ['The file is cut short or damaged.'],
      });
    },
  };
}
