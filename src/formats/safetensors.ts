import safetensorsPackage from 'safetensors';
import { parseMetadataOptions } from '../../schemas/case.js';
import {
  parseHeaderEntry,
  parseHeaderMetadata,
  SAFETENSORS_BITS,
  type SafetensorsDtype,
  type SafetensorsEntry,
} from '../../schemas/safetensors-header.js';
import { CellcheckError } from '../errors.js';
import { DTYPES, decode, isReadable } from '../tensor/dtype.js';
import { formatShape } from '../tensor/shape.js';
import { checkNames } from '../tensor/state-dict.js';
import type { Tensor, TensorSpec } from '../tensor/tensor.js';
import type { Format, Source } from './format.js';
import { parseMembers } from './json-values.js';

/** A tensor, and where in the file its bytes are. */
interface PlacedSpec extends TensorSpec {
  readonly begin: number;
  readonly end: number;
}

/** A header that was checked whole: after this nothing about the file's layout needs to be checked again. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, PlacedSpec>;
  readonly metadata: Readonly<Record<string, string>>;
}

const LENGTH_BYTES = 8;
// The Rust library's limit.
const LONGEST_HEADER = 100_000_000;

export const safetensors: Format = {
  name: 'safetensors',
  endings: ['.safetensors'],
  text: false,
  // The header follows its own length: 8 bytes, of which the upper ones are zero.
  looksLike: (head) => head[8] === '{' && head.slice(4, 8) === '\0\0\0\0',
  open(source) {
    const header = readHeader(source);
    return {
      tensors: () => ({
        specs: header.tensors,
        load: (names) => loadTensors(header, names, source),
      }),
      options: () => parseMetadataOptions(header.metadata),
    };
  },
};

/**
 * The header of a file, checked whole.
 * @throws CellcheckError without a file
 */
export function readHeader(source: Source): SafetensorsHeader {
  const first = source.read(0, Math.min(LENGTH_BYTES, source.size));
  const length = headerLength(first, source.size);
  return parseHeader(source.read(LENGTH_BYTES, length), source.size);
}

/**
 * How long the header is that follows the first 8 bytes of a file.
 * @throws CellcheckError where the file is too short for it
 */
export function headerLength(first: Uint8Array, fileSize: number): number {
  if (first.length < LENGTH_BYTES) {
    throw new CellcheckError({
      found: `${fileSize} bytes`,
      expected: 'a safetensors file, which has at least 8',
      hints: ['Was the file written to the end?'],
    });
  }
  const length = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
  if (length > BigInt(LONGEST_HEADER)) {
    throw new CellcheckError({
      found: `a header length of ${length} bytes`,
      expected: `${LONGEST_HEADER} at most`,
      hints: ['This is probably not a safetensors file.'],
    });
  }
  if (LENGTH_BYTES + Number(length) > fileSize) {
    throw new CellcheckError({
      found: `a header of ${length} bytes in a file of ${fileSize}`,
      expected: 'the header within the file',
      hints: ['The file is cut short, or is not a safetensors file.'],
    });
  }
  return Number(length);
}

/**
 * The header, validated whole: JSON, dtypes, shapes without overflow, offsets that cover the data exactly, without
 * holes or overlap (the rules of the Rust library, and no name twice).
 * @throws CellcheckError without a file
 */
function parseHeader(bytes: Uint8Array, fileSize: number): SafetensorsHeader {
  if (bytes[0] !== '{'.charCodeAt(0)) {
    throw new CellcheckError({
      problem: 'the safetensors header does not begin with {',
      hints: ['The file is damaged, or is not a safetensors file.'],
    });
  }
  const dataStart = LENGTH_BYTES + bytes.length;
  const tensors = new Map<string, PlacedSpec>();
  let metadata: Record<string, string> | undefined;
  const isTaken = (name: string) => (name === '__metadata__' ? metadata !== undefined : tensors.has(name));
  parseMembers(bytes, isTaken, (name, value) => {
    if (name === '__metadata__') {
      metadata = parseHeaderMetadata(value);
      if (!metadata)
        throw new CellcheckError({ tensor: name, problem: 'holds something else than text by name' });
      return;
    }
    const entry = parseHeaderEntry(value);
    if ('field' in entry) {
      const problem = entry.field
        ? `its ${entry.field} is not ${entry.expected}`
        : `is not ${entry.expected}`;
      throw new CellcheckError({ tensor: name, problem });
    }
    checkSize(name, entry);
    const { dtype, shape, data_offsets } = entry;
    tensors.set(name, { dtype, shape, begin: dataStart + data_offsets[0], end: dataStart + data_offsets[1] });
  });
  checkOffsets(tensors, dataStart, fileSize);
  return { metadata: metadata ?? {}, tensors };
}

function checkSize(name: string, { dtype, shape, data_offsets: [begin, end] }: SafetensorsEntry): void {
  let bits: number = SAFETENSORS_BITS[dtype as SafetensorsDtype];
  for (const size of shape) {
    bits *= size;
    if (!Number.isSafeInteger(bits)) {
      throw new CellcheckError({
        tensor: name,
        problem: `the shape ${formatShape(shape)} is larger than any file`,
      });
    }
  }
  if (bits !== 8 * (end - begin)) {
    throw new CellcheckError({
      tensor: name,
      found: `${end - begin} bytes of data`,
      expected: `${bits / 8} for ${dtype} ${formatShape(shape)}`,
      hints: ['The file is damaged: its header and its data disagree.'],
    });
  }
}

function checkOffsets(tensors: ReadonlyMap<string, PlacedSpec>, dataStart: number, fileSize: number): void {
  const byOffset = [...tensors.keys()].sort((a, b) => {
    const [{ begin, end }, other] = [tensors.get(a)!, tensors.get(b)!];
    return begin - other.begin || end - other.end;
  });
  let next = dataStart;
  for (const name of byOffset) {
    const { begin, end } = tensors.get(name)!;
    if (begin !== next) {
      throw new CellcheckError({
        tensor: name,
        found: `data at ${begin - dataStart} to ${end - dataStart}`,
        expected: `it to begin at ${next - dataStart}, where the tensor before it ends`,
        hints: ['The file is damaged: its data overlap or leave a hole.'],
      });
    }
    next = end;
  }
  if (next !== fileSize) {
    throw new CellcheckError({
      found: `${fileSize - dataStart} bytes of tensor data`,
      expected: `${next - dataStart}, by its header`,
      hints: [fileSize < next ? 'The file is cut short.' : 'Something was appended to the file.'],
    });
  }
}

/** Where a stretch of the file goes in the image. */
interface Stretch {
  readonly fileOffset: number;
  readonly imageOffset: number;
  readonly length: number;
}

/**
 * A safetensors file in memory with nothing but the tensors wanted, every one on an 8-byte boundary. The package
 * `safetensors` gets this instead of the user's file: it validates nothing, and would have to hold all of it.
 */
interface Image {
  readonly bytes: Uint8Array;
  /** What must be read from the file into `bytes` before the tensors are taken out. */
  readonly stretches: readonly Stretch[];
}

function readable(header: SafetensorsHeader, name: string) {
  const entry = header.tensors.get(name)!;
  const { dtype } = entry;
  if (isReadable(dtype)) return { ...entry, dtype };
  throw new CellcheckError({
    tensor: name,
    found: `dtype ${dtype}`,
    expected: Object.keys(DTYPES).join(', '),
    hints: ['Convert it before saving, for example with tensor.float().'],
  });
}

function planImage(header: SafetensorsHeader, names: readonly string[]): Image {
  const clean: Record<string, unknown> = {};
  const lengths = names.map((name, i) => {
    const { dtype, shape, begin, end } = readable(header, name);
    clean[i] = { dtype, shape };
    return { fileOffset: begin, length: end - begin };
  });

  let offset = 0;
  const places = lengths.map(({ length }) => {
    const place = offset;
    offset += Math.ceil(length / 8) * 8;
    return place;
  });
  for (const [i, { length }] of lengths.entries()) {
    Object.assign(clean[i] as object, { data_offsets: [places[i], places[i] + length] });
  }
  const json = new TextEncoder().encode(JSON.stringify(clean));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + headerBytes + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(32, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  bytes.set(json, LENGTH_BYTES);
  return {
    bytes,
    stretches: lengths.map(({ fileOffset, length }, i) => ({
      fileOffset,
      length,
      imageOffset: LENGTH_BYTES + headerBytes + places[i],
    })),
  };
}

/** The tensors of an image whose stretches have been read. */
function readImage(header: SafetensorsHeader, names: readonly string[], image: Image): Map<string, Tensor> {
  const file = new safetensorsPackage.SafeTensor(image.bytes);
  return new Map(
    names.map((name, i) => {
      const { dtype, shape } = readable(header, name);
      return [name, { dtype, shape, data: decode(file.getTensor(String(i)), dtype) }];
    }),
  );
}

/** How much of a tensor is read at once: what is read is copied, and a large tensor must not be in memory twice. */
const SLICE = 2 ** 22;

/**
 * Tensors of a file whose header was checked.
 * @throws CellcheckError where a tensor has a dtype that is not read
 */
export function loadTensors(
  header: SafetensorsHeader,
  names: readonly string[],
  source: Source,
): Map<string, Tensor> {
  checkNames(header.tensors, names);
  const image = planImage(header, names);
  for (const { fileOffset, imageOffset, length } of image.stretches) {
    for (let done = 0; done < length; done += SLICE) {
      const slice = source.read(fileOffset + done, Math.min(SLICE, length - done));
      image.bytes.set(slice, imageOffset + done);
    }
  }
  return readImage(header, names, image);
}
