/** Bytes of all that a binary format consists of: text is UTF-8, numbers are single bytes. */
export type Part = string | number | Uint8Array | readonly Part[];

export function bytesOf(...parts: readonly Part[]): Buffer {
  const pieces: Uint8Array[] = [];
  const add = (part: Part): void => {
    if (typeof part === 'string') pieces.push(Buffer.from(part));
    else if (typeof part === 'number') pieces.push(Uint8Array.of(part));
    else if (part instanceof Uint8Array) pieces.push(part);
    else for (const inner of part) add(inner);
  };
  for (const part of parts) add(part);
  return Buffer.concat(pieces);
}

/** Little-endian numbers; what does not fit is cut off. */
export const u16 = (value: number) => uint(value, 2);
export const u32 = (value: number) => uint(value, 4);
export const u64 = (value: number | bigint) => uint(value, 8);

function uint(value: number | bigint, size: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes.subarray(0, size);
}

/** The same part many times. */
export function times(count: number, part: Part): Buffer {
  const bytes = bytesOf(part);
  return Buffer.alloc(bytes.length * count, bytes);
}

/** A copy with the bytes from a position on replaced. */
export function patched(bytes: Uint8Array, at: number, ...parts: readonly Part[]): Buffer {
  const result = Buffer.from(bytes);
  result.set(bytesOf(...parts), at < 0 ? at + bytes.length : at);
  return result;
}

/** Little-endian float32 numbers. */
export const floats = (values: ArrayLike<number>) => new Uint8Array(Float32Array.from(values).buffer);
