import {
  parseHeaderEntry,
  parseHeaderMetadata,
  SAFETENSORS_BITS,
  type SafetensorsDtype,
  type SafetensorsEntry,
} from '../../schemas/safetensors-header.js';
import { CellcheckError } from '../errors.js';
import { formatShape } from '../tensor/shape.js';
import type { TensorSpec } from '../tensor/tensor.js';
import type { Source } from './format.js';
import { parseMembers } from './json-values.js';

/** A tensor, and where its bytes begin and end in the file. */
interface PlacedSpec extends TensorSpec {
  readonly begin: number;
  readonly end: number;
}

/** A valid header: whoever has one need not check the file's layout again. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, PlacedSpec>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The header follows its own length. */
export const LENGTH_BYTES = 8;
// The Rust library's limit.
const LONGEST_HEADER = 100_000_000;

/**
 * Reads and validates a header: JSON, dtypes, shapes without overflow, offsets that cover the data exactly, without
 * holes or overlap. These are the rules of the Rust library; and no name may stand twice.
 * @throws CellcheckError without a file
 */
export function readHeader(source: Source): SafetensorsHeader {
  const length = headerLength(source.read(0, Math.min(LENGTH_BYTES, source.size)), source.size);
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
  const isDuplicate = (name: string) =>
    name === '__metadata__' ? metadata !== undefined : tensors.has(name);
  parseMembers(bytes, isDuplicate, (name, value) => {
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
    const [first, second] = [tensors.get(a)!, tensors.get(b)!];
    return first.begin - second.begin || first.end - second.end;
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
