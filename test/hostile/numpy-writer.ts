import type { RawTensor } from '../write.js';
import { bytesOf, type Part, u16, u32 } from './bytes.js';
import { type ZipEnd, type ZipFile, zip } from './zip-writer.js';

export interface NpyParts {
  readonly magic?: Part;
  readonly version?: readonly [number, number];
  readonly descr?: string;
  readonly order?: string;
  readonly shape?: string;
  /** In the place of the dict that descr, order and shape make. */
  readonly header?: string;
  readonly headerLength?: number;
  readonly data?: Uint8Array;
}

/** An array as numpy.save writes it; any part may be another one. */
export function npy({
  magic = [0x93, 'NUMPY'],
  version = [1, 0],
  descr = "'<f4'",
  order = 'False',
  shape = '(4,)',
  header = `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`,
  headerLength,
  data = new Uint8Array(16),
}: NpyParts = {}): Buffer {
  const before = 6 + 2 + (version[0] === 1 ? 2 : 4);
  const text = `${header}${' '.repeat((64 - ((before + header.length + 1) % 64)) % 64)}\n`;
  const length = headerLength ?? text.length;
  return bytesOf(
    magic,
    ...version,
    version[0] === 1 ? u16(length) : u32(length),
    Buffer.from(text, 'latin1'),
    data,
  );
}

const DESCR: Readonly<Record<string, string>> = { F32: "'<f4'", F64: "'<f8'", I64: "'<i8'" };

export const npyOf = ({ dtype, shape, bytes }: RawTensor): Buffer =>
  npy({ descr: DESCR[dtype], shape: `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`, data: bytes });

/** Arrays as numpy.savez writes them, and what is changed about some of them. */
export const npz = (
  tensors: Readonly<Record<string, RawTensor>>,
  changes: Readonly<Record<string, Partial<ZipFile>>> = {},
  more: readonly ZipFile[] = [],
  end: ZipEnd = {},
): Buffer =>
  zip(
    [
      ...Object.entries(tensors).map(([name, tensor]) => ({
        data: npyOf(tensor),
        ...changes[name],
        name: changes[name]?.name ?? `${name}.npy`,
      })),
      ...more,
    ],
    end,
  );
