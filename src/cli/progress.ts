import { setImmediate } from 'node:timers/promises';
import type { OnProgress, Stage } from '../engine/options.js';
import { printable } from '../errors.js';
import type { Io } from './io.js';

const DELAY_MS = 700;
const INTERVAL_MS = 100;

export interface Progress {
  readonly onProgress: OnProgress;
  /** Removes the line. */
  readonly clear: () => void;
}

const STAGES: Readonly<Record<Stage, string>> = {
  computing: 'computing',
  judging: 'judging the rounding',
  searching: 'searching for the cause',
};

/**
 * A line on stderr while a case takes long; on terminals only. Every call yields to the event loop after it has written, so
 * that Ctrl-C works.
 */
export function showProgress({ stderr }: Io, label: string): Progress {
  const started = performance.now();
  let shown = 0;
  return {
    onProgress: async (done, stage) => {
      const now = performance.now();
      if (stderr.isTTY && now - started >= DELAY_MS && now - shown >= INTERVAL_MS) {
        shown = now;
        stderr.write(`\r\x1b[K${printable(label)}  ${STAGES[stage]}  ${Math.floor(100 * done)} %`);
      }
      await setImmediate();
    },
    clear: () => {
      if (shown) stderr.write('\r\x1b[K');
    },
  };
}
