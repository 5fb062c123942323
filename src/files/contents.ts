import fs from 'node:fs';
import nodePath from 'node:path';
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
  const file = checkpointIn(path);
  if (file === undefined) return openContents(fileSource(path, label), label);
  const fileLabel = nodePath.join(label, file);
  return openContents(fileSource(nodePath.join(path, file), fileLabel), fileLabel);
}

// As Hugging Face's libraries save a model. Indices come first: their shards have similar names.
const CHECKPOINTS = [
  /\.safetensors\.index\.json$/,
  /\.bin\.index\.json$/,
  /^model\.safetensors$/,
  /^pytorch_model\.bin$/,
];

/** The checkpoint in a folder, where the path is one. */
export function checkpointIn(path: string): string | undefined {
  if (!fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const names = fs.readdirSync(path).sort();
  return CHECKPOINTS.map((pattern) => names.find((name) => pattern.test(name))).find(
    (name) => name !== undefined,
  );
}

/** The tensors of a file; see `openFile`. */
export function openTensors(path: string, label: string): StateDict {
  return openFile(path, label).tensors();
}

/** A file on the disk. It is open only while it is read, and every read checks that it is still the same file. */
export function fileSource(path: string, label: string): Source {
  const { size, version } = withFile(path, label, (file) => file);
  return {
    size,
    sibling: (file) =>
      fileSource(nodePath.join(nodePath.dirname(path), file), nodePath.join(nodePath.dirname(label), file)),
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
