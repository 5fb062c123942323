import { setImmediate } from 'node:timers/promises';
import { printable } from '../errors.js';
import type { Io } from './io.js';

const PATIENCE_MS = 700;
const EVERY_MS = 100;

export interface Progress {
  readonly onProgress: (done: number) => Promise<void>;
  /** Takes the line away again. */
  readonly clear: () => void;
}

/**
 * A line on stderr while a case takes long, on a terminal only. Every call lets the event loop turn, so that an
 * interruption is noticed.
 */
export function showProgress({ stderr }: Io, label: string): Progress {
  const started = performance.now();
  let shown = 0;
  return {
    onProgress: async (done) => {
      await setImmediate();
      const now = performance.now();
      if (!stderr.isTTY || now - started < PATIENCE_MS || now - shown < EVERY_MS) return;
      shown = now;
      stderr.write(`\r\x1b[K${printable(label)}  ${Math.floor(100 * done)} %`);
    },
    clear: () => {
      if (shown) stderr.write('\r\x1b[K');
    },
  };
}
