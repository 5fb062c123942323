import type { Source } from '../../src/formats/format.js';

/** A file that is in memory. To read beyond its end is a fault of the reader. */
export function sourceOf(file: Uint8Array): Source {
  return {
    size: file.length,
    read(offset, length) {
      const bytes = file.subarray(offset, offset + length);
      if (bytes.length !== length) throw new Error('a reader that goes beyond the end of the file');
      return bytes;
    },
  };
}
