import fs from 'node:fs';
import { CellcheckError } from '../errors.js';

/** A regular file that is open. */
export interface OpenFile {
  readonly size: number;
  /** Changes when the file is replaced or written to. */
  readonly version: string;
  /** Fills the target with the bytes of the file from a position on. */
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

// The files that were opened, by an identity that all links and names of a file share. The time of birth is part of it
// because the inode of a deleted file may be used again.
const opened = new Set<string>();

type Identity = Pick<fs.Stats, 'dev' | 'ino' | 'birthtimeMs'>;

export function identityOf({ dev, ino, birthtimeMs }: Identity): string {
  return `${dev}:${ino}:${birthtimeMs}`;
}

/** Registers a file that is going to be read, even if an error prevents it. */
export function willRead(path: string): void {
  try {
    opened.add(identityOf(fs.statSync(path)));
  } catch {
    // A file that does not exist cannot be overwritten.
  }
}

/** The files that this thread has read, or was going to, since this was asked the last time: for `alsoRead` of another. */
export function takeFilesRead(): string[] {
  const since = [...opened];
  opened.clear();
  return since;
}

/** Registers files that another thread of this process has read. */
export function alsoRead(files: readonly string[]): void {
  for (const file of files) opened.add(file);
}

/** Whether this process has opened a file to read it, or was going to. */
export function wasRead(stat: Identity): boolean {
  return opened.has(identityOf(stat));
}

/** An error of the system as one that names the file and says what to do. */
export function fileError(error: unknown, file: string, hints: readonly string[] = []): CellcheckError {
  if (error instanceof CellcheckError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return new CellcheckError({
    code: 'file',
    file,
    problem: REASONS[code] ?? `cannot be read (${code})`,
    hints,
  });
}

/**
 * Opens a file while `use` runs. It must be a regular file, and is opened without blocking: a FIFO may never open, and
 * a device may never end.
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
    opened.add(identityOf(stat));
    if (!stat.isFile()) {
      throw new CellcheckError({
        code: 'file',
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
        code: 'file',
        file: label,
        problem: 'became shorter while it was read',
        hints: ['Is it still being written? Try again when it is complete.'],
      });
    }
    done += count;
  }
}
