import { CellcheckError, printable } from '../../errors.js';
import { DTYPES, type Dtype, decode, type Floats, requireReadable } from '../../tensor/dtype.js';
import { elementCount, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Source } from '../format.js';
import type { TensorProto } from './messages.js';

/** ONNX's numbers of dtypes (https://onnx.ai/onnx/api/classes.html#tensorproto); the names of those that are not read. */
const DTYPE_NUMBERS: readonly string[] = [
  'undefined',
  'F32',
  'U8',
  'I8',
  'U16',
  'I16',
  'I32',
  'I64',
  'string',
  'BOOL',
  'F16',
  'F64',
  'U32',
  'U64',
  'complex64',
  'complex128',
  'BF16',
];

/** safetensors' name of a tensor's dtype, or a name of one that is not read. */
export function dtypeOf({ data_type }: TensorProto): string {
  return DTYPE_NUMBERS[data_type] ?? `number ${data_type} of ONNX`;
}

/**
 * The values of a tensor.
 * @param model the file that it is in: other files are looked for beside it
 * @throws CellcheckError where the dtype is not read, or the data are not as long as the shape says
 */
export function onnxTensor(proto: TensorProto, model: Source): Tensor {
  const { name, dims } = proto;
  const dtype = requireReadable(name, dtypeOf(proto));
  const shape = checkedShape(proto);
  const count = elementCount(shape);
  const bytes =
    proto.data_location === EXTERNAL
      ? externalData(proto, model, count * DTYPES[dtype].bytes)
      : proto.raw_data;
  const data = bytes.length > 0 ? fromBytes(bytes, dtype, count) : listed(proto, dtype);
  if (data?.length === count) return { dtype, shape: [...dims], data };
  throw new CellcheckError({
    tensor: name,
    found: data ? `${data.length} values` : `${bytes.length} bytes`,
    expected: `${count} values for ${DTYPES[dtype].torch} ${formatShape(shape)}`,
    hints: ['The file is damaged.'],
  });
}

const MOST_DIMENSIONS = 64;

/** @throws CellcheckError for sizes that are none */
export function checkedShape({ name, dims }: TensorProto): readonly number[] {
  if (
    dims.length <= MOST_DIMENSIONS &&
    dims.every((size) => Number.isSafeInteger(size) && size >= 0) &&
    Number.isSafeInteger(elementCount(dims))
  )
    return dims;
  throw new CellcheckError({ tensor: name, problem: 'has a shape that no tensor has' });
}

const EXTERNAL = 1;

function fromBytes(bytes: Uint8Array, dtype: Dtype, count: number): Floats | undefined {
  // Inside a message they begin at any byte; a copy begins where numbers may.
  return bytes.length === count * DTYPES[dtype].bytes ? decode(bytes.slice(), dtype) : undefined;
}

/** What the 32-bit integers that stand for values of other dtypes may be. */
const LISTED_RANGES: Readonly<Partial<Record<Dtype, readonly [number, number]>>> = {
  F16: [0, 65535],
  BF16: [0, 65535],
  U8: [0, 255],
  I8: [-128, 127],
  I16: [-32768, 32767],
};

/** Values that are listed one by one. 16-bit floats are the bits of their own numbers. */
function listed(
  { name, float_data, int32_data, int64_data, double_data }: TensorProto,
  dtype: Dtype,
): Floats {
  if (dtype === 'F32') return Float32Array.from(float_data);
  if (dtype === 'F64') return Float64Array.from(double_data);
  if (dtype === 'I64') return Float64Array.from(int64_data);
  const [least, most] = LISTED_RANGES[dtype] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  if (int32_data.some((value) => value < least || value > most))
    throw new CellcheckError({ tensor: name, problem: `has a value that is none of ${DTYPES[dtype].torch}` });
  if (dtype === 'F16' || dtype === 'BF16')
    return decode(new Uint8Array(Uint16Array.from(int32_data).buffer), dtype);
  return Float64Array.from(int32_data);
}

/**
 * Data in a file beside the model's (https://onnx.ai/onnx/repo-docs/ExternalData.html): its name, relative to the model's
 * folder, and where in it they are.
 */
function externalData({ name, external_data }: TensorProto, model: Source, length: number): Uint8Array {
  const entry = (key: string) => external_data.find((pair) => pair.key === key)?.value;
  const location = entry('location') ?? '';
  const parts = location.split('/');
  // A file of the model's folder, or of one inside it.
  const isInside = parts.every((part) => part !== '' && !/^\.+$/.test(part) && !/[\\:\0]/.test(part));
  if (!isInside) {
    throw new CellcheckError({
      tensor: name,
      found: `data in the file ${printable(location)}`,
      expected: "a file in the model's own folder",
    });
  }
  if (!model.sibling) {
    throw new CellcheckError({
      tensor: name,
      problem: `its data are in another file, ${printable(location)}, which is read from the folder of the model`,
      hints: ['Give the model as a path.'],
    });
  }
  const [offset, stated] = [Number(entry('offset') ?? 0), Number(entry('length') ?? length)];
  if (!Number.isSafeInteger(offset) || offset < 0 || stated !== length) {
    throw new CellcheckError({
      tensor: name,
      found: `${stated} bytes of data in ${printable(location)}`,
      expected: `${length}`,
      hints: ['The model and its data do not belong together, or are damaged.'],
    });
  }
  const file = model.sibling(location);
  try {
    return file.read(offset, length);
  } catch (error) {
    if (!(error instanceof CellcheckError)) throw error;
    const hints = [`Its data should be in ${printable(location)}, from byte ${offset} on.`];
    throw new CellcheckError({ ...error.parts, tensor: name, hints });
  }
}
