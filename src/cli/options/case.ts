import path from 'node:path';
import { type Command, Option } from 'commander';
import type { Compute } from '../../engine/options.js';
import { CellcheckError, printable } from '../../errors.js';
import { type FoundCase, findCases } from '../../files/find-cases.js';
import type { CasePaths, LoadOptions } from '../../files/load-case.js';
import type { ModuleName, Nonlinearity } from '../../kinds.js';
import type { Case } from '../../module/case.js';
import { loadSource, type Source } from '../cases/source.js';
import type { Io } from '../io.js';
import { collectName } from './parsers.js';

/** The options of every command that runs a case. */
export interface CaseOptionValues {
  weights?: string;
  input?: string;
  expected?: string;
  prefix?: string;
  key?: string;
  module?: ModuleName;
  nonlinearity?: Nonlinearity;
  batchFirst?: boolean;
  name?: Readonly<Record<string, string>>;
  layerOutputs?: string;
  allowOutside?: boolean;
  compute?: Compute;
}

/** Adds the options that select a case, and those that say how to read it. */
export function addCaseOptions(command: Command): Command {
  return command
    .optionsGroup('A case without a case file:')
    .option('--weights <file>', 'the state_dict: .pt, .safetensors, .npz, .onnx …')
    .option('--input <file>', 'input and, where used, h_0, c_0, lengths')
    .option('--expected <file>', 'the reference: output, h_n, c_n; also for a case')
    .optionsGroup('What a case means:')
    .option('--prefix <text>', 'what stands before the names, as encoder.lstm.')
    .option('--key <text>', 'the dict that is the state_dict, as model_state')
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
    .option('--batch-first', 'input and output are [B, T, …] (default: what fits)')
    .option('--no-batch-first', 'input and output are [T, B, …]')
    .option('--name <ours=theirs>', 'reads a tensor of another name, as output=out', collectName)
    .option('--layer-outputs <file>', 'outputs of the lower layers: output_l0, …')
    .option('--allow-outside', 'lets a case name files outside its folder');
}

/** Not part of `addCaseOptions`, because each command lists it in another group. */
export function computeOption(): Option {
  return new Option('--compute <dtype>', 'computed in (default: float64)').choices(['float64', 'float32']);
}

/** A case that is not loaded yet. */
export interface Pending {
  readonly label: string;
  /** Where it is, or why there is none. */
  readonly source: Source | CellcheckError;
  /** The same object for all cases of a command. */
  readonly load: LoadOptions;
}

/** The files that a case will read, as far as the command line names them. */
export function inputsOf({ source, load: { cwd, expected, layerOutputs } }: Pending): string[] {
  const own =
    source instanceof CellcheckError
      ? []
      : 'files' in source
        ? [source.files.weights, source.files.input, source.files.expected]
        : [source.path];
  return [...own, expected, layerOutputs].flatMap((file) =>
    file === undefined ? [] : [path.resolve(cwd, file)],
  );
}

/** Loads it. @throws CellcheckError */
export function loadPending({ label, source, load }: Pending): Case {
  if (source instanceof CellcheckError) throw source;
  return loadSource(label, source, load);
}

/** The cases that a command line names. Ends the command if there are none, or both paths and single files. */
export async function pendingCases(
  paths: readonly string[],
  options: CaseOptionValues,
  command: Command,
  io: Io,
  { expectedOptional = false } = {},
): Promise<Pending[]> {
  const { weights, input, expected } = options;
  const isOther = paths.length > 0 && weights === undefined && input === undefined;
  const files = isOther ? [] : [weights, input, expected].filter((file) => file !== undefined);
  const load = {
    cwd: io.cwd,
    allowOutside: options.allowOutside ?? false,
    names: options.name ?? {},
    key: options.key,
    expectedOptional,
    layerOutputs: options.layerOutputs,
    ...(isOther && { expected }),
  };
  if (files.length && paths.length) {
    command.error('error: --weights and --input define the only case: give no paths beside them');
  }
  if (files.length) {
    if (!weights || !input || !(expected || expectedOptional)) {
      command.error(
        expectedOptional
          ? 'error: --weights and --input belong together'
          : 'error: --weights, --input and --expected belong together',
      );
    }
    return [{ label: weights!, source: { files: { weights, input, expected } as CasePaths }, load }];
  }
  if (paths.length === 0) command.error('error: name a case: a folder, a case file, a bundle or a glob');
  const found = await findCases(paths, io.cwd);
  if (isOther && expected !== undefined && found.length > 1)
    command.error('error: --expected is for one case: name it');
  return found.map(({ label, path: file, member, error }: FoundCase) => ({
    label,
    source: error ?? (member === undefined ? { path: file! } : { path: file!, member }),
    load,
  }));
}

/** @throws CellcheckError unless there is one case only */
export function oneCase(cases: readonly Pending[], given: string | undefined, done: string): Pending {
  if (cases.length === 1) return cases[0];
  const first = cases.slice(0, 3).map(({ label }) => printable(label));
  throw new CellcheckError({
    file: given,
    problem: `stands for ${cases.length} cases, and one is ${done} at a time`,
    hints: [`Name one of them, as ${first.join(', ')}${cases.length > 3 ? ', …' : ''}`],
  });
}
