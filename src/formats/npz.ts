import { CellcheckError, printable } from '../errors.js';
import { checkNames } from '../tensor/state-dict.js';
import { bounded, sourceOver } from './bytes.js';
import { type Format, ZIP_MAGIC } from './format.js';
import { type NpyHeader, npyHeader, npyTensor } from './npy.js';
import { openZip } from './zip.js';

/** Arrays by name, as numpy.savez and savez_compressed write them: a zip archive of `.npy` files. */
export const npz: Format = {
  name: 'npz',
  endings: ['.npz'],
  magic: [ZIP_MAGIC],
  text: false,
  open(source) {
    const zip = openZip(source);
    if (zip.sizes.size > MOST_ARRAYS)
      throw new CellcheckError({ found: `${zip.sizes.size} arrays`, expected: `${MOST_ARRAYS} at most` });
    const headers = new Map<string, NpyHeader>();
    for (const [file, size] of zip.sizes) {
      if (!file.endsWith('.npy')) {
        throw new CellcheckError({
          problem: `holds ${printable(file)}, which is no array`,
          hints: [
            'An .npz file is what numpy.savez writes. Give another archive the ending that it should have.',
          ],
        });
      }
      const name = file.slice(0, -'.npy'.length);
      const beginning = bounded({ size, read: (offset, length) => zip.peek(file, offset, length) });
      headers.set(
        name,
        ofTensor(name, () => npyHeader(beginning)),
      );
    }
    return {
      tensors: () => ({
        specs: headers,
        load(names) {
          checkNames(headers, names);
          const read = (name: string) => npyTensor(sourceOver(zip.read(`${name}.npy`)), headers.get(name)!);
          return new Map(names.map((name) => [name, ofTensor(name, () => read(name))]));
        },
      }),
    };
  },
};

const MOST_ARRAYS = 8192;

/** Says in errors which of the arrays they are about. */
function ofTensor<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CellcheckError)) throw error;
    throw new CellcheckError({ ...error.parts, tensor: error.parts.tensor || name });
  }
}
