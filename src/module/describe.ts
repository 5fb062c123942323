import { formatDimensions, type NamedShape, type ShapeIssue, shapeIssues } from '../../schemas/shapes.js';
import { CellcheckError, printable } from '../errors.js';
import { KIND_NAMES, KINDS, type Kind, type Nonlinearity } from '../kinds.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import type { TensorSpec } from '../tensor/tensor.js';
import { className, describeParts, type Module, parameterShapes } from './parameters.js';

/** What of a module its names and shapes cannot say, or what the user wants it to be. */
export interface DescribeOptions {
  /** `LSTM`, `LSTMCell` … */
  readonly module?: string;
  readonly nonlinearity?: Nonlinearity;
  readonly prefix?: string;
}

/** The tensors of a state_dict that are one module's by their names. */
interface Group {
  readonly prefix: string;
  readonly cell: boolean;
  /** Shapes by the name without the prefix. */
  readonly shapes: Map<string, readonly number[]>;
}

const PARAMETER = /^(.*?)((?:weight_(?:ih|hh|hr)|bias_(?:ih|hh))(?:(_l(?:0|[1-9]\d*))(_reverse)?)?)$/s;

/**
 * Finds the one module that is meant in a state_dict and describes it.
 * @throws CellcheckError where there is none, or several, or where its parameters are missing, unexpected or
 *   misshapen (all of them in one error)
 */
export function describeModule(
  specs: ReadonlyMap<string, TensorSpec>,
  options: DescribeOptions = {},
): Module {
  const group = chooseGroup(specs, options);
  const wanted = options.module?.replace('Cell', '') as Kind | undefined;
  const fits = candidates(group, wanted ? [wanted] : KIND_NAMES, options.nonlinearity ?? 'tanh');
  if (fits.length === 0) {
    throw new CellcheckError({
      tensor: group.prefix || undefined,
      problem: `no size fits ${wanted ? `an ${wanted}` : 'an RNN, a GRU or an LSTM'}`,
      hints: [...group.shapes].slice(0, 8).map(([name, shape]) => `${printable(name)} ${formatShape(shape)}`),
    });
  }
  const [module] = fits;
  const errors = shapeIssues(parameterShapes(module), parametersOf(group, specs));
  if (errors.length) throw parameterError(group, fits, errors);
  if (options.nonlinearity && module.kind !== 'RNN') {
    throw new CellcheckError({
      problem: `nonlinearity ${options.nonlinearity} is for an RNN, and this is a ${className(module)}`,
      hints: ['Leave the option away.'],
    });
  }
  return module;
}

/** Every module in a state_dict, by its parameters' names. */
function findGroups(specs: ReadonlyMap<string, TensorSpec>): Group[] {
  const groups = new Map<string, Group>();
  for (const [name, { shape }] of specs) {
    const match = PARAMETER.exec(name);
    if (!match) continue;
    const [, prefix, local, layer] = match;
    const cell = layer === undefined;
    const key = `${prefix}\n${cell}`;
    const group = groups.get(key) ?? { prefix, cell, shapes: new Map() };
    group.shapes.set(local, shape);
    groups.set(key, group);
  }
  return [...groups.values()].filter(({ shapes }) =>
    [...shapes.keys()].some((name) => /^weight_(ih|hh)/.test(name)),
  );
}

function chooseGroup(specs: ReadonlyMap<string, TensorSpec>, options: DescribeOptions): Group {
  const all = findGroups(specs);
  if (all.length === 0) throw noModule(specs);
  const { prefix, module } = options;
  const cell = module?.endsWith('Cell');
  let groups = all;
  if (prefix !== undefined) {
    const asGiven = all.filter((group) => group.prefix === prefix);
    groups = asGiven.length ? asGiven : all.filter((group) => group.prefix === `${prefix}.`);
    if (groups.length === 0) {
      throw new CellcheckError({
        problem: `holds no module under the prefix ${printable(prefix)}`,
        hints: listing(all, 'It holds:'),
      });
    }
  }
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
    groups = ofClass;
  }
  if (groups.length === 1) return groups[0];
  throw new CellcheckError({
    problem: `holds ${groups.length} modules; choose one with --prefix`,
    hints: listing(groups),
  });
}

function listing(groups: readonly Group[], head?: string): string[] {
  const width = Math.max(...groups.map(({ prefix }) => printable(prefix).length));
  const lines = groups.slice(0, 20).map((group) => {
    const [module] = candidates(group, KIND_NAMES, 'tanh');
    const parts = module ? describeParts(module).join(', ') : 'of no size that fits';
    return `${printable(group.prefix).padEnd(width)}   ${parts}`;
  });
  if (groups.length > 20) lines.push(`… and ${groups.length - 20} more`);
  return head ? [head, ...lines] : lines;
}

function noModule(specs: ReadonlyMap<string, TensorSpec>): CellcheckError {
  const names = [...specs.keys()];
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  const hints: string[] = [];
  if (has(/kernel/i)) {
    hints.push(
      'These look like Keras names: weight_ih_l0 is the transposed kernel, weight_hh_l0 the transposed recurrent',
      'kernel; a GRU has its gates in another order (z r h), and its bias [2, 3·units] is bias_ih and bias_hh.',
    );
  } else if (has(/^onnx::|(^|[./])[WRB]$/)) {
    hints.push(
      'These look like ONNX names (W, R, B): its gate order is i o f c (LSTM) and z r h (GRU), and B joins both',
      'biases. Take the state_dict of the PyTorch model that was exported.',
    );
  } else if (has(/original[01]$|weight_[gv]$/)) {
    hints.push('These look like weight_norm or a parametrization: remove it before saving the state_dict.');
  }
  const some = names.slice(0, 6).map(printable).join(', ');
  hints.push(names.length ? `It holds ${some}${names.length > 6 ? ', …' : ''}.` : 'It holds no tensors.');
  return new CellcheckError({
    problem:
      'holds no recurrent module: no tensor is named weight_ih_l0 or weight_hh_l0 (weight_ih for a Cell)',
    hints,
  });
}

/**
 * The modules that a group's names and shapes fit best; more than one where they contradict each other and nothing
 * decides. Rows say kind and hidden size (weight_hh has 1, 3 or 4 times as many rows as the hidden size).
 */
function candidates(group: Group, kinds: readonly Kind[], nonlinearity: Nonlinearity): Module[] {
  const names = [...group.shapes.keys()];
  const layers = names.map((name) => Number(/_l(\d+)/.exec(name)?.[1] ?? 0));
  const first = (parameter: string) =>
    group.shapes.get(group.cell ? parameter : `${parameter}_l0`) ??
    group.shapes.get(`${parameter}_l0_reverse`);
  const lowest = Math.min(...layers);
  const rows = new Set(
    [...group.shapes]
      .filter(([name], i) => layers[i] === lowest && !name.startsWith('weight_hr'))
      .flatMap(([, shape]) => shape.slice(0, 2)),
  );
  const inputSizes = new Set(first('weight_ih') ?? [Number.NaN]);
  const projSizes = new Set([0, ...(first('weight_hr') ?? [])]);
  // A layer number far beyond the number of tensors is a slip, or somebody's joke: never a loop of that length.
  const numLayers = Math.min(Math.max(...layers) + 1, names.length);

  let best: Module[] = [];
  let bestScore = 0;
  for (const kind of kinds) {
    for (const row of rows) {
      const hiddenSize = row / KINDS[kind].gates.length;
      if (!Number.isInteger(hiddenSize) || hiddenSize === 0) continue;
      for (const projSize of KINDS[kind].projection ? projSizes : [0]) {
        for (const inputSize of inputSizes) {
          const module: Module = {
            kind,
            cell: group.cell,
            nonlinearity: kind === 'RNN' ? nonlinearity : 'tanh',
            prefix: group.prefix,
            inputSize,
            hiddenSize,
            projSize,
            numLayers,
            bidirectional: names.some((name) => name.endsWith('_reverse')),
            bias: names.some((name) => name.startsWith('bias')),
          };
          const score = fit(module, group);
          if (score > bestScore) [best, bestScore] = [[], score];
          if (score === bestScore && score > 0) best.push(module);
        }
      }
    }
  }
  return best;
}

/** How many of a module's parameters a group has in the right shape; one that is transposed counts half. */
function fit(module: Module, group: Group): number {
  let score = 0;
  for (const { name, dimensions } of parameterShapes(module)) {
    const shape = group.shapes.get(name);
    const expected = dimensions.map(({ size }) => size as number);
    if (!shape) continue;
    if (sameShape(shape, expected)) score += 1;
    else if (sameShape(shape, expected.toReversed())) score += 0.5;
  }
  return score;
}

/** The group's tensors, and with them those that would be parameters were they not misspelt. */
function parametersOf(group: Group, specs: ReadonlyMap<string, TensorSpec>): Map<string, readonly number[]> {
  const found = new Map(group.shapes);
  for (const [name, { shape }] of specs) {
    const local = name.slice(group.prefix.length);
    if (name.startsWith(group.prefix) && /^(weight|bias)_[^.]*$/.test(local) && !PARAMETER.test(local)) {
      found.set(local, shape);
    }
  }
  return found;
}

function parameterError(
  group: Group,
  fits: readonly Module[],
  issues: readonly ShapeIssue[],
): CellcheckError {
  const [module] = fits;
  if (issues.length === 1 && issues[0].kind === 'misshapen') {
    const { name } = issues[0].shape;
    const found = group.shapes.get(name)!;
    return new CellcheckError({
      tensor: group.prefix + name,
      found: formatShape(found),
      expected: alternatives(fits.map((fit) => expectedShape(fit, name))),
      hints: misshapenHints(issues[0].shape, found, fits, group),
    });
  }
  const lines = issues.flatMap((issue) => {
    if (issue.kind === 'unexpected') return `unexpected  ${printable(issue.name)}`;
    const { name, dimensions } = issue.shape;
    if (issue.kind === 'missing') return `missing     ${name} ${formatDimensions(dimensions)}`;
    const found = group.shapes.get(name)!;
    return [
      `misshapen   ${name}: found ${formatShape(found)}, expected ${formatDimensions(dimensions)}`,
      ...misshapenHints(issue.shape, found, [module], group).map((hint) => `  ${hint}`),
    ];
  });
  const shown = lines.length > 30 ? [...lines.slice(0, 30), `… and ${lines.length - 30} lines more`] : lines;
  return new CellcheckError({
    tensor: group.prefix || undefined,
    problem: `its parameters are not those of ${describeParts(module).join(', ')}`,
    hints: shown,
  });
}

function expectedShape(module: Module, name: string): string {
  const shape = parameterShapes(module).find((parameter) => parameter.name === name)!;
  return formatShape(shape.dimensions.map(({ size }) => size as number));
}

function alternatives(texts: readonly string[]): string {
  const unique = [...new Set(texts)];
  return unique.length < 2 ? unique[0] : `${unique.slice(0, -1).join(', ')} or ${unique[unique.length - 1]}`;
}

function misshapenHints(
  shape: NamedShape,
  found: readonly number[],
  fits: readonly Module[],
  group: Group,
): string[] {
  const expected = shape.dimensions.map(({ size }) => size as number);
  if (sameShape(found, expected.toReversed())) {
    return ['It is transposed: PyTorch keeps weights as [rows of all gates, features]. Save weight.T.'];
  }
  const hints: string[] = [];
  const witness = [...group.shapes].find(([name]) => name !== shape.name && /^weight_ih|^bias/.test(name));
  if (fits.length > 1 && witness) {
    const named = fits.map((fit, i) => {
      const article = fit.kind === 'GRU' ? 'a' : 'an';
      return `${article} ${fit.kind} of ${i === 0 ? 'hidden size ' : ''}${fit.hiddenSize}`;
    });
    hints.push(`${witness[0]} has ${witness[1][0]} rows: ${alternatives(named)}.`);
  }
  hints.push('Was one of the tensors exported from another layer?');
  return hints;
}
