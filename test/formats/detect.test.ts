import { expect, test } from 'vitest';
import { detectFormat } from '../../src/formats/detect.js';

const head = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

test('endings decide, and where there is none the first bytes', () => {
  expect(detectFormat('a.safetensors', head('\x10\0\0\0\0\0\0\0{'))).toBe('safetensors');
  expect(detectFormat('a.JSON', head('{'))).toBe('json');
  expect(detectFormat('noending', head('\x10\0\0\0\0\0\0\0{'))).toBe('safetensors');
  expect(detectFormat('noending', head('\xef\xbb\xbf [1'))).toBe('json');
});

test.each([
  ['model.pt', 'anything', 'torch.load'],
  ['renamed.safetensors', 'PK\x03\x04', 'weights_only=True'],
  ['x.npy', '\x93NUMPY', 'numpy.load'],
  ['x.npz', 'PK', 'NumPy'],
  ['m.onnx', 'x', 'ONNX model'],
  ['m.h5', '\x89HDF', 'Keras or HDF5'],
  ['m.json.gz', '\x1f\x8b', 'gunzip'],
  ['m.safetensors', 'version https://git-lfs.github.com/spec/v1', 'git lfs pull'],
  ['m.json', '<!DOCTYPE html>', 'is a web page'],
  ['m.json', '<<<<<<< HEAD', 'merge conflict'],
  ['m.json', '\xff\xfe{', 'Save it as UTF-8'],
  ['m.json', '', 'is empty'],
  ['m.dat', 'hello', 'a format that cellcheck does not know'],
])('%s that begins with %j says what to do', (name, bytes, message) => {
  expect(() => detectFormat(name, head(bytes))).toThrow(message);
});
