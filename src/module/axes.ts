import type { NamedShape } from '../../schemas/shapes.js';
import { sameShape } from '../tensor/shape.js';
import { permuted, type Tensor } from '../tensor/tensor.js';
import { type Case, layerOf, type Role } from './case.js';
import { type Reading, read } from './layout.js';
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
 * Reads a case's shapes with the batch_first that was asked for, or else with the value that they fit, and with PyTorch's
 * default (false) if they fit both or neither. Where they are not PyTorch's, an axis of size 1 may be missing or surplus,
 * and the directions may have an axis of their own, as in ONNX ([T, D, B, H]), or stand beside each other in a state: that
 * is taken where one reading alone fits.
 */
export function arrange(module: Module, given: Case['tensors'], batch_first: boolean | undefined): Arranged {
  const [first, second] = [batch_first ?? false, !(batch_first ?? false)].map((value) =>
    arrangeAs(module, given, value),
  );
  if (first.chosen.layout.batch_first === second.chosen.layout.batch_first) return first;
  const fits = ({ chosen }: Arranged) => chosen.issues.length === 0;
  if (batch_first !== undefined || !fits(second)) return { ...first, other: second.chosen };
  if (!fits(first)) return { ...second, other: first.chosen };
  const isExact = first.reshaped.length === 0 && second.reshaped.length === 0;
  const [a, b] = [first.chosen.layout, second.chosen.layout];
  if (isExact || (a.steps === b.steps && a.batch === b.batch)) return { ...first, other: second.chosen };
  // An axis is missing or surplus. If one of the readings is a sequence of one row, and the other one step, it is the row's.
  const ofOneRow = [first, second].filter(({ chosen: { layout } }) => layout.batch === 1 && layout.steps > 1);
  if (ofOneRow.length === 1) return ofOneRow[0];
  const tensors = inOneOrder(given, false);
  return { tensors, chosen: read(module, tensors, false), reshaped: [] };
}

function arrangeAs(module: Module, given: Case['tensors'], batch_first: boolean): Arranged {
  const tensors = inOneOrder(given, batch_first);
  const chosen = read(module, tensors, batch_first);
  if (chosen.issues.length === 0) return { tensors, chosen, reshaped: [] };
  const repaired = inputsOf(tensors).flatMap((variant) => {
    const mended = repair(module, variant.tensors, read(module, variant.tensors, batch_first));
    return mended ? [{ ...mended, reshaped: [...variant.reshaped, ...mended.reshaped] }] : [];
  });
  return repaired.length === 1 ? repaired[0] : { tensors, chosen, reshaped: [] };
}

/**
 * The tensors with the batch rows of outputs where the input has them. Of a single row, [T, 1, size] and [1, T, size] hold
 * the same numbers in the same order, and `torch.stack` of the steps' [1, size] gives the first whatever batch_first is.
 * Text says itself that its batch comes first.
 */
function inOneOrder(given: Case['tensors'], batch_first: boolean): Case['tensors'] {
  const ordered = (tensor: Tensor) =>
    tensor.batchFirst && tensor.shape.length === 3 && !batch_first ? permuted(tensor, [1, 0, 2]) : tensor;
  return singleRowInOrder(new Map([...given].map(([role, tensor]) => [role, ordered(tensor)])));
}

function singleRowInOrder(tensors: Case['tensors']): Case['tensors'] {
  const [first, second] = tensors.get('input')?.shape ?? [];
  const ordered = (role: Role, tensor: Tensor): Tensor => {
    const [a, b, size] = tensor.shape;
    const swapped = tensor.shape.length === 3 && a === second && b === first && (a === 1 || b === 1);
    return swapped && isOutput(role) ? { ...tensor, shape: [b, a, size] } : tensor;
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
  const directions = directionsOf(module).length;
  // A row of text is a step.
  if (isOutput(role) && tensor.batchFirst && shape.length === 2 && expected[batch_first ? 1 : 0] !== shape[0])
    return undefined;
  if (isOutput(role) && shape.length === 4) {
    const apart = directionsApart(tensor, expected, directions, batch_first);
    // An axis of size 1 that is where ONNX has the directions is that of the directions.
    if (apart || directions > 1 || shape[1] === 1) return apart;
  }
  const plain = sameShape(withoutOnes(shape), withoutOnes(expected))
    ? { ...tensor, shape: expected }
    : undefined;
  const beside = !isOutput(role) && directions === 2 ? directionsBeside(tensor, expected) : undefined;
  // With a hidden size of 1 they cannot be told apart.
  return plain && beside ? undefined : (plain ?? beside);
}

const isOutput = (role: Role) => role === 'output' || layerOf(role) !== undefined;

const withoutOnes = (shape: readonly number[]) => shape.filter((size) => size !== 1);

/** ONNX's Y, [T, D, B, H] or with layout 1 [B, T, D, H], as [T, B, D·H] or with batch_first [B, T, D·H]. */
function directionsApart(
  tensor: Tensor,
  expected: readonly number[],
  directions: number,
  batch_first: boolean,
): Tensor | undefined {
  const [first, second, size] = expected;
  const [steps, batch] = batch_first ? [second, first] : [first, second];
  const part = size / directions;
  const timeFirst = sameShape(tensor.shape, [steps, directions, batch, part]);
  const batchFirst = sameShape(tensor.shape, [batch, steps, directions, part]);
  // Of equal sizes nobody can tell which axis is which; those of size 1 do not matter.
  if (timeFirst === batchFirst && directions > 1) return undefined;
  if (timeFirst) {
    const order = batch_first ? [2, 0, 1, 3] : [0, 2, 1, 3];
    return { ...permuted(tensor, order), shape: expected };
  }
  if (!batchFirst) return undefined;
  const joined = { ...tensor, shape: [batch, steps, size] };
  return batch_first ? joined : permuted(joined, [1, 0, 2]);
}

/** The final states of a layer, [1, B, 2·H] or [B, 2·H], as [2, B, H]. */
function directionsBeside(tensor: Tensor, expected: readonly number[]): Tensor | undefined {
  const [states, batch, size] = expected.length === 3 ? expected : [expected[0], 1, expected[1]];
  if (states !== 2 || !sameShape(withoutOnes(tensor.shape), withoutOnes([batch, 2 * size]))) return undefined;
  return { ...permuted({ ...tensor, shape: [batch, 2, size] }, [1, 0, 2]), shape: expected };
}
