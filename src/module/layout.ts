import { type Dimension, type NamedShape, type ShapeIssue, shapeIssues } from '../../schemas/shapes.js';
import { carriesCell } from '../kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import { layerRoles, type Role } from './case.js';
import { className, directionsOf, type Module, outputSize } from './parameters.js';

/** Which dimensions a case's tensors have, which the input's shape decides, and in what order. */
export interface Layout {
  readonly batch_first: boolean;
  /** Whether the tensors have a batch dimension. */
  readonly batched: boolean;
  /** Whether they have a time dimension; the single step of a Cell has none. */
  readonly timed: boolean;
  /** 1 without a time dimension. */
  readonly steps: number;
  /** 1 without a batch dimension. */
  readonly batch: number;
}

/** A layout that a case's shapes may have, and what contradicts it. */
export interface Reading {
  readonly layout: Layout;
  readonly issues: readonly ShapeIssue[];
}

/** Reads a case's shapes with a value of batch_first; where that makes no difference, the layout says false. */
export function read(module: Module, tensors: ReadonlyMap<Role, Tensor>, batch_first: boolean): Reading {
  const input = tensors.get('input')?.shape ?? [];
  const rank = input.length;
  const batched = rank === (module.cell ? 2 : 3) || rank === 3;
  const timed = module.cell ? rank === 3 : true;
  const swapped = batch_first && !module.cell && batched && timed;
  const layout: Layout = {
    batch_first: swapped,
    batched: rank === 0 || rank > 3 || batched,
    timed,
    steps: timed ? (input[swapped ? 1 : 0] ?? 1) : 1,
    batch: batched ? (input[swapped || !timed ? 0 : 1] ?? 1) : 1,
  };
  const shapes = caseShapes(module, layout, tensors);
  const found = new Map([...tensors].map(([role, { shape }]) => [role as string, shape]));
  return { layout, issues: shapeIssues(shapes, found) };
}

/**
 * The shapes that a case's tensors must have, by PyTorch's documentation of the class.
 * @param layout absent steps or batch may have any size
 * @param tensors those that the case has: some are required only together with others
 */
export function caseShapes(
  module: Module,
  layout: Omit<Layout, 'steps' | 'batch'> & Partial<Layout>,
  tensors: ReadonlyMap<Role, Tensor>,
): NamedShape[] {
  const { batched, timed, batch_first } = layout;
  const count = directionsOf(module).length;
  const free = (label: string): Dimension => ({ label });
  const T: Dimension = { label: 'T', size: layout.steps };
  const B: Dimension = { label: 'B', size: layout.batch };
  const features: Dimension = { label: 'input_size', size: module.input_size };
  const state = module.proj_size ? 'proj_size' : 'hidden_size';
  const h: Dimension = { label: state, size: outputSize(module) };
  const c: Dimension = { label: 'hidden_size', size: module.hidden_size };
  const out: Dimension = count === 2 ? { label: `2·${state}`, size: 2 * outputSize(module) } : h;
  const stack: Dimension = {
    label: count === 2 ? '2·num_layers' : 'num_layers',
    size: count * module.num_layers,
  };

  const sequence = (time: Dimension, batch: Dimension, last: Dimension): Dimension[] => {
    const outer = batch_first ? [batch, time] : [time, batch];
    return [...outer.filter((dimension) => (dimension === time ? timed : batched)), last];
  };
  const states = (last: Dimension): Dimension[] => [
    ...(module.cell ? [] : [stack]),
    ...(batched ? [B] : []),
    last,
  ];
  // pad_packed_sequence returns an output that ends at the longest of the lengths.
  const lengths = tensors.get('lengths');
  const longest = Array.from(lengths?.data ?? []).reduce((a, b) => Math.max(a, b), 0);
  const outSteps: Dimension =
    lengths && layout.steps !== undefined && longest < layout.steps
      ? { label: 'T', size: [layout.steps, longest] }
      : T;

  const withCell = carriesCell(module.kind);
  const shapes: NamedShape[] = [
    { name: 'input', dimensions: sequence(free('T'), free('B'), features) },
    { name: 'h_0', dimensions: states(h), optional: !(withCell && tensors.has('c_0')) },
    ...(withCell ? [{ name: 'c_0', dimensions: states(c), optional: true }] : []),
    ...(batched && timed ? [{ name: 'lengths', dimensions: [B], optional: true }] : []),
    ...['output', ...layerRoles(tensors.keys())].map((name) => ({
      name,
      dimensions: sequence(outSteps, B, out),
      optional: true,
    })),
    { name: 'h_n', dimensions: states(h), optional: true },
    ...(withCell ? [{ name: 'c_n', dimensions: states(c), optional: true }] : []),
  ];
  return shapes;
}

/** `batch_first`, `unbatched`, a Cell's loop, or undefined for PyTorch's default. */
export function layoutWord(module: Module, layout: Layout): string | undefined {
  if (!layout.batched) return 'unbatched';
  if (layout.batch_first) return 'batch_first';
  return module.cell && layout.timed ? `a loop over ${className(module)}` : undefined;
}
