import type { Command } from 'commander';
import { summaryOf } from '../../compare/summary.js';
import { CellcheckError } from '../../errors.js';
import { readDocument } from '../../files/document.js';
import { findFiles } from '../../files/find-cases.js';
import { EXIT_CODES } from '../exit-codes.js';
import type { Io } from '../io.js';
import {
  listsErrors,
  type ReportTarget,
  reporterOption,
  reportTo,
  usualTargets,
  withTargets,
} from '../options/reports.js';

interface Options {
  reporter?: readonly ReportTarget[];
  allSteps?: boolean;
  quiet?: boolean;
  color: boolean;
}

const EXAMPLES = `
Examples:
  cellcheck verify --shard 1/2 --reporter json=reports/1.json     on one machine
  cellcheck verify --shard 2/2 --reporter json=reports/2.json     on another
  cellcheck merge reports/*.json --reporter table --reporter junit=report.xml`;

/** Defines `cellcheck merge`. */
export function addMerge(program: Command, io: Io, exit: (code: number) => void): void {
  program
    .command('merge')
    .description('Joins the JSON reports of all shards of a suite: one report, one verdict.')
    .argument('<reports...>', 'JSON reports of verify --shard, or globs of them')
    .addOption(reporterOption('verify'))
    .option('--all-steps', 'shows every step of a long sequence')
    .option('-q, --quiet', 'a line a case, no tables')
    .option('--no-color', 'no colours')
    .showHelpAfterError('  cellcheck merge --help lists the options.')
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES}`)
    .action(async (paths: string[], options: Options) => exit(await mergeCommand(paths, options, io)));
}

// What only this command uses is imported in this function, so that other commands do not load it.
async function mergeCommand(paths: readonly string[], options: Options, io: Io): Promise<number> {
  const { reportIn } = await import('../../report/comparison-from-json.js');
  const { mergeShards } = await import('../../suite/merge.js');
  const files = await findFiles(paths, io.cwd);
  const targets = options.reporter ?? usualTargets(io);
  return withTargets(targets, { ...options, inputs: files.map(({ path }) => path) }, io, async (open) => {
    const { cases, notRun } = mergeShards(
      files.map(({ label, path }) => {
        const report = reportIn(readDocument(path, label, LARGEST_REPORT));
        if (report) return { file: label, report };
        throw new CellcheckError({
          file: label,
          problem: 'is not a JSON report of this version of cellcheck verify',
          hints: ['It is written by: cellcheck verify --shard 1/4 --reporter json=shard-1.json'],
        });
      }),
    );
    const reports = await reportTo('verify', open, options);
    reports.begin(cases.map(({ label }) => label));
    const isListed = listsErrors(open, cases.length);
    for (const one of cases) {
      if (one.error && !isListed) io.stderr.write(`cellcheck: ${one.error.message}\n`);
      reports.result(one);
    }
    const summary = summaryOf(
      cases.map(({ comparison }) => comparison?.verdict),
      { notRun },
    );
    reports.end(summary);
    return summary.exitCode;
  });
}

/** In bytes. Text of this size is a string, and many times that in memory. */
const LARGEST_REPORT = 2 ** 28;
