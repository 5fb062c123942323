import fs from 'node:fs';
import { CellcheckError } from '../errors.js';

/** An open regular file, read by position. */
export interface OpenFile {
  readonly size: number;
  /** Changes when the file is replaced or written to. */
  readonly version: string;
  /** Fills the target from a position of the file. */
  read(target: Uint8Array, position: number): void;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'a part of the path is not a folder',
  ELOOP: 'a loop of symbolic links',
  ENAMETOOLONG: 'the path is too long',
  ENXIO: 'is not a regular file',
  EISDIR: 'is a folder',
  ENOSPC: 'no space left on the disk',
  EROFS: 'the disk is read-only',
};

// What was opened, by what the system knows a file by: links and other names of it are the same. (The number of a file
// that is gone may be given to another.)
const read = new Set<string>();

type Identity = Pick<fs.Stats, 'dev' | 'ino' | 'birthtimeMs'>;

export function identityOf({ dev, ino, birthtimeMs }: Identity): string {
  return `${dev}:${ino}:${birthtimeMs}`;
}

/** Says that a file is going to be read, or would be but for an error on the way. */
export function willRead(path: string): void {
  try {
    read.add(identityOf(fs.statSync(path)));
  } catch {
    // What is not there is not written over.
  }
}

/** Whether this process has read from a file. */
export function wasRead(stat: Identity): boolean {
  return read.has(identityOf(stat));
}

/** What went wrong with a file, as a sentence. */
export function fileError(error: unknown, file: string, hints: readonly string[] = []): CellcheckError {
  if (error instanceof CellcheckError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return new CellcheckError({ file, problem: REASONS[code] ?? `cannot be read (${code})`, hints });
}

/**
 * Opens a file for as long as `use` runs. Not blocking, and regular files only: a FIFO would keep us waiting for
 * ever, and a device never ends.
 * @param label how messages name the file
 */
export function withFile<T>(path: string, label: string, use: (file: OpenFile) => T): T {
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    throw fileError(error, label);
  }
  try {
    const stat = fs.fstatSync(fd);
    read.add(identityOf(stat));
    if (!stat.isFile()) {
      throw new CellcheckError({
        file: label,
        problem: stat.isDirectory() ? 'is a folder' : 'is not a regular file',
      });
    }
    return use({
      size: stat.size,
      version: `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}`,
      read: (target, position) => readFully(fd, target, position, label),
    });
  } catch (error) {
    throw fileError(error, label);
  } finally {
    fs.closeSync(fd);
  }
}

function readFully(fd: number, target: Uint8Array, position: number, label: string): void {
  for (let done = 0; done < target.length; ) {
    const count = fs.readSync(fd, target, done, Math.min(target.length - done, 2 ** 30), position + done);
    if (count === 0) {
      throw new CellcheckError({
        file: label,
        problem: 'became shorter while it was read',
        hints: ['Is it still being written? Try again when it is complete.'],
      });
    }
    done += count;
  }
}
