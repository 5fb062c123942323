import path from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { CellcheckError, listed, printable } from '../../errors.js';
import { CASE_FILE } from '../../files/find-cases.js';
import { readPageParts } from '../../files/page-parts.js';
import { openAppender, openWriter, samePath, type Writer } from '../../files/write.js';
import { TENSOR_ENDINGS } from '../../formats/detect.js';
import {
  type Command,
  REPORT_COLUMNS,
  type Reporter,
  type ReporterOptions,
  type Reports,
} from '../../report/reporter.js';
import { loadReporter, reportersOf, sharesStdout } from '../../report/reporters.js';
import type { Terminal } from '../../report/terminal/style.js';
import { VERSION } from '../../version.js';
import { colorOf, columnsOf, type Io } from '../io.js';

/** Where a report goes: a file, or stdout. */
export interface ReportTarget {
  readonly name: string;
  readonly file?: string;
}

export const TABLE_ON_STDOUT: readonly ReportTarget[] = [{ name: 'table' }];

/** The reports of `verify` where nobody asks for others: in GitHub Actions those that it shows, elsewhere the table. */
export function usualTargets({ env }: Pick<Io, 'env'>): readonly ReportTarget[] {
  return env.GITHUB_ACTIONS === 'true' ? [...TABLE_ON_STDOUT, { name: 'github' }] : TABLE_ON_STDOUT;
}

/** `--reporter` of a command: it takes the reporters that the command has. */
export function reporterOption(command: Command): Option {
  const names = reportersOf(command);
  return new Option(
    '--reporter <name[=file]>',
    `${listed(names, ' or ')}; to stdout or a file; may be repeated`,
  ).argParser((text: string, before: readonly ReportTarget[] | undefined) => [
    ...(before ?? []),
    reportTarget(text, before ?? [], names),
  ]);
}

/**
 * The targets that a configuration names, as on the command line.
 * @param place puts a file in its place
 * @throws CellcheckError that names the configuration
 */
export function configuredTargets(
  texts: readonly string[],
  config: string,
  place: (file: string) => string,
): ReportTarget[] {
  const targets: ReportTarget[] = [];
  for (const text of texts) {
    try {
      const { name, file } = reportTarget(text, targets, reportersOf('verify'));
      targets.push({ name, file: file === undefined ? undefined : place(file) });
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new CellcheckError({
        code: 'option',
        file: config,
        tensor: 'reporters',
        problem: `${printable(text)}: ${error.message}`,
      });
    }
  }
  return targets;
}

function reportTarget(text: string, before: readonly ReportTarget[], names: readonly string[]): ReportTarget {
  const equals = text.indexOf('=');
  const target = equals < 0 ? { name: text } : { name: text.slice(0, equals), file: text.slice(equals + 1) };
  if (!names.includes(target.name) || target.file === '') {
    throw new InvalidArgumentError(
      `Reporters are ${names.join(', ')}, each to stdout or, as json=report.json, to a file.`,
    );
  }
  const file = path.basename(target.file ?? '').toLowerCase();
  if (file === CASE_FILE || TENSOR_ENDINGS.some((ending) => file.endsWith(ending)))
    throw new InvalidArgumentError('A report is no file of tensors, and no case: give it another name.');
  const isOnStdout = ({ name, file }: ReportTarget) => file === undefined && !sharesStdout(name);
  if (isOnStdout(target) && before.some(isOnStdout)) {
    throw new InvalidArgumentError('Only one report goes to stdout; give the other a file.');
  }
  return target;
}

/** A report's target, opened. */
export interface OpenTarget extends ReportTarget {
  readonly terminal: Terminal;
  readonly write: (text: string) => void;
}

/**
 * Runs a command with its targets opened right away, so that a file that cannot be written is an error before the work.
 * What is written to files is put in their places when the command has come to its end, and else nothing is left of it. A
 * report that fails on the way, as on a full disk or a closed stdout, does not keep the others from being written.
 * @param inputs files that are going to be read, where that is known: no report is written over them
 * @param run gives the exit code, which is 2 where a report fails; with what it is given it leaves all files as they were
 * @throws CellcheckError
 */
export async function withTargets(
  targets: readonly ReportTarget[],
  { color, inputs }: { readonly color: boolean; readonly inputs: readonly string[] },
  io: Io,
  run: (targets: readonly OpenTarget[], leaveFiles: () => void) => Promise<number>,
): Promise<number> {
  const writers = new Set<Writer>();
  let failed = false;
  /** Writes, or finishes; what fails is left out from then on. */
  const attempt = (writer: Writer, action: () => void) => {
    if (!writers.has(writer)) return;
    try {
      action();
    } catch (error) {
      if (!(error instanceof CellcheckError)) throw error;
      io.stderr.write(`cellcheck: ${error.message}\n`);
      failed = true;
      writers.delete(writer);
      writer.discard();
    }
  };
  try {
    const open = targets.map((target, i): OpenTarget => {
      const { file } = target;
      if (file === undefined)
        return {
          ...target,
          terminal: { columns: columnsOf(io), color: colorOf(io, color) },
          write: io.stdout.write,
        };
      if (targets.some((other, j) => j < i && other.file !== undefined && samePath(other.file, file, io.cwd)))
        throw new CellcheckError({
          code: 'option',
          file,
          problem: 'is named by two reporters; give each its own',
        });
      const writer = openWriter(file, { cwd: io.cwd, replace: true, inputs });
      writers.add(writer);
      return {
        ...target,
        terminal: { columns: REPORT_COLUMNS, color: false },
        write: (text) => attempt(writer, () => writer.write(text)),
      };
    });
    const summary = targets.some(({ name }) => name === 'github') ? openJobSummary(io) : undefined;
    if (summary) {
      writers.add(summary);
      open.push({
        name: 'markdown',
        file: io.env.GITHUB_STEP_SUMMARY,
        terminal: { columns: REPORT_COLUMNS, color: false },
        write: (text) => attempt(summary, () => summary.write(text)),
      });
    }
    // The other reports are worth their while without stdout.
    if (writers.size) io.stdout.onClosed?.(() => (failed = true));
    const exitCode = await run(open, () => {
      for (const writer of writers) writer.discard();
      writers.clear();
    });
    for (const writer of writers) attempt(writer, writer.finish);
    return failed ? 2 : exitCode;
  } finally {
    for (const writer of writers) writer.discard();
  }
}

/** GitHub's page of a job, which gets the Markdown report as well; undefined where there is none. */
function openJobSummary({ env, cwd, stderr }: Io): Writer | undefined {
  const { GITHUB_STEP_SUMMARY: file } = env;
  if (!file) return undefined;
  try {
    return openAppender(file, cwd);
  } catch (error) {
    if (!(error instanceof CellcheckError)) throw error;
    // A container may not have it: what it shows stands in the log, too.
    stderr.write(`cellcheck: no job summary: ${error.message}\n`);
    return undefined;
  }
}

/** Whether the table of several cases on stdout has a line for each error, which stderr then need not have. */
export function listsErrors(targets: readonly ReportTarget[], cases: number): boolean {
  return cases > 1 && targets.some(({ name, file }) => name === 'table' && file === undefined);
}

/** Writes what a command reports to all of its targets. */
export interface Broadcast<C extends Command> {
  readonly begin: (labels: readonly string[]) => void;
  readonly result: (result: Reports[C]['result']) => void;
  readonly end: (end: Reports[C]['end']) => void;
}

/** The reporters of a command's targets as one. */
export async function reportTo<C extends Command>(
  command: C,
  targets: readonly OpenTarget[],
  {
    allSteps = false,
    quiet = false,
    verbose = false,
    shard,
  }: Partial<Pick<ReporterOptions, 'allSteps' | 'quiet' | 'verbose' | 'shard'>> = {},
): Promise<Broadcast<C>> {
  const common = {
    allSteps,
    quiet,
    verbose,
    shard,
    readPage: readPageParts,
    tellsError: true,
    version: VERSION,
  };
  const reports = await Promise.all(
    targets.map(async ({ name, terminal, write }) => {
      return { write, reporter: await loadReporter(command, name, { ...common, terminal }) };
    }),
  );
  const toAll = (render: (reporter: Reporter<C>) => string) => {
    for (const { reporter, write } of reports) write(render(reporter));
  };
  return {
    begin: (labels) => toAll((reporter) => reporter.begin(labels)),
    result: (result) => toAll((reporter) => reporter.result(result)),
    end: (end) => toAll((reporter) => reporter.end(end)),
  };
}
