import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CellcheckError } from '../errors.js';
import { whenInterrupted } from './interruption.js';
import { identityOf, wasRead } from './open.js';

/** Whether two paths lead to the same file. */
export function samePath(a: string, b: string, cwd: string): boolean {
  return targetOf(path.resolve(cwd, a)) === targetOf(path.resolve(cwd, b));
}

/** The file that a path leads to, links resolved: a link is not overwritten, but its target. It need not exist yet. */
function targetOf(given: string): string {
  if (fs.existsSync(given)) return fs.realpathSync(given);
  const folder = path.dirname(given);
  return fs.existsSync(folder) ? path.join(fs.realpathSync(folder), path.basename(given)) : given;
}

function isLink(given: string): boolean {
  const folder = path.dirname(given);
  return fs.existsSync(folder) && fs.statSync(folder).isDirectory()
    ? (fs.lstatSync(given, { throwIfNoEntry: false })?.isSymbolicLink() ?? false)
    : false;
}

function unwritable(error: unknown, file: string, target: string): unknown {
  if (error instanceof CellcheckError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const hints = fs.existsSync(path.dirname(target)) ? [] : ['Its folder does not exist.'];
  return new CellcheckError({ code: 'file', file, problem: `cannot be written (${code})`, hints });
}

/** A file that is being written. */
export interface Writer {
  write(piece: string | Uint8Array): void;
  /**
   * Puts the complete file in its place.
   * @throws CellcheckError where this program has read the file that would be replaced
   */
  finish(): void;
  /** Removes what was written. */
  discard(): void;
}

// Files that are not complete yet; an interruption removes them.
const unfinished = new Set<Pick<Writer, 'discard'>>();
let stopListening: () => void;

const discardAll = () => {
  for (const writer of unfinished) writer.discard();
};

function begin(writer: Pick<Writer, 'discard'>): void {
  if (unfinished.size === 0) {
    stopListening = whenInterrupted((exitCode) => process.exit(exitCode));
    process.on('exit', discardAll);
  }
  unfinished.add(writer);
}

function end(writer: Pick<Writer, 'discard'>): void {
  if (!unfinished.delete(writer) || unfinished.size > 0) return;
  stopListening();
  process.off('exit', discardAll);
}

/** Streams that a shell has opened for this process, as in `/dev/stdout` or `/dev/fd/63`. */
const OPEN_STREAM = /^\/(?:dev\/(?:fd\/|std(?:out|err)$)|proc\/)/;

export interface WriteOptions {
  readonly cwd: string;
  /** Whether an existing file may be replaced. */
  readonly replace: boolean;
  /** Files that are going to be read. If given, neither they nor any other file that was read is replaced. */
  readonly inputs?: readonly string[];
}

/**
 * Opens a file for writing, so that one that cannot be written is an error before the work, not after. It is written
 * under another name next to its place: an existing file is not touched until the new one is complete. Devices and
 * pipes are written directly.
 * @throws CellcheckError where it cannot be written, exists and may not be replaced, or is an input
 */
export function openWriter(file: string, { cwd, replace, inputs }: WriteOptions): Writer {
  const given = path.resolve(cwd, file);
  const target = targetOf(given);
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw unwritable(error, file, target);
    }
  };
  return attempt(() => {
    const stat = fs.statSync(target, { throwIfNoEntry: false });
    if (!stat && isLink(given))
      throw new CellcheckError({ code: 'file', file, problem: 'is a link to nothing' });
    if (stat?.isDirectory())
      throw new CellcheckError({ code: 'file', file, problem: 'cannot be written: it is a folder' });
    const identity = stat && identityOf(stat);
    const isInput = inputs?.some((input) => {
      const inputStat = fs.statSync(path.resolve(cwd, input), { throwIfNoEntry: false });
      return inputStat !== undefined && identityOf(inputStat) === identity;
    });
    if (isInput) throw isInputError(file);
    if (OPEN_STREAM.test(given) || (stat && !stat.isFile())) return direct(fs.openSync(given, 'w'), attempt);
    if (stat && !replace)
      throw new CellcheckError({
        code: 'file',
        file,
        problem: 'already exists',
        hints: ['Add --force to replace it.'],
      });
    if (stat) fs.accessSync(target, fs.constants.W_OK);
    return partial(file, target, { mode: stat?.mode, keepInputs: inputs !== undefined }, attempt);
  });
}

function isInputError(file: string): CellcheckError {
  return new CellcheckError({
    code: 'file',
    file,
    problem: 'is an input of this run, and is not overwritten',
    hints: ['Give the report a file of its own.'],
  });
}

/**
 * Opens a file that text is added to. Nothing is added before the end.
 * @throws CellcheckError where it cannot be written
 */
export function openAppender(file: string, cwd: string): Writer {
  const target = path.resolve(cwd, file);
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw unwritable(error, file, target);
    }
  };
  const pieces: (string | Uint8Array)[] = [];
  attempt(() => fs.closeSync(fs.openSync(target, 'a')));
  return {
    write(piece) {
      pieces.push(piece);
    },
    finish: () =>
      attempt(() => {
        for (const piece of pieces) fs.appendFileSync(target, piece);
      }),
    discard: () => undefined,
  };
}

type Attempt = <T>(action: () => T) => T;

function direct(fd: number, attempt: Attempt): Writer {
  return {
    write: (piece) => attempt(() => fs.writeFileSync(fd, piece)),
    finish: () => attempt(() => fs.closeSync(fd)),
    discard: () => undefined,
  };
}

/** Writes a file under another name, and renames it when it is complete. */
function partial(
  file: string,
  target: string,
  { mode, keepInputs }: { readonly mode: number | undefined; readonly keepInputs: boolean },
  attempt: Attempt,
): Writer {
  const { part, fd } = createPart(target, mode);
  let open = true;
  const writer: Writer = {
    write: (piece) => attempt(() => fs.writeFileSync(fd, piece)),
    finish() {
      try {
        const stat = fs.statSync(target, { throwIfNoEntry: false });
        if (keepInputs && stat && wasRead(stat)) throw isInputError(file);
        fs.closeSync(fd);
        open = false;
        replaceBy(part, target);
        end(writer);
      } catch (error) {
        writer.discard();
        throw unwritable(error, file, target);
      }
    },
    discard() {
      if (open) fs.closeSync(fd);
      open = false;
      fs.rmSync(part, { force: true });
      end(writer);
    },
  };
  begin(writer);
  return writer;
}

/** Errors where no file may be created in a folder, or a mounted file may not be replaced. */
const NOT_REPLACEABLE: readonly (string | undefined)[] = ['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EXDEV'];

function createPart(target: string, mode: number | undefined): { part: string; fd: number } {
  let folder = path.dirname(target);
  for (let count = 0; ; count++) {
    const part = path.join(folder, `.cellcheck-${process.pid}-${count}.part`);
    try {
      const fd = fs.openSync(part, 'wx', mode);
      // The mode of openSync is reduced by the umask.
      if (mode !== undefined) fs.fchmodSync(fd, mode);
      return { part, fd };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue;
      // The file may be writable though its folder is not.
      if (!NOT_REPLACEABLE.includes(code) || !fs.existsSync(target) || folder === os.tmpdir()) throw error;
      folder = os.tmpdir();
    }
  }
}

function replaceBy(part: string, target: string): void {
  try {
    fs.renameSync(part, target);
  } catch (error) {
    if (!NOT_REPLACEABLE.includes((error as NodeJS.ErrnoException).code)) throw error;
    fs.copyFileSync(part, target);
    fs.rmSync(part);
  }
}

/**
 * Writes a file piece by piece, and puts it in its place.
 * @throws CellcheckError
 */
export async function writeAll(writer: Writer, pieces: Iterable<string | Uint8Array>): Promise<void> {
  try {
    for (const piece of pieces) {
      writer.write(piece);
      // Signals are only handled between two pieces.
      await setImmediate();
    }
  } catch (error) {
    writer.discard();
    throw error;
  }
  writer.finish();
}
