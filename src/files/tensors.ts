import { CellcheckError, inFile } from '../errors.js';
import { detectFormat, HEAD_BYTES } from '../formats/detect.js';
import { parseJsonTensors, type TensorFile } from '../formats/json.js';
import {
  headerLength,
  parseHeader,
  planImage,
  readImage,
  type SafetensorsHeader,
} from '../formats/safetensors.js';
import { type JsonObject, type JsonValue, scanJson } from '../formats/scan-json.js';
import type { StateDict } from '../tensor/state-dict.js';
import { type OpenFile, withFile } from './open.js';

// A JSON text becomes a string, and a string has at most half a gibibyte of characters.
const LARGEST_JSON = 256 * 2 ** 20;

/** A file of tensors: from a safetensors file only the header is read, the tensors when they are asked for. */
export function openTensors(
  path: string,
  label: string,
): TensorFile & { metadata?: SafetensorsHeader['metadata'] } {
  return withFile(path, label, (file) =>
    inFile(label, () => {
      const head = new Uint8Array(Math.min(HEAD_BYTES, file.size));
      file.read(head, 0);
      if (detectFormat(path, head) === 'json') return parseJsonTensors(readWhole(file));
      const headerBytes = new Uint8Array(headerLength(head.subarray(0, 8), file.size));
      file.read(headerBytes, 8);
      const header = parseHeader(headerBytes, file.size);
      return { tensors: lazyTensors(path, label, header, file.version), metadata: header.metadata };
    }),
  );
}

/** A JSON file that may be a case, as it stands. */
export function readJson(path: string, label: string): JsonObject {
  return withFile(path, label, (file) =>
    inFile(label, () => {
      const head = new Uint8Array(Math.min(HEAD_BYTES, file.size));
      file.read(head, 0);
      detectFormat(path, head);
      const root: JsonValue = scanJson(readWhole(file));
      if (typeof root === 'object' && root !== null) return root as JsonObject;
      throw new CellcheckError({
        found: `a ${typeof root}`,
        expected: 'an object with weights, input and expected',
      });
    }),
  );
}

function readWhole(file: OpenFile): Uint8Array {
  if (file.size > LARGEST_JSON) {
    throw new CellcheckError({
      found: `${file.size} bytes of JSON`,
      expected: `${LARGEST_JSON} at most`,
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
          const image = planImage(header, names);
          for (const { fileOffset, imageOffset, length } of image.stretches) {
            file.read(image.bytes.subarray(imageOffset, imageOffset + length), fileOffset);
          }
          return readImage(header, names, image);
        }),
      ),
  };
}
