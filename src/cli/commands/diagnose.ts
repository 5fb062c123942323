import type { Command } from 'commander';
import { summaryOf } from '../../compare/summary.js';
import type { Diagnosis } from '../../diagnose/diagnose.js';
import { reportedComparison } from '../../report/in-words.js';
import { EXIT_CODES } from '../exit-codes.js';
import type { Io } from '../io.js';
import {
  addCaseOptions,
  type CaseOptionValues,
  computeOption,
  inputsOf,
  loadPending,
  oneCase,
  type Pending,
  pendingCases,
} from '../options/case.js';
import {
  type ReportTarget,
  reporterOption,
  reportTo,
  TABLE_ON_STDOUT,
  withTargets,
} from '../options/reports.js';
import { addRuleOptions, CALLER, type RuleOptionValues } from '../options/rule.js';
import {
  type SpeedOptionValues,
  speedLine,
  speedOf,
  threadsOption,
  verboseOption,
} from '../options/speed.js';
import { addConfigOption, type ConfigOptionValues, configOf, settingsWith } from '../options/suite.js';
import { showProgress } from '../progress.js';

interface Options extends CaseOptionValues, ConfigOptionValues, RuleOptionValues, SpeedOptionValues {
  reporter?: readonly ReportTarget[];
  color: boolean;
}

const EXAMPLES = `
Examples:
  cellcheck diagnose exports/encoder            gate order? biases? one weight?
  cellcheck diagnose --weights model.safetensors --prefix encoder.lstm. \\
                     --input input.safetensors --expected port.safetensors
  cellcheck diagnose exports/encoder --reporter json=why.json`;

/** Defines `cellcheck diagnose`. */
export function addDiagnose(program: Command, io: Io, exit: (code: number) => void): void {
  const command = program
    .command('diagnose')
    .description(
      'Finds out why a reference differs: another convention, a wrong weight, or where the difference begins.',
    )
    .argument('[case]', 'a case file, a bundle, or a folder with a case.json');
  addConfigOption(addRuleOptions(addCaseOptions(command)).addOption(computeOption()))
    .optionsGroup('Reports:')
    .addOption(reporterOption('diagnose'))
    .option('--no-color', 'no colours')
    .optionsGroup('Speed:')
    .addOption(threadsOption())
    .addOption(verboseOption('all that fits or is not excluded'))
    .showHelpAfterError('  cellcheck diagnose --help lists the options.')
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES}`)
    .action(async (path: string | undefined, options: Options, command: Command) => {
      const cases = await pendingCases(path === undefined ? [] : [path], options, command, io);
      exit(await diagnoseCommand(oneCase(cases, path, 'diagnosed'), options, io));
    });
}

// What only this command uses is imported in these functions, so that other commands do not load it.
async function diagnoseCommand(pending: Pending, options: Options, io: Io): Promise<number> {
  const { label } = pending;
  const inputs = inputsOf(pending);
  return withTargets(options.reporter ?? TABLE_ON_STDOUT, { ...options, inputs }, io, async (targets) => {
    const diagnosis = await diagnoseOne(pending, options, io);
    const summary = summaryOf([diagnosis.comparison.verdict]);
    const reports = await reportTo('diagnose', targets, options);
    reports.begin([label]);
    const { comparison, cause } = diagnosis;
    reports.result({ label, comparison: reportedComparison(comparison, CALLER), cause });
    reports.end(summary);
    return summary.exitCode;
  });
}

async function diagnoseOne(pending: Pending, options: Options, io: Io): Promise<Diagnosis> {
  const { label } = pending;
  const { diagnose } = await import('../../diagnose/diagnose.js');
  const { onProgress, clear } = showProgress(io, label);
  try {
    const speed = speedOf(options, io);
    const { load, options: stated } = (await settingsWith(await configOf(options, io), options, io))(pending);
    const diagnosis = await diagnose(loadPending({ ...pending, load }), { ...stated, speed, onProgress });
    const { kernels } = diagnosis.comparison;
    if (options.verbose) io.stderr.write(speedLine(label, kernels, diagnosis.comparison.subject.compute));
    return diagnosis;
  } finally {
    clear();
  }
}
