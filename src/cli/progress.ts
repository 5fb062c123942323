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
 * @param signal ends the case
 */
export function showProgress({ stderr }: Io, label: string, signal?: AbortSignal): Progress {
  const started = performance.now();
  let shown = 0;
  return {
    // Not async: some callers do not wait for it, and an end that they do not see is one of the process.
    onProgress: (done, stage) => {
      signal?.throwIfAborted();
      const now = performance.now();
      if (stderr.isTTY && now - started >= DELAY_MS && now - shown >= INTERVAL_MS) {
        shown = now;
        stderr.write(`\r\x1b[K${printable(label)}  ${STAGES[stage]}  ${Math.floor(100 * done)} %`);
      }
      return setImmediate();
    },
    clear: () => {
      if (shown) stderr.write('\r\x1b[K');
    },
  };
}

export interface SuiteProgress {
  /** @param done cases so far, and those of them without parity */
  readonly show: (done: number, failed: number) => void;
  /** Removes the line. */
  readonly clear: () => void;
}

/** A line on stderr while many cases run: how many, how many failed, and how long it still takes; on terminals only. */
export function showSuiteProgress({ stderr }: Io, total: number): SuiteProgress {
  const started = performance.now();
  let [shown, isShown] = [0, false];
  return {
    show: (done, failed) => {
      const now = performance.now();
      if (!stderr.isTTY || now - started < DELAY_MS || now - shown < INTERVAL_MS) return;
      [shown, isShown] = [now, true];
      const left = Math.ceil((((now - started) / done) * (total - done)) / 1000);
      stderr.write(`\r\x1b[K${done} of ${total} cases  ${failed} without parity  about ${left} s left`);
    },
    clear: () => {
      if (isShown) stderr.write('\r\x1b[K');
      isShown = false;
    },
  };
}
