import type { Command } from 'commander';
import { findCheckpoint } from '../../files/open-checkpoint.js';
import type { Io } from '../io.js';
import {
  type ReportTarget,
  reporterOption,
  reportTo,
  TABLE_ON_STDOUT,
  withTargets,
} from '../options/reports.js';

interface Options {
  prefix?: string;
  secondPrefix?: string;
  key?: string;
  secondKey?: string;
  reporter?: readonly ReportTarget[];
  allowOutside?: boolean;
  color: boolean;
}

const HELP = `
Examples:
  cellcheck diff model.pt model.onnx            is the export still the same network?
  cellcheck diff before.safetensors after.pt    what fine-tuning changed, gate by gate
  cellcheck diff model.pt ema.pt --prefix encoder.lstm.

Exit codes:
  0  equal: the same modules, and every parameter equal
  1  they differ
  2  bad input: a file cannot be read, or holds no recurrent module`;

/** Defines `cellcheck diff`. */
export function addDiff(program: Command, io: Io, exit: (code: number) => void): void {
  program
    .command('diff')
    .description(
      'Compares the recurrent modules of two checkpoints, parameter by parameter and gate by gate.',
    )
    .argument('<first>', 'a checkpoint of any format, or a case, which stands for its weights')
    .argument('<second>', 'another')
    .option('--prefix <text>', 'the module in the first, and in the second unless said otherwise')
    .option('--second-prefix <text>', 'the module in the second')
    .option('--key <text>', 'the dict in the first that is the state_dict, as model_state')
    .option('--second-key <text>', 'the same for the second')
    .addOption(reporterOption('diff'))
    .option('--allow-outside', 'lets a case name files outside its folder')
    .option('--no-color', 'no colours')
    .showHelpAfterError('  cellcheck diff --help lists the options.')
    .addHelpText('after', HELP)
    .action(async (first: string, second: string, options: Options) =>
      exit(await diffCommand(first, second, options, io)),
    );
}

async function diffCommand(first: string, second: string, options: Options, io: Io): Promise<number> {
  const { diffCheckpoints } = await import('../../diff/diff.js');
  const { prefix, secondPrefix = prefix, key, secondKey, allowOutside = false } = options;
  return withTargets(
    options.reporter ?? TABLE_ON_STDOUT,
    { ...options, inputs: [first, second] },
    io,
    async (targets) => {
      const reports = await reportTo('diff', targets);
      const place = { cwd: io.cwd, allowOutside };
      const [a, b] = [
        { ...findCheckpoint(first, { ...place, key }), prefix },
        { ...findCheckpoint(second, { ...place, key: secondKey }), prefix: secondPrefix },
      ];
      reports.begin([first, second]);
      const diff = diffCheckpoints(a, b);
      reports.result(diff);
      reports.end(undefined);
      return diff.equal ? 0 : 1;
    },
  );
}
