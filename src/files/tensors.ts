import { CellcheckError, inFile } from '../errors.js';
import { detectFormat, HEAD_BYTES } from '../formats/detect.js';
import { tensorsOfJson } from '../formats/json.js';
import { tensorsOfPrinted } from '../formats/printed.js';
import { headerLength, loadTensors, parseHeader, type SafetensorsHeader } from '../formats/safetensors.js';
import { type JsonValue, scanJson } from '../formats/scan-json.js';
import type { StateDict } from '../tensor/state-dict.js';
import { type OpenFile, withFile } from './open.js';

// A text takes many times its size in memory.
const LARGEST_TEXT = 64 * 2 ** 20;

/** What stands in a file: the JSON as it is, printed tensors, or a safetensors file's header with its
 * tensors to be loaded. */
export type Content =
  | { readonly format: 'json'; readonly root: JsonValue }
  | { readonly format: 'printed'; readonly tensors: StateDict }
  | {
      readonly format: 'safetensors';
      readonly tensors: StateDict;
      readonly metadata: Readonly<Record<string, string>>;
    };

/** Reads a file, of a safetensors file only the header: its tensors are read when they are asked for. */
export function readContent(path: string, label: string): Content {
  return withFile(path, label, (file) =>
    inFile(label, () => {
      const head = new Uint8Array(Math.min(HEAD_BYTES, file.size));
      file.read(head, 0);
      const format = detectFormat(label, head);
      if (format === 'json') return { format, root: scanJson(readWhole(file)) };
      if (format === 'printed') return { format, tensors: tensorsOfPrinted(readWhole(file)) };
      const headerBytes = new Uint8Array(headerLength(head.subarray(0, 8), file.size));
      file.read(headerBytes, 8);
      const header = parseHeader(headerBytes, file.size);
      return { format, tensors: lazyTensors(path, label, header, file.version), metadata: header.metadata };
    }),
  );
}

/** The tensors of a file. */
export function openTensors(path: string, label: string): StateDict {
  const content = readContent(path, label);
  if (content.format !== 'json') return content.tensors;
  return inFile(label, () => tensorsOfJson(content.root).tensors);
}

function readWhole(file: OpenFile): Uint8Array {
  if (file.size > LARGEST_TEXT) {
    throw new CellcheckError({
      found: `${file.size} bytes of text`,
      expected: `${LARGEST_TEXT} at most`,
      hints: ['Save tensors of this size as safetensors.'],
    });
  }
  const bytes = new Uint8Array(file.size);
  file.read(bytes, 0);
  return bytes;
}

function lazyTensors(path: string, label: string, header: SafetensorsHeader, version: string): StateDict {
  return {
    specs: header.tensors,
    load: (names) =>
      withFile(path, label, (file) =>
        inFile(label, () => {
          if (file.version !== version) {
            throw new CellcheckError({
              problem: 'changed while it was read',
              hints: ['Try again when it is complete.'],
            });
          }
          return loadTensors(header, names, file.read);
        }),
      ),
  };
}
