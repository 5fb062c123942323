import CRC32 from 'crc-32';
import { Inflate } from 'fflate';
import { CellcheckError, printable } from '../errors.js';
import { byteCursor, sourceOver } from './bytes.js';
import type { Source } from './format.js';

/** A file in a zip archive, as the archive's directory describes it. */
interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly headerOffset: number;
  /** Where the next entry, or the directory, begins. */
  limit: number;
}

/** A zip archive whose directory is valid. */
export interface Zip {
  /** The sizes of the files in the archive, by name. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Whether the archive was written without checksums, which nothing can be held against. */
  readonly unchecked: boolean;
  /** Reads a part of a file, whose checksum is not known then: for headers, whose file is read later. */
  peek(name: string, from: number, length: number): Uint8Array;
  /**
   * Reads a file of the archive, or a part of it, and checks the checksum of the whole file.
   * @param from the first byte, and `to` the one after the last; all if absent
   * @throws CellcheckError where the file is not there or damaged
   */
  read(name: string, from?: number, to?: number): Uint8Array;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const END_LENGTH = 22;
const LONGEST_COMMENT = 0xffff;
/** Stands for a number that is in the 64-bit fields. */
const IN_64_BITS = 0xffffffff;

const STORED = 0;
const DEFLATED = 8;

const MOST_ENTRIES = 65_536;
const LARGEST_DIRECTORY = 2 ** 24;
/** How much is read at once; nothing is in memory but this and what was asked for. */
const SLICE = 2 ** 22;
/** Deflate compresses up to 1000 : 1, but not trained weights. */
const MOST_RATIO = 100;
const SLICE_TO_INFLATE = 2 ** 14;
/** As much as this may come out of archives that are compressed further, all files of one taken together. */
const SMALL = 2 ** 23;

const damaged = (problem: string, name?: string) =>
  new CellcheckError({ tensor: name, problem, hints: ['The archive is damaged. Was it copied completely?'] });

/**
 * Reads the directory of a zip archive (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). The local headers
 * of a streamed archive have no sizes, so only the directory's count. Every size and offset is held against the file.
 * @throws CellcheckError where the archive is damaged, encrypted, or in several parts
 */
export function openZip(source: Source): Zip {
  const entries = directoryOf(source);
  const find = (name: string) => {
    const entry = entries.get(name);
    if (!entry) throw new CellcheckError({ problem: `the archive has no ${printable(name)}` });
    return entry;
  };
  // torch.serialization.set_crc32_options(False) writes 0 for all of them.
  const unchecked = [...entries.values()].every(({ crc }) => crc === 0);
  const inflated: Inflated = new Map();
  return {
    unchecked,
    sizes: new Map([...entries.values()].map(({ name, size }) => [name, size])),
    peek: (name, from, length) =>
      readEntry(source, new Map(), find(name), from, from + length, 'until there'),
    read(name, from = 0, to) {
      const entry = find(name);
      return readEntry(source, inflated, entry, from, to ?? entry.size, 'whole', unchecked);
    },
  };
}

function directoryOf(source: Source): Map<string, ZipEntry> {
  const { count, size, offset } = endOf(source);
  if (count > MOST_ENTRIES || size > LARGEST_DIRECTORY)
    throw new CellcheckError({ found: `an archive of ${count} files`, expected: `${MOST_ENTRIES} at most` });
  const cursor = byteCursor(sourceOver(source.read(offset, size)));
  const entries = new Map<string, ZipEntry>();
  for (let i = 0; i < count; i++) {
    const entry = directoryEntry(cursor);
    if (entries.has(entry.name)) throw damaged('has two files of this name', entry.name);
    entries.set(entry.name, entry);
  }
  if (cursor.position !== size) throw damaged('the directory of the archive is longer than its entries');
  const inOrder = [...entries.values()].sort((a, b) => b.headerOffset - a.headerOffset);
  let limit = offset;
  for (const entry of inOrder) {
    if (entry.headerOffset === limit) throw damaged('reaches into what follows it', entry.name);
    entry.limit = limit;
    limit = entry.headerOffset;
  }
  return entries;
}

/** Where the directory is. */
function endOf(source: Source): { count: number; size: number; offset: number } {
  const tailLength = Math.min(source.size, END_LENGTH + LONGEST_COMMENT);
  const tail = source.read(source.size - tailLength, tailLength);
  const view = viewOf(tail);
  let at = tailLength - END_LENGTH;
  // The end may have a comment, which reaches to the end of the file.
  while (
    at >= 0 &&
    !(view.getUint32(at, true) === END && view.getUint16(at + 20, true) === tailLength - at - END_LENGTH)
  )
    at--;
  if (at < 0) throw damaged('the zip archive has no directory');
  let end = source.size - tailLength + at;
  let [disk, firstDisk, here, count] = [4, 6, 8, 10].map((field) => view.getUint16(at + field, true));
  let [size, offset] = [12, 16].map((field) => view.getUint32(at + field, true));
  // A larger form of the end comes before it where a number needs that, and always in what torch.save writes.
  const locator = end < 20 ? undefined : viewOf(source.read(end - 20, 20));
  if (locator?.getUint32(0, true) === LOCATOR64) {
    end = safe(locator.getBigUint64(8, true));
    const record = viewOf(source.read(end, 56));
    if (record.getUint32(0, true) !== END64) throw damaged('the zip archive has no directory');
    [disk, firstDisk] = [16, 20].map((field) => record.getUint32(field, true));
    [here, count, size, offset] = [24, 32, 40, 48].map((field) => safe(record.getBigUint64(field, true)));
  }
  if (disk !== 0 || firstDisk !== 0 || here !== count)
    throw new CellcheckError({ problem: 'is one part of a zip archive in several parts' });
  if (offset + size !== end) throw damaged('the directory of the archive does not end where it should');
  return { count, size, offset };
}

function safe(value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) throw damaged('a size or an offset is larger than any file');
  return Number(value);
}

const viewOf = ({ buffer, byteOffset, length }: Uint8Array) => new DataView(buffer, byteOffset, length);

function directoryEntry(cursor: ReturnType<typeof byteCursor>): ZipEntry {
  if (cursor.uint(4) !== DIRECTORY_ENTRY) throw damaged('the directory of the archive is not one');
  cursor.bytes(4);
  const flags = cursor.uint(2);
  const method = cursor.uint(2);
  cursor.bytes(4);
  const crc = cursor.uint(4);
  let [compressedSize, size] = [cursor.uint(4), cursor.uint(4)];
  const [nameLength, extraLength, commentLength] = [cursor.uint(2), cursor.uint(2), cursor.uint(2)];
  const disk = cursor.uint(2);
  cursor.bytes(6);
  let headerOffset = cursor.uint(4);
  const name = utf8(cursor.bytes(nameLength));
  const extra = extraLength > 0 ? byteCursor(sourceOver(cursor.bytes(extraLength))) : cursor;
  cursor.bytes(commentLength);
  if (flags & 1) throw new CellcheckError({ tensor: name, problem: 'is encrypted' });
  if (disk !== 0) throw new CellcheckError({ problem: 'is one part of a zip archive in several parts' });
  while (extra !== cursor && extra.position + 4 <= extraLength) {
    const [id, length] = [extra.uint(2), extra.uint(2)];
    const end = extra.position + length;
    // The fields that do not fit into 32 bits, in this order.
    if (id === 1) {
      if (size === IN_64_BITS) size = safeUint(extra);
      if (compressedSize === IN_64_BITS) compressedSize = safeUint(extra);
      if (headerOffset === IN_64_BITS) headerOffset = safeUint(extra);
    }
    if (extra.position > end) throw damaged('has a damaged entry in the directory', name);
    extra.bytes(end - extra.position);
  }
  return { name, method, crc, compressedSize, size, headerOffset, limit: headerOffset };
}

function safeUint(cursor: ReturnType<typeof byteCursor>): number {
  const value = cursor.uint(8);
  if (!Number.isSafeInteger(value)) throw damaged('a size or an offset is larger than any file');
  return value;
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw damaged('has a file whose name is not UTF-8');
  }
}

/** What was read and is compressed further than numbers are: the bytes of each file. */
type Inflated = Map<string, number>;

function readEntry(
  source: Source,
  inflated: Inflated,
  entry: ZipEntry,
  from: number,
  to: number,
  extent: 'whole' | 'until there',
  unchecked = false,
): Uint8Array {
  const { name, method, size, compressedSize } = entry;
  if (method !== STORED && method !== DEFLATED) {
    throw new CellcheckError({
      tensor: name,
      problem: 'is compressed by a method that is not read',
      hints: ['Store or deflate it.'],
    });
  }
  if (method === STORED && size !== compressedSize) throw damaged('has two sizes', name);
  if (size > MOST_RATIO * compressedSize) inflated.set(name, size);
  if ([...inflated.values()].reduce((sum, bytes) => sum + bytes, 0) > SMALL) {
    throw new CellcheckError({
      tensor: name,
      found: `${size} bytes that are compressed to ${compressedSize}`,
      expected: `${MOST_RATIO} times as many at most`,
      hints: ['Numbers are never compressed so far. Save the file without compression.'],
    });
  }
  const start = dataStart(source, entry);
  // Memory is taken for bytes that are there, or that deflate may make of those that are there.
  const wanted = new Uint8Array(Math.max(0, Math.min(to, size) - from));
  let done = 0;
  let crc = 0;
  const take = (slice: Uint8Array) => {
    if (done + slice.length > size) throw damaged('is longer than the directory says', name);
    crc = CRC32.buf(slice, crc);
    const [first, last] = [Math.max(from, done), Math.min(to, done + slice.length)];
    if (first < last) wanted.set(slice.subarray(first - done, last - done), first - from);
    done += slice.length;
  };
  const inflate = method === DEFLATED ? new Inflate(take) : undefined;
  const step = inflate ? SLICE_TO_INFLATE : extent === 'whole' ? SLICE : Math.min(SLICE, to);
  for (let read = 0; read < compressedSize; read += step) {
    if (extent === 'until there' && done >= to) return wanted;
    const length = Math.min(step, compressedSize - read);
    const slice = source.read(start + read, length);
    if (inflate) pushTo(inflate, slice, read + length === compressedSize, name);
    else take(slice);
  }
  if (done !== size) throw damaged('is shorter than the directory says', name);
  if (crc >>> 0 !== entry.crc && !unchecked)
    throw damaged('does not have the checksum that the directory says', name);
  return wanted;
}

function pushTo(inflate: Inflate, slice: Uint8Array, isLast: boolean, name: string): void {
  try {
    // The library keeps what it is given.
    inflate.push(slice.slice(), isLast);
  } catch (error) {
    if (error instanceof CellcheckError) throw error;
    throw damaged('is not deflated as the directory says', name);
  }
}

/** Where the bytes of an entry begin, behind its local header. They must end before the next entry begins. */
function dataStart(source: Source, { name, method, headerOffset, compressedSize, limit }: ZipEntry): number {
  const header = byteCursor(source, headerOffset);
  if (header.uint(4) !== LOCAL_HEADER) throw damaged('is not where the directory says', name);
  header.bytes(2);
  const [flags, localMethod] = [header.uint(2), header.uint(2)];
  header.bytes(16);
  const [nameLength, extraLength] = [header.uint(2), header.uint(2)];
  const localName = utf8(header.bytes(nameLength));
  if (localName !== name || localMethod !== method || flags & 1)
    throw damaged('has another header than the directory says', name);
  const start = header.position + extraLength;
  if (start + compressedSize > limit) throw damaged('reaches into what follows it', name);
  return start;
}
