import type { SpeedOptions } from '../engine/options.js';
import { REPORT_COLUMNS } from '../report/reporter.js';

/** A stream that text is written to. */
export interface Sink {
  readonly write: (text: string) => void;
  readonly isTTY: boolean;
  /** Width of the terminal, where it is one. */
  readonly columns?: number;
}

/** The outside world as a command sees it, so that tests can be one. */
export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** What this process computes with where nobody says otherwise. */
  readonly speed: SpeedOptions;
}

export function columnsOf({ stdout, env }: Io): number {
  const said = Number(env.COLUMNS);
  return stdout.columns || (Number.isInteger(said) && said > 0 ? said : REPORT_COLUMNS);
}

/** Colour on terminals only; --no-color, NO_COLOR and FORCE_COLOR decide otherwise, in this order. */
export function colorOf({ stdout, env }: Io, wanted: boolean): boolean {
  if (!wanted || env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return stdout.isTTY && env.TERM !== 'dumb';
}
