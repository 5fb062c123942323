import { type Command, Option } from 'commander';
import type { Compute } from '../../engine/options.js';
import { CellcheckError, printable } from '../../errors.js';
import { type FoundCase, findCases } from '../../files/find-cases.js';
import { type CasePaths, loadCaseAt, loadFiles } from '../../files/load-case.js';
import { READ_ENDINGS } from '../../formats/detect.js';
import type { Nonlinearity } from '../../kinds.js';
import type { Case } from '../../module/case.js';
import type { Io } from '../io.js';
import { collectName } from './parsers.js';

/** What every command takes that runs a case. */
export interface CaseOptionValues {
  weights?: string;
  input?: string;
  expected?: string;
  prefix?: string;
  module?: string;
  nonlinearity?: Nonlinearity;
  batchFirst?: boolean;
  name?: Readonly<Record<string, string>>;
  layerOutputs?: string;
  allowOutside?: boolean;
  compute: Compute;
}

/** Adds the options that say which case is meant, and what it means. */
export function addCaseOptions(command: Command): Command {
  return command
    .optionsGroup('A case without a case file:')
    .option('--weights <file>', `the state_dict (${READ_ENDINGS})`)
    .option('--input <file>', 'input and, where used, h_0, c_0, lengths')
    .option('--expected <file>', 'the reference: output, h_n, c_n, any of them')
    .optionsGroup('What a case means:')
    .option('--prefix <text>', "what stands before the module's names, as encoder.lstm.")
    .addOption(
      new Option('--module <class>', 'the class in torch.nn (default: inferred)').choices([
        'RNN',
        'GRU',
        'LSTM',
        'RNNCell',
        'GRUCell',
        'LSTMCell',
      ]),
    )
    .addOption(new Option('--nonlinearity <name>', 'of an RNN (default: tanh)').choices(['tanh', 'relu']))
    .option('--batch-first', 'input and output are [B, T, …] (default: what the shapes fit)')
    .option('--no-batch-first', 'input and output are [T, B, …]')
    .option('--name <ours=theirs>', 'reads a tensor that has another name, as output=out', collectName)
    .option('--layer-outputs <file>', 'outputs of layers below the last: output_l0, output_l1, …')
    .option('--allow-outside', 'lets a case name files outside its folder and the working directory');
}

/** What cellcheck computes in; each command has it where it belongs. */
export function computeOption(): Option {
  return new Option('--compute <dtype>', 'what cellcheck computes in')
    .choices(['float64', 'float32'])
    .default('float64');
}

/** A case to come: how it is called, and how it is loaded. */
export interface Pending {
  readonly label: string;
  /** Files that it is going to read, as far as the command line says so. */
  readonly inputs: readonly string[];
  readonly load: () => Case;
}

/** The cases that a command line stands for. Ends the command where it names none, or two sorts of them. */
export async function pendingCases(
  paths: readonly string[],
  options: CaseOptionValues,
  command: Command,
  io: Io,
  { expectedOptional = false } = {},
): Promise<Pending[]> {
  const load = {
    cwd: io.cwd,
    allowOutside: options.allowOutside ?? false,
    names: options.name ?? {},
    expectedOptional,
    layerOutputs: options.layerOutputs,
  };
  const { weights, input, expected } = options;
  const said = [weights, input, expected].filter((file) => file !== undefined);
  const apart = options.layerOutputs === undefined ? [] : [options.layerOutputs];
  if (said.length && paths.length) {
    command.error(
      'error: --weights, --input and --expected make a case of their own; give no other beside them',
    );
  }
  if (said.length) {
    if (!weights || !input || !(expected || expectedOptional)) {
      command.error(
        expectedOptional
          ? 'error: --weights and --input belong together'
          : 'error: --weights, --input and --expected belong together',
      );
    }
    return [
      {
        label: weights!,
        inputs: [...said, ...apart],
        load: () => loadFiles({ weights, input, expected } as CasePaths, load),
      },
    ];
  }
  if (paths.length === 0) command.error('error: name a case: a folder, a case file, a bundle or a glob');
  const found = await findCases(paths, io.cwd);
  return found.map(({ label, path, error }: FoundCase) => ({
    label,
    inputs: [...(path === undefined ? [] : [path]), ...apart],
    load: () => {
      if (error) throw error;
      return loadCaseAt(path!, label, load);
    },
  }));
}

/** The only case that a path stands for. */
export function oneCase(cases: readonly Pending[], path: string | undefined, done: string): Pending {
  if (cases.length === 1) return cases[0];
  const some = cases.slice(0, 3).map(({ label }) => printable(label));
  throw new CellcheckError({
    file: path,
    problem: `stands for ${cases.length} cases, and one is ${done} at a time`,
    hints: [`Name one of them, as ${some.join(', ')}${cases.length > 3 ? ', …' : ''}`],
  });
}
