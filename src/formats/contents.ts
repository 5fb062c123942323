import { CellcheckError, inFile, printable } from '../errors.js';
import { bounded } from './bytes.js';
import { detectFormat, HEAD_BYTES } from './detect.js';
import type { Contents, Source } from './format.js';

// Text takes many times its size in memory.
export const LARGEST_TEXT = 64 * 2 ** 20;

/**
 * Opens a file of any format that cellcheck reads.
 * @param name how messages call it; its ending may say which format it is
 * @throws CellcheckError that names the file, here and in what is returned
 */
export function openContents(source: Source, name: string): Contents {
  const inThisFile = <T>(read: () => T) => inFile(name, () => withNames(name, read), 'format');
  return inThisFile(() => {
    const format = detectFormat(name, source.read(0, Math.min(HEAD_BYTES, source.size)));
    if (format.text && source.size > LARGEST_TEXT) {
      throw new CellcheckError({
        found: `${source.size} bytes of text`,
        expected: `${LARGEST_TEXT} at most`,
        hints: ['Save tensors of this size as safetensors.'],
      });
    }
    const named = (contents: Contents): Contents => ({
      ...contents,
      options: contents.options && (() => inThisFile(contents.options!)),
      tensors: () => {
        const tensors = inThisFile(contents.tensors);
        return { ...tensors, load: (names) => inThisFile(() => tensors.load(names)) };
      },
    });
    const contents = format.open(bounded(source));
    return {
      ...named(contents),
      cases: contents.cases && new Map([...contents.cases].map(([key, one]) => [key, named(one)])),
    };
  });
}

/** Puts the file's name into hints that have a line of Python: {FILE}, and {STEM} for the same without its ending. */
function withNames<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const hints = error instanceof CellcheckError ? error.parts.hints : undefined;
    if (!hints?.some((hint) => /\{(?:FILE|STEM)\}/.test(hint))) throw error;
    // A path must not end the string that it stands in.
    const file = printable(name).replace(/^"|"$/g, '').replaceAll("'", "\\'");
    const stem = file.replace(/\.[^./\\]*$/, '');
    const named = hints.map((hint) => hint.replace('{FILE}', () => file).replace('{STEM}', () => stem));
    throw new CellcheckError({ ...(error as CellcheckError).parts, hints: named });
  }
}
