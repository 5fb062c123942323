import { CellcheckError } from '../errors.js';
import { DTYPES, decode, dtypeNamed } from '../tensor/dtype.js';
import { elementCount, formatShape } from '../tensor/shape.js';
import { checkNames, NAMELESS, type StateDict } from '../tensor/state-dict.js';
import type { Source } from './format.js';

/**
 * A file of little-endian numbers without a header, as a tensor without a name.
 * @param dtype PyTorch's or safetensors' name
 * @throws CellcheckError without a file, where the file has another size than dtype and shape say
 */
export function rawTensor(source: Source, dtypeName: string, shape: readonly number[]): StateDict {
  const dtype = dtypeNamed(dtypeName);
  if (!dtype) {
    throw new CellcheckError({
      problem: 'has a dtype that cellcheck does not know',
      hints: [
        `Known are ${Object.values(DTYPES)
          .map(({ torch }) => torch)
          .join(', ')}.`,
      ],
    });
  }
  const bytes = elementCount(shape) * DTYPES[dtype].bytes;
  if (bytes !== source.size) {
    throw new CellcheckError({
      found: `${source.size} bytes`,
      expected: `${bytes} for ${DTYPES[dtype].torch} ${formatShape(shape)}`,
      hints: ['A raw file holds nothing but the numbers, in row-major order.'],
    });
  }
  const specs = new Map([[NAMELESS, { dtype, shape }]]);
  return {
    specs,
    load(names) {
      checkNames(specs, names);
      return new Map(
        names.map((name) => [name, { dtype, shape, data: decode(source.read(0, bytes), dtype) }]),
      );
    },
  };
}
