import zlib from 'node:zlib';
import { bytesOf, type Part, times, u16, u32, u64 } from './bytes.js';

/** The fields of a header, each of which may lie. */
interface Header {
  readonly name: Part;
  readonly version: number;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly extra: Part;
}

interface DirectoryEntry extends Header {
  readonly comment: Part;
  readonly disk: number;
  readonly offset: number;
}

export interface ZipFile {
  readonly name: string;
  readonly data?: Uint8Array;
  readonly deflated?: boolean;
  /** The stored bytes, in the place of those that follow from the data. */
  readonly stored?: Uint8Array;
  /** As torch.save and other streaming writers do: sizes and checksum are zero in the local header, and come behind. */
  readonly streamed?: boolean;
  /** Where the local header is, in the place of one of its own. */
  readonly at?: number;
  /** What the local header says otherwise. */
  readonly local?: Partial<Header>;
  /** What the directory says otherwise. */
  readonly central?: Partial<DirectoryEntry>;
}

export interface ZipEnd {
  readonly disk?: number;
  readonly firstDisk?: number;
  readonly here?: number;
  readonly count?: number;
  readonly size?: number;
  readonly offset?: number;
  readonly comment?: Part;
  readonly commentLength?: number;
  readonly before?: Part;
  readonly after?: Part;
  /** Before the directory. */
  readonly between?: Part;
  /** The larger form of the end, and what it says otherwise. */
  readonly large?: {
    readonly disk?: number;
    readonly here?: number | bigint;
    readonly count?: number | bigint;
    readonly size?: number | bigint;
    readonly offset?: number | bigint;
    readonly record?: number | bigint;
    readonly magic?: number;
  };
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}

const NONE = new Uint8Array();

/** A zip archive; without lies a valid one. */
export function zip(files: readonly ZipFile[], end: ZipEnd = {}): Buffer {
  const pieces: Uint8Array[] = [bytesOf(end.before ?? NONE)];
  let position = pieces[0].length;
  const directory = files.map((file) => {
    const { name, data = NONE, deflated = false, streamed = false } = file;
    const stored = file.stored ?? (deflated ? zlib.deflateRawSync(data, { level: 9 }) : data);
    const truth: Header = {
      name,
      version: 20,
      flags: streamed ? 0x0808 : 0x0800,
      method: deflated ? 8 : 0,
      crc: crc32(data),
      compressedSize: stored.length,
      size: data.length,
      extra: '',
    };
    const offset = position;
    if (file.at === undefined) {
      const zeros = streamed ? { crc: 0, compressedSize: 0, size: 0 } : {};
      const descriptor = streamed
        ? [u32(0x08074b50), u32(truth.crc), u32(truth.compressedSize), u32(truth.size)]
        : [];
      const local = bytesOf(localHeader({ ...truth, ...zeros, ...file.local }), stored, descriptor);
      pieces.push(local);
      position += local.length;
    }
    return directoryEntry({
      ...truth,
      comment: '',
      disk: 0,
      offset: file.at ?? offset,
      ...file.central,
    });
  });
  const between = bytesOf(end.between ?? NONE);
  const entries = bytesOf(directory);
  return bytesOf(
    pieces,
    between,
    entries,
    endOf(end, position + between.length, entries.length, files.length),
  );
}

const localHeader = (header: Header) => {
  const [name, extra] = [bytesOf(header.name), bytesOf(header.extra)];
  return bytesOf(
    u32(0x04034b50),
    u16(header.version),
    u16(header.flags),
    u16(header.method),
    u32(0),
    u32(header.crc),
    u32(header.compressedSize),
    u32(header.size),
    u16(name.length),
    u16(extra.length),
    name,
    extra,
  );
};

const directoryEntry = (entry: DirectoryEntry) => {
  const [name, extra, comment] = [bytesOf(entry.name), bytesOf(entry.extra), bytesOf(entry.comment)];
  return bytesOf(
    u32(0x02014b50),
    u16(20),
    u16(entry.version),
    u16(entry.flags),
    u16(entry.method),
    u32(0),
    u32(entry.crc),
    u32(entry.compressedSize),
    u32(entry.size),
    u16(name.length),
    u16(extra.length),
    u16(comment.length),
    u16(entry.disk),
    u16(0),
    u32(0),
    u32(entry.offset),
    name,
    extra,
    comment,
  );
};

function endOf(end: ZipEnd, offset: number, size: number, count: number): Buffer {
  const comment = bytesOf(end.comment ?? NONE);
  const { large } = end;
  const record = large && [
    u32(large.magic ?? 0x06064b50),
    u64(44),
    u16(45),
    u16(45),
    u32(large.disk ?? 0),
    u32(0),
    u64(large.here ?? large.count ?? count),
    u64(large.count ?? count),
    u64(large.size ?? size),
    u64(large.offset ?? offset),
    [u32(0x07064b50), u32(0), u64(large.record ?? offset + size), u32(1)],
  ];
  return bytesOf(
    record ?? NONE,
    u32(0x06054b50),
    u16(end.disk ?? 0),
    u16(end.firstDisk ?? 0),
    u16(end.here ?? end.count ?? count),
    u16(end.count ?? count),
    u32(end.size ?? size),
    u32(end.offset ?? offset),
    u16(end.commentLength ?? comment.length),
    comment,
    end.after ?? NONE,
  );
}

/** The extra field with sizes and offsets of 64 bits, of those that a directory's entry gives as 0xffffffff. */
export const in64Bits = (...values: readonly (number | bigint)[]): Part => [
  u16(1),
  u16(8 * values.length),
  values.map(u64),
];

/** Deflated zeros: about 1000 : 1. */
export function bomb(size: number): { readonly data: Uint8Array; readonly deflated: true } {
  return { data: times(size, 0), deflated: true };
}
