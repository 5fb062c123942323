import fs from 'node:fs';
import { availableParallelism } from 'node:os';
import { CellcheckError } from '../errors.js';
import type { Sink } from './io.js';
import { run } from './run.js';
import { FUSES, pristine, setV8Flags } from './v8-flags.js';

export { verifyInWorker } from './cases/worker.js';

/**
 * Runs the command line of this process. When it returns, everything is written, and the process may exit.
 * @returns whether V8 compiled everything with the flags that the process started with
 */
export async function main(): Promise<boolean> {
  const [stdout, stderr] = [sink(1), sink(2)];
  process.exitCode = await run(process.argv.slice(2), {
    stdout,
    stderr,
    env: process.env,
    get cwd() {
      return workingFolder();
    },
    speed: { threads: availableParallelism(), wide: FUSES, prepare: setV8Flags },
  });
  await Promise.all([stdout.flush(), stderr.flush()]);
  return pristine;
}

/** @throws CellcheckError if the folder was removed after the shell changed to it */
function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    throw new CellcheckError({
      code: 'file',
      problem: 'the working folder is gone',
      hints: ['Change to a folder that is there: cd "$HOME"'],
    });
  }
}

/**
 * Writes to a file descriptor. Node's streams take milliseconds to load, so they are used only for terminals and for
 * pipes that are full (EAGAIN).
 */
function sink(fd: 1 | 2): Sink & { readonly flush: () => Promise<void> } {
  let onClosed: (() => void) | undefined;
  let isOpen = true;
  const ended = (code: string | undefined) => {
    if (!isOpen) return;
    isOpen = false;
    tellClosed(fd, code);
    if (!onClosed) process.exit(2);
    onClosed();
  };
  let stream = isDevice(fd) ? streamOf(fd, ended) : undefined;
  return {
    onClosed: (handler) => {
      onClosed = handler;
    },
    write: (text) => {
      if (!isOpen) return;
      let rest: Uint8Array = new TextEncoder().encode(text);
      while (!stream && rest.length) {
        try {
          rest = rest.subarray(fs.writeSync(fd, rest));
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code !== 'EAGAIN') return ended(code);
          stream = streamOf(fd, ended);
        }
      }
      stream?.write(rest);
    },
    flush: () => new Promise((resolve) => (stream && isOpen ? stream.write('', () => resolve()) : resolve())),
    isTTY: stream?.isTTY ?? false,
    columns: stream?.columns,
  };
}

function streamOf(fd: 1 | 2, ended: (code: string | undefined) => void): NodeJS.WriteStream {
  const stream = fd === 1 ? process.stdout : process.stderr;
  stream.on('error', ({ code }: NodeJS.ErrnoException) => ended(code));
  return stream;
}

/** Says that a stream was closed, or cannot be written. */
function tellClosed(fd: 1 | 2, code: string | undefined): void {
  if (fd !== 1) return;
  const why = code === 'EPIPE' ? 'was closed before the report was written' : `cannot be written (${code})`;
  try {
    fs.writeSync(2, `cellcheck: stdout ${why}\n`);
  } catch {
    // stderr is gone too.
  }
}

/** Whether a descriptor may be a terminal; false if it is closed. */
function isDevice(fd: number): boolean {
  try {
    return fs.fstatSync(fd).isCharacterDevice();
  } catch {
    return false;
  }
}
