import type { StateDict } from '../tensor/state-dict.js';
import { sourceOver } from './bytes.js';
import { openContents } from './contents.js';

/**
 * The tensors of a file that is in memory, by name. Those of a safetensors file are decoded when they are asked for.
 * @param bytes the whole file, which must not change as long as tensors are asked for
 * @param name how messages call it; its ending says the format, or else its first bytes do
 * @throws CellcheckError where the file is not what its format says
 */
export function readTensors(bytes: Uint8Array, name: string): StateDict {
  return openContents(sourceOver(bytes), name).tensors();
}
