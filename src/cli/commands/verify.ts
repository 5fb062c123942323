import type { Command } from 'commander';
import { summaryOf, type Verdict } from '../../compare/summary.js';
import type { SpeedOptions } from '../../engine/options.js';
import { CellcheckError, internalError } from '../../errors.js';
import { warningText } from '../../report/remarks-text.js';
import type { CaseResult, Comparison } from '../../verdict/comparison.js';
import { verify } from '../../verify.js';
import { EXIT_CODES } from '../exit-codes.js';
import type { Io } from '../io.js';
import {
  addCaseOptions,
  type CaseOptionValues,
  computeOption,
  type Pending,
  pendingCases,
} from '../options/case.js';
import {
  type OpenTarget,
  type ReportTarget,
  reporterOption,
  reportTo,
  TABLE_ON_STDOUT,
  withTargets,
} from '../options/reports.js';
import { addRuleOptions, type RuleOptionValues, verifyOptions } from '../options/rule.js';
import {
  type SpeedOptionValues,
  speedLine,
  speedOf,
  threadsOption,
  verboseOption,
} from '../options/speed.js';
import { showProgress } from '../progress.js';

interface Options extends CaseOptionValues, RuleOptionValues, SpeedOptionValues {
  strict?: boolean;
  allSteps?: boolean;
  reporter?: readonly ReportTarget[];
  quiet?: boolean;
  color: boolean;
}

const EXAMPLES = `
Examples:
  cellcheck verify samples                      every case in a folder
  cellcheck verify samples/lstm                 one case, with its table
  cellcheck verify "exports/*.safetensors"      bundles: everything in one file
  cellcheck verify --weights model.safetensors --prefix encoder.lstm. \\
                   --input input.safetensors --expected out.safetensors
  cellcheck verify exports --reporter table --reporter json=report.json
  cellcheck verify exports/enc --atol 1e-4 --tolerance c_n=1e-5,1e-3`;

/** Defines `cellcheck verify`. */
export function addVerify(program: Command, io: Io, exit: (code: number) => void): void {
  const command = program
    .command('verify')
    .description('Compares reference outputs with those that follow from the weights.')
    .argument('[cases...]', 'case files, bundles, globs, or folders of cases');
  addRuleOptions(addCaseOptions(command))
    .option('--strict', 'no parity (exit 2) where there is a warning')
    .addOption(computeOption())
    .optionsGroup('Reports:')
    .option('--all-steps', 'shows every step of a long sequence')
    .addOption(reporterOption('verify'))
    .option('-q, --quiet', 'a line a case, no tables')
    .option('--no-color', 'no colours')
    .optionsGroup('Speed:')
    .addOption(threadsOption())
    .addOption(verboseOption())
    .showHelpAfterError('  cellcheck verify --help lists the options.')
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES}`)
    .action(async (cases: string[], options: Options, command: Command) => {
      exit(await verifyCommand(cases, options, command, io));
    });
}

async function verifyCommand(paths: string[], options: Options, command: Command, io: Io): Promise<number> {
  const speed = speedOf(options, io);
  const cases = await pendingCases(paths, options, command, io);
  const inputs = cases.flatMap((pending) => pending.inputs);
  return withTargets(options.reporter ?? TABLE_ON_STDOUT, { ...options, inputs }, io, (targets) =>
    verifyInto(targets, cases, options, speed, io),
  );
}

async function verifyInto(
  targets: readonly OpenTarget[],
  cases: readonly Pending[],
  options: Options,
  speed: SpeedOptions,
  io: Io,
): Promise<number> {
  const started = performance.now();
  const reports = await reportTo('verify', targets, options);
  reports.begin(cases.map(({ label }) => label));

  // The table of several cases on stdout has a line for each error.
  const isListed =
    cases.length > 1 && targets.some(({ name, file }) => name === 'table' && file === undefined);
  const verdicts: (Verdict | undefined)[] = [];
  for (const pending of cases) {
    const result = await verifyOne(pending, options, speed, io);
    if (result.error && !isListed) io.stderr.write(`cellcheck: ${result.error.message}\n`);
    verdicts.push(result.comparison?.verdict);
    reports.result(result);
  }

  const summary = summaryOf(verdicts, (performance.now() - started) / 1000);
  reports.end(summary);
  return summary.exitCode;
}

async function verifyOne(
  { label, load }: Pending,
  options: Options,
  speed: SpeedOptions,
  io: Io,
): Promise<CaseResult> {
  const { onProgress, clear } = showProgress(io, label);
  try {
    const comparison = await verify(load(), { ...verifyOptions(options), explain: true, speed, onProgress });
    if (options.verbose) io.stderr.write(speedLine(label, comparison.kernels, options.compute));
    return options.strict && comparison.verdict === 'parity' && comparison.warnings.length
      ? { label, error: strictError(label, comparison) }
      : { label, comparison };
  } catch (error) {
    // An error in one case does not keep the others from being reported.
    return { label, error: error instanceof CellcheckError ? error : internalError(label, error) };
  } finally {
    clear();
  }
}

function strictError(file: string, { warnings }: Comparison): CellcheckError {
  return new CellcheckError({
    file,
    problem: `no verdict with --strict, because of ${warnings.length === 1 ? 'a warning' : 'warnings'} (parity without it)`,
    hints: warnings.map(warningText),
  });
}
