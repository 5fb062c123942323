import type { NamedShape } from '../../schemas/shapes.js';
import { elementCount, sameShape } from '../tensor/shape.js';
import { permuted, type Tensor } from '../tensor/tensor.js';
import { type Case, layerOf, type Role } from './case.js';
import { type Reading, readings } from './layout.js';
import { directionsOf, type Module } from './parameters.js';

/** A tensor whose axes are not PyTorch's, and how it is read. */
export interface Reshaped {
  readonly role: Role;
  readonly found: readonly number[];
  readonly taken: readonly number[];
}

/** A case's tensors with PyTorch's axes, as far as their shapes tell what is meant. */
export interface Arranged {
  readonly tensors: Case['tensors'];
  readonly chosen: Reading;
  readonly other?: Reading;
  readonly reshaped: readonly Reshaped[];
}

/**
 * Reads a case's shapes. Where they are not PyTorch's, an axis of size 1 may be missing or surplus, and the directions may
 * have an axis of their own, as in ONNX ([T, D, B, H]), or stand beside each other in a state: that is taken where one
 * reading alone fits.
 */
export function arrange(module: Module, given: Case['tensors'], batch_first: boolean | undefined): Arranged {
  const orders = inOneOrder(given, batch_first).map(({ tensors, order }) => ({
    tensors,
    ...readings(module, tensors, order),
  }));
  const fitting = orders.find(({ chosen }) => chosen.issues.length === 0);
  if (fitting) return { ...fitting, reshaped: [] };

  const [first] = orders;
  const repaired = orders.flatMap(({ tensors }) =>
    inputsOf(tensors).flatMap((variant) => {
      const { chosen, other } = readings(module, variant.tensors, batch_first);
      return [chosen, ...(other && batch_first === undefined ? [other] : [])].flatMap((reading) => {
        const mended = repair(module, variant.tensors, reading);
        return mended ? [{ ...mended, reshaped: [...variant.reshaped, ...mended.reshaped] }] : [];
      });
    }),
  );
  const meanings = new Set(repaired.map(({ chosen: { layout } }) => `${layout.steps} ${layout.batch}`));
  return meanings.size === 1 ? repaired[0] : { ...first, reshaped: [] };
}

/**
 * The tensors with the batch rows of outputs where the input has them. Of a single row, [T, 1, size] and [1, T, size] hold
 * the same numbers in the same order, and `torch.stack` of the steps' [1, size] gives the first whatever batch_first is.
 * Text says itself that its batch comes first: it follows the order that is asked for, or fits.
 */
function inOneOrder(
  given: Case['tensors'],
  batch_first: boolean | undefined,
): { readonly tensors: Case['tensors']; readonly order: boolean | undefined }[] {
  const known = [...given.values()].some((tensor) => tensor.batchFirst);
  if (!known) return [{ tensors: singleRowInOrder(given), order: batch_first }];
  return [batch_first ?? false, ...(batch_first === undefined ? [true] : [])].map((order) => ({
    order,
    tensors: new Map(
      [...given].map(([role, tensor]) => [
        role,
        tensor.batchFirst && !order ? permuted(tensor, [1, 0, 2]) : tensor,
      ]),
    ),
  }));
}

function singleRowInOrder(tensors: Case['tensors']): Case['tensors'] {
  const [first, second] = tensors.get('input')?.shape ?? [];
  const ordered = (role: Role, tensor: Tensor): Tensor => {
    const [a, b, size] = tensor.shape;
    const swapped = tensor.shape.length === 3 && a === second && b === first && (a === 1 || b === 1);
    const isOutput = role === 'output' || layerOf(role) !== undefined;
    return swapped && isOutput ? { ...tensor, shape: [b, a, size] } : tensor;
  };
  return new Map([...tensors].map(([role, tensor]) => [role, ordered(role, tensor)]));
}

/** The input as it is, and without axes of size 1 where it has more than a sequence has. */
function inputsOf(
  tensors: Case['tensors'],
): { readonly tensors: Case['tensors']; readonly reshaped: readonly Reshaped[] }[] {
  const input = tensors.get('input');
  if (!input || input.shape.length <= 3) return [{ tensors, reshaped: [] }];
  const shapes = new Map<string, readonly number[]>();
  const drop = (shape: readonly number[]) => {
    if (shape.length === 3) shapes.set(shape.join(), shape);
    else if (shape.length > 3)
      for (const [axis, size] of shape.slice(0, -1).entries()) if (size === 1) drop(shape.toSpliced(axis, 1));
  };
  if (input.shape.length <= 6) drop(input.shape);
  return [...shapes.values()].map((taken) => ({
    tensors: new Map(tensors).set('input', { ...input, shape: taken }),
    reshaped: [{ role: 'input', found: input.shape, taken }],
  }));
}

/** The same tensors in the shapes that a reading asks for, if all of them can be had. */
function repair(module: Module, tensors: Case['tensors'], reading: Reading): Arranged | undefined {
  const mended = new Map(tensors);
  const reshaped: Reshaped[] = [];
  for (const issue of reading.issues) {
    const role = (issue.kind === 'misshapen' ? issue.shape.name : undefined) as Role | undefined;
    const tensor = role && role !== 'input' ? tensors.get(role) : undefined;
    if (!role || !tensor || issue.kind !== 'misshapen') return undefined;
    const taken = shapesOf(issue.shape)
      .map((shape) => readAs(module, role, tensor, shape, reading.layout.batch_first))
      .find((read) => read !== undefined);
    if (!taken) return undefined;
    mended.set(role, taken);
    reshaped.push({ role, found: tensor.shape, taken: taken.shape });
  }
  return { tensors: mended, chosen: { ...reading, issues: [] }, reshaped };
}

/** The shapes that a tensor may have: the steps of an output may be of two sizes. */
function shapesOf({ dimensions }: NamedShape): readonly number[][] {
  return dimensions.reduce<number[][]>(
    (shapes, { size }) => shapes.flatMap((shape) => [size ?? 0].flat().map((one) => [...shape, one])),
    [[]],
  );
}

function readAs(
  module: Module,
  role: Role,
  tensor: Tensor,
  expected: readonly number[],
  batch_first: boolean,
): Tensor | undefined {
  const { shape } = tensor;
  if (sameShape(withoutOnes(shape), withoutOnes(expected))) return { ...tensor, shape: expected };
  if (directionsOf(module).length === 1 || elementCount(shape) !== elementCount(expected)) return undefined;
  const isOutput = role === 'output' || layerOf(role) !== undefined;
  if (isOutput && shape.length === 4) return directionsApart(tensor, expected, batch_first);
  return isOutput ? undefined : directionsBeside(tensor, expected);
}

const withoutOnes = (shape: readonly number[]) => shape.filter((size) => size !== 1);

/** ONNX's Y, [T, D, B, H] or with layout 1 [B, T, D, H], as [T, B, 2·H] or with batch_first [B, T, 2·H]. */
function directionsApart(
  tensor: Tensor,
  expected: readonly number[],
  batch_first: boolean,
): Tensor | undefined {
  const [first, second, size] = expected;
  const [steps, batch] = batch_first ? [second, first] : [first, second];
  const half = size / 2;
  const outer = batch_first ? [2, 0, 1, 3] : [0, 2, 1, 3];
  if (sameShape(tensor.shape, [steps, 2, batch, half]))
    return { ...permuted(tensor, outer), shape: expected };
  if (!sameShape(tensor.shape, [batch, steps, 2, half])) return undefined;
  const batchFirst = { ...tensor, shape: [batch, steps, size] };
  return batch_first ? batchFirst : permuted(batchFirst, [1, 0, 2]);
}

/** The final states of a layer, [1, B, 2·H] or [B, 2·H], as [2, B, H]. */
function directionsBeside(tensor: Tensor, expected: readonly number[]): Tensor | undefined {
  const [states, batch, size] = expected.length === 3 ? expected : [expected[0], 1, expected[1]];
  if (states !== 2 || !sameShape(withoutOnes(tensor.shape), withoutOnes([batch, 2 * size]))) return undefined;
  return { ...permuted({ ...tensor, shape: [batch, 2, size] }, [1, 0, 2]), shape: expected };
}
