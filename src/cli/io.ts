import type { SpeedOptions } from '../engine/options.js';
import { REPORT_COLUMNS } from '../report/reporter.js';

/** A stream that text is written to. */
export interface Sink {
  readonly write: (text: string) => void;
  readonly isTTY: boolean;
  /** What happens when the stream is closed at its other end, in the place of ending the process. */
  readonly onClosed?: (handler: () => void) => void;
  /** The terminal's width; absent for other streams. */
  readonly columns?: number;
}

/** What a command sees of its process; tests pass their own. */
export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** What this process computes with unless options or the environment say otherwise. */
  readonly speed: SpeedOptions;
}

export function columnsOf({ stdout, env }: Io): number {
  const fromEnv = Number(env.COLUMNS);
  return stdout.columns || (Number.isInteger(fromEnv) && fromEnv > 0 ? fromEnv : REPORT_COLUMNS);
}

/** Whether to use colours: --no-color decides, then NO_COLOR, then FORCE_COLOR, then whether stdout is a terminal. */
export function colorOf({ stdout, env }: Io, wanted: boolean): boolean {
  if (!wanted || env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return stdout.isTTY && env.TERM !== 'dumb';
}
