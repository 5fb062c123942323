import { formatDimensions, type NamedShape, type ShapeIssue } from '../../schemas/shapes.js';
import { CellcheckError, printable } from '../errors.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Case, fileOf, type Role } from './case.js';
import { PARAMETER } from './group.js';
import type { Layout } from './layout.js';
import { className, directionsOf, type Module, outputSize, suffix, withArticle } from './parameters.js';

/** Of an output with half of a bidirectional module's width. */
export const HALF_WIDTH =
  "This is one direction's half: a bidirectional output has forward and reverse beside each other.";

/** A misshapen tensor of a case, and what it is held against. */
interface Slip {
  readonly role: Role;
  readonly found: readonly number[];
  /** A size is undefined where any will do. */
  readonly expected: readonly (number | undefined)[];
  readonly module: Module;
  readonly layout: Layout;
  readonly tensors: ReadonlyMap<Role, Tensor>;
  readonly weights: Case['weights'];
}

/** A mistake that people make with some tensors. */
interface KnownSlip {
  readonly roles: readonly Role[];
  /** The hint, or false if the tensor's shape is not what this mistake leads to. */
  readonly hint: (slip: Slip) => string | false;
}

const STATES: readonly Role[] = ['h_0', 'c_0', 'h_n', 'c_n'];
const last = (shape: readonly (number | undefined)[]) => shape[shape.length - 1];
const swapFirstTwo = (shape: readonly number[]) => [shape[1], shape[0], ...shape.slice(2)];

// The most common mistakes; a tensor gets the hint of the first that explains its shape, so the specific ones come first.
const KNOWN_SLIPS: readonly KnownSlip[] = [
  {
    roles: ['input'],
    hint: ({ found, module: { input_size }, layout }) => {
      const dimension = found.indexOf(input_size);
      if (!layout.timed || found.length < 2 || dimension < 0 || last(found) === input_size) return false;
      return `The ${input_size} features are in dimension ${dimension}; PyTorch takes them last: input.transpose(${dimension}, -1).contiguous().`;
    },
  },
  {
    roles: ['input'],
    hint: ({ found, module }) =>
      last(found) !== module.input_size &&
      `weight_ih${suffix(module, 0, 'forward')} takes ${module.input_size} features. Is this another layer's input?`,
  },
  {
    roles: ['input'],
    hint: ({ module }) =>
      module.cell
        ? `${className(module)} takes one step [${module.input_size}] or [B, ${module.input_size}], or a loop [T, B, ${module.input_size}].`
        : `A sequence is [T, ${module.input_size}], a batch [T, B, ${module.input_size}] or, with batch_first, [B, T, ${module.input_size}].`,
  },
  {
    roles: ['output'],
    hint: ({ found, module, weights }) => {
      const head = headOf(weights, last(found), directionsOf(module).length * outputSize(module));
      return (
        head !== undefined &&
        `${printable(head)} makes ${last(found)} values of the module's ${directionsOf(module).length * outputSize(module)}: this is the output of that layer. Save the module's own: output, state = module(input).`
      );
    },
  },
  {
    roles: ['output', 'h_n'],
    hint: ({ found, module }) =>
      module.proj_size !== 0 &&
      last(found) === module.hidden_size &&
      `With proj_size, h has ${module.proj_size} values: only c has ${module.hidden_size}.`,
  },
  {
    roles: ['c_0', 'c_n'],
    hint: ({ found, module }) =>
      module.proj_size !== 0 &&
      last(found) === module.proj_size &&
      `With proj_size, c keeps its ${module.hidden_size} values: only h has ${module.proj_size}.`,
  },
  {
    roles: ['output'],
    hint: ({ found, module }) =>
      directionsOf(module).length === 2 && last(found) === outputSize(module) && HALF_WIDTH,
  },
  {
    roles: ['output'],
    hint: ({ found, module }) =>
      directionsOf(module).length === 1 &&
      last(found) === 2 * outputSize(module) &&
      'This is the output of a bidirectional module, and the state_dict has no _reverse parameters.',
  },
  {
    roles: ['output'],
    hint: ({ found, expected, layout }) =>
      layout.batched &&
      layout.batch === 1 &&
      sameShape(found, [layout.steps, last(expected) as number]) &&
      `The input has a batch dimension, and this has none: unsqueeze(${layout.batch_first ? 0 : 1}).`,
  },
  {
    roles: ['output'],
    // If nobody has said batch_first, the size that is read as steps may be the batch.
    hint: ({ found, expected, layout }) =>
      layout.batched &&
      layout.timed &&
      last(found) === last(expected) &&
      (found.length === 2 || (found.length === 3 && found[layout.batch_first ? 1 : 0] === 1)) &&
      [layout.batch, layout.steps].includes(found[0] === 1 && found.length === 3 ? found[1] : found[0]) &&
      'This is one step only, as out[-1] or, with batch_first, out[:, -1] gives it. Save the whole output, or the last state as h_n.',
  },
  {
    roles: ['output'],
    hint: ({ found, expected, layout }) =>
      layout.batched &&
      layout.timed &&
      found.length === 2 &&
      found[1] === last(expected) &&
      "This looks like a PackedSequence's data: unpack it with pad_packed_sequence, and give the lengths.",
  },
  {
    roles: ['output'],
    hint: ({ found, layout }) =>
      layout.timed &&
      !layout.batched &&
      found.length === 1 &&
      'This is one step only, as out[-1] gives it. Save the whole output, or the last state as h_n.',
  },
  {
    roles: ['output'],
    hint: ({ found, expected, layout }) =>
      layout.batched &&
      found.length === 3 &&
      sameShape(swapFirstTwo(found), expected as number[]) &&
      `Time and batch are the other way round than in the input. Is it batch_first? (${layout.batch_first ? '--no-batch-first' : '--batch-first'})`,
  },
  {
    roles: STATES,
    hint: ({ found, expected, module }) =>
      !module.cell &&
      found.length === expected.length - 1 &&
      sameShape(found, expected.slice(1) as number[]) &&
      `The dimension for layers and directions is missing: ${expected[0] === 1 ? 'unsqueeze(0)' : 'this is one layer and direction only'}.`,
  },
  {
    roles: STATES,
    hint: ({ found, expected }) =>
      found.length === 3 &&
      sameShape(swapFirstTwo(found), expected as number[]) &&
      'Layers come first and the batch second, with batch_first too: transpose(0, 1).contiguous().',
  },
  {
    roles: ['output', 'h_n', 'c_n', 'h_0', 'c_0'],
    hint: ({ found, expected, tensors }) =>
      found.length !== expected.length &&
      `The input is ${formatShape(tensors.get('input')?.shape ?? [])}, and decides whether there is a batch dimension.`,
  },
  {
    roles: ['output', 'h_n', 'c_n', 'h_0', 'c_0', 'lengths'],
    hint: ({ layout, module, tensors }) => {
      const { hidden_size, num_layers } = module;
      const input = formatShape(tensors.get('input')?.shape ?? []);
      const steps = layout.steps === 1 ? '1 step' : `${layout.steps} steps`;
      return `The input ${input} has ${steps} and batch ${layout.batch}; the weights say hidden size ${hidden_size}, num_layers ${num_layers}${directionsOf(module).length > 1 ? ', bidirectional' : ''}.`;
    },
  },
];

/** One error for every tensor of a case that is missing, unexpected or misshapen. */
export function caseErrors(
  issues: readonly ShapeIssue[],
  module: Module,
  layout: Layout,
  { tensors, files, weights }: Case,
): CellcheckError[] {
  // The input's shape says what the others must be. If that cannot be read, errors about the others would mislead.
  const input = issues.find((issue) => issue.kind !== 'unexpected' && issue.shape.name === 'input');
  const rank = tensors.get('input')?.shape.length;
  const inputOnly =
    input?.kind === 'missing' || (input?.kind === 'misshapen' && rank !== input.shape.dimensions.length);
  return (inputOnly ? [input] : issues).map((issue) => {
    if (issue.kind === 'unexpected') return unexpected(issue.name as Role, module, files);
    const { name, dimensions } = issue.shape;
    const role = name as Role;
    const expected = formatDimensions(dimensions);
    const file = fileOf(role, files);
    if (issue.kind === 'missing') {
      const hints = role === 'input' ? [] : ['Give h_0 as well: zeros, if there is none.'];
      return new CellcheckError({ file, tensor: role, problem: `is missing; expected ${expected}`, hints });
    }
    const found = tensors.get(role)!.shape;
    const slip = { role, found, expected: sizes(issue.shape), module, layout, tensors, weights };
    return new CellcheckError({
      file,
      tensor: role,
      found: formatShape(found),
      expected,
      hints: hintsFor(slip),
    });
  });
}

/** The layer of a checkpoint that makes so many values of the module's. */
function headOf({ specs }: Case['weights'], rows: number | undefined, columns: number): string | undefined {
  if (rows === columns) return undefined;
  return [...specs].find(([name, spec]) => {
    if (PARAMETER.test(name) || !/(?:^|[._])weight$/.test(name)) return false;
    return spec.shape.length === 2 && spec.shape[0] === rows && spec.shape[1] === columns;
  })?.[0];
}

function hintsFor(slip: Slip): string[] {
  for (const { roles, hint } of KNOWN_SLIPS) {
    const text = roles.includes(slip.role) && hint(slip);
    if (text) return [text];
  }
  return [];
}

function sizes({ dimensions }: NamedShape): (number | undefined)[] {
  return dimensions.map(({ size }) => (typeof size === 'object' ? size[0] : size));
}

function unexpected(role: Role, module: Module, files: Case['files']): CellcheckError {
  const hints =
    role === 'lengths'
      ? [
          'Lengths belong to a batch: input [T, B, …] or, with batch_first, [B, T, …].',
          "If the input is a PackedSequence's data, unpack it with pad_packed_sequence.",
        ]
      : [`Only an LSTM has a cell state, and the weights are those of ${withArticle(className(module))}.`];
  return new CellcheckError({
    file: fileOf(role, files),
    tensor: role,
    problem: 'is given, but has no place in this case',
    hints,
  });
}
