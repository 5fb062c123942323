import { CellcheckError } from '../../src/errors.js';
import type { Format, Source } from '../../src/formats/format.js';
import { decode } from '../../src/tensor/dtype.js';
import { elementCount } from '../../src/tensor/shape.js';
import { checkNames } from '../../src/tensor/state-dict.js';

interface TrialTensor {
  readonly dtype: 'F32';
  readonly shape: readonly number[];
  readonly offset: number;
}

/** The first bytes of a trial file. The length of its index follows, as 4 bytes. */
export const MAGIC = 'TRIAL\0\0\0';

/**
 * A format that exists only to be added by a test. Its index has a line for each tensor: offset, sizes, name. The
 * float32 values lie anywhere in the file.
 */
export const trial: Format = {
  name: 'trial',
  // A file with the second ending is one that cellcheck otherwise knows and refuses.
  endings: ['.trial', '.hdf5'],
  magic: [MAGIC],
  text: false,
  open(source) {
    const specs = readIndex(source);
    return {
      tensors: () => ({
        specs,
        load(names) {
          checkNames(specs, names);
          return new Map(
            names.map((name) => {
              const { dtype, shape, offset } = specs.get(name)!;
              const bytes = source.read(offset, 4 * elementCount(shape));
              return [name, { dtype, shape, data: decode(bytes, dtype) }];
            }),
          );
        },
      }),
      options: () => ({ value: { module: 'LSTM' } }),
    };
  },
};

function readIndex(source: Source): Map<string, TrialTensor> {
  const head = source.read(MAGIC.length, 4);
  const length = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  const index = new TextDecoder().decode(source.read(MAGIC.length + 4, length));
  return new Map(
    index.split('\n').map((line) => {
      const found = /^(\d+) \[([\d,]*)\] (.*)$/.exec(line);
      if (!found) throw new CellcheckError({ problem: 'has an index that is not one' });
      const [, offset, sizes, name] = found;
      const shape = sizes.split(',').filter(Boolean).map(Number);
      return [name, { dtype: 'F32', shape, offset: Number(offset) }];
    }),
  );
}
