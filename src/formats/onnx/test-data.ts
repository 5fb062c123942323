import { CellcheckError, printable } from '../../errors.js';
import { permuted, type Tensor } from '../../tensor/tensor.js';
import type { Source } from '../format.js';
import { attribute, lookUp, type PlacedNode } from './graph.js';
import type { TensorProto } from './messages.js';
import { type OnnxModule, SHAPE_ONLY } from './recurrent.js';
import { onnxTensor } from './tensor.js';

/** The tensors of a model's test data by what they are to its recurrent module: `input`, `h_0`, `output` … */
export interface TestData {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Stated where the node's `layout` says it. */
  readonly batch_first?: boolean;
}

/** What the inputs of a recurrent node are (https://onnx.ai/onnx/operators/onnx__LSTM.html); W, R, B and P are weights. */
const INPUTS: Readonly<Record<number, string>> = { 0: 'input', 4: 'lengths', 5: 'h_0', 6: 'c_0' };
const OUTPUTS = ['output', 'h_n', 'c_n'];

/**
 * Which of a graph's inputs and outputs are those of its only recurrent module.
 * @param inputs the values of the graph's inputs, by their names
 * @param outputs the same for its outputs
 * @throws CellcheckError where the module's input or outputs are not among them
 */
export function testData(
  { layers }: OnnxModule,
  inputs: ReadonlyMap<string, TensorProto>,
  outputs: ReadonlyMap<string, TensorProto>,
  model: Source,
): TestData {
  const [first, last] = [layers[0], layers[layers.length - 1]];
  const batchFirst = attribute(first.node, 'layout')?.i === 1;
  const tensors = new Map<string, Tensor>();
  for (const [index, role] of Object.entries(INPUTS)) {
    const name = first.node.input[Number(index)];
    const proto = name ? inputs.get(sourceOf(name, first)) : undefined;
    if (proto) tensors.set(role, readAs(role, onnxTensor(proto, model), batchFirst));
  }
  for (const [name, proto] of outputs) {
    const from = { ...last, name: sourceOf(name, last, last.node) };
    const index = last.node.output.indexOf(from.name);
    if (index >= 0) tensors.set(OUTPUTS[index], readAs(OUTPUTS[index], onnxTensor(proto, model), batchFirst));
  }
  const missing = tensors.has('input') ? undefined : 'its input';
  if (missing || !OUTPUTS.some((role) => tensors.has(role))) {
    throw new CellcheckError({
      problem: `${missing ?? 'none of its outputs'} is in the test data: something lies between ${printable(first.node.name || first.node.op_type)} and the ${missing ? 'inputs' : 'outputs'} of the graph`,
      hints: ['Save the tensors of the recurrent node itself, and give them as --input and --expected.'],
    });
  }
  return { tensors, ...(batchFirst && { batch_first: true }) };
}

const MOST_BETWEEN = 16;

/** The name that a value has before changes of its shape: an input of the graph, or an output of the given node. */
function sourceOf(name: string, { scope }: PlacedNode, until?: PlacedNode['node']): string {
  let source = name;
  for (let count = 0; count < MOST_BETWEEN; count++) {
    const producer = lookUp(source, scope)?.producer;
    if (!producer || producer === until || !SHAPE_ONLY.includes(producer.op_type)) return source;
    source = producer.input[0];
  }
  return source;
}

/** With layout 1 the batch comes first, in states too: those are [B, D, H]. */
function readAs(role: string, tensor: Tensor, batchFirst: boolean): Tensor {
  const isState = ['h_0', 'c_0', 'h_n', 'c_n'].includes(role);
  return batchFirst && isState && tensor.shape.length === 3 ? permuted(tensor, [1, 0, 2]) : tensor;
}
