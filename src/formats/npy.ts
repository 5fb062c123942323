import { CellcheckError, printable } from '../errors.js';
import { DTYPES, type Dtype, decode, isReadable } from '../tensor/dtype.js';
import { elementCount, formatShape } from '../tensor/shape.js';
import { checkNames, NAMELESS } from '../tensor/state-dict.js';
import type { Tensor, TensorSpec } from '../tensor/tensor.js';
import { byteCursor } from './bytes.js';
import type { Format, Source } from './format.js';
import { rowMajor, swapBytes } from './row-major.js';

const NPY_MAGIC = '\x93NUMPY';

/** An array of numpy.save (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */
export const npy: Format = {
  name: 'npy',
  endings: ['.npy'],
  magic: [NPY_MAGIC],
  text: false,
  holds: 'one array',
  open(source) {
    const header = npyHeader(source);
    const specs = new Map([[NAMELESS, header]]);
    return {
      tensors: () => ({
        specs,
        load(names) {
          checkNames(specs, names);
          return new Map(names.map((name) => [name, npyTensor(source, header)]));
        },
      }),
    };
  },
};

/** An array's header: the file is this and the numbers. */
export interface NpyHeader extends TensorSpec {
  readonly dataStart: number;
  readonly bigEndian: boolean;
  readonly fortranOrder: boolean;
}

const LONGEST_HEADER = 2 ** 16;
const USUAL_HEADER = 512;
const MOST_DIMENSIONS = 64;

/** Kind and bytes of an element, as in `<f4`, and the dtype. */
const NUMPY_DTYPES: Readonly<Record<string, Dtype>> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  i8: 'I64',
  i4: 'I32',
  i2: 'I16',
  i1: 'I8',
  u1: 'U8',
};

/** The header is a dict of Python; only this form is written. */
const HEADER =
  /^\{\s*'descr':\s*'([^'\\]*)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([\d,\sL]*)\),?\s*\}\s*$/;

/** @throws CellcheckError where the header is not one, or the data are not as long as it says */
export function npyHeader(source: Source): NpyHeader {
  const cursor = byteCursor(source, 0, USUAL_HEADER);
  const magic = String.fromCharCode(...cursor.bytes(NPY_MAGIC.length));
  const major = cursor.byte();
  cursor.byte();
  if (magic !== NPY_MAGIC || major < 1 || major > 3) {
    throw new CellcheckError({
      problem: 'is not an array of numpy.save, of version 1 to 3',
      hints: ['Save it again with numpy.save.'],
    });
  }
  const length = cursor.uint(major === 1 ? 2 : 4);
  if (length > LONGEST_HEADER)
    throw new CellcheckError({ found: `a header of ${length} bytes`, expected: `${LONGEST_HEADER} at most` });
  const text = String.fromCharCode(...cursor.bytes(length));
  const [, descr, order, sizes] = HEADER.exec(text) ?? [];
  if (descr === undefined) throw notAnArray(text);
  const shape = sizes
    .split(',')
    .flatMap((size) => (size.trim() === '' ? [] : [Number(size.replace('L', ''))]));
  if (shape.length > MOST_DIMENSIONS || !shape.every(Number.isSafeInteger))
    throw new CellcheckError({ problem: 'its shape is not one of an array' });
  const kind = descr.slice(1);
  if (!Object.hasOwn(NUMPY_DTYPES, kind) || !/^[<>=|]/.test(descr)) {
    // It is only an error where somebody asks for this array.
    return { dtype: descr, shape, dataStart: cursor.position, bigEndian: false, fortranOrder: false };
  }
  const dtype = NUMPY_DTYPES[kind];
  const bytes = elementCount(shape) * DTYPES[dtype].bytes;
  const dataStart = cursor.position;
  if (!Number.isSafeInteger(bytes) || dataStart + bytes !== source.size) {
    throw new CellcheckError({
      found: `${source.size - dataStart} bytes of data`,
      expected: `${bytes} for ${DTYPES[dtype].torch} ${formatShape(shape)}`,
      hints: [
        dataStart + bytes > source.size ? 'The file is cut short.' : 'Something was appended to the file.',
      ],
    });
  }
  return { dtype, shape, dataStart, bigEndian: descr[0] === '>', fortranOrder: order === 'True' };
}

function notAnArray(header: string): CellcheckError {
  // Structured arrays have a list in the place of the dtype.
  const structured = /'descr':\s*\[/.test(header);
  return new CellcheckError({
    problem: structured ? 'is a structured array' : 'has a header that numpy.save does not write',
    hints: structured ? ["Save each field of it as an array: numpy.save('x.npy', array['field'])."] : [],
  });
}

function otherDtype(descr: string): CellcheckError {
  const hint = descr.includes('O')
    ? 'It holds objects of Python, which are not read: save each array of numbers, or all of them with numpy.savez.'
    : descr.includes('V')
      ? 'NumPy has no name for bfloat16 and the like: convert it before saving, with array.astype(numpy.float32).'
      : 'Convert it before saving, with array.astype(numpy.float32).';
  return new CellcheckError({
    found: `dtype ${printable(descr)}`,
    expected: `one of ${Object.keys(NUMPY_DTYPES).join(', ')}`,
    hints: [hint],
  });
}

export function npyTensor(source: Source, { shape, dataStart, ...header }: NpyHeader): Tensor {
  if (!isReadable(header.dtype)) throw otherDtype(header.dtype);
  const { dtype } = header;
  const { bytes: itemSize } = DTYPES[dtype];
  const stored = source.read(dataStart, elementCount(shape) * itemSize);
  const inOrder = header.fortranOrder
    ? rowMajor(stored, 0, itemSize, shape, firstAxisFastest(shape))
    : stored;
  return { dtype, shape, data: decode(header.bigEndian ? swapBytes(inOrder, itemSize) : inOrder, dtype) };
}

/** The strides of Fortran's order, in elements. */
function firstAxisFastest(shape: readonly number[]): number[] {
  let step = 1;
  return shape.map((size) => {
    const stride = step;
    step *= size;
    return stride;
  });
}
