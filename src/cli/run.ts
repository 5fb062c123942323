import { Command, CommanderError } from 'commander';
import { CellcheckError } from '../errors.js';
import { addVerify } from './commands/verify.js';
import { EXIT_CODES } from './exit-codes.js';
import { columnsOf, type Io } from './io.js';
import { VERSION } from './version.js';

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
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text.replace(/^error: /, 'cellcheck: ')),
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
  cellcheck verify --help                       the options
${EXIT_CODES}`,
    );
  let exitCode = 0;
  addVerify(program, io, (code) => {
    exitCode = code;
  });
  try {
    if (argv.length === 0) {
      program.outputHelp({ error: true });
      return 2;
    }
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof CellcheckError) {
      io.stderr.write(`cellcheck: ${error.message}\n`);
      return 2;
    }
    // Nothing a user does should lead here; if something does, it is no verdict, and one line says so.
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    io.stderr.write(
      `cellcheck: an error in cellcheck itself: ${reason}\n  Please report it, with the command.\n`,
    );
    return 2;
  }
}
