import { inFile } from '../errors.js';
import type { StateDict } from '../tensor/state-dict.js';
import { detectFormat, HEAD_BYTES } from './detect.js';
import { tensorsOfJson } from './json.js';
import { tensorsOfPrinted } from './printed.js';
import { headerLength, loadTensors, parseHeader } from './safetensors.js';
import { scanJson } from './scan-json.js';

/**
 * The tensors of a safetensors, JSON or printed file that is in memory, by name; those of a safetensors file are decoded when
 * they are asked for.
 * @param bytes the whole file, which must not change as long as tensors are asked for
 * @param name how messages call it; its ending says the format, or else its first bytes do
 * @throws CellcheckError where the file is not what its format says
 */
export function readTensors(bytes: Uint8Array, name: string): StateDict {
  return inFile(name, () => {
    const format = detectFormat(name, bytes.subarray(0, HEAD_BYTES));
    if (format === 'json') return tensorsOfJson(scanJson(bytes)).tensors;
    if (format === 'printed') return tensorsOfPrinted(bytes);
    const length = headerLength(bytes.subarray(0, 8), bytes.length);
    const header = parseHeader(bytes.subarray(8, 8 + length), bytes.length);
    return {
      specs: header.tensors,
      load: (names) =>
        inFile(name, () =>
          loadTensors(header, names, (target, position) => {
            target.set(bytes.subarray(position, position + target.length));
          }),
        ),
    };
  });
}
