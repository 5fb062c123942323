import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openTensors } from '../../src/files/contents.js';
import { openContents } from '../../src/formats/contents.js';
import { shards } from '../../src/formats/shards.js';
import { scratch } from '../cli.js';
import { linesOf } from '../errors.js';
import { raw, safetensorsBytes, writeJson, writeSafetensors } from '../write.js';
import { sourceOf } from './source.js';

const FILES = {
  'one.safetensors': safetensorsBytes({ a: raw([2], [1, 2]), 'rnn.b': raw([1, 1], [3]) }),
  'two.safetensors': safetensorsBytes({ c: raw([1], [4], 'F64'), spare: raw([1], [5]) }),
  'THREE.SAFETENSORS': safetensorsBytes({ d: raw([1], [6]) }),
};
const MAP = {
  a: 'one.safetensors',
  c: 'two.safetensors',
  'rnn.b': 'one.safetensors',
  d: 'THREE.SAFETENSORS',
};

/** The index, and the names of the files that were opened and read, in this order. */
function opened(index: unknown, files: Readonly<Record<string, Uint8Array>> = FILES) {
  const log: string[] = [];
  const source = {
    ...sourceOf(Buffer.from(JSON.stringify(index))),
    sibling(file: string) {
      log.push(file);
      if (!Object.hasOwn(files, file)) throw new Error(`no file ${file}`);
      return sourceOf(files[file]);
    },
  };
  return { ...shards.open(source).tensors(), log };
}

test('the names are those of the index, and no file is opened for them', () => {
  const { specs, log } = opened({ metadata: { total_size: 1 }, weight_map: MAP });
  expect([...specs.keys()]).toEqual(['a', 'c', 'rnn.b', 'd']);
  expect(specs.has('spare')).toBe(false);
  expect(log).toEqual([]);
});

test('a file is opened once, when one of its tensors is asked for', () => {
  const { specs, load, log } = opened({ weight_map: MAP });
  expect(specs.get('rnn.b')).toMatchObject({ dtype: 'F32', shape: [1, 1] });
  expect(specs.get('a')!.shape).toEqual([2]);
  expect(log).toEqual(['one.safetensors']);
  const loaded = load(['rnn.b', 'a']);
  expect([...loaded].map(([name, { data }]) => [name, ...data]).sort()).toEqual([
    ['a', 1, 2],
    ['rnn.b', 3],
  ]);
  expect(log).toEqual(['one.safetensors']);
  expect(load(['c', 'd', 'a']).get('c')).toMatchObject({
    dtype: 'F64',
    shape: [1],
    data: Float64Array.of(4),
  });
  expect(log).toEqual(['one.safetensors', 'two.safetensors', 'THREE.SAFETENSORS']);
  expect([...load(['d']).get('d')!.data]).toEqual([6]);
  expect(log).toHaveLength(3);
});

test('a name that is not in the index', () => {
  const { load, log } = opened({ weight_map: MAP });
  for (const name of ['spare', 'toString', '']) expect(() => load([name])).toThrow('there is no such tensor');
  expect(log).toEqual([]);
});

test('a tensor that its file does not have', () => {
  const { specs, load } = opened({ weight_map: { ...MAP, e: 'one.safetensors' } });
  const lines = [
    'e: the index says that it is in one.safetensors, which does not have it',
    '  The files are of different checkpoints, or the index is damaged.',
  ];
  expect(linesOf(() => specs.get('e')!.shape)).toEqual(lines);
  expect(linesOf(() => load(['a', 'e']))).toEqual(lines);
  expect([...load(['a']).get('a')!.data]).toEqual([1, 2]);
});

test('an error in a file names it', () => {
  const files = { ...FILES, 'one.safetensors': FILES['one.safetensors'].subarray(0, -1) };
  const { specs, load } = opened({ weight_map: MAP }, files);
  expect(() => specs.get('a')!.shape).toThrow(/^one\.safetensors: .*\n.*cut short/);
  expect(() => load(['a'])).toThrow(/^one\.safetensors: /);
  expect(() => load(['c'])).not.toThrow();
});

describe('the name of a file', () => {
  test.each([
    '../one.safetensors',
    '..\\one.safetensors',
    '/etc/one.safetensors',
    'folder/one.safetensors',
    'c:one.safetensors',
    'one\0.safetensors',
    'one.json',
    'one.txt',
    'one',
    '',
    '.',
    '..',
    'model.safetensors.index.json',
    'https://example.com/one.safetensors',
  ])('may not lead out of the folder, nor to a file of another sort: %j', (file) => {
    const lines = linesOf(() => opened({ weight_map: { ...MAP, x: file } }));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^x: found the file .*, expected a \.safetensors or \.bin file in the folder of the index$/,
    );
  });

  test.each([[1], [null], [true], [{}], [[1]], [['one.safetensors']]])('is text: %j', (file) => {
    expect(linesOf(() => opened({ weight_map: { ...MAP, x: file } }))).toEqual([
      'x: found something else than the name of a file, expected a .safetensors or .bin file in the folder of the index',
    ]);
  });
});

test.each([
  ['{}'],
  ['[1]'],
  ['3'],
  ['null'],
  ['{"weight_map": null}'],
  ['{"weight_map": [1]}'],
  ['{"weight_map": "one.safetensors"}'],
  ['{"metadata": {"weight_map": {}}}'],
])('%s is no index', (text) => {
  expect(() => shards.open(sourceOf(Buffer.from(text)))).toThrow(
    expect.objectContaining({
      message: `is not the index of a sharded checkpoint: it has no weight_map
  It looks like {"weight_map": {"lstm.weight_ih_l0": "model-00001-of-00002.safetensors", …}}.`,
    }),
  );
});

test('an index that is damaged', () => {
  expect(() => shards.open(sourceOf(Buffer.from('{"weight_map": {"a": ')))).toThrow('line 1, column 22');
  expect(() => shards.open(sourceOf(Buffer.from('{"weight_map": {"a": "b.bin", "a": "c.bin"}}')))).toThrow(
    'the name a appears twice',
  );
});

test('an index of more tensors than any other file of JSON may have', () => {
  const weight_map = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, i) => [`t${i}`, 'one.safetensors']),
  );
  expect(opened({ weight_map }).specs.size).toBe(20_000);
});

test('an index without a folder, as in a browser, has names but no tensors', () => {
  const index = Buffer.from(JSON.stringify({ weight_map: MAP }));
  const { specs, load } = openContents(sourceOf(index), 'x.safetensors.index.json').tensors();
  expect([...specs.keys()]).toEqual(Object.keys(MAP));
  expect(linesOf(() => load(['a']))).toEqual([
    'x.safetensors.index.json: is the index of a sharded checkpoint, whose files are read from its folder',
    '  Give it as a path.',
  ]);
});

describe('on the disk', () => {
  const written = () => {
    const folder = scratch();
    writeSafetensors(path.join(folder, 'one.safetensors'), { a: raw([2], [1, 2]) });
    writeSafetensors(path.join(folder, 'two.safetensors'), { b: raw([1], [3]) });
    const weight_map = { a: 'one.safetensors', b: 'two.safetensors', c: 'three.safetensors' };
    writeJson(path.join(folder, 'model.safetensors.index.json'), { weight_map });
    return folder;
  };

  test('files are those beside the index, given as a path or by its folder', () => {
    const folder = written();
    for (const given of [folder, path.join(folder, 'model.safetensors.index.json')]) {
      const { load } = openTensors(given, given);
      expect([...load(['b', 'a'])].map(([name, { data }]) => [name, ...data]).sort()).toEqual([
        ['a', 1, 2],
        ['b', 3],
      ]);
    }
  });

  test('a file that is not there is one only where it is needed, and named with its folder', () => {
    const { specs, load } = openTensors(written(), 'checkpoints/gru');
    expect(specs.get('a')!.shape).toEqual([2]);
    expect(() => load(['c'])).toThrow(/three\.safetensors: there is no such file/);
  });
});
