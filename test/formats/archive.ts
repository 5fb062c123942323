import { deflateRawSync } from 'node:zlib';
import CRC32 from 'crc-32';

/** A file to put into a zip archive, and what its headers say where that is not the truth. */
export interface Member {
  readonly name: string | Uint8Array;
  readonly content: string | Uint8Array;
  readonly deflated?: boolean;
  /** The bytes that are stored for it. */
  readonly stored?: Uint8Array;
  readonly flags?: number;
  readonly method?: number;
  readonly crc?: number;
  readonly size?: number;
  readonly compressedSize?: number;
  /** Where the directory says that it is. */
  readonly at?: number;
  readonly disk?: number;
  readonly comment?: string;
  /** Extra fields of the entry in the directory, and of the local header. */
  readonly extra?: Uint8Array;
  readonly localExtra?: Uint8Array;
  /** In the local header. */
  readonly localName?: string;
  readonly localMethod?: number;
  readonly localFlags?: number;
  /** Sizes and checksum stand behind the data, and the local header has none. */
  readonly streamed?: boolean;
  /** Sizes and offset are in 64-bit fields. */
  readonly zip64?: boolean;
}

/** What the end of an archive says, where that is not the truth, and what is around it. */
export interface Ending {
  readonly comment?: string;
  readonly count?: number;
  readonly here?: number;
  readonly size?: number;
  readonly offset?: number;
  readonly disk?: number;
  readonly firstDisk?: number;
  readonly zip64?: boolean;
  readonly before?: Uint8Array;
  readonly behind?: Uint8Array;
  /** Between the directory and its end. */
  readonly between?: Uint8Array;
}

const u16 = (value: number) => Uint8Array.of(value & 255, (value >> 8) & 255);
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const u64 = (value: number | bigint) => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
const bytesOf = (text: string | Uint8Array) => (typeof text === 'string' ? Buffer.from(text) : text);
const IN_64_BITS = 0xffffffff;

/** An extra field of an entry. */
export const extraField = (id: number, content: Uint8Array): Uint8Array =>
  Buffer.concat([u16(id), u16(content.length), content]);

/** A zip archive, written as the format's description says (for little-endian machines). */
export function zipOf(members: readonly Member[], ending: Ending = {}): Uint8Array {
  const parts: Uint8Array[] = [ending.before ?? new Uint8Array()];
  let offset = parts[0].length;
  const push = (...chunks: Uint8Array[]) => {
    for (const chunk of chunks) {
      parts.push(chunk);
      offset += chunk.length;
    }
  };
  const directory = members.map((member) => {
    const at = offset;
    const content = bytesOf(member.content);
    const stored = member.stored ?? (member.deflated ? deflateRawSync(content) : content);
    const method = member.method ?? (member.deflated ? 8 : 0);
    const crc = member.crc ?? CRC32.buf(content);
    const [size, compressedSize] = [member.size ?? content.length, member.compressedSize ?? stored.length];
    const flags = member.flags ?? (member.streamed ? 8 : 0);
    const sums = member.streamed ? [u32(0), u32(0), u32(0)] : [u32(crc), u32(compressedSize), u32(size)];
    const localName = bytesOf(member.localName ?? member.name);
    const localExtra = member.localExtra ?? new Uint8Array();
    push(
      u32(0x04034b50),
      u16(20),
      u16(member.localFlags ?? flags),
      u16(member.localMethod ?? method),
      u32(0),
      ...sums,
      u16(localName.length),
      u16(localExtra.length),
      localName,
      localExtra,
      stored,
    );
    if (member.streamed) push(u32(0x08074b50), u32(crc), u32(compressedSize), u32(size));
    const name = bytesOf(member.name);
    const comment = bytesOf(member.comment ?? '');
    const place = member.at ?? at;
    const large = member.zip64
      ? extraField(1, Buffer.concat([u64(size), u64(compressedSize), u64(place)]))
      : new Uint8Array();
    const extra = Buffer.concat([member.extra ?? new Uint8Array(), large]);
    const field = (value: number) => u32(member.zip64 ? IN_64_BITS : value);
    return Buffer.concat([
      u32(0x02014b50),
      u16(20),
      u16(20),
      u16(flags),
      u16(method),
      u32(0),
      u32(crc),
      field(compressedSize),
      field(size),
      u16(name.length),
      u16(extra.length),
      u16(comment.length),
      u16(member.disk ?? 0),
      u16(0),
      u32(0),
      field(place),
      name,
      extra,
      comment,
    ]);
  });
  const start = offset;
  push(...directory);
  const size = ending.size ?? offset - start;
  push(ending.between ?? new Uint8Array());
  const count = ending.count ?? members.length;
  const here = ending.here ?? count;
  const place = ending.offset ?? start;
  const [disk, firstDisk] = [ending.disk ?? 0, ending.firstDisk ?? 0];
  if (ending.zip64) {
    const record = offset;
    push(u32(0x06064b50), u64(44), u16(45), u16(45), u32(disk), u32(firstDisk));
    push(u64(here), u64(count), u64(size), u64(place));
    push(u32(0x07064b50), u32(0), u64(record), u32(1));
  }
  const comment = bytesOf(ending.comment ?? '');
  push(
    u32(0x06054b50),
    ...(ending.zip64
      ? [u16(0xffff), u16(0xffff), u16(0xffff), u16(0xffff), u32(IN_64_BITS), u32(IN_64_BITS)]
      : [u16(disk), u16(firstDisk), u16(here), u16(count), u32(size), u32(place)]),
    u16(comment.length),
    comment,
    ending.behind ?? new Uint8Array(),
  );
  return Buffer.concat(parts);
}
