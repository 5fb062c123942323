import { setImmediate } from 'node:timers/promises';
import { printable } from '../errors.js';
import type { Io } from './io.js';

const DELAY_MS = 700;
const INTERVAL_MS = 100;

export interface Progress {
  readonly onProgress: (done: number) => Promise<void>;
  /** Removes the line. */
  readonly clear: () => void;
}

/**
 * A line on stderr while a case takes long; on terminals only. Every call yields to the event loop, so that Ctrl-C
 * works.
 */
export function showProgress({ stderr }: Io, label: string): Progress {
  const started = performance.now();
  let shown = 0;
  return {
    onProgress: async (done) => {
      await setImmediate();
      const now = performance.now();
      if (!stderr.isTTY || now - started < DELAY_MS || now - shown < INTERVAL_MS) return;
      shown = now;
      stderr.write(`\r\x1b[K${printable(label)}  ${Math.floor(100 * done)} %`);
    },
    clear: () => {
      if (shown) stderr.write('\r\x1b[K');
    },
  };
}
