import fs from 'node:fs';
import path from 'node:path';
import { CASE_FILE } from './find-cases.js';

/** What a case costs besides what its tensors do, in bytes of tensors. */
const ONE_CASE = 2 ** 16;

/**
 * How long a case may take, in bytes: those of all files in the folder of a case file, or of the file or files that a case
 * is. It is read off the disk's directories, without opening anything.
 */
export function estimatedWork(files: readonly string[]): number {
  const sizes = files.flatMap((file) => {
    if (path.basename(file) !== CASE_FILE) return [sizeOf(file)];
    const folder = path.dirname(file);
    return entriesOf(folder).map((name) => sizeOf(path.join(folder, name)));
  });
  return sizes.reduce((sum, size) => sum + size, ONE_CASE);
}

function sizeOf(file: string): number {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat?.isFile() ? stat.size : 0;
}

function entriesOf(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}
