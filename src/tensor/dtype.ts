import { CellcheckError } from '../errors.js';

/** The dtypes whose values cellcheck reads, by their safetensors names. */
export type Dtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8';
export type FloatDtype = 'F64' | 'F32' | 'F16' | 'BF16';
/** What values are rounded to: a dtype, or TF32, in which NVIDIA's GPUs multiply float32. */
export type Precision = FloatDtype | 'TF32';
export type Floats = Float64Array | Float32Array;

export interface DtypeFacts {
  /** PyTorch's name. */
  readonly torch: string;
  readonly bytes: number;
  readonly float: boolean;
}

export const DTYPES: Readonly<Record<Dtype, DtypeFacts>> = {
  F64: { torch: 'float64', bytes: 8, float: true },
  F32: { torch: 'float32', bytes: 4, float: true },
  F16: { torch: 'float16', bytes: 2, float: true },
  BF16: { torch: 'bfloat16', bytes: 2, float: true },
  I64: { torch: 'int64', bytes: 8, float: false },
  I32: { torch: 'int32', bytes: 4, float: false },
  I16: { torch: 'int16', bytes: 2, float: false },
  I8: { torch: 'int8', bytes: 1, float: false },
  U8: { torch: 'uint8', bytes: 1, float: false },
};

export function isReadable(dtype: string): dtype is Dtype {
  return Object.hasOwn(DTYPES, dtype);
}

/** @throws CellcheckError for a dtype that cellcheck does not read */
export function requireReadable(tensor: string, dtype: string): Dtype {
  if (isReadable(dtype)) return dtype;
  throw new CellcheckError({
    tensor,
    found: `dtype ${dtype}`,
    expected: Object.keys(DTYPES).join(', '),
    hints: ['Convert it before saving, for example with tensor.float().'],
  });
}

/** `F32`, `float32` and `torch.float32` are one dtype. */
export function dtypeNamed(name: string): Dtype | undefined {
  if (isReadable(name)) return name;
  const torch = name.replace(/^torch\./, '');
  return (Object.keys(DTYPES) as Dtype[]).find((dtype) => DTYPES[dtype].torch === torch);
}

/** From this many bytes on, threads are likely to use them. */
const SHARED_BYTES = 2 ** 20;

/** Zeros for the bytes of tensors: in memory that threads share, where there is such memory, so that none needs a copy. */
export function tensorBytes(length: number): Uint8Array {
  const isShared = length >= SHARED_BYTES && typeof SharedArrayBuffer !== 'undefined';
  return new Uint8Array(isShared ? new SharedArrayBuffer(length) : new ArrayBuffer(length));
}

/**
 * Little-endian bytes as numbers, widened without loss: 16-bit floats become float32, integers float64. (int64 beyond
 * 2^53 is rounded; integers are lengths, which never are as large.) The result for float32 and float64 is a view of the
 * bytes where their offset is aligned.
 */
export function decode(bytes: Uint8Array, dtype: Dtype): Floats {
  const count = bytes.length / DTYPES[dtype].bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (dtype) {
    case 'F64':
      return (
        inPlace(Float64Array, bytes, count) ??
        Float64Array.from({ length: count }, (_, i) => view.getFloat64(8 * i, true))
      );
    case 'F32':
      return (
        inPlace(Float32Array, bytes, count) ??
        Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true))
      );
    case 'F16':
      return Float32Array.from({ length: count }, (_, i) => halfToNumber(view.getUint16(2 * i, true)));
    case 'BF16': {
      const words = Uint32Array.from({ length: count }, (_, i) => view.getUint16(2 * i, true) << 16);
      return new Float32Array(words.buffer);
    }
    case 'I64':
      return Float64Array.from({ length: count }, (_, i) => Number(view.getBigInt64(8 * i, true)));
    case 'I32':
      return Float64Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true));
    case 'I16':
      return Float64Array.from({ length: count }, (_, i) => view.getInt16(2 * i, true));
    case 'I8':
      return Float64Array.from({ length: count }, (_, i) => view.getInt8(i));
    case 'U8':
      return Float64Array.from(bytes);
  }
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function inPlace<A extends Floats>(
  type: { new (buffer: ArrayBufferLike, offset: number, count: number): A; BYTES_PER_ELEMENT: number },
  bytes: Uint8Array,
  count: number,
): A | undefined {
  if (!LITTLE_ENDIAN || bytes.byteOffset % type.BYTES_PER_ELEMENT !== 0) return undefined;
  return new type(bytes.buffer, bytes.byteOffset, count);
}

/** Numbers as little-endian bytes; a view of them on a little-endian machine. */
export function encode(values: Floats): Uint8Array {
  const { buffer, byteOffset, byteLength, BYTES_PER_ELEMENT } = values;
  if (LITTLE_ENDIAN) return new Uint8Array(buffer, byteOffset, byteLength);
  const view = new DataView(new ArrayBuffer(byteLength));
  const set = BYTES_PER_ELEMENT === 8 ? view.setFloat64.bind(view) : view.setFloat32.bind(view);
  for (let i = 0; i < values.length; i++) set(i * BYTES_PER_ELEMENT, values[i], true);
  return new Uint8Array(view.buffer);
}

/** IEEE 754 binary16. */
function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

interface Grid {
  /** Bits of the significand. */
  readonly bits: number;
  /** Exponent of the smallest normal number; below it the spacing does not shrink further. */
  readonly smallest: number;
  /** The largest finite number; beyond it values round to infinity. */
  readonly largest: number;
}

const GRIDS: Readonly<Record<Precision, Grid>> = {
  // Fewer bits than float64 has: summing in another order changes the last bits of a float64 computation.
  F64: { bits: 48, smallest: -1022, largest: Number.MAX_VALUE },
  F32: { bits: 24, smallest: -126, largest: (2 - 2 ** -23) * 2 ** 127 },
  F16: { bits: 11, smallest: -14, largest: 65504 },
  BF16: { bits: 8, smallest: -126, largest: (2 - 2 ** -7) * 2 ** 127 },
  TF32: { bits: 11, smallest: -126, largest: (2 - 2 ** -10) * 2 ** 127 },
};

const exponentView = new DataView(new ArrayBuffer(8));

/** The exponent of a value, or that of the smallest normal number if it is larger. */
function exponentOf(value: number, smallest: number): number {
  exponentView.setFloat64(0, value);
  return Math.max(((exponentView.getUint16(0) >> 4) & 0x7ff) - 1023, smallest);
}

/** Exponents up to this leave room for larger doubles. */
const LARGE = 900;
const LEAST = -1100;
const POWERS = Float64Array.from({ length: 2200 }, (_, i) => 2 ** (i + LEAST));

/**
 * The nearest number of a precision, ties to even. For F64 the grid has 48 bits, see above.
 * @param dither from -0.5 to 0.5 spacings, added before rounding, so that the last bit is random
 */
export function roundTo(value: number, precision: Precision, dither = 0): number {
  const { bits, smallest, largest } = GRIDS[precision];
  if (value === 0 || !Number.isFinite(value)) return value;
  const exponent = exponentOf(value, smallest);
  if (!dither && exponent < LARGE) {
    // Doubles of this size are as far apart as the numbers of the precision are at the value.
    const coarse = 1.5 * POWERS[exponent - bits + 53 - LEAST];
    const nearest = value + coarse - coarse;
    return Math.abs(nearest) > largest ? Math.sign(value) * Number.POSITIVE_INFINITY : nearest;
  }
  const spacing = 2 ** (exponent - bits + 1);
  const scaled = value / spacing;
  const floor = Math.floor(scaled);
  const rest = scaled - floor + dither;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  const result = rounded * spacing;
  return Math.abs(result) > largest ? Math.sign(value) * Number.POSITIVE_INFINITY : result;
}

/** The distance between neighbouring numbers of a precision at a value. */
export function spacing(value: number, precision: Precision): number {
  const { bits, smallest } = GRIDS[precision];
  return 2 ** (exponentOf(value, smallest) - (precision === 'F64' ? 53 : bits) + 1);
}
