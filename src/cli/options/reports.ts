import path from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { CellcheckError, listed } from '../../errors.js';
import { CASE_FILE } from '../../files/find-cases.js';
import { openWriter, samePath, type Writer } from '../../files/write.js';
import { TENSOR_ENDINGS } from '../../formats/detect.js';
import {
  type Command,
  REPORT_COLUMNS,
  type Reporter,
  type ReporterOptions,
  type Reports,
} from '../../report/reporter.js';
import { loadReporter, reportersOf } from '../../report/reporters.js';
import type { Terminal } from '../../report/terminal/style.js';
import { VERSION } from '../../version.js';
import { colorOf, columnsOf, type Io } from '../io.js';

/** Where a report goes: a file, or stdout. */
export interface ReportTarget {
  readonly name: string;
  readonly file?: string;
}

export const TABLE_ON_STDOUT: readonly ReportTarget[] = [{ name: 'table' }];

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
  if (target.file === undefined && before.some((other) => other.file === undefined)) {
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
 * What is written to files is put in their places when the command has come to its end, and else nothing is left of it.
 * @param inputs files that are going to be read, where that is known: no report is written over them
 * @throws CellcheckError
 */
export async function withTargets<T>(
  targets: readonly ReportTarget[],
  { color, inputs }: { readonly color: boolean; readonly inputs: readonly string[] },
  io: Io,
  run: (targets: readonly OpenTarget[]) => Promise<T>,
): Promise<T> {
  const writers: Writer[] = [];
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
      writers.push(writer);
      return { ...target, terminal: { columns: REPORT_COLUMNS, color: false }, write: writer.write };
    });
    const result = await run(open);
    while (writers.length) writers.shift()!.finish();
    return result;
  } finally {
    for (const writer of writers) writer.discard();
  }
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
  }: Partial<Pick<ReporterOptions, 'allSteps' | 'quiet' | 'verbose'>> = {},
): Promise<Broadcast<C>> {
  const common = {
    allSteps,
    quiet,
    verbose,
    caller: 'from the command line',
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
