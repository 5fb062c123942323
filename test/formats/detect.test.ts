import { describe, expect, test } from 'vitest';
import { detectFormat, TENSOR_ENDINGS } from '../../src/formats/detect.js';

const head = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** The whole message, hints too. */
const exactly = (message: string) => expect.objectContaining({ message });

/** What every message about what is read begins and ends with; formats that come later stand in between. */
const READ =
  /^cellcheck reads \.safetensors, \.pt, \.npz(?:, \.\w+)* and \.json files, \.safetensors\.index\.json with the files of a sharded checkpoint beside it, \.npy with one array, (?:\.\w+ with [^.]+, )*\.csv with a row of numbers for each step, and \.txt with tensors as Python prints them\.$/;

const readable = (problem: string) =>
  expect.objectContaining({ parts: { problem, hints: [expect.stringMatching(READ)] } });

const SAFETENSORS = '\x10\0\0\0\0\0\0\0{"a":';
const ZIP = 'PK\x03\x04 and more';
const NPY = '\x93NUMPY\x01\x00v\x00';
/** The magic number of torch.save before PyTorch 1.6, pickled. */
const LEGACY = '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.';

test.each([
  ['a.safetensors', SAFETENSORS, 'safetensors'],
  ['a.SafeTensors', '[1]', 'safetensors'],
  ['a.JSON', '{"a":', 'json'],
  ['a.json', SAFETENSORS, 'json'],
  ['a.txt', 'tensor([1.])', 'printed'],
  ['a.TXT', '[1]', 'printed'],
  ['a.pt', 'anything', 'torch'],
  ['a.PTH', 'anything', 'torch'],
  ['a.ckpt', 'anything', 'torch'],
  ['pytorch_model.bin', 'anything', 'torch'],
  ['a.jit', 'anything', 'torch'],
  ['a.npy', 'anything', 'npy'],
  ['a.NPZ', 'anything', 'npz'],
  ['a.csv', 'h,i', 'numbers'],
  ['a.TSV', '[1]', 'numbers'],
  ['model.safetensors.index.json', '{"a":', 'shards'],
  ['pytorch_model.bin.index.json', '{"a":', 'shards'],
  ['x.index.json', '{"a":', 'json'],
  ['noending', SAFETENSORS, 'safetensors'],
  ['noending', '[1', 'json'],
  ['a.json.old', '{"a":', 'json'],
  ['noending', ' \n\t[[1', 'json'],
  ['noending', '\xef\xbb\xbf [1', 'json'],
  ['noending', '0.5 -1e-3\r\n', 'numbers'],
  ['a.dat', '\xef\xbb\xbf 1;2', 'numbers'],
])(
  'endings decide, and where there is none the first bytes: %s that begins with %j',
  (name, bytes, format) => {
    expect(detectFormat(name, head(bytes)).name).toBe(format);
  },
);

test.each([
  ['0.5 0.25\n-1 2', 'numbers'],
  ['0.5, nan, -INF\n', 'numbers'],
  ['\n\n 1e-05;2', 'numbers'],
  ['\xef\xbb\xbf1\t2', 'numbers'],
  ['[0.5 0.25]', 'printed'],
  ['1 [0.5]', 'printed'],
  ['>>> x', 'printed'],
  ['output = 1', 'printed'],
  ['nan', 'printed'],
  ['---', 'printed'],
])('a .txt that begins with %j is %s', (bytes, format) => {
  expect(detectFormat('a.txt', head(bytes)).name).toBe(format);
});

test('only the first bytes of a .txt are looked at', () => {
  expect(detectFormat('a.txt', head(`${'1 '.repeat(256)}[`)).name).toBe('numbers');
  expect(detectFormat('a.txt', head(`${'1 '.repeat(255)}[`)).name).toBe('printed');
});

test.each([
  [LEGACY, 'torch'],
  [NPY, 'npy'],
])('the magic bytes %j say what a file is, whatever its ending', (bytes, format) => {
  for (const name of ['model', 'renamed.safetensors', 'model.h5', 'model.txt', 'model.gz'])
    expect(detectFormat(name, head(bytes)).name).toBe(format);
  expect(detectFormat('model.json', head(`{"a": "${bytes}"`)).name).toBe('json');
  expect(detectFormat('model.npz', head(bytes)).name).toBe(format);
});

test('a zip archive is what its ending says, and else a checkpoint', () => {
  for (const name of ['a.pt', 'a.pth', 'a.ckpt', 'a.bin', 'a', 'a.zip', 'a.npy', 'a.safetensors', 'a.txt'])
    expect(detectFormat(name, head(ZIP)).name).toBe('torch');
  expect(detectFormat('model.npz', head(ZIP)).name).toBe('npz');
  expect(detectFormat('model.NPZ', head(ZIP)).name).toBe('npz');
  expect(() => detectFormat('model.keras', head(ZIP))).toThrow(exactly(MESSAGES.hdf5));
});

test.each([
  ['m.dat', 'hello'],
  ['a text that holds a list', 'see [1]'],
  ['m.json.dat', 'hello'],
  ['m.txt.dat', 'hello'],
  ['m.safetensors.dat', 'hello'],
  ['a length without a header', '\x10\0\0\0\0\0\0\0['],
  ['a length that no memory has', '\x10\0\0\0\0\0\0\x01{'],
  ['text with a brace', 'a list, {'],
  ['letters of numbers, and none', 'Fine'],
  ['another pickle', '\x80\x04\x95'],
])('what neither ending nor bytes tell is refused: %s', (name, bytes) => {
  expect(() => detectFormat(name, head(bytes))).toThrow(
    readable('is of a format that cellcheck does not know'),
  );
});

test.each(['a.safetensors', 'a.pt', 'a.npz', 'a.npy', 'a.csv', 'a.txt', 'a.json', 'a'])(
  'an empty file is called so, with what is read: %s',
  (name) => {
    expect(() => detectFormat(name, head(''))).toThrow(readable('is empty'));
  },
);

test('files of tensors have endings that no other file should have', () => {
  for (const ending of [
    '.safetensors',
    '.safetensors.index.json',
    '.bin.index.json',
    '.pt',
    '.npz',
    '.npy',
    '.h5',
  ])
    expect(TENSOR_ENDINGS).toContain(ending);
  for (const ending of ['.json', '.txt', '.csv']) expect(TENSOR_ENDINGS).not.toContain(ending);
});

const MESSAGES = {
  hdf5: `is a Keras or HDF5 file
  Its weights need PyTorch names and layout first: weight_ih_l0 is the transposed kernel.`,
  gzip: `is gzip-compressed
  Decompress it first: gunzip.`,
  lfs: `is a Git LFS pointer, not the file itself
  Fetch the file first: git lfs pull.`,
  web: `is a web page
  The download gave an error page.`,
  conflict: `is full of merge conflict marks
  Resolve the conflict first.`,
  utf16: `is UTF-16 or UTF-32 text
  Save it as UTF-8.`,
};

describe('what people have at hand at first is told by name, with what makes it readable', () => {
  const refused = (path: string, bytes: string, kind: keyof typeof MESSAGES) =>
    expect(() => detectFormat(path, head(bytes))).toThrow(exactly(MESSAGES[kind]));

  test.each([
    ['.h5', 'hdf5'],
    ['.hdf5', 'hdf5'],
    ['.keras', 'hdf5'],
    ['.json.gz', 'gzip'],
    ['.pt.gz', 'gzip'],
  ] as const)('a file that ends in %s', (ending, kind) => {
    refused(`model${ending}`, '{"anything": 1}', kind);
    refused(`model${ending}`, '', kind);
  });

  test.each([
    ['\x89HDF', 'hdf5'],
    ['\x1f\x8b', 'gzip'],
    ['version https://git-lfs', 'lfs'],
    ['<!DOCTYPE', 'web'],
    ['<!doctype', 'web'],
    ['<html', 'web'],
    ['<<<<<<< ', 'conflict'],
    ['\xff\xfe', 'utf16'],
    ['\xfe\xff', 'utf16'],
    ['\x00\x00\xfe\xff', 'utf16'],
  ] as const)('one that begins with %j, whatever its ending', (start, kind) => {
    for (const name of ['model', 'renamed.safetensors', 'model.pt', 'input.npy', 'output.csv', 'printed.txt'])
      refused(name, `${start} and more`, kind);
    expect(detectFormat('model.json', head(`{"a": "${start}"`)).name).toBe('json');
  });
});
