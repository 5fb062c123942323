import fs from 'node:fs';

export interface RawTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A float32 (or float64) tensor for a test file. */
export function raw(
  shape: readonly number[],
  values: ArrayLike<number>,
  dtype: 'F32' | 'F64' | 'I64' = 'F32',
): RawTensor {
  const array =
    dtype === 'F32'
      ? Float32Array.from(values)
      : dtype === 'F64'
        ? Float64Array.from(values)
        : BigInt64Array.from(Array.from(values, BigInt));
  return { dtype, shape, bytes: new Uint8Array(array.buffer) };
}

/** A safetensors file, written as the format's description says. */
export function safetensorsBytes(
  tensors: Readonly<Record<string, RawTensor>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  let offset = 0;
  const entries = Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
    const begin = offset;
    offset += bytes.length;
    return [name, { dtype, shape, data_offsets: [begin, offset] }] as const;
  });
  const header = Object.fromEntries([...(metadata ? [['__metadata__', metadata] as const] : []), ...entries]);
  const data = Buffer.concat(Object.values(tensors).map(({ bytes }) => bytes));
  return withHeader(JSON.stringify(header), data);
}

/** A file with this header, whatever it says. */
export function withHeader(header: string, data: Uint8Array = new Uint8Array()): Uint8Array {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

export function writeSafetensors(
  file: string,
  tensors: Readonly<Record<string, RawTensor>>,
  metadata?: Readonly<Record<string, string>>,
): void {
  fs.writeFileSync(file, safetensorsBytes(tensors, metadata));
}

/** The same behind an unused tensor of so many bytes, which are a hole in the file. */
export function writeSparse(file: string, tensors: Readonly<Record<string, RawTensor>>, hole: number): void {
  let offset = hole;
  const header: Record<string, unknown> = { unused: { dtype: 'U8', shape: [hole], data_offsets: [0, hole] } };
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const head = withHeader(JSON.stringify(header));
  const fd = fs.openSync(file, 'w');
  fs.writeSync(fd, head);
  let position = head.length + hole;
  for (const { bytes } of Object.values(tensors)) {
    fs.writeSync(fd, bytes, 0, bytes.length, position);
    position += bytes.length;
  }
  fs.closeSync(fd);
}

export function readJson(file: string): Record<string, unknown> {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

export function writeJson(file: string, value: unknown): void {
  fs.writeFileSync(file, JSON.stringify(value));
}

/** The tensors of a safetensors file that was written well. */
function readSafetensors(file: string): Record<string, RawTensor> {
  const bytes = fs.readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE());
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> =
    JSON.parse(bytes.subarray(8, start).toString());
  return Object.fromEntries(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(([name, { dtype, shape, data_offsets }]) => {
        const [begin, end] = data_offsets;
        return [name, { dtype, shape, bytes: bytes.subarray(start + begin, start + end) }];
      }),
  );
}

/** The sample bundle of an LSTM 3 → 4 over 6 steps of 2 rows, with its initial state, to be spoilt. */
export function lstmBundle(): Record<string, RawTensor> {
  return readSafetensors(new URL('../samples/bundles/lstm.safetensors', import.meta.url).pathname);
}
