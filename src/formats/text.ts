import { CellcheckError } from '../errors.js';

/** Larger than what anybody prints. Parsed text takes many times its size in memory. */
const LARGEST = 16 * 2 ** 20;

/**
 * The text of a file of numbers.
 * @throws CellcheckError without a file, where it is too large, or not UTF-8
 */
export function decodedText(bytes: Uint8Array): string {
  if (bytes.length > LARGEST) {
    throw new CellcheckError({
      found: `${bytes.length} bytes of printed text`,
      expected: `${LARGEST} at most`,
      hints: ['Save tensors of this size as .safetensors or .npy.'],
    });
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CellcheckError({ problem: 'is not UTF-8 text' });
  }
  // The decoder has skipped one.
  if (text.startsWith('\ufeff')) throw new CellcheckError({ problem: 'begins with two byte order marks' });
  return text;
}
