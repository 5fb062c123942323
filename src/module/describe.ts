import { CellcheckError, listed, printable } from '../errors.js';
import {
  hasNonlinearity,
  KIND_NAMES,
  KINDS,
  type Kind,
  type ModuleName,
  type Nonlinearity,
} from '../kinds.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import type { TensorSpec } from '../tensor/tensor.js';
import { findGroups, type Group, groupsUnder, MOST_GROUPS } from './group.js';
import { parameterError, parameterIssues } from './misfits.js';
import { noModule } from './no-module.js';
import { className, describeParts, type Module, parameterShapes, withArticle } from './parameters.js';

/** What the names and shapes of parameters leave open, or what the user says about the module. */
export interface DescribeOptions {
  /** `LSTM`, `LSTMCell` … */
  readonly module?: ModuleName;
  readonly nonlinearity?: Nonlinearity;
  readonly prefix?: string;
}

/** The most parameters of one module: 100 bidirectional layers with biases and a projection have 1000. */
const MOST_PARAMETERS = 1000;

/**
 * Finds the module in a state_dict that the options choose, and describes it.
 * @throws CellcheckError if there is none, if the options leave several, or if parameters are missing, unexpected or
 *   misshapen (all of them in one error)
 */
export function describeModule(
  specs: ReadonlyMap<string, TensorSpec>,
  options: DescribeOptions = {},
): Module {
  return describeGroup(chooseGroup(specs, options), options);
}

/**
 * Describes the module that a group of parameters belongs to.
 * @throws CellcheckError if parameters are missing, unexpected or misshapen (all of them in one error)
 */
export function describeGroup(group: Group, options: DescribeOptions): Module {
  if (group.shapes.size > MOST_PARAMETERS) {
    throw new CellcheckError({
      tensor: group.prefix || undefined,
      found: `${group.shapes.size} parameters, as ${[...group.shapes.keys()].slice(0, 3).join(', ')}`,
      expected: `${MOST_PARAMETERS} at most`,
    });
  }
  const wanted = kindOf(options.module);
  const fits = candidates(
    group,
    wanted ? [wanted] : KIND_NAMES,
    options.nonlinearity ?? group.nonlinearity ?? 'tanh',
  );
  const misnamed = wanted && otherKind(group, wanted);
  if (misnamed) throw misnamed;
  if (fits.length === 0) {
    throw new CellcheckError({
      tensor: group.prefix || undefined,
      problem: `no size fits ${wanted ? withArticle(wanted) : 'an RNN, a GRU or an LSTM'}`,
      hints: [...group.shapes].slice(0, 8).map(([name, shape]) => `${printable(name)} ${formatShape(shape)}`),
    });
  }
  const [module] = fits;
  const issues = parameterIssues(module, group);
  if (issues.length) throw parameterError(group, fits, issues);
  if (options.nonlinearity && !hasNonlinearity(module.kind)) {
    throw new CellcheckError({
      problem: `nonlinearity ${options.nonlinearity} is for an RNN, and this is ${withArticle(className(module))}`,
      hints: ['Leave the option out.'],
    });
  }
  return module;
}

/** The error for parameters that fit another class than the one that the user named. */
function otherKind(group: Group, wanted: Kind): CellcheckError | undefined {
  const [module] = candidates(group, KIND_NAMES, 'tanh');
  if (!module || module.kind === wanted || parameterIssues(module, group).length) return undefined;
  return new CellcheckError({
    tensor: group.prefix || undefined,
    problem: `its parameters are those of ${withArticle(describeParts(module).join(', '))}, not of ${withArticle(wanted)}`,
    hints: [`Leave the module option out, or say ${className(module)}.`],
  });
}

/** The kind that a class is of: LSTM for `LSTMCell`. */
function kindOf(className: ModuleName | undefined): Kind | undefined {
  if (className === undefined) return undefined;
  const kind = KIND_NAMES.find((name) => className === name || className === `${name}Cell`);
  if (kind) return kind;
  throw new CellcheckError({
    code: 'option',
    tensor: 'module',
    problem: `is not one of ${KIND_NAMES.flatMap((name) => [name, `${name}Cell`]).join(', ')}`,
  });
}

/**
 * The module that the options choose.
 * @throws CellcheckError if there is none, or if the options leave several
 */
export function chooseGroup(specs: ReadonlyMap<string, TensorSpec>, options: DescribeOptions): Group {
  const { prefix, module } = options;
  const cell = module?.endsWith('Cell');
  let groups = prefix === undefined ? findGroups(specs) : groupsUnder(specs, prefix);
  if (groups.length === 0) {
    const all = findGroups(specs);
    if (all.length === 0) throw noModule(specs);
    throw new CellcheckError({
      problem: `holds no module under the prefix ${printable(prefix!)}`,
      hints: listing(all, 'It holds:'),
    });
  }
  if (groups.length === MOST_GROUPS) throw severalModules(groups);
  if (module !== undefined) {
    const ofClass = groups.filter((group) => group.cell === cell);
    if (ofClass.length === 0) {
      throw new CellcheckError({
        problem: cell
          ? `holds no ${module}: its parameters have layer numbers, as ${[...groups[0].shapes.keys()][0]}`
          : `holds no ${module}: its parameters have no layer numbers, which makes it a Cell`,
        hints: [`Try module ${cell ? module.replace('Cell', '') : `${module}Cell`}.`],
      });
    }
    const ofKind = ofClass.filter(
      (group) => candidates(group, KIND_NAMES, 'tanh')[0]?.kind === kindOf(module),
    );
    // If no group is of that kind, the error about its parameters says more than one from here could.
    groups = ofKind.length ? ofKind : ofClass;
  }
  if (groups.length === 1) return groups[0];
  throw severalModules(groups);
}

function severalModules(groups: readonly Group[]): CellcheckError {
  const count = groups.length < MOST_GROUPS ? groups.length : `${MOST_GROUPS} or more`;
  return new CellcheckError({
    problem: `holds ${count} modules; choose one with --prefix`,
    hints: [...listing(groups), ...keyHints(groups)],
  });
}

/** Where the same module is in several dicts of a checkpoint, one of these can be chosen too. */
function keyHints(groups: readonly Group[]): string[] {
  const parts = groups.map(({ prefix }) => /^([^.]+)\.(.*)$/s.exec(prefix));
  const rests = new Set(parts.map((part) => part?.[2]));
  const keys = parts.flatMap((part) => part?.[1] ?? []);
  // Without a rest they are not parts of one model.
  if (rests.size !== 1 || rests.has('') || keys.length < groups.length || new Set(keys).size < groups.length)
    return [];
  return [
    `Or choose a dict: ${listed(
      keys.slice(0, 8).map((key) => `--key ${printable(key)}`),
      ' or ',
    )}`,
  ];
}

function listing(groups: readonly Group[], head?: string): string[] {
  const shown = groups.slice(0, 20);
  const width = Math.max(...shown.map(({ prefix }) => printable(prefix).length));
  const lines = shown.map((group) => {
    const [module] = candidates(group, KIND_NAMES, 'tanh');
    const parts = module ? describeParts(module).join(', ') : 'of no size that fits';
    return `${printable(group.prefix).padEnd(width)}   ${parts}`;
  });
  if (groups.length > 20) lines.push(`… and ${groups.length - 20} more`);
  return head ? [head, ...lines] : lines;
}

/**
 * The modules that fit a group's names and shapes best. There are several if the shapes contradict each other and
 * nothing decides between them.
 */
function candidates(group: Group, kinds: readonly Kind[], nonlinearity: Nonlinearity): Module[] {
  let best: Module[] = [];
  let bestScore = 0;
  for (const module of possibleModules(group, kinds, nonlinearity)) {
    const score = fitScore(module, group);
    if (score > bestScore) [best, bestScore] = [[], score];
    if (score === bestScore && score > 0) best.push(module);
  }
  // Of modules that differ in input_size only, the first: weight_ih fits none of them.
  const sizes = ({ kind, hidden_size, proj_size }: Module) => `${kind} ${hidden_size} ${proj_size}`;
  return best.filter((module, i) => best.findIndex((earlier) => sizes(earlier) === sizes(module)) === i);
}

/** Every module of these kinds whose sizes occur in the shapes of a group's first layer. */
function* possibleModules(
  group: Group,
  kinds: readonly Kind[],
  nonlinearity: Nonlinearity,
): Generator<Module> {
  const names = [...group.shapes.keys()];
  const layers = names.map((name) => Number(/_l(\d+)/.exec(name)?.[1] ?? 0));
  const first = (parameter: string) =>
    group.shapes.get(group.cell ? parameter : `${parameter}_l0`) ??
    group.shapes.get(`${parameter}_l0_reverse`);
  const lowest = layers.reduce((a, b) => Math.min(a, b));
  const rows = new Set(
    [...group.shapes]
      .filter(([name], i) => layers[i] === lowest && !name.startsWith('weight_hr'))
      .flatMap(([, shape]) => sizesOf(shape)),
  );
  // The last dimension of weight_ih is the input size; the other one only if the weight is transposed.
  const inputSizes = new Set(first('weight_ih') ? sizesOf(first('weight_ih')).toReversed() : [Number.NaN]);
  const projSizes = new Set([0, ...sizesOf(first('weight_hr'))]);
  // A layer number far beyond the number of tensors is a mistake or an attack: no loop may run that long.
  const num_layers = Math.min(layers.reduce((a, b) => Math.max(a, b)) + 1, names.length);
  const bidirectional = names.some((name) => name.endsWith('_reverse'));
  const bias = names.some((name) => name.startsWith('bias'));

  for (const kind of kinds) {
    for (const row of rows) {
      // weight_hh has 1, 3 or 4 times as many rows as the hidden size, one block for each gate.
      const hidden_size = row / KINDS[kind].gates.length;
      if (!Number.isInteger(hidden_size) || hidden_size === 0) continue;
      for (const proj_size of KINDS[kind].projection ? projSizes : [0]) {
        for (const input_size of inputSizes) {
          yield {
            kind,
            cell: group.cell,
            nonlinearity: hasNonlinearity(kind) ? nonlinearity : 'tanh',
            prefix: group.prefix,
            input_size,
            hidden_size,
            proj_size,
            num_layers,
            bidirectional,
            bias,
          };
        }
      }
    }
  }
}

/** The sizes that a parameter's shape offers: no parameter has more than two dimensions, and none is empty. */
function sizesOf(shape: readonly number[] | undefined): readonly number[] {
  return shape && shape.length <= 2 && !shape.includes(0) ? shape : [];
}

/** What a transposed parameter counts: less than one in place, but two count more than one that fits by chance. */
const TRANSPOSED_SCORE = 0.75;

/** How many of a module's parameters a group has in the right shape. */
function fitScore(module: Module, group: Group): number {
  let score = 0;
  for (const { name, dimensions } of parameterShapes(module)) {
    const shape = group.shapes.get(name);
    const expected = dimensions.map(({ size }) => size as number);
    if (!shape) continue;
    if (sameShape(shape, expected)) score += 1;
    else if (sameShape(shape, expected.toReversed())) score += TRANSPOSED_SCORE;
  }
  return score;
}
