import { CellcheckError, printable } from '../errors.js';

export type Format = 'safetensors' | 'json' | 'printed';

interface Foreign {
  readonly what: string;
  readonly endings?: readonly string[];
  /** Bytes at the start of such a file, as Latin-1. */
  readonly starts?: readonly string[];
  /** FILE stands for the file's name, STEM for the same without its ending. */
  readonly hints: readonly string[];
}

const AS_SAFETENSORS =
  'cellcheck reads .safetensors and .json files, and .txt with tensors as Python prints them.';

// What people have at hand when they first try, and the line that turns it into something readable.
const FOREIGN: readonly Foreign[] = [
  {
    what: 'a PyTorch checkpoint (pickle), which is not read because pickles can run code',
    endings: ['.pt', '.pth', '.ckpt', '.bin'],
    starts: ['PK\x03\x04', '\x80\x02\x8a\x0a'],
    hints: [
      'Convert it in Python, where the model comes from:',
      '  import torch; from safetensors.torch import save_file',
      "  save_file(torch.load('FILE', weights_only=True), 'STEM.safetensors')",
      'If it holds the whole module, load that, and save its state_dict().',
    ],
  },
  {
    what: 'a NumPy file',
    endings: ['.npy', '.npz'],
    starts: ['\x93NUMPY'],
    hints: [
      'Convert it in Python, under the name of what it is (input, output, h_n …):',
      '  import numpy; from safetensors.numpy import save_file',
      "  save_file({'input': numpy.load('FILE')}, 'STEM.safetensors')",
    ],
  },
  {
    what: 'an ONNX model',
    endings: ['.onnx'],
    hints: [
      'cellcheck verifies against the PyTorch state_dict: export that, and the outputs of the ONNX model.',
    ],
  },
  {
    what: 'a Keras or HDF5 file',
    endings: ['.h5', '.hdf5', '.keras'],
    starts: ['\x89HDF'],
    hints: ['Its weights need PyTorch names and layout first: weight_ih_l0 is the transposed kernel.'],
  },
  {
    what: 'gzip-compressed',
    endings: ['.gz'],
    starts: ['\x1f\x8b'],
    hints: ['Decompress it first: gunzip.'],
  },
  {
    what: 'a Git LFS pointer, not the file itself',
    starts: ['version https://git-lfs'],
    hints: ['Fetch the file first: git lfs pull.'],
  },
  {
    what: 'a web page',
    starts: ['<!DOCTYPE', '<!doctype', '<html'],
    hints: ['The download gave an error page.'],
  },
  { what: 'full of merge conflict marks', starts: ['<<<<<<< '], hints: ['Resolve the conflict first.'] },
  {
    what: 'UTF-16 or UTF-32 text',
    starts: ['\xff\xfe', '\xfe\xff', '\x00\x00\xfe\xff'],
    hints: ['Save it as UTF-8.'],
  },
];

/** How files end that hold tensors, or that people take for such. */
export const TENSOR_ENDINGS: readonly string[] = [
  '.safetensors',
  '.safetensors.index.json',
  '.bin.index.json',
  ...FOREIGN.flatMap(({ endings = [] }) => endings),
];

/** How many first bytes `detectFormat` wants to see. */
export const HEAD_BYTES = 64;

/**
 * Which reader a file belongs to, by its ending and its first bytes.
 * @throws CellcheckError that says how to convert what cellcheck doesn't read
 */
export function detectFormat(path: string, head: Uint8Array): Format {
  const lower = path.toLowerCase();
  const start = String.fromCharCode(...head.subarray(0, HEAD_BYTES));
  const foreign =
    FOREIGN.find(({ starts }) => starts?.some((bytes) => start.startsWith(bytes))) ??
    FOREIGN.find(({ endings }) => endings?.some((ending) => lower.endsWith(ending)));
  if (foreign) {
    // A path in a line of Python must not end its string.
    const file = printable(path).replace(/^"|"$/g, '').replaceAll("'", "\\'");
    const stem = file.replace(/\.[^./\\]*$/, '');
    const hints = foreign.hints.map((hint) => hint.replace('FILE', () => file).replace('STEM', () => stem));
    throw new CellcheckError({ problem: `is ${foreign.what}`, hints });
  }
  if (head.length === 0) throw new CellcheckError({ problem: 'is empty', hints: [AS_SAFETENSORS] });
  if (lower.endsWith('.safetensors')) return 'safetensors';
  if (lower.endsWith('.json')) return 'json';
  if (lower.endsWith('.txt')) return 'printed';
  // A safetensors header follows its own length, 8 bytes of which the upper ones are zero.
  if (start[8] === '{' && start.slice(4, 8) === '\0\0\0\0') return 'safetensors';
  if (/^(?:\xef\xbb\xbf)?\s*[[{]/.test(start)) return 'json';
  throw new CellcheckError({
    problem: 'is of a format that cellcheck does not know',
    hints: [AS_SAFETENSORS],
  });
}
