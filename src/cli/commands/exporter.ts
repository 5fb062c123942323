import type { Command } from 'commander';
import { readExporter } from '../../files/exporter.js';
import type { Io } from '../io.js';

const HELP = `
Examples:
  cellcheck exporter > cellcheck_export.py
  python -c "from cellcheck_export import capture; help(capture)"

In your own script:
  from cellcheck_export import capture
  with capture(model, "cases/"):
      model(batch)

Then: cellcheck verify cases/`;

/** Defines `cellcheck exporter`. */
export function addExporter(program: Command, io: Io): void {
  program
    .command('exporter')
    .description('Prints the Python file that exports cases from PyTorch; it needs nothing but torch.')
    .showHelpAfterError('  cellcheck exporter --help shows how it is used.')
    .addHelpText('after', HELP)
    .action(() => io.stdout.write(readExporter()));
}
