import { CellcheckError, inFile } from '../errors.js';
import { detectFormat, HEAD_BYTES } from './detect.js';
import type { Contents, Source } from './format.js';

// Text takes many times its size in memory.
const LARGEST_TEXT = 64 * 2 ** 20;

/**
 * Opens a file of any format that cellcheck reads.
 * @param name how messages call it; its ending may say which format it is
 * @throws CellcheckError that names the file, here and in what is returned
 */
export function openContents(source: Source, name: string): Contents {
  const inThisFile = <T>(read: () => T) => inFile(name, read, 'format');
  return inThisFile(() => {
    const format = detectFormat(name, source.read(0, Math.min(HEAD_BYTES, source.size)));
    if (format.text && source.size > LARGEST_TEXT) {
      throw new CellcheckError({
        found: `${source.size} bytes of text`,
        expected: `${LARGEST_TEXT} at most`,
        hints: ['Save tensors of this size as safetensors.'],
      });
    }
    const contents = format.open(bounded(source));
    return {
      ...contents,
      options: contents.options && (() => inThisFile(contents.options!)),
      tensors: () => {
        const tensors = inThisFile(contents.tensors);
        return { ...tensors, load: (names) => inThisFile(() => tensors.load(names)) };
      },
    };
  });
}

/** Refuses to read beyond the end, before memory is taken: where to read is often what the file itself says. */
function bounded({ size, read }: Source): Source {
  return {
    size,
    read(offset, length) {
      if (offset >= 0 && length >= 0 && offset + length <= size) return read(offset, length);
      throw new CellcheckError({
        found: `${size} bytes`,
        expected: `${length} more from byte ${offset} on`,
        hints: ['The file is cut short or damaged.'],
      });
    },
  };
}
