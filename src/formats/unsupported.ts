import type { Signature } from './format.js';

/** A kind of file that is recognised but not read. */
interface Unsupported extends Signature {
  /** Completes the sentence `FILE is …`. */
  readonly what: string;
  /** What to do instead. {FILE} stands for the file's name, {STEM} for the same without its ending. */
  readonly hints: readonly string[];
}

/** What people often have when they first try cellcheck, each with the way to something that is read. */
export const UNSUPPORTED: readonly Unsupported[] = [
  {
    what: 'a Keras or HDF5 file',
    endings: ['.h5', '.hdf5', '.keras'],
    magic: ['\x89HDF', 'PK\x03\x04'],
    hints: ['Its weights need PyTorch names and layout first: weight_ih_l0 is the transposed kernel.'],
  },
  {
    what: 'gzip-compressed',
    endings: ['.gz'],
    magic: ['\x1f\x8b'],
    hints: ['Decompress it first: gunzip.'],
  },
  {
    what: 'a Git LFS pointer, not the file itself',
    endings: [],
    magic: ['version https://git-lfs'],
    hints: ['Fetch the file first: git lfs pull.'],
  },
  {
    what: 'a web page',
    endings: [],
    magic: ['<!DOCTYPE', '<!doctype', '<html'],
    hints: ['The download gave an error page.'],
  },
  {
    what: 'full of merge conflict marks',
    endings: [],
    magic: ['<<<<<<< '],
    hints: ['Resolve the conflict first.'],
  },
  {
    what: 'UTF-16 or UTF-32 text',
    endings: [],
    magic: ['\xff\xfe', '\xfe\xff', '\x00\x00\xfe\xff'],
    hints: ['Save it as UTF-8.'],
  },
];
