import { CellcheckError, printable } from '../../errors.js';
import { KIND_NAMES, KINDS, type Kind } from '../../kinds.js';
import { elementCount, formatShape, sameShape } from '../../tensor/shape.js';
import type { Tensor, TensorSpec } from '../../tensor/tensor.js';
import type { Source } from '../format.js';
import { attribute, type Constant, constant, lookUp, type PlacedNode, textOf } from './graph.js';

/** A parameter in PyTorch's layout, computed when it is asked for. */
export interface OnnxParameter {
  readonly spec: TensorSpec;
  readonly load: () => Tensor;
}

/** The parameters of one recurrent node, or of several that are the layers of one module. */
export interface OnnxModule {
  /** What stands before the names of its parameters. */
  readonly prefix: string;
  /** Its nodes, from the bottom up. */
  readonly layers: readonly PlacedNode[];
  readonly parameters: ReadonlyMap<string, OnnxParameter>;
}

/** A recurrent node whose weights PyTorch's module can have. */
interface Layer {
  readonly placed: PlacedNode;
  readonly kind: Kind;
  readonly directions: number;
  readonly hidden: number;
  readonly inputSize: number;
  readonly relu: boolean;
  readonly w: Constant;
  readonly r: Constant;
  readonly b?: Constant;
}

/** What ONNX's nodes have in the place of PyTorch's modules (https://onnx.ai/onnx/operators/onnx__LSTM.html). */
interface OnnxFacts {
  /** The block of each of PyTorch's gates in ONNX's order. */
  readonly blocks: readonly number[];
  /** The activations of a direction that PyTorch's module can have, the usual ones first. */
  readonly activations: readonly (readonly string[])[];
  /** An attribute that has to be 1, and why. */
  readonly required?: { readonly attribute: string; readonly why: string };
}

const ONNX: Readonly<Record<Kind, OnnxFacts>> = {
  RNN: { blocks: [0], activations: [['tanh'], ['relu']] },
  GRU: {
    // z r h
    blocks: [1, 0, 2],
    activations: [['sigmoid', 'tanh']],
    required: {
      attribute: 'linear_before_reset',
      why: "PyTorch's GRU applies the reset gate after the product with the recurrent weights, which is linear_before_reset 1.",
    },
  },
  LSTM: {
    // i o f c
    blocks: [0, 2, 3, 1],
    activations: [['sigmoid', 'tanh', 'tanh']],
  },
};

export const isRecurrent = ({ node: { op_type, domain } }: PlacedNode) =>
  (KIND_NAMES as readonly string[]).includes(op_type) && (domain === '' || domain === 'ai.onnx');

/**
 * The recurrent modules of a graph, and why some of its nodes are none of PyTorch's. Nodes that feed each other through
 * nothing but changes of shape are the layers of one module.
 */
export function modulesOf(
  nodes: readonly PlacedNode[],
  model: Source,
): { readonly modules: readonly OnnxModule[]; readonly refused: ReadonlyMap<string, CellcheckError> } {
  const refused = new Map<string, CellcheckError>();
  const layers: Layer[] = [];
  for (const placed of nodes.filter(isRecurrent)) {
    try {
      layers.push(layerOf(placed, model));
    } catch (error) {
      if (!(error instanceof CellcheckError)) throw error;
      refused.set(nameOf(placed), error);
    }
  }
  // Stacks of layers, by their last node.
  const stacks = new Map<PlacedNode['node'], Layer[]>();
  for (const layer of layers) {
    const below = nodeBelow(layer);
    const stack = below && stacks.get(below);
    if (below && stack && alike(stack[stack.length - 1], layer)) {
      stacks.delete(below);
      stack.push(layer);
      stacks.set(layer.placed.node, stack);
    } else stacks.set(layer.placed.node, [layer]);
  }
  const counts = new Map<string, number>();
  const taken = new Set<string>();
  const modules = [...stacks.values()].map((stack): OnnxModule => {
    const name = nameOf(stack[0].placed);
    let prefix: string;
    do {
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      prefix = count === 1 ? `${name}.` : `${name}-${count}.`;
    } while (taken.has(prefix));
    taken.add(prefix);
    return {
      prefix,
      layers: stack.map(({ placed }) => placed),
      parameters: new Map(stack.flatMap((layer, k) => parametersOf(layer, k))),
    };
  });
  return { modules, refused };
}

/** What torch.onnx's newer exporter says of a node: `['', 'encoder', 'lstm_1']`, the module and the operator. */
const SCOPES = 'pkg.torch.onnx.name_scopes';

/**
 * The module of PyTorch that a node belongs to, where the exporter says it: `/encoder/lstm/LSTM_1` is of `encoder.lstm`.
 */
function moduleOf({ node: { name, op_type, metadata_props } }: PlacedNode): string | undefined {
  const scopes = metadata_props.find(({ key }) => key === SCOPES)?.value;
  if (scopes !== undefined) {
    const parts = [...scopes.matchAll(/'([^']*)'/g)].map(([, part]) => part).slice(0, -1);
    return parts.filter((part) => part !== '').join('.');
  }
  if (!name.includes('/')) return undefined;
  return name
    .replace(/^\/+/, '')
    .replace(new RegExp(`/?${op_type}(?:_\\d+)?$`), '')
    .replaceAll('/', '.');
}

const LONGEST_NAME = 200;

/** A node without a name has that of its first output. */
function nameOf(placed: PlacedNode): string {
  const { node, path } = placed;
  const own =
    moduleOf(placed) || node.name.replace(/^\/+/, '') || node.output.find((output) => output !== '');
  const outer = path.map((part) => part.replace(/^\/+/, '').replaceAll('/', '.'));
  return [...outer, own || node.op_type]
    .map((part) => part.slice(0, LONGEST_NAME))
    .filter((part) => part !== '')
    .join('.');
}

/** @throws CellcheckError for what PyTorch's module cannot express, by the attribute's name */
function layerOf(placed: PlacedNode, model: Source): Layer {
  const { node, scope } = placed;
  const kind = node.op_type as Kind;
  const refuse = (problem: string, hint: string): never => {
    throw new CellcheckError({ tensor: node.name || kind, problem, hints: [hint] });
  };
  const value = (name: string) => attribute(node, name);
  const direction = textOf(value('direction')?.s ?? new Uint8Array()) || 'forward';
  if (direction !== 'forward' && direction !== 'bidirectional') {
    refuse(
      `its direction is ${printable(direction)}`,
      `PyTorch's ${kind} runs forward, or in both directions: reverse the input, and take direction forward.`,
    );
  }
  const directions = direction === 'bidirectional' ? 2 : 1;
  if (value('clip')) refuse('it has the attribute clip', `PyTorch's ${kind} does not clip its sums.`);
  if (value('input_forget')?.i)
    refuse('its input_forget is 1', "PyTorch's LSTM has a forget gate of its own.");
  const { activations, required } = ONNX[kind];
  if (required && !value(required.attribute)?.i) refuse(`its ${required.attribute} is 0`, required.why);
  const names = (value('activations')?.strings ?? []).map((bytes) => textOf(bytes).toLowerCase());
  const stated = Array.from({ length: directions }, (_, i) => names.slice(i * activations[0].length));
  const chosen = activations.find((usual) =>
    stated.every((given) => usual.every((name, i) => given[i] === name)),
  );
  if (names.length > 0 && (!chosen || names.length !== directions * chosen.length)) {
    refuse(
      `its activations are ${names.slice(0, 8).map(printable).join(', ')}`,
      `PyTorch's ${kind} has ${activations.map((usual) => usual.join(', ')).join(' or ')}.`,
    );
  }
  const relu = chosen !== undefined && chosen[0] === 'relu';
  const [, wName, rName, bName, , , , pName] = node.input;
  const find = (name: string | undefined) => (name ? constant(name, scope, model) : undefined);
  const [w, r, b, p] = [find(wName), find(rName), find(bName), find(pName)];
  if (!w || !r) return refuse('has no weights', 'An RNN, GRU or LSTM node takes W and R.');
  if (p?.load().data.some((weight) => weight !== 0))
    refuse('it has peepholes (P)', "PyTorch's LSTM has none.");
  const rows = w.shape[1];
  const hidden = rows / KINDS[kind].gates.length;
  const inputSize = w.shape[2];
  const fits =
    w.shape.length === 3 &&
    w.shape[0] === directions &&
    sameShape(r.shape, [directions, rows, hidden]) &&
    (!b || sameShape(b.shape, [directions, 2 * rows]));
  const size = value('hidden_size')?.i;
  if (!fits || (size && size !== hidden)) {
    refuse(
      `its weights do not fit together: W ${formatShape(w.shape)}, R ${formatShape(r.shape)}${b ? `, B ${formatShape(b.shape)}` : ''}`,
      `For ${directions === 2 ? 'two directions' : 'one direction'}${size ? ` and hidden_size ${size}` : ''} they are [D, gates·H, I], [D, gates·H, H] and [D, 2·gates·H].`,
    );
  }
  return { placed, kind, directions, hidden, inputSize, relu, w, r, b };
}

/** Operators between two layers that change no number. */
export const SHAPE_ONLY = [
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Reshape',
  'Flatten',
  'Identity',
  'Dropout',
  'Cast',
];
const MOST_BETWEEN = 16;

/** Whether two nodes that follow each other may be layers of one module. */
function alike(below: Layer, above: Layer): boolean {
  return (
    below.kind === above.kind &&
    below.directions === above.directions &&
    below.hidden === above.hidden &&
    below.relu === above.relu &&
    (below.b === undefined) === (above.b === undefined) &&
    above.inputSize === below.directions * below.hidden &&
    // Where the exporter says of which module a node is, the layers of one have the same.
    moduleOf(above.placed) === moduleOf(below.placed)
  );
}

/** The node whose whole first output a layer takes, if nothing but its shape changes on the way. */
function nodeBelow({ placed }: Layer): PlacedNode['node'] | undefined {
  let [name] = placed.node.input;
  let { scope } = placed;
  // Whether time and batch are the other way round.
  let crossed = false;
  for (let count = 0; count < MOST_BETWEEN; count++) {
    const found = lookUp(name, scope);
    const producer = found?.producer;
    if (!producer || producer.output[0] !== name) return undefined;
    if ((KIND_NAMES as readonly string[]).includes(producer.op_type)) return crossed ? undefined : producer;
    if (!SHAPE_ONLY.includes(producer.op_type)) return undefined;
    if (producer.op_type === 'Transpose' && attribute(producer, 'perm')?.ints[0] !== 0) crossed = !crossed;
    [name] = producer.input;
    scope = found.scope;
  }
  return undefined;
}

function parametersOf(layer: Layer, index: number): (readonly [string, OnnxParameter])[] {
  const { directions, w, r, b, kind, hidden, relu } = layer;
  const nonlinearity = relu ? { nonlinearity: 'relu' as const } : {};
  const rows = hidden * KINDS[kind].gates.length;
  return Array.from({ length: directions }, (_, direction) => {
    const end = `_l${index}${direction ? '_reverse' : ''}`;
    const weight = (source: Constant): OnnxParameter => {
      const shape = source.shape.slice(1);
      const size = rows * shape[1];
      const load = () => reordered(source.load(), direction * size, shape, kind);
      return { spec: { dtype: source.dtype, shape, ...nonlinearity }, load };
    };
    const bias = (source: Constant, half: number): OnnxParameter => ({
      spec: { dtype: source.dtype, shape: [rows] },
      load: () => reordered(source.load(), (2 * direction + half) * rows, [rows], kind),
    });
    return [
      [`weight_ih${end}`, weight(w)] as const,
      [`weight_hh${end}`, weight(r)] as const,
      ...(b ? [[`bias_ih${end}`, bias(b, 0)] as const, [`bias_hh${end}`, bias(b, 1)] as const] : []),
    ];
  }).flat();
}

/** A part of a tensor with the row blocks of its gates in PyTorch's order. */
function reordered(source: Tensor, start: number, shape: readonly number[], kind: Kind): Tensor {
  const order = ONNX[kind].blocks;
  const length = elementCount(shape);
  const block = length / order.length;
  const data = source.data.slice(start, start + length);
  for (const [to, from] of order.entries())
    data.set(source.data.subarray(start + from * block, start + (from + 1) * block), to * block);
  return { dtype: source.dtype, shape, data };
}
