import fs from 'node:fs';
import path from 'node:path';
import { CellcheckError } from '../errors.js';

/**
 * Opens a file for a report right away, so that one that cannot be written is an error before the work, not after.
 * @throws CellcheckError
 */
export function openForWriting(file: string, cwd: string): (text: string) => void {
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw unwritable(error, file, path.resolve(cwd, file));
    }
  };
  const fd = attempt(() => fs.openSync(path.resolve(cwd, file), 'w'));
  return (text) => {
    attempt(() => fs.writeFileSync(fd, text));
  };
}

function unwritable(error: unknown, file: string, target: string): CellcheckError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  const hints = fs.existsSync(path.dirname(target)) ? [] : ['Its folder does not exist.'];
  return new CellcheckError({ file, problem: `cannot be written (${code})`, hints });
}

/** A file that is to be saved. */
export interface SaveTarget {
  /** Writes the whole file beside its place, and puts it there when it is complete. */
  readonly save: (pieces: Iterable<string | Uint8Array>) => void;
}

/**
 * Makes sure that a file can be saved before the work begins. A file that is there is not touched until the new one is
 * complete.
 * @param force whether a file that is there may be replaced
 * @throws CellcheckError where it may not, or cannot be written
 */
export function planSave(file: string, cwd: string, force: boolean): SaveTarget {
  const given = path.resolve(cwd, file);
  // What a link leads to is replaced, not the link.
  const target = fs.existsSync(given) ? fs.realpathSync(given) : given;
  const mayBeReplaced = () => {
    const stat = fs.statSync(target, { throwIfNoEntry: false });
    if (!stat) return;
    if (!stat.isFile())
      throw new CellcheckError({ file, problem: 'is not a regular file, and is not written to' });
    if (!force)
      throw new CellcheckError({ file, problem: 'is there already', hints: ['Add --force to replace it.'] });
  };
  const beside = `${target}.${process.pid}.part`;
  const writeBeside = (pieces: Iterable<string | Uint8Array>) => {
    const fd = fs.openSync(beside, 'wx');
    try {
      for (const piece of pieces) fs.writeFileSync(fd, piece);
    } finally {
      fs.closeSync(fd);
    }
  };
  const attempt = (action: () => void) => {
    try {
      mayBeReplaced();
      action();
    } catch (error) {
      if (fs.existsSync(beside)) fs.rmSync(beside);
      throw error instanceof CellcheckError ? error : unwritable(error, file, target);
    }
  };
  attempt(() => {
    writeBeside([]);
    fs.rmSync(beside);
  });
  return {
    save: (pieces) =>
      attempt(() => {
        writeBeside(pieces);
        fs.renameSync(beside, target);
      }),
  };
}
