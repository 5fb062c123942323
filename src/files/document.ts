import { CellcheckError, escapeText } from '../errors.js';
import { withFile } from './open.js';

/**
 * The value of a JSON file that holds no tensors.
 * @param label how messages name it
 * @param largest its size in bytes at most
 * @throws CellcheckError
 */
export function readDocument(path: string, label: string, largest: number): unknown {
  const text = withFile(path, label, ({ size, read }) => {
    if (size > largest)
      throw new CellcheckError({
        code: 'format',
        file: label,
        found: `${size} bytes`,
        expected: `${largest} at most`,
      });
    const bytes = new Uint8Array(size);
    read(bytes, 0);
    return new TextDecoder().decode(bytes);
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw new CellcheckError({
      code: 'format',
      file: label,
      problem: `is not valid JSON: ${escapeText(reason)}`,
      hints: ['JSON has no comments, and no comma behind the last entry.'],
    });
  }
}
