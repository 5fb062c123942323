import { CellcheckError, printable } from '../../errors.js';
import { checkNames, type StateDict } from '../../tensor/state-dict.js';
import type { TensorSpec } from '../../tensor/tensor.js';
import type { Contents, Source } from '../format.js';
import { nodesOf, type PlacedNode } from './graph.js';
import {
  decodeModel,
  type GraphProto,
  type ModelProto,
  mustBeReadable,
  readTensorProto,
  type TensorProto,
} from './messages.js';
import { isRecurrent, modulesOf, type OnnxModule, type OnnxParameter } from './recurrent.js';
import { checkedShape, dtypeOf, onnxTensor } from './tensor.js';
import { type TestData, testData } from './test-data.js';

/** Opens a model: the weights of its recurrent nodes, and its other weights as they are. */
export function openOnnx(source: Source): Contents {
  const { stateDict } = openModel(decoded(source), source);
  return { tensors: () => stateDict };
}

/** Opens a file that holds one tensor. */
export function openOnnxTensor(source: Source): Contents {
  const proto = readTensorProto(source);
  const specs = new Map([[proto.name, { dtype: dtypeOf(proto), shape: [...checkedShape(proto)] }]]);
  return {
    tensors: () => ({
      specs,
      load(names) {
        checkNames(specs, names);
        return new Map(names.map((name) => [name, onnxTensor(proto, source)]));
      },
    }),
  };
}

const OLDEST_OPSET = 7;

/** The recurrent modules of a model, and its weights. */
interface OpenedModel {
  readonly modules: readonly OnnxModule[];
  readonly stateDict: StateDict;
}

interface Model extends ModelProto {
  readonly graph: GraphProto;
}

/** @throws CellcheckError where it is no model */
function decoded(source: Source): Model {
  mustBeReadable(source);
  const model = decodeModel(source.read(0, source.size));
  const { graph } = model;
  if (!graph) throw new CellcheckError({ problem: 'is not an ONNX model: it has no graph' });
  return { ...model, graph };
}

/**
 * @param given values of the graph's inputs: in ONNX's tests weights are among them
 * @throws CellcheckError where there is no recurrent module
 */
function openModel(model: Model, source: Source, given?: ReadonlyMap<string, TensorProto>): OpenedModel {
  const { graph, opset_import } = model;
  const opset = opset_import.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version;
  if (opset !== undefined && opset < OLDEST_OPSET) {
    throw new CellcheckError({
      found: `operators of version ${opset}`,
      expected: `${OLDEST_OPSET} or later`,
      hints: ['Convert it: onnx.version_converter.convert_version(model, 13).'],
    });
  }
  const nodes = nodesOf(graph, given);
  const { modules, refused } = modulesOf(nodes, source);
  const [firstRefused] = refused.values();
  if (modules.length === 0) throw firstRefused ?? noRecurrentNode(model, nodes);
  const parameters = new Map(
    modules.flatMap((module) =>
      [...module.parameters].map(([name, parameter]): [string, OnnxParameter] => [
        module.prefix + name,
        parameter,
      ]),
    ),
  );
  const used = new Set(nodes.filter(isRecurrent).flatMap(({ node }) => node.input));
  for (const initializer of graph.initializer) {
    if (used.has(initializer.name) || parameters.has(initializer.name)) continue;
    const spec: TensorSpec = { dtype: dtypeOf(initializer), shape: [...checkedShape(initializer)] };
    parameters.set(initializer.name, { spec, load: () => onnxTensor(initializer, source) });
  }
  const specs = new Map([...parameters].map(([name, { spec }]) => [name, spec]));
  const stateDict: StateDict = {
    specs,
    notes: leftOut(refused),
    load(names) {
      checkNames(specs, names);
      return new Map(names.map((name) => [name, parameters.get(name)!.load()]));
    },
  };
  return { modules, stateDict };
}

const MOST_NOTES = 8;

function leftOut(refused: ReadonlyMap<string, CellcheckError>): string[] {
  const notes = [...refused]
    .slice(0, MOST_NOTES)
    .map(([name, { message }]) => `the node ${printable(name)} is left out: ${message.split('\n')[0]}`);
  return refused.size > MOST_NOTES
    ? [...notes, `${refused.size - MOST_NOTES} more nodes are left out`]
    : notes;
}

/**
 * A model with test data as ONNX keeps it: a file for each input and output of the graph, in their order.
 * @throws CellcheckError where the data are not those of the model's only recurrent module
 */
export function openTestData(
  source: Source,
  inputs: readonly Source[],
  outputs: readonly Source[],
): TestData & { readonly weights: StateDict } {
  const model = decoded(source);
  const { graph } = model;
  // Initializers may stand among the inputs, as defaults that no file is needed for.
  const stored = new Set(graph.initializer.map(({ name }) => name));
  const inputNames = graph.input.map(({ name }) => name).filter((name) => !stored.has(name));
  const given = byName(inputs, inputNames);
  const { modules, stateDict } = openModel(model, source, given);
  if (modules.length !== 1)
    throw new CellcheckError({
      found: `${modules.length} recurrent modules`,
      expected: 'one, whose data these are',
    });
  const results = byName(
    outputs,
    graph.output.map(({ name }) => name),
  );
  return { ...testData(modules[0], given, results, source), weights: stateDict };
}

/** The tensors of files in the order of the names that they belong to. */
function byName(files: readonly Source[], names: readonly string[]): Map<string, TensorProto> {
  return new Map(
    files.map((file, i) => {
      const proto = readTensorProto(file);
      return [names[i] ?? proto.name, proto];
    }),
  );
}

/** What an unrolled network consists of. */
const UNROLLED = ['MatMul', 'Gemm', 'Sigmoid', 'Tanh', 'Relu'];

function noRecurrentNode({ functions }: ModelProto, nodes: readonly PlacedNode[]): CellcheckError {
  const kinds = nodes.map(({ node }) => node.op_type);
  const count = (kind: string) => kinds.filter((other) => other === kind).length;
  const counts = UNROLLED.filter(count).map((kind) => `${count(kind)} ${kind}`);
  const isUnrolled =
    count('MatMul') + count('Gemm') > 0 && count('Sigmoid') + count('Tanh') + count('Relu') > 0;
  const quantised = kinds.find((kind) => /LSTM|GRU|RNN/.test(kind));
  const inFunction = functions.find(({ node }) =>
    node.some(({ op_type }) => /^(?:RNN|GRU|LSTM)$/.test(op_type)),
  );
  if (quantised !== undefined || inFunction) {
    return new CellcheckError({
      problem: inFunction
        ? `has its recurrent node in the function ${printable(inFunction.name)}, which is not read`
        : `has ${printable(quantised!)} nodes, which are not ONNX's own RNN, GRU or LSTM`,
      hints: [
        inFunction
          ? 'Inline it: onnx.inliner.inline_local_functions(model).'
          : "Take the weights of the model before it was converted; this model's outputs can be the expected ones.",
      ],
    });
  }
  return new CellcheckError({
    problem: isUnrolled
      ? `has no RNN, GRU or LSTM node: the network seems to be unrolled into single operators (${counts.join(', ')})`
      : 'has no RNN, GRU or LSTM node',
    hints: isUnrolled
      ? [
          "Take the weights from the PyTorch checkpoint, and this model's outputs as the expected ones.",
          'torch.onnx.export(…, dynamo=False) keeps the nodes.',
        ]
      : [`It has ${[...new Set(kinds)].slice(0, 8).map(printable).join(', ') || 'no nodes'}.`],
  });
}
