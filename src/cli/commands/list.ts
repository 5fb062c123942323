import type { Command } from 'commander';
import { CellcheckError, escapeText, inFile, internalError, printable } from '../../errors.js';
import { type FoundCase, findCases } from '../../files/find-cases.js';
import { openCheckpoint } from '../../files/open-checkpoint.js';
import { listModules } from '../../module/list.js';
import type { ListResult } from '../../report/reporter.js';
import type { Io } from '../io.js';
import {
  type OpenTarget,
  type ReportTarget,
  reporterOption,
  reportTo,
  TABLE_ON_STDOUT,
  withTargets,
} from '../options/reports.js';

interface Options {
  reporter?: readonly ReportTarget[];
  allowOutside?: boolean;
  color: boolean;
}

const HELP = `
Examples:
  cellcheck list model.safetensors              what a checkpoint holds
  cellcheck list samples/lstm-prefix            the weights of a case
  cellcheck list "shards/*.safetensors" --reporter json

Exit codes:
  0  every file is listed
  2  bad input: a file cannot be read, or holds no recurrent module, or one whose
     parameters do not fit together`;

/** Defines `cellcheck list`. */
export function addList(program: Command, io: Io, exit: (code: number) => void): void {
  program
    .command('list')
    .description('Lists the recurrent modules in checkpoints: sizes, gate layout, shapes.')
    .argument('<files...>', 'checkpoints, globs, or cases, which stand for their weights')
    .addOption(reporterOption('list'))
    .option('--allow-outside', 'lets a case name files outside its folder')
    .option('--no-color', 'no colours')
    .showHelpAfterError('  cellcheck list --help lists the options.')
    .addHelpText('after', HELP)
    .action(async (files: string[], options: Options) => exit(await listCommand(files, options, io)));
}

async function listCommand(paths: readonly string[], options: Options, io: Io): Promise<number> {
  const found = await findCases(paths, io.cwd);
  const inputs = found.flatMap(({ path }) => path ?? []);
  return withTargets(options.reporter ?? TABLE_ON_STDOUT, { ...options, inputs }, io, (targets) =>
    listInto(targets, found, options, io),
  );
}

async function listInto(
  targets: readonly OpenTarget[],
  found: readonly FoundCase[],
  options: Options,
  io: Io,
): Promise<number> {
  const reports = await reportTo('list', targets);
  reports.begin(found.map(({ label }) => label));
  const results = found.map(({ label, path, member, error }): ListResult => {
    try {
      if (error) throw error;
      const { allowOutside = false } = options;
      const { label: file, tensors } = openCheckpoint(path!, label, {
        cwd: io.cwd,
        allowOutside,
        member,
      });
      // What was left out of the list is said beside it.
      for (const note of tensors.notes ?? [])
        io.stderr.write(`cellcheck: ${printable(file)}: ${escapeText(note)}\n`);
      return { file, checkpoint: inFile(file, () => listModules(tensors.specs)) };
    } catch (caught) {
      const reported = caught instanceof CellcheckError ? caught : internalError(label, caught);
      io.stderr.write(`cellcheck: ${reported.message}\n`);
      return { file: label, error: reported };
    }
  });
  for (const result of results) reports.result(result);
  reports.end(undefined);
  const hasErrors = results.some(
    ({ checkpoint }) => !checkpoint || checkpoint.modules.some(({ error }) => error),
  );
  return hasErrors ? 2 : 0;
}
