/** What a file of numpy.save says of itself, and what is in it. */
export interface ArrayFile {
  /** `<f4` if absent. */
  readonly descr?: string;
  readonly fortran?: boolean;
  /** As Python prints it: `(2, 3)`. */
  readonly shape: string;
  readonly data: Uint8Array;
  readonly version?: number;
  /** The whole header, whatever it says. */
  readonly header?: string;
}

/** A file of numpy.save, written as the format's description says. */
export function npyBytes({
  descr = '<f4',
  fortran = false,
  shape,
  data,
  version = 1,
  header,
}: ArrayFile): Uint8Array {
  const order = fortran ? 'True' : 'False';
  const dict = header ?? `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
  const lengthBytes = version === 1 ? 2 : 4;
  const start = 8 + lengthBytes;
  const padded = `${dict.padEnd(Math.ceil((start + dict.length + 1) / 64) * 64 - start - 1)}\n`;
  const head = Buffer.alloc(start);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  head.writeUIntLE(padded.length, 8, lengthBytes);
  return Buffer.concat([head, Buffer.from(padded, 'latin1'), data]);
}

export const float32 = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
export const float64 = (...values: number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer);
