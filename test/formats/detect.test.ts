import { describe, expect, test } from 'vitest';
import { detectFormat } from '../../src/formats/detect.js';

const head = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** The whole message, hints too. */
const exactly = (message: string) => expect.objectContaining({ message });

const READ = 'cellcheck reads .safetensors and .json files, and .txt with tensors as Python prints them.';

const SAFETENSORS = '\x10\0\0\0\0\0\0\0{"a":';

test.each([
  ['a.safetensors', SAFETENSORS, 'safetensors'],
  ['a.SafeTensors', '[1]', 'safetensors'],
  ['a.JSON', '{"a":', 'json'],
  ['a.json', SAFETENSORS, 'json'],
  ['a.txt', 'tensor([1.])', 'printed'],
  ['a.TXT', '[1]', 'printed'],
  ['noending', SAFETENSORS, 'safetensors'],
  ['noending', '[1', 'json'],
  ['a.json.old', '{"a":', 'json'],
  ['noending', ' \n\t[[1', 'json'],
  ['noending', '\xef\xbb\xbf [1', 'json'],
])(
  'endings decide, and where there is none the first bytes: %s that begins with %j',
  (name, bytes, format) => {
    expect(detectFormat(name, head(bytes)).name).toBe(format);
  },
);

test.each([
  ['m.dat', 'hello'],
  ['a text that holds a list', 'see [1]'],
  ['m.json.dat', 'hello'],
  ['m.txt.dat', 'hello'],
  ['m.safetensors.dat', 'hello'],
  ['a length without a header', '\x10\0\0\0\0\0\0\0['],
  ['a length that no memory has', '\x10\0\0\0\0\0\0\x01{'],
  ['text with a brace', 'a list, {'],
])('what neither ending nor bytes tell is refused: %s', (name, bytes) => {
  expect(() => detectFormat(name, head(bytes))).toThrow(
    exactly(`is of a format that cellcheck does not know\n  ${READ}`),
  );
});

test('an empty file is called so, with what is read', () => {
  expect(() => detectFormat('a.safetensors', head(''))).toThrow(exactly(`is empty\n  ${READ}`));
});

const MESSAGES = {
  checkpoint: `is a PyTorch checkpoint (pickle), which is not read because pickles can run code
  Convert it in Python, where the model comes from:
    import torch; from safetensors.torch import save_file
    save_file(torch.load('FILE', weights_only=True), 'STEM.safetensors')
  If it holds the whole module, load that, and save its state_dict().`,
  arrays: `is an archive of NumPy arrays
  Convert it in Python; its arrays keep their names (input, output, h_n …):
    import numpy; from safetensors.numpy import save_file
    save_file(dict(numpy.load('FILE')), 'STEM.safetensors')`,
  numpy: `is a NumPy file
  Convert it in Python, under the name of what it is (input, output, h_n …):
    import numpy; from safetensors.numpy import save_file
    save_file({'input': numpy.load('FILE')}, 'STEM.safetensors')`,
  onnx: `is an ONNX model
  cellcheck verifies against the PyTorch state_dict: export that, and the outputs of the ONNX model.`,
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
  const refused = (path: string, bytes: string, kind: keyof typeof MESSAGES, file = path, stem = path) => {
    const message = MESSAGES[kind].replace('FILE', () => file).replace('STEM', () => stem);
    expect(() => detectFormat(path, head(bytes))).toThrow(exactly(message));
  };

  test.each([
    ['.pt', 'checkpoint'],
    ['.pth', 'checkpoint'],
    ['.ckpt', 'checkpoint'],
    ['.bin', 'checkpoint'],
    ['.npy', 'numpy'],
    ['.NPZ', 'arrays'],
    ['.onnx', 'onnx'],
    ['.h5', 'hdf5'],
    ['.hdf5', 'hdf5'],
    ['.keras', 'hdf5'],
    ['.json.gz', 'gzip'],
  ] as const)('a file that ends in %s', (ending, kind) => {
    refused(
      `model${ending}`,
      '{"anything": 1}',
      kind,
      `model${ending}`,
      `model${ending.replace(/\.\w+$/, '')}`,
    );
  });

  test.each([
    ['PK\x03\x04', 'checkpoint'],
    ['\x80\x02\x8a\x0a', 'checkpoint'],
    ['\x93NUMPY', 'numpy'],
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
    refused('model', `${start} and more`, kind);
    refused('renamed.safetensors', `${start} and more`, kind, 'renamed.safetensors', 'renamed');
    refused('model.onnx', `${start} and more`, kind, 'model.onnx', 'model');
    expect(detectFormat('model.json', head(`{"a": "${start}"`)).name).toBe('json');
  });

  test('a zip archive is what its ending says', () => {
    refused('model.npz', 'PK\x03\x04 and more', 'arrays', 'model.npz', 'model');
    refused('model.keras', 'PK\x03\x04 and more', 'hdf5', 'model.keras', 'model');
    refused('model.pth', 'PK\x03\x04 and more', 'checkpoint', 'model.pth', 'model');
  });

  test('the line of Python names the file, and no path ends its string', () => {
    refused('runs.d/v1.2/m.pt', '', 'checkpoint', 'runs.d/v1.2/m.pt', 'runs.d/v1.2/m');
    refused('runs.d/model', 'PK\x03\x04', 'checkpoint', 'runs.d/model', 'runs.d/model');
    refused('runs.d\\model', 'PK\x03\x04', 'checkpoint', 'runs.d\\model', 'runs.d\\model');
    refused("it's its'.pt", '', 'checkpoint', "it\\'s its\\'.pt", "it\\'s its\\'");
    refused('a "good" one.npy', '', 'numpy', 'a \\"good\\" one.npy', 'a \\"good\\" one');
    refused('$&.npy', '', 'numpy', '$&.npy', '$&');
  });
});
