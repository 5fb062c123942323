import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
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

/** Whether two names are of one file. */
export function samePath(a: string, b: string, cwd: string): boolean {
  return path.resolve(cwd, a) === path.resolve(cwd, b);
}

function isLink(given: string): boolean {
  const folder = path.dirname(given);
  return fs.existsSync(folder) && fs.statSync(folder).isDirectory()
    ? (fs.lstatSync(given, { throwIfNoEntry: false })?.isSymbolicLink() ?? false)
    : false;
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
  readonly save: (pieces: Iterable<string | Uint8Array>) => Promise<void>;
}

/** What interrupts a program, and the exit codes that shells give it then. */
const INTERRUPTIONS = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Makes sure that a file can be saved before the work begins. A file that is there is not touched until the new one is
 * complete, and nothing is left of one that is not.
 * @param force whether a file that is there may be replaced
 * @throws CellcheckError where it may not, or cannot be written
 */
export function planSave(file: string, cwd: string, force: boolean): SaveTarget {
  const given = path.resolve(cwd, file);
  if (!fs.existsSync(given) && isLink(given))
    throw new CellcheckError({ file, problem: 'is a link to nothing' });
  // What a link leads to is replaced, not the link.
  const target = fs.existsSync(given) ? fs.realpathSync(given) : given;
  const beside = path.join(path.dirname(target), `.cellcheck-${process.pid}.part`);
  let ours = false;
  const create = (mode?: number) => {
    const fd = fs.openSync(beside, 'wx', mode);
    ours = true;
    return fd;
  };
  const discard = () => {
    if (ours && fs.existsSync(beside)) fs.rmSync(beside);
    ours = false;
  };
  const mode = () => {
    const stat = fs.statSync(target, { throwIfNoEntry: false });
    if (!stat) return undefined;
    if (!stat.isFile())
      throw new CellcheckError({ file, problem: 'is not a regular file, and is not written to' });
    if (force) {
      fs.accessSync(target, fs.constants.W_OK);
      return stat.mode;
    }
    throw new CellcheckError({ file, problem: 'is there already', hints: ['Add --force to replace it.'] });
  };
  const failed = (error: unknown) => {
    discard();
    return error instanceof CellcheckError ? error : unwritable(error, file, target);
  };
  try {
    mode();
    fs.closeSync(create());
    discard();
  } catch (error) {
    throw failed(error);
  }
  return {
    async save(pieces) {
      const stops = Object.entries(INTERRUPTIONS).map(([signal, code]) => {
        const stop = () => {
          discard();
          process.exit(code);
        };
        process.once(signal, stop);
        return () => process.off(signal, stop);
      });
      try {
        const fd = create(mode());
        try {
          for (const piece of pieces) {
            fs.writeFileSync(fd, piece);
            // An interruption is noticed between two pieces.
            await setImmediate();
          }
        } finally {
          fs.closeSync(fd);
        }
        mode();
        fs.renameSync(beside, target);
      } catch (error) {
        throw failed(error);
      } finally {
        for (const stop of stops) stop();
      }
    },
  };
}
