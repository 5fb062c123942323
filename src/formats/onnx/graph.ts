import { CellcheckError, printable } from '../../errors.js';
import type { FloatDtype } from '../../tensor/dtype.js';
import { elementCount } from '../../tensor/shape.js';
import { permuted, type Tensor, tensor } from '../../tensor/tensor.js';
import type { Source } from '../format.js';
import type { AttributeProto, GraphProto, NodeProto, TensorProto } from './messages.js';
import { checkedShape, dtypeOf, onnxTensor } from './tensor.js';

/** A node, and the graph that it stands in. */
export interface PlacedNode {
  readonly node: NodeProto;
  readonly scope: Scope;
  /** The names of the nodes whose subgraphs it is in, from the outermost. */
  readonly path: readonly string[];
}

/** What the names of a graph stand for; a subgraph also sees the names of those around it. */
export interface Scope {
  readonly initializers: ReadonlyMap<string, TensorProto>;
  readonly producers: ReadonlyMap<string, NodeProto>;
  readonly outer?: Scope;
}

const MOST_DEPTH = 32;
const SMALL = 2 ** 20;
const MOST_INPUTS = 64;

/**
 * All nodes of a graph and of the subgraphs of If, Loop and Scan, in their order.
 * @param given values of the graph's inputs, where they are known
 */
export function nodesOf(
  graph: GraphProto,
  given: ReadonlyMap<string, TensorProto> = new Map(),
): PlacedNode[] {
  const found: PlacedNode[] = [];
  const visit = (part: GraphProto, path: readonly string[], outer?: Scope) => {
    const twice = firstDouble(part.initializer.map(({ name }) => name));
    if (twice !== undefined)
      throw new CellcheckError({ tensor: twice, problem: 'is there twice among the initializers' });
    const scope: Scope = {
      initializers: new Map([
        ...(outer ? [] : given),
        ...part.initializer.map((tensor) => [tensor.name, tensor] as const),
      ]),
      producers: new Map(part.node.flatMap((node) => node.output.map((output) => [output, node] as const))),
      outer,
    };
    for (const node of part.node) {
      found.push({ node, scope, path });
      if (path.length === MOST_DEPTH) continue;
      const subgraphs = node.attribute.flatMap(({ g, graphs }) => [...(g ? [g] : []), ...graphs]);
      for (const subgraph of subgraphs) visit(subgraph, [...path, node.name || node.op_type], scope);
    }
  };
  visit(graph, []);
  return found;
}

function firstDouble(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

export function attribute(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((candidate) => candidate.name === name);
}

export const textOf = (bytes: Uint8Array) => String.fromCharCode(...bytes);

interface Found {
  readonly initializer?: TensorProto;
  readonly producer?: NodeProto;
  readonly scope: Scope;
}

/** What a name stands for, in the innermost graph that has it. */
export function lookUp(name: string, scope: Scope): Found | undefined {
  for (let place: Scope | undefined = scope; place; place = place.outer) {
    const initializer = place.initializers.get(name);
    const producer = place.producers.get(name);
    if (initializer || producer) return { initializer, producer, scope: place };
  }
  return undefined;
}

/** A tensor that is known without running the graph: its shape, and its values when they are asked for. */
export interface Constant {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly load: () => Tensor;
}

/**
 * The value of a name that does not depend on the graph's inputs: an initializer, a Constant, or what an exporter without
 * constant folding makes of these.
 * @throws CellcheckError that says what computes it otherwise
 */
export function constant(name: string, scope: Scope, model: Source): Constant {
  // A few operators could make much out of little: what they make is held against what is stored.
  const stored = new Set<Tensor>();
  const fromProto = (proto: TensorProto): Constant => ({
    shape: checkedShape(proto),
    dtype: dtypeOf(proto),
    load: once(() => {
      const loaded = onnxTensor(proto, model);
      stored.add(loaded);
      return loaded;
    }),
  });
  const known = new Map<string, Constant>();
  const evaluate = (wanted: string, place: Scope, depth: number): Constant => {
    const before = known.get(wanted);
    if (before) return before;
    const found = lookUp(wanted, place);
    const node = found?.producer;
    const value = node?.op_type === 'Constant' ? attribute(node, 'value')?.t : undefined;
    const proto = found?.initializer ?? value;
    if (proto) {
      const constantOf = fromProto(proto);
      known.set(wanted, constantOf);
      return constantOf;
    }
    if (!found || !node) throw notConstant(name, 'is an input of the graph');
    const make = Object.hasOwn(FOLDED, node.op_type) ? FOLDED[node.op_type] : undefined;
    if (!make || depth === MOST_DEPTH) throw notConstant(name, `comes from ${printable(node.op_type)}`);
    // An absent input keeps its place.
    const inputs = node.input.slice(0, MOST_INPUTS).map((input) => {
      if (input === '') return undefined;
      return evaluate(input, found.scope, depth + 1).load();
    });
    const largest = [...stored].reduce((sum, { data }) => sum + data.length, SMALL);
    const size = inputs.reduce((sum, input) => sum + (input?.data.length ?? 0), 0);
    if (size > largest || node.input.length > MOST_INPUTS)
      throw notConstant(name, 'becomes larger than what is stored');
    const result = inputs[0] && make(node, inputs as unknown as readonly [Tensor, ...Tensor[]]);
    if (!result) throw notConstant(name, `comes from a ${node.op_type} of a kind that is not read`);
    const folded = { shape: result.shape, dtype: result.dtype, load: () => result };
    known.set(wanted, folded);
    return folded;
  };
  return evaluate(name, scope, 0);
}

/** A function whose result is kept. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function notConstant(name: string, what: string): CellcheckError {
  return new CellcheckError({
    tensor: name,
    problem: `is no constant of the graph: it ${what}`,
    hints: ['Export the model with its weights, and with constant folding.'],
  });
}

/** A list of integers; undefined where it is absent, long, or holds something else. */
function integers(tensor: Tensor | undefined): number[] | undefined {
  const values = tensor && tensor.data.length <= MOST_INPUTS ? Array.from(tensor.data) : undefined;
  return values?.every(Number.isSafeInteger) ? values : undefined;
}

const ints = (node: NodeProto, name: string) => {
  const stated = attribute(node, name)?.ints;
  return stated && stated.length <= MOST_INPUTS ? stated : undefined;
};

/** ONNX's numbers of the dtypes that weights are cast to. */
const FLOATS: Readonly<Record<number, FloatDtype>> = { 1: 'F32', 10: 'F16', 11: 'F64', 16: 'BF16' };

/** Operators that exporters put between stored weights and a recurrent node. */
const FOLDED: Readonly<Record<string, (node: NodeProto, inputs: readonly Tensor[]) => Tensor | undefined>> = {
  Identity: (_, [x]) => x,
  Cast: (node, [x]) => {
    const dtype = FLOATS[attribute(node, 'to')?.i ?? 0];
    return dtype && tensor(x.shape, x.data, dtype);
  },
  Unsqueeze: (node, [x, axes]) => {
    if (axes && !integers(axes)) return undefined;
    const wanted = integers(axes) ?? ints(node, 'axes');
    if (!wanted) return undefined;
    const rank = x.shape.length + wanted.length;
    const at = wanted.map((axis) => (axis < 0 ? axis + rank : axis));
    const rest = [...x.shape];
    const shape = Array.from({ length: rank }, (_, axis) => (at.includes(axis) ? 1 : (rest.shift() ?? 1)));
    return elementCount(shape) === x.data.length ? { ...x, shape } : undefined;
  },
  Squeeze: (node, [x, axes]) => {
    if (axes && !integers(axes)) return undefined;
    const wanted = integers(axes) ?? ints(node, 'axes') ?? [];
    const at = wanted.map((axis) => (axis < 0 ? axis + x.shape.length : axis));
    return {
      ...x,
      shape: x.shape.filter((size, axis) => size !== 1 || (at.length > 0 && !at.includes(axis))),
    };
  },
  Transpose: (node, [x]) => {
    const order = ints(node, 'perm') ?? x.shape.map((_, axis) => x.shape.length - 1 - axis);
    const isOrder = order.length === x.shape.length && new Set(order).size === order.length;
    return isOrder && order.every((axis) => axis in x.shape) ? permuted(x, order) : undefined;
  },
  Concat: (node, inputs) => {
    const axis = attribute(node, 'axis')?.i ?? 0;
    return joined(inputs, axis < 0 ? axis + (inputs[0]?.shape.length ?? 0) : axis);
  },
  Slice: (node, [x, starts, ends, axes, steps]) => {
    if ([starts, ends, axes, steps].some((list) => list && !integers(list))) return undefined;
    const [from, to] = [integers(starts) ?? ints(node, 'starts'), integers(ends) ?? ints(node, 'ends')];
    const along = integers(axes) ?? ints(node, 'axes') ?? from?.map((_, axis) => axis);
    if (from?.length !== 1 || to?.length !== 1 || along?.length !== 1 || (steps && steps.data[0] !== 1))
      return undefined;
    return sliced(x, along[0] < 0 ? along[0] + x.shape.length : along[0], from[0], to[0]);
  },
};

function joined(parts: readonly Tensor[], axis: number): Tensor | undefined {
  const [first] = parts;
  if (!first || !(axis in first.shape)) return undefined;
  const fits = ({ shape, dtype }: Tensor) =>
    dtype === first.dtype &&
    shape.length === first.shape.length &&
    shape.every((size, i) => i === axis || size === first.shape[i]);
  if (!parts.every(fits)) return undefined;
  const outer = elementCount(first.shape.slice(0, axis));
  const shape = first.shape.with(
    axis,
    parts.reduce((sum, part) => sum + part.shape[axis], 0),
  );
  const data =
    first.data instanceof Float64Array
      ? new Float64Array(elementCount(shape))
      : new Float32Array(elementCount(shape));
  let to = 0;
  for (let i = 0; i < outer; i++) {
    for (const part of parts) {
      const length = part.data.length / outer;
      data.set(part.data.subarray(i * length, (i + 1) * length), to);
      to += length;
    }
  }
  return { dtype: first.dtype, shape, data };
}

function sliced(x: Tensor, axis: number, start: number, end: number): Tensor | undefined {
  const size = x.shape[axis];
  if (size === undefined) return undefined;
  const clamp = (index: number) => Math.min(Math.max(index < 0 ? index + size : index, 0), size);
  const [from, to] = [clamp(start), clamp(end)];
  if (from >= to) return undefined;
  const inner = elementCount(x.shape.slice(axis + 1));
  const outer = elementCount(x.shape.slice(0, axis));
  const data = x.data.slice(0, outer * (to - from) * inner);
  for (let i = 0; i < outer; i++) {
    const row = x.data.subarray((i * size + from) * inner, (i * size + to) * inner);
    data.set(row, i * (to - from) * inner);
  }
  return { dtype: x.dtype, shape: x.shape.with(axis, to - from), data };
}
