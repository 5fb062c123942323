import { Command, CommanderError } from 'commander';
import { CellcheckError, escapeText, internalError } from '../errors.js';
import { VERSION } from '../version.js';
import { addDiagnose } from './commands/diagnose.js';
import { addDiff } from './commands/diff.js';
import { addExporter } from './commands/exporter.js';
import { addInspect } from './commands/inspect.js';
import { addList } from './commands/list.js';
import { addMerge } from './commands/merge.js';
import { addVerify } from './commands/verify.js';
import { EXIT_CODES } from './exit-codes.js';
import { columnsOf, type Io } from './io.js';

/**
 * Runs cellcheck on a command line.
 * @param argv the arguments, without the program
 * @returns the exit code
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const program = new Command('cellcheck')
    .description('Verifies RNN, GRU and LSTM outputs against PyTorch state_dicts, timestep by timestep.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureHelp({
      optionDescription: ({ description, argChoices }) =>
        [description, ...(argChoices ? [argChoices.join(', ')] : [])].join(': '),
    })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(safe(text.replace(/^error: /, 'cellcheck: '), argv)),
      getOutHelpWidth: () => columnsOf(io),
      getErrHelpWidth: () => columnsOf(io),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showHelpAfterError('  cellcheck --help lists commands and options.')
    .addHelpText(
      'after',
      `
Examples:
  cellcheck verify samples                      every case in a folder
  cellcheck verify checkpoints/encoder          one case, with its table
  cellcheck diagnose checkpoints/encoder        why it differs
  cellcheck inspect checkpoints/encoder         its states and gates, step by step
  cellcheck list model.pt                       the modules in a checkpoint
  cellcheck diff model.pt model.onnx            two checkpoints, gate by gate
  cellcheck verify --help                       the options of a command
${EXIT_CODES}`,
    );
  let exitCode = 0;
  const exit = (code: number) => {
    exitCode = code;
  };
  addVerify(program, io, exit);
  addDiagnose(program, io, exit);
  addDiff(program, io, exit);
  addList(program, io, exit);
  addInspect(program, io, exit);
  addMerge(program, io, exit);
  addExporter(program, io);
  try {
    if (argv.length === 0) {
      program.outputHelp({ error: true });
      return 2;
    }
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const reported = error instanceof CellcheckError ? error : internalError(undefined, error);
    io.stderr.write(`cellcheck: ${reported.message}\n`);
    return 2;
  }
}

/** Commander's messages with the arguments that they quote escaped: an argument may be any file's name. */
function safe(text: string, argv: readonly string[]): string {
  const values = argv.map((arg) => arg.slice(arg.indexOf('=') + 1));
  const quoted = [...argv, ...values].filter((arg) => escapeText(arg) !== arg);
  const oneLine = quoted.reduce((all, arg) => all.replaceAll(arg, () => escapeText(arg)), text);
  return oneLine.split('\n').map(escapeText).join('\n');
}
