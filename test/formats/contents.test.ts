import { expect, test } from 'vitest';
import { openContents } from '../../src/formats/contents.js';
import { HEAD_BYTES } from '../../src/formats/detect.js';
import type { Source } from '../../src/formats/format.js';
import { FORMATS } from '../../src/formats/formats.js';
import { raw, safetensorsBytes } from '../write.js';
import { sourceOf } from './source.js';

const text = (content: string) => new TextEncoder().encode(content);

/** A file of this size that begins so; nothing behind its beginning is read. */
const beginning = (head: Uint8Array, size: number): Source => ({ ...sourceOf(head), size });

test('each format has a name of its own, and where two share an ending their first bytes tell them apart', () => {
  const endings = FORMATS.flatMap((format) => format.endings);
  expect(new Set(FORMATS.map(({ name }) => name)).size).toBe(FORMATS.length);
  for (const ending of endings) expect(ending).toMatch(/^(?:\.[a-z0-9]+)+$/);
  const shared = endings.filter((ending, i) => endings.indexOf(ending) !== i);
  expect(shared).toEqual(['.txt']);
  for (const ending of shared) {
    const formats = FORMATS.filter((format) => format.endings.includes(ending));
    // The last takes what the others do not.
    for (const { looksLike } of formats.slice(0, -1)) expect(looksLike).toBeDefined();
  }
});

test.each(['x.json', 'x.txt', 'x.csv', 'x.safetensors.index.json'])(
  'a text of more than 64 MiB is refused before it is read: %s',
  (name) => {
    const head = text('['.repeat(HEAD_BYTES));
    expect(() => openContents(beginning(head, 2 ** 26 + 1), name)).toThrow(
      expect.objectContaining({
        message: `${name}: found 67108865 bytes of text, expected 67108864 at most
  Save tensors of this size as safetensors.`,
      }),
    );
  },
);

test('of a safetensors file nothing but the header is read before tensors are asked for', () => {
  const file = safetensorsBytes(
    { a: raw([500], Array(500).fill(1)), b: raw([1000], Array(1000).fill(3)) },
    { module: 'GRU' },
  );
  let last = 0;
  const source = sourceOf(file);
  const contents = openContents(
    {
      size: source.size,
      read(offset, length) {
        last = Math.max(last, offset + length);
        return source.read(offset, length);
      },
    },
    'x.safetensors',
  );
  const { specs, load } = contents.tensors();
  expect([...specs.keys()]).toEqual(['a', 'b']);
  expect(contents.options!()).toEqual({ value: { module: 'GRU' } });
  // Its first bytes are looked at, whatever they are.
  expect(last).toBe(HEAD_BYTES);
  expect([...load(['a']).get('a')!.data]).toEqual(Array(500).fill(1));
  expect(last).toBe(file.length - 4000);
});

test('a large tensor is read into its place, by a source that can', () => {
  const count = 2 ** 20 + 5;
  const values = Float32Array.from({ length: count }, (_, i) => i);
  const file = safetensorsBytes({ a: raw([3], [7, 8, 9]), b: raw([count], values) });
  const source = sourceOf(file);
  const inPlace = {
    size: source.size,
    read: (offset: number, length: number, into = new Uint8Array(length)) => {
      into.set(source.read(offset, length));
      return into;
    },
  };
  for (const one of [source, inPlace]) {
    const { data } = openContents(one, 'x.safetensors').tensors().load(['a', 'b']).get('b')!;
    expect(data.length).toBe(count);
    expect(data.every((value, i) => value === i)).toBe(true);
    // So large a tensor may go to other threads.
    expect(data.buffer).toBeInstanceOf(SharedArrayBuffer);
  }
});

test('a JSON document is handed over as it is, since it may be a case file', () => {
  const { document, tensors } = openContents(sourceOf(text('{"weights": "w.safetensors"}')), 'case.json');
  expect(document).toEqual({ weights: 'w.safetensors' });
  expect(tensors).toThrow('case.json: weights: found a string, expected nested arrays');
});
