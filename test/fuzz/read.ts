import { tensorsOfJson } from '../../src/formats/json.js';
import { headerLength, loadTensors, parseHeader } from '../../src/formats/safetensors.js';
import { scanJson } from '../../src/formats/scan-json.js';
import { DTYPES, isReadable } from '../../src/tensor/dtype.js';
import { elementCount } from '../../src/tensor/shape.js';

/** Reads all of a safetensors file that is in memory, as cellcheck reads one from the disk. */
export function readSafetensorsBytes(file: Uint8Array) {
  const length = headerLength(file.subarray(0, 8), file.length);
  const header = parseHeader(file.subarray(8, 8 + length), file.length);
  const names = [...header.tensors].filter(([, { dtype }]) => isReadable(dtype)).map(([name]) => name);
  const tensors = loadTensors(header, names, (target, position) => {
    const bytes = file.subarray(position, position + target.length);
    if (bytes.length !== target.length) throw new Error('a tensor that is not all in the file');
    target.set(bytes);
  });
  for (const [name, { dtype, shape, data }] of tensors) {
    if (data.length !== elementCount(shape)) throw new Error(`${name}: ${data.length} values for ${shape}`);
    if (!Object.hasOwn(DTYPES, dtype)) throw new Error(`${name}: ${dtype}`);
  }
  return header;
}

/**
 * Reads all of a JSON file, and holds what it says against JSON.parse, which is laxer in all that cellcheck refuses:
 * what both accept is the same.
 */
export function readJsonBytes(file: Uint8Array): void {
  const root = scanJson(file);
  const text = new TextDecoder().decode(file);
  if (!same(root, JSON.parse(text))) throw new Error('not what JSON.parse reads');
  const { tensors } = tensorsOfJson(root);
  for (const [name, { shape, data }] of tensors.load([...tensors.specs.keys()])) {
    if (data.length !== elementCount(shape)) throw new Error(`${name}: ${data.length} values for ${shape}`);
  }
}

function same(ours: unknown, theirs: unknown): boolean {
  if (Array.isArray(theirs)) {
    const { shape, values } = ours as { shape: number[]; values: Float64Array };
    const flat = theirs.flat(Number.POSITIVE_INFINITY).map(Number);
    return (
      shape[0] === theirs.length &&
      flat.length === values.length &&
      flat.every((v, i) => Object.is(v, values[i]))
    );
  }
  if (typeof theirs !== 'object' || theirs === null) return Object.is(ours, theirs);
  const [a, b] = [Object.entries(ours as object), Object.entries(theirs)];
  return (
    a.length === b.length &&
    a.every(
      ([key, value]) => Object.hasOwn(theirs, key) && same(value, (theirs as Record<string, unknown>)[key]),
    )
  );
}
