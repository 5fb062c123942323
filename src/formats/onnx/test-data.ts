import { CellcheckError, listed, printable } from '../../errors.js';
import { permuted, type Tensor } from '../../tensor/tensor.js';
import type { Source } from '../format.js';
import { attribute, lookUp, type PlacedNode } from './graph.js';
import type { TensorProto } from './messages.js';
import { type OnnxModule, SHAPE_ONLY } from './recurrent.js';
import { onnxTensor } from './tensor.js';

/** The tensors of a model's test data by what they are to its recurrent module: `input`, `h_0`, `output` … */
export interface TestData {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Whether input and output have the batch first, by the node's `layout` and the Transposes around it. */
  readonly batch_first: boolean;
  /** Outputs that are none of the module's. */
  readonly warnings: readonly string[];
}

/** What the inputs of a recurrent node are (https://onnx.ai/onnx/operators/onnx__LSTM.html), by their place. */
const ROLES_IN: Readonly<Record<number, string>> = { 0: 'input', 4: 'lengths', 5: 'h_0', 6: 'c_0' };
/** W, R, B and P, which are read as weights. */
const WEIGHTS_IN = [1, 2, 3, 7];
const ROLES_OUT = ['output', 'h_n', 'c_n'];
const STATES = ['h_0', 'c_0', 'h_n', 'c_n'];

type Values = ReadonlyMap<string, TensorProto>;

/**
 * Which of a graph's inputs and outputs are those of its only recurrent module.
 * @param inputs the values of the graph's inputs, by their names
 * @param outputs the same for its outputs
 * @throws CellcheckError where the module's input or outputs are not among them, or an input is none of the module's
 */
export function testData({ layers }: OnnxModule, inputs: Values, outputs: Values, model: Source): TestData {
  const [first, last] = [layers[0], layers[layers.length - 1]];
  const tensors = new Map<string, Tensor>();
  const orders = new Map<string, boolean>();
  const used = new Set(layers.flatMap(({ node }) => WEIGHTS_IN.map((place) => node.input[place])));
  for (const [place, role] of Object.entries(ROLES_IN)) {
    const of = role === 'input' || role === 'lengths' ? [first] : layers;
    const ways = of.map((layer) => wayTo(layer.node.input[Number(place)], layer, role));
    const names = new Set(ways.map(({ name }) => name));
    const [name] = names;
    const proto = inputs.get(name);
    if (!proto) continue;
    const tensor = onnxTensor(proto, model);
    // The states of all layers in one tensor, of which each layer takes a slice.
    if (STATES.includes(role) && (names.size > 1 || tensor.shape.length !== 3)) continue;
    used.add(name);
    tensors.set(role, tensor);
    orders.set(role, ways[0].crossed);
  }
  const warnings: string[] = [];
  for (const [name, proto] of outputs) {
    const role = roleOf(name, layers);
    const tensor = onnxTensor(proto, model);
    if (role) {
      tensors.set(role.name, tensor);
      orders.set(role.name, role.crossed);
    } else warnings.push(`the output ${printable(name)} is none of the recurrent node's, and not compared`);
  }
  const strangers = [...inputs.keys()].filter((name) => !used.has(name));
  if (strangers.length > 0 || !tensors.has('input') || !ROLES_OUT.some((role) => tensors.has(role))) {
    const what = strangers.length
      ? `what becomes of ${listed(strangers.slice(0, 8).map(printable), ' and ')}`
      : `where its ${tensors.has('input') ? 'outputs go' : 'input comes from'}`;
    throw new CellcheckError({
      problem: `the graph does not show ${what}: something lies between ${printable(last.node.name || last.node.op_type)} and the test data`,
      hints: ['Save the tensors of the recurrent node itself, and give them as --input and --expected.'],
    });
  }
  return { ...inOneOrder(tensors, orders, attribute(first.node, 'layout')?.i === 1), warnings };
}

const MOST_BETWEEN = 16;

interface Way {
  /** The name that a value has before what changes its shape or takes a part of it. */
  readonly name: string;
  /** Whether time and batch change their places on the way. */
  readonly crossed: boolean;
}

/** From an input of a node back to where it comes from. States of several layers are slices of one tensor. */
function wayTo(start: string | undefined, { scope }: PlacedNode, role: string): Way {
  let [name, crossed] = [start ?? '', false];
  const passed = STATES.includes(role) ? [...SHAPE_ONLY, 'Slice', 'Gather'] : SHAPE_ONLY;
  for (let count = 0; count < MOST_BETWEEN; count++) {
    const producer = lookUp(name, scope)?.producer;
    if (!producer || !passed.includes(producer.op_type)) break;
    if (producer.op_type === 'Transpose' && attribute(producer, 'perm')?.ints[0] !== 0) crossed = !crossed;
    [name] = producer.input;
  }
  return { name, crossed };
}

/** Which of the module's outputs an output of the graph is: that of the last layer, or the states of all of them. */
function roleOf(
  output: string,
  layers: readonly PlacedNode[],
): { readonly name: string; readonly crossed: boolean } | undefined {
  const last = layers[layers.length - 1];
  let [name, crossed] = [output, false];
  for (let count = 0; count < MOST_BETWEEN; count++) {
    const producer = lookUp(name, last.scope)?.producer;
    if (!producer) return undefined;
    if (producer === last.node) {
      const place = producer.output.indexOf(name);
      // The last layer's states alone are not those of the module.
      return place === 0 || layers.length === 1 ? { name: ROLES_OUT[place], crossed } : undefined;
    }
    if (producer.op_type === 'Concat') {
      const places = producer.input.map(
        (part, k) => layers[k]?.node.output.indexOf(wayBack(part, layers[k])) ?? -1,
      );
      const isWhole =
        places.length === layers.length && places.every((place) => place > 0 && place === places[0]);
      return isWhole ? { name: ROLES_OUT[places[0]], crossed } : undefined;
    }
    if (!SHAPE_ONLY.includes(producer.op_type)) return undefined;
    if (producer.op_type === 'Transpose' && attribute(producer, 'perm')?.ints[0] !== 0) crossed = !crossed;
    [name] = producer.input;
  }
  return undefined;
}

/** The output of a layer that a value is, before changes of its shape. */
function wayBack(start: string, { node, scope }: PlacedNode): string {
  let name = start;
  for (let count = 0; count < MOST_BETWEEN && !node.output.includes(name); count++) {
    const producer = lookUp(name, scope)?.producer;
    if (!producer || !SHAPE_ONLY.includes(producer.op_type)) break;
    [name] = producer.input;
  }
  return name;
}

/**
 * The tensors with time and batch in one order. With layout 1 the batch comes first, in states too: those are [B, D, H].
 */
function inOneOrder(
  tensors: ReadonlyMap<string, Tensor>,
  crossed: ReadonlyMap<string, boolean>,
  layoutOne: boolean,
): Pick<TestData, 'tensors' | 'batch_first'> {
  const batch_first = (crossed.get('input') ?? false) !== layoutOne;
  const ordered = (role: string, tensor: Tensor): Tensor => {
    if (STATES.includes(role))
      return layoutOne && tensor.shape.length === 3 ? permuted(tensor, [1, 0, 2]) : tensor;
    const isOther = role === 'output' && ((crossed.get(role) ?? false) !== layoutOne) !== batch_first;
    return isOther && tensor.shape.length === 3 ? permuted(tensor, [1, 0, 2]) : tensor;
  };
  return {
    batch_first,
    tensors: new Map([...tensors].map(([role, tensor]) => [role, ordered(role, tensor)])),
  };
}
