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
      const { code } = error as NodeJS.ErrnoException;
      const hints = fs.existsSync(path.dirname(path.resolve(cwd, file)))
        ? []
        : ['Its folder does not exist.'];
      throw new CellcheckError({ file, problem: `cannot be written (${code})`, hints });
    }
  };
  const fd = attempt(() => fs.openSync(path.resolve(cwd, file), 'w'));
  return (text) => {
    attempt(() => fs.writeFileSync(fd, text));
  };
}
