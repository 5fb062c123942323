import type { Summary } from '../compare/summary.js';
import type { CheckpointDiff } from '../diff/diff.js';
import type { CellcheckError } from '../errors.js';
import type { Checkpoint } from '../module/list.js';
import type { Cause } from '../verdict/cause.js';
import type { PageParts } from './page.js';
import type { ReportedCase, ReportedComparison } from './reported.js';
import type { Terminal } from './terminal/style.js';

/** A case with its diagnosis. */
export interface ReportedDiagnosis {
  readonly label: string;
  readonly comparison: ReportedComparison;
  readonly cause?: Cause;
}

/** A file with what it holds, or with the error that kept it from being listed. */
export type ListResult =
  | { readonly file: string; readonly checkpoint: Checkpoint; readonly error?: undefined }
  | { readonly file: string; readonly error: CellcheckError; readonly checkpoint?: undefined };

/** The commands that report: what they hand over for each case or file, and at the end. */
export interface Reports {
  readonly verify: { readonly result: ReportedCase; readonly end: Summary };
  readonly diagnose: { readonly result: ReportedDiagnosis; readonly end: Summary };
  readonly diff: { readonly result: CheckpointDiff; readonly end: undefined };
  readonly list: { readonly result: ListResult; readonly end: undefined };
}

export type Command = keyof Reports;

/** Renders a command's results as text while it runs: each method returns what is to be written next. */
export interface Reporter<C extends Command> {
  /** @param labels the cases or files that will come, in their order */
  begin(labels: readonly string[]): string;
  result(result: Reports[C]['result']): string;
  end(end: Reports[C]['end']): string;
}

/** A part of a suite. */
export interface Shard {
  /** From 1 on. */
  readonly index: number;
  readonly count: number;
  /** The same for all shards of a suite. */
  readonly suite: string;
  /** The places of its cases in the whole suite, from 0 on. */
  readonly cases: readonly number[];
}

export interface ReporterOptions {
  readonly terminal: Terminal;
  /** Shows every step of a long sequence. */
  readonly allSteps: boolean;
  /** One line per case, and no tables. */
  readonly quiet: boolean;
  /** Names everything that a diagnosis does not exclude. */
  readonly verbose: boolean;
  /** Whether whoever asks for the report tells the error of a single case apart from it, as a command on stderr. */
  readonly tellsError: boolean;
  /** cellcheck's own version, for documents that outlive it. */
  readonly version: string;
  /** The scripts and the style of a page. */
  readonly readPage: (name: 'report') => PageParts;
  /** Which part of a suite is reported, where it is not the whole. */
  readonly shard?: Shard;
}

/** One entry of `--reporter`: for each command how it renders, loaded when used, or undefined where it does not. */
export type ReporterEntry = {
  readonly [C in Command]?: (options: ReporterOptions) => Promise<Reporter<C>>;
} & {
  /** Whether its lines may stand beside another report on stdout. */
  readonly sharesStdout?: boolean;
};

/** The width of a report that is not written to a terminal. */
export const REPORT_COLUMNS = 80;
