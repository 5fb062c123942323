import fs from 'node:fs';
import nodePath from 'node:path';
import { CellcheckError, inFile } from '../errors.js';
import { sourceOver } from '../formats/bytes.js';
import { openContents } from '../formats/contents.js';
import type { Contents, Source } from '../formats/format.js';
import { type StateDict, under } from '../tensor/state-dict.js';
import { fileError, type OpenFile, withFile } from './open.js';

/**
 * Opens a file of any format.
 * @param label how messages name it
 * @throws CellcheckError that names the file
 */
export function openFile(path: string, label: string): Contents {
  if (path === STDIN) return openContents(stdinSource(), label);
  const file = checkpointIn(path);
  if (file === undefined) return openContents(fileSource(path, label), label);
  const fileLabel = nodePath.join(label, file);
  return openContents(fileSource(nodePath.join(path, file), fileLabel), fileLabel);
}

let last: { readonly version: string; readonly contents: Contents } | undefined;

/** The same for a file of several cases, which is opened once for each of them. */
export function openSeveral(path: string, label: string): Contents {
  const version = `${path} ${withFile(path, label, (file) => file.version)}`;
  if (last?.version !== version) last = { version, contents: openFile(path, label) };
  return last.contents;
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

/**
 * The tensors of the dict in a checkpoint that somebody chose; all if nobody did.
 * @param label how messages name the checkpoint
 */
export function underKey(tensors: StateDict, key: string | undefined, label: string): StateDict {
  return key === undefined ? tensors : inFile(label, () => under(tensors, key));
}

/** What the command line calls the standard input. */
const STDIN = '-';

/** The place of a file of the command line, or of the standard input. */
export function givenPlace(file: string, cwd: string): { readonly path: string; readonly label: string } {
  return file === STDIN
    ? { path: STDIN, label: 'stdin' }
    : { path: nodePath.resolve(cwd, file), label: file };
}

const LARGEST_STDIN = 2 ** 30;
let stdinWasRead = false;

/** All of the standard input. */
function stdinSource(): Source {
  const fail = (problem: string): never => {
    throw new CellcheckError({ code: 'file', file: 'stdin', problem });
  };
  if (stdinWasRead) fail('can stand for one of the files only');
  stdinWasRead = true;
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const piece = new Uint8Array(2 ** 16);
    const count = readSome(piece);
    if (count === 0) break;
    pieces.push(piece.subarray(0, count));
    size += count;
    if (size > LARGEST_STDIN) fail(`is longer than ${LARGEST_STDIN} bytes; give a file`);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return sourceOver(bytes);
}

/** Reads what there is. A pipe whose writer is slow has nothing for a while. */
function readSome(target: Uint8Array): number {
  for (;;) {
    try {
      return fs.readSync(0, target);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw fileError(error, 'stdin');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** A file of this size is read at once: opening it for each of its parts would take longer. */
const SMALL_FILE = 2 ** 16;

/**
 * A file on the disk. A small one is read whole. A larger one is open only while it is read, and every read checks that it
 * is still the same file.
 */
export function fileSource(path: string, label: string): Source {
  const { size, version, bytes } = withFile(path, label, (file) => ({ ...file, bytes: smallFile(file) }));
  const sibling = (file: string) =>
    fileSource(nodePath.join(nodePath.dirname(path), file), nodePath.join(nodePath.dirname(label), file));
  if (bytes) return { ...sourceOver(bytes), sibling };
  return {
    size,
    sibling,
    read: (offset, length, into) =>
      withFile(path, label, (file) => {
        if (file.version !== version) {
          throw new CellcheckError({
            code: 'file',
            file: label,
            problem: 'changed while it was read',
            hints: ['Try again when it is complete.'],
          });
        }
        const bytes = into ?? new Uint8Array(length);
        file.read(bytes, offset);
        return bytes;
      }),
  };
}

function smallFile({ size, read }: OpenFile): Uint8Array | undefined {
  if (size > SMALL_FILE) return undefined;
  const bytes = new Uint8Array(size);
  read(bytes, 0);
  return bytes;
}
