import { openContents } from '../../src/formats/contents.js';
import type { Source } from '../../src/formats/format.js';
import { json } from '../../src/formats/json.js';
import { isOtherList, type JsonValue } from '../../src/formats/json-values.js';
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

/** Values of a tensor that a fuzzer waits for. */
const MOST_VALUES = 100_000;

/** Reads all of a file that is in memory, as cellcheck reads one of this name from the disk. */
export function readBytes(file: Uint8Array, name: string, sibling?: Source['sibling']): void {
  const source = { ...sourceOf(file), ...(sibling && { sibling }) };
  const { specs, load } = openContents(source, name).tensors();
  for (const [tensor, { dtype, shape }] of specs) {
    const count = elementCount(shape);
    // A tensor that is not read must be refused; a large one takes time.
    if (isReadable(dtype) && !(count <= MOST_VALUES)) continue;
    const loaded = load([tensor]).get(tensor)!;
    if (loaded.data.length !== count) throw new Error(`${tensor}: ${loaded.data.length} values for ${shape}`);
    if (!Object.hasOwn(DTYPES, loaded.dtype)) throw new Error(`${tensor}: ${loaded.dtype}`);
    if (`${loaded.shape}` !== `${shape}` || loaded.dtype !== dtype)
      throw new Error(`${tensor}: ${loaded.dtype} [${loaded.shape}], and ${dtype} [${shape}] was promised`);
  }
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
    // What is no tensor is kept as the reason why.
    if (isOtherList(ours as JsonValue)) return shapeOf(theirs) === undefined;
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

/** The shape of nested arrays of numbers; undefined where they are none. */
function shapeOf(value: unknown): string | undefined {
  if (!Array.isArray(value)) return isNumber(value) ? '' : undefined;
  const shapes = new Set(value.map(shapeOf));
  const [inner] = shapes;
  return shapes.size === 1 && inner !== undefined ? `${value.length},${inner}` : undefined;
}

const isNumber = (value: unknown) =>
  typeof value === 'number' ? Number.isFinite(value) : /^(?:NaN|-?Infinity)$/.test(String(value));
