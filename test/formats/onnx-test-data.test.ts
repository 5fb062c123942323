import { describe, expect, test } from 'vitest';
import { openTestData } from '../../src/formats/onnx/open.js';
import { bytesOf, type Part } from '../hostile/bytes.js';
import { attribute, graph, int64s, lstmWeights, model, node, tensorOf } from '../hostile/onnx-writer.js';
import { lstmBundle, raw } from '../write.js';
import { sourceOf } from './source.js';

const WEIGHTS = lstmWeights(lstmBundle());
const filled = (...shape: number[]) => raw(shape, Array(shape.reduce((a, b) => a * b)).fill(0.25));
const file = (name: string, value: ReturnType<typeof filled>) => sourceOf(bytesOf(tensorOf(name, value)));

/** What a graph of these nodes, with an LSTM 3 → 4 among them, makes of the values of its inputs and outputs. */
function read(
  nodes: readonly Part[],
  inputs: Record<string, ReturnType<typeof filled>>,
  outputs: Record<string, ReturnType<typeof filled>>,
) {
  const initializers = [
    ...Object.entries(WEIGHTS).map(([name, value]) => tensorOf(name, value)),
    ...['zero', 'one', 'two'].map((name, i) => int64s(name, [i])),
  ];
  const bytes = model(
    graph({ nodes, initializers, inputs: Object.keys(inputs), outputs: Object.keys(outputs) }),
  );
  const files = (values: typeof inputs) => Object.entries(values).map(([name, value]) => file(name, value));
  const { tensors, batch_first, warnings } = openTestData(sourceOf(bytes), files(inputs), files(outputs));
  return {
    roles: Object.fromEntries([...tensors].map(([role, { shape }]) => [role, shape])),
    batch_first,
    warnings,
  };
}

const lstm = (inputs: string[], outputs = ['Y', 'Y_h', 'Y_c']) =>
  node({ op: 'LSTM', name: '/rnn/LSTM', inputs, outputs, attributes: [attribute.int('hidden_size', 4)] });
const X = filled(6, 2, 3);

describe('which of a graph’s inputs and outputs are those of its recurrent node', () => {
  test('the node’s own', () => {
    expect(
      read(
        [lstm(['X', 'W', 'R', 'B', '', 'h', 'c'])],
        { X, h: filled(1, 2, 4), c: filled(1, 2, 4) },
        { Y: filled(6, 1, 2, 4) },
      ),
    ).toEqual({
      roles: { input: [6, 2, 3], h_0: [1, 2, 4], c_0: [1, 2, 4], output: [6, 1, 2, 4] },
      batch_first: false,
      warnings: [],
    });
  });

  test('a state that is a slice of an input', () => {
    const slice = node({ op: 'Slice', inputs: ['h', 'zero', 'one', 'zero'], outputs: ['h0'] });
    const { roles } = read(
      [slice, lstm(['X', 'W', 'R', 'B', '', 'h0'])],
      { X, h: filled(1, 2, 4) },
      { Y_h: filled(1, 2, 4) },
    );
    expect(roles).toEqual({ input: [6, 2, 3], h_0: [1, 2, 4], h_n: [1, 2, 4] });
  });

  test('the batch is first where both are transposed; one alone is put in the other’s order', () => {
    const into = node({
      op: 'Transpose',
      inputs: ['x'],
      outputs: ['X'],
      attributes: [attribute.ints('perm', [1, 0, 2])],
    });
    const squeeze = node({ op: 'Squeeze', inputs: ['Y', 'one'], outputs: ['y'] });
    const out = node({
      op: 'Transpose',
      inputs: ['y'],
      outputs: ['yt'],
      attributes: [attribute.ints('perm', [1, 0, 2])],
    });
    const run = lstm(['X', 'W', 'R', 'B']);
    const x = filled(2, 6, 3);
    expect(read([into, run, squeeze, out], { x }, { yt: filled(2, 6, 4) })).toMatchObject({
      roles: { input: [2, 6, 3], output: [2, 6, 4] },
      batch_first: true,
    });
    expect(read([into, run, squeeze], { x }, { y: filled(6, 2, 4) })).toMatchObject({
      roles: { input: [2, 6, 3], output: [2, 6, 4] },
      batch_first: true,
    });
  });

  test('an input that does not lead to the node is refused: it may be a state', () => {
    const add = node({ op: 'Add', inputs: ['h', 'h'], outputs: ['h0'] });
    const run = lstm(['X', 'W', 'R', 'B', '', 'h0']);
    expect(() => read([add, run], { X, h: filled(1, 2, 4) }, { Y_h: filled(1, 2, 4) })).toThrow(
      'the graph does not show what becomes of h',
    );
  });

  test('an output that is none of the node’s is left aside with a warning; without any other it is refused', () => {
    const tanh = node({ op: 'Tanh', inputs: ['Y_h'], outputs: ['t'] });
    const run = lstm(['X', 'W', 'R', 'B']);
    expect(read([run, tanh], { X }, { Y_h: filled(1, 2, 4), t: filled(1, 2, 4) }).warnings).toEqual([
      'the output t is none of the recurrent node’s, and not compared'.replace('’', "'"),
    ]);
    expect(() => read([run, tanh], { X }, { t: filled(1, 2, 4) })).toThrow('where its outputs go');
  });
});
