import { type Command, Option } from 'commander';
import { openWriter, samePath, type Writer, writeAll } from '../../files/write.js';
import { writerFor } from '../../formats/write-tensors.js';
import type { Inspection } from '../../inspect/inspect.js';
import type { Picks } from '../../inspect/selection.js';
import type { Direction } from '../../kinds.js';
import { colorOf, columnsOf, type Io } from '../io.js';
import {
  addCaseOptions,
  type CaseOptionValues,
  computeOption,
  loadPending,
  oneCase,
  type Pending,
  pendingCases,
} from '../options/case.js';
import { names, oneIndex, picks, saveFile } from '../options/parsers.js';
import {
  type SpeedOptionValues,
  speedLine,
  speedOf,
  threadsOption,
  verboseOption,
} from '../options/speed.js';
import { showProgress } from '../progress.js';

interface Options extends CaseOptionValues, SpeedOptionValues {
  layer?: Picks;
  direction?: Direction;
  batch?: Picks;
  step?: Picks;
  steps?: Picks;
  unit?: Picks;
  show?: readonly string[];
  allSteps?: boolean;
  explain?: boolean;
  save?: string;
  html?: string;
  force?: boolean;
  quiet?: boolean;
  color: boolean;
}

const HELP = `
Examples:
  cellcheck inspect samples/lstm                h, c and the gates, step by step
  cellcheck inspect samples/gru --step 1 --unit 0 --explain
  cellcheck inspect samples/gru-three-layers --layer 1 --direction reverse
  cellcheck inspect samples/gru-long --steps 490: --unit 0,2 --show h,z
  cellcheck inspect samples/lstm --save states.safetensors --html states.html
  cellcheck inspect --weights model.safetensors --prefix encoder.lstm. \\
                    --input input.safetensors --save reference.safetensors

Exit codes:
  0  done; differences from expected outputs are shown, and not judged
  2  bad input, wrong usage, or a selection that the case does not have`;

/** Defines `cellcheck inspect`. */
export function addInspect(program: Command, io: Io, exit: (code: number) => void): void {
  const command = program
    .command('inspect')
    .description('Shows what a network does: h, c and every gate, timestep by timestep.')
    .argument(
      '[case]',
      'a case file, a bundle, or a folder with a case.json; expected outputs are not needed',
    );
  addCaseOptions(command)
    .addOption(computeOption())
    .optionsGroup('What is shown (as in Python: 3 or 0,2 or 0:10, below zero from the end):')
    .option('--layer <picks>', 'layers (default: all)', picks)
    .addOption(
      new Option('--direction <name>', 'one direction (default: both)').choices(['forward', 'reverse']),
    )
    .option('--batch <picks>', 'batch rows (default: the first)', picks)
    .option('--step <index>', 'one timestep', oneIndex)
    .option('--steps <picks>', 'timesteps, as 0:10', picks)
    .option('--unit <picks>', 'hidden units, each with its values', picks)
    .option('--show <names>', 'of h, c and the gates: r,z,n of a GRU, i,f,g,o of an LSTM', names)
    .option('--all-steps', 'shows every step of a long sequence')
    .option('--explain', "one step of one unit in the cell's equations, with the numbers put in")
    .option('-q, --quiet', 'no tables')
    .option('--no-color', 'no colours')
    .optionsGroup('Files:')
    .option(
      '--save <file>',
      'the outputs, and every step of the states and gates shown, as .safetensors, .json or .csv',
      saveFile,
    )
    .option('--html <file>', 'a page with heat maps of what is shown')
    .option('--force', 'replaces files that are there')
    .optionsGroup('Speed:')
    .addOption(threadsOption())
    .addOption(verboseOption())
    .showHelpAfterError('  cellcheck inspect --help lists the options.')
    .addHelpText('after', HELP)
    .action(async (path: string | undefined, options: Options, command: Command) => {
      const { save, html } = options;
      if (options.step && options.steps) command.error('error: give --step or --steps, not both');
      if (save !== undefined && html !== undefined && samePath(save, html, io.cwd)) {
        command.error('error: --save and --html name the same file');
      }
      const paths = path === undefined ? [] : [path];
      const cases = await pendingCases(paths, options, command, io, { expectedOptional: true });
      exit(await inspectCommand(oneCase(cases, path, 'inspected'), options, io));
    });
}

// What only this command uses is imported in these functions, so that other commands do not load it.
async function inspectCommand(pending: Pending, options: Options, io: Io): Promise<number> {
  const { save, html, force: replace = false } = options;
  const writers: Record<'save' | 'html', Writer | undefined> = { save: undefined, html: undefined };
  try {
    // With --force this may be a file of the case itself: it is replaced only after the case was read.
    const open = { cwd: io.cwd, replace };
    if (save !== undefined) writers.save = openWriter(save, open);
    if (html !== undefined) writers.html = openWriter(html, open);
    await inspectInto(writers, pending, options, io);
    return 0;
  } finally {
    writers.save?.discard();
    writers.html?.discard();
  }
}

async function inspectInto(
  { save, html }: Record<'save' | 'html', Writer | undefined>,
  pending: Pending,
  options: Options,
  io: Io,
): Promise<void> {
  const { label } = pending;
  const inspection = await inspectOne(pending, options, io);
  if (options.quiet) {
    // Without tables the notes go to stderr, because they apply to saved files too.
    const { noteText, warningText } = await import('../../report/remarks-text.js');
    for (const note of inspection.notes) io.stderr.write(`cellcheck: note: ${noteText(note)}\n`);
    for (const warning of inspection.warnings)
      io.stderr.write(`cellcheck: warning: ${warningText(warning)}\n`);
  } else {
    const { inspectionText } = await import('../../report/inspection-text.js');
    const terminal = { columns: columnsOf(io), color: colorOf(io, options.color) };
    io.stdout.write(inspectionText(label, inspection, { terminal, allSteps: options.allSteps ?? false }));
  }
  if (save) {
    const { savedTensors } = await import('../../inspect/saved.js');
    await writeAll(save, writerFor(options.save!)!(savedTensors(inspection)));
  }
  if (html) {
    const { pagePieces } = await import('../../report/inspection-page.js');
    const { readPageParts } = await import('../../files/page-parts.js');
    await writeAll(html, pagePieces(label, inspection, readPageParts('inspection')));
  }
}

async function inspectOne(pending: Pending, options: Options, io: Io): Promise<Inspection> {
  const { inspect } = await import('../../inspect/inspect.js');
  const { MOST_PAGE_VALUES } = await import('../../report/inspection-page.js');
  const { onProgress, clear } = showProgress(io, pending.label);
  const { module, nonlinearity, batchFirst, prefix, compute, explain } = options;
  const { layer, direction, batch, step, steps = step, unit, show } = options;
  try {
    const inspection = await inspect(loadPending(pending), {
      speed: speedOf(options, io),
      module,
      nonlinearity,
      batch_first: batchFirst,
      prefix,
      compute,
      explain,
      mostValues: options.html === undefined ? undefined : MOST_PAGE_VALUES,
      select: { layer, direction, batch, steps, unit, show },
      onProgress,
    });
    if (options.verbose)
      io.stderr.write(speedLine(pending.label, inspection.kernels, inspection.subject.compute));
    return inspection;
  } finally {
    clear();
  }
}
