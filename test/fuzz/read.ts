import { json } from '../../src/formats/json.js';
import { loadTensors } from '../../src/formats/safetensors.js';
import { readHeader } from '../../src/formats/safetensors-header.js';
import { DTYPES, isReadable } from '../../src/tensor/dtype.js';
import { elementCount } from '../../src/tensor/shape.js';
import { sourceOf } from '../formats/source.js';

/** Reads all of a safetensors file that is in memory, as cellcheck reads one from the disk. */
export function readSafetensorsBytes(file: Uint8Array) {
  const source = sourceOf(file);
  const header = readHeader(source);
  const names = [...header.tensors].filter(([, { dtype }]) => isReadable(dtype)).map(([name]) => name);
  const tensors = loadTensors(header, names, source);
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
  const { document, tensors } = json.open(sourceOf(file));
  const text = new TextDecoder().decode(file);
  if (!same(document, JSON.parse(text))) throw new Error('not what JSON.parse reads');
  const { specs, load } = tensors();
  for (const [name, { shape, data }] of load([...specs.keys()])) {
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
