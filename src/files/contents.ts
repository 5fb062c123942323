import { CellcheckError } from '../errors.js';
import { openContents } from '../formats/contents.js';
import type { Contents, Source } from '../formats/format.js';
import type { StateDict } from '../tensor/state-dict.js';
import { withFile } from './open.js';

/**
 * Opens a file of any format.
 * @param label how messages name it
 * @throws CellcheckError that names the file
 */
export function openFile(path: string, label: string): Contents {
  return openContents(fileSource(path, label), label);
}

/** The tensors of a file; see `openFile`. */
export function openTensors(path: string, label: string): StateDict {
  return openFile(path, label).tensors();
}

/** A file on the disk. It is open only while it is read, and every read checks that it is still the same file. */
function fileSource(path: string, label: string): Source {
  const { size, version } = withFile(path, label, (file) => file);
  return {
    size,
    read: (offset, length) =>
      withFile(path, label, (file) => {
        if (file.version !== version) {
          throw new CellcheckError({
            code: 'file',
            file: label,
            problem: 'changed while it was read',
            hints: ['Try again when it is complete.'],
          });
        }
        const bytes = new Uint8Array(length);
        file.read(bytes, offset);
        return bytes;
      }),
  };
}
