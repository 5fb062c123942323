import fs from 'node:fs';
import path from 'node:path';
import { raw } from '../write.js';
import { bytesOf, floats, type Part, patched, times, u32, u64 } from './bytes.js';
import type { HostileCase } from './corpus.js';
import { INHERITED, WICKED_NAMES } from './names.js';
import {
  attribute,
  field,
  graph,
  int64s,
  lstmWeights,
  message,
  model,
  type NodeParts,
  node,
  number,
  tensorOf,
  tensorProto,
  varint,
} from './onnx-writer.js';
import { CASE, casesOf, ELSEWHERE, type Row, WEIGHTS } from './rows.js';

const STORED = lstmWeights(WEIGHTS);
const INITIALIZERS = Object.entries(STORED).map(([name, tensor]) => tensorOf(name, tensor));
const LSTM: NodeParts = {
  op: 'LSTM',
  name: 'lstm',
  inputs: ['X', 'W', 'R', 'B'],
  outputs: ['Y', 'Y_h', 'Y_c'],
  attributes: [attribute.int('hidden_size', 4)],
};

interface Changes {
  readonly lstm?: Partial<NodeParts>;
  /** Before the LSTM. */
  readonly nodes?: readonly Part[];
  readonly initializers?: readonly Part[];
  readonly moreInitializers?: readonly Part[];
  readonly more?: readonly Part[];
  readonly opset?: number;
}

/** A model of one LSTM node, and what is otherwise about it. */
const changed = ({
  lstm,
  nodes = [],
  initializers = INITIALIZERS,
  moreInitializers = [],
  more,
  opset,
}: Changes = {}) =>
  model(
    graph({
      nodes: [...nodes, node({ ...LSTM, ...lstm })],
      initializers: [...initializers, ...moreInitializers],
      inputs: ['X'],
      outputs: ['Y', 'Y_h', 'Y_c'],
    }),
    opset,
    more,
  );
const having = (one: Part, op = 'LSTM') =>
  changed({ lstm: { op, attributes: [attribute.int('hidden_size', 4), one] } });
/** The model with another initializer W. */
const withW = (one: Part) => changed({ initializers: [one, ...INITIALIZERS.slice(1)] });
const W = { name: 'W', dims: STORED.W.shape, raw: STORED.W.bytes };
/** The model whose W comes out of nodes. */
const computed = (nodes: readonly NodeParts[], moreInitializers: readonly Part[] = []) =>
  changed({
    lstm: { inputs: ['X', 'w', 'R', 'B'] },
    nodes: nodes.map(node),
    moreInitializers,
  });
const external = (entries: Readonly<Record<string, string>>) =>
  withW(tensorProto({ name: 'W', dims: STORED.W.shape, external: entries }));

/** Subgraphs in each other, the LSTM in the innermost. */
function nested(depth: number): Buffer {
  let inner = bytesOf(graph({ nodes: [node(LSTM)] }));
  for (let i = 0; i < depth; i++)
    inner = bytesOf(
      graph({
        nodes: [node({ op: 'If', name: `if${i}`, attributes: [attribute.graph('then_branch', inner)] })],
      }),
    );
  return model([inner, INITIALIZERS.map((one) => message(5, one))]);
}

const doubling = (count: number, inputs: number): NodeParts[] => [
  ...Array.from({ length: count - 1 }, (_, i) => ({
    op: 'Concat',
    inputs: Array(inputs).fill(i ? `c${i - 1}` : 'W'),
    outputs: [`c${i}`],
    attributes: [attribute.int('axis', 0)],
  })),
  {
    op: 'Concat',
    inputs: Array(inputs).fill(`c${count - 2}`),
    outputs: ['w'],
    attributes: [attribute.int('axis', 0)],
  },
];

const attributes: readonly Row[] = [
  ['clip', having(attribute.float('clip', 1)), 2, 'lstm', 'clip'],
  ['clip of 0', having(attribute.float('clip', 0)), 2, 'lstm', 'clip'],
  ['input_forget', having(attribute.int('input_forget', 1)), 2, 'lstm', 'input_forget'],
  ['direction reverse', having(attribute.text('direction', 'reverse')), 2, 'lstm', 'direction'],
  [
    'direction bidirectional with the weights of one',
    having(attribute.text('direction', 'bidirectional')),
    2,
    'lstm',
    'do not fit',
  ],
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `a direction with ${what}`,
      having(attribute.text('direction', name)),
      2,
      'lstm',
      'direction',
    ],
  ),
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `activations with ${what}`,
      having(attribute.texts('activations', [name, 'Tanh', 'Tanh'])),
      2,
      'lstm',
      'activations',
    ],
  ),
  [
    'other activations',
    having(attribute.texts('activations', ['HardSigmoid', 'Tanh', 'Tanh'])),
    2,
    'lstm',
    'activations',
  ],
  ['too few activations', having(attribute.texts('activations', ['Sigmoid'])), 2, 'lstm', 'activations'],
  [
    '100,000 activations',
    having(attribute.texts('activations', Array(100_000).fill('Tanh'))),
    2,
    'activations',
  ],
  [
    'a GRU without linear_before_reset',
    having(attribute.int('linear_before_reset', 0), 'GRU'),
    2,
    'lstm',
    'linear_before_reset',
  ],
  [
    'a GRU with an LSTM’s weights',
    having(attribute.int('linear_before_reset', 1), 'GRU'),
    2,
    'lstm',
    'do not fit',
  ],
  [
    'an RNN with an LSTM’s weights',
    changed({ lstm: { op: 'RNN', attributes: [] } }),
    2,
    'lstm',
    'do not fit',
  ],
  [
    'peepholes',
    changed({
      lstm: { inputs: ['X', 'W', 'R', 'B', '', '', '', 'P'] },
      moreInitializers: [tensorOf('P', raw([1, 12], Array(12).fill(0.5)))],
    }),
    2,
    'lstm',
    'peepholes',
  ],
  [
    'peepholes that are NaN',
    changed({
      lstm: { inputs: ['X', 'W', 'R', 'B', '', '', '', 'P'] },
      moreInitializers: [tensorOf('P', raw([1, 12], Array(12).fill(Number.NaN)))],
    }),
    2,
    'lstm',
    'peepholes',
  ],
  ...[5, -4, 2 ** 40, 2n ** 63n - 1n].map(
    (size): Row => [
      `hidden_size ${size}`,
      changed({ lstm: { attributes: [attribute.int('hidden_size', size)] } }),
      2,
      'lstm',
      'do not fit',
    ],
  ),
  ...[1, 6].map(
    (opset): Row => [`operators of version ${opset}`, changed({ opset }), 2, 'operators of version'],
  ),
  ['operators of version -1', changed({ opset: -1 }), 2, 'operators of version'],
  ['no weights', changed({ lstm: { inputs: ['X'] } }), 2, 'lstm', 'no weights'],
  ['no inputs', changed({ lstm: { inputs: [] } }), 2, 'lstm', 'no weights'],
  ['weights without a name', changed({ lstm: { inputs: ['X', '', '', ''] } }), 2, 'lstm', 'no weights'],
  ['weights that are inputs', changed({ lstm: { inputs: ['X', 'X', 'X', 'X'] } }), 2, 'no constant'],
  [
    'weights that nothing makes',
    changed({ lstm: { inputs: ['X', 'nothing', 'R'] } }),
    2,
    'nothing',
    'no constant',
  ],
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `weights whose name has ${what}`,
      changed({ lstm: { inputs: ['X', name, 'R'] } }),
      2,
      'no constant',
    ],
  ),
  ['weights that are their own output', changed({ lstm: { inputs: ['X', 'Y', 'R'] } }), 2, 'comes from LSTM'],
  ['another domain', changed({ lstm: { domain: 'com.microsoft' } }), 2, 'not ONNX'],
  [
    'an operator of another domain by another name',
    changed({ lstm: { op: 'DynamicQuantizeLSTM', domain: 'com.microsoft' } }),
    2,
    'DynamicQuantizeLSTM',
  ],
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `an operator whose name has ${what}`,
      changed({ lstm: { op: `${name}LSTM` } }),
      2,
      'has ',
    ],
  ),
];

const tensors: readonly Row[] = [
  ...[
    [-16, 3],
    [1, -16, 3],
    [1, 16, -3],
    [-1, -16, 3],
    [2n ** 63n, 1, 1],
    [2n ** 53n, 1],
    [2n ** 32n, 2n ** 32n, 2n ** 32n],
    Array(64).fill(2n ** 52n),
    [...Array(64).fill(2n ** 52n), 0],
  ].map(
    (dims): Row => [
      `W of ${dims.length} sizes, as ${String(dims).slice(0, 60)}`,
      withW(tensorProto({ ...W, dims: dims as number[] })),
      2,
      'W',
      'shape that no tensor has',
    ],
  ),
  ...[
    [],
    [48],
    [16, 3],

    [2, 16, 3],
    [1, 0, 3],
    [1, 16, 0],
    [0, 0, 0],
    [1, 15, 3],
    [1, 1, 48],
    [1, 2 ** 20, 2 ** 20],
    Array(1000).fill(1),
  ].map(
    (dims): Row => [
      `W of ${dims.length} sizes ${String(dims).slice(0, 60)}`,
      withW(tensorProto({ ...W, dims })),
      2,
    ],
  ),
  [
    'W of a million sizes',
    withW(tensorProto({ ...W, dims: [], more: [message(1, times(1_000_000, 1))] })),
    2,
  ],
  [
    'W and R without elements',
    changed({
      initializers: [
        tensorProto({ name: 'W', dims: [1, 0, 3] }),
        tensorProto({ name: 'R', dims: [1, 0, 0] }),
        tensorProto({ name: 'B', dims: [1, 0] }),
      ],
    }),
    2,
  ],
  ['W a byte shorter', withW(tensorProto({ ...W, raw: W.raw.subarray(1) })), 2, 'W', '191 bytes'],
  ['W a byte longer', withW(tensorProto({ ...W, raw: bytesOf(W.raw, 0) })), 2, 'W', '193 bytes'],
  ['W without data', withW(tensorProto({ ...W, raw: undefined })), 2, 'W', 'found 0 values'],
  [
    'W of listed values that are too few',
    withW(tensorProto({ ...W, raw: undefined, more: [message(4, floats([1, 2]))] })),
    2,
    'W',
    'found 2 values',
  ],
  [
    'W of listed values of another dtype',
    withW(tensorProto({ ...W, raw: undefined, more: [message(10, times(48, u64(0)))] })),
    2,
    'W',
    'found 0 values',
  ],
  ...[0, 8, 9, 14, 15, 17, 21, 99, -1, 2 ** 31 - 1].map(
    (type): Row => [`W of dtype number ${type}`, withW(tensorProto({ ...W, type })), 2],
  ),
  ['W twice', changed({ moreInitializers: [tensorProto({ ...W, raw: times(192, 1) })] }), 2, 'W'],
  [
    'a spare initializer of negative size',
    changed({ moreInitializers: [tensorProto({ name: 'spare', dims: [-1], raw: bytesOf() })] }),
    2,
    'spare',
  ],
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `a spare initializer of negative size whose name has ${what}`,
      changed({ moreInitializers: [tensorProto({ name, dims: [-1], raw: bytesOf() })] }),
      2,
      'shape',
    ],
  ),

  // Other files
  ...[
    '../secret.bin',
    '../../../../etc/passwd',
    '/etc/passwd',
    '',
    '.',
    '..',
    'a//b',
    'a/../../b',
    'C:\\x',
    'a\\..\\b',
    '\0',
    'https://x/y',
    './w.bin',
    'w.bin/',
    'w.bin\0.txt',
  ].map((location): Row => [`data in ${JSON.stringify(location)}`, external({ location }), 2, 'W', 'folder']),
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `data in a file whose name has ${what}`,
      external({ location: name }),
      2,
      ELSEWHERE,
    ],
  ),
  ['data in a file that is not there', external({ location: 'nothing.bin' }), 2, ELSEWHERE, 'nothing.bin'],
  ['data without a location', external({}), 2, 'W'],
  ...['-1', '1', '9007199254740992', '18446744073709551615', '1e300', 'NaN', 'x', '0.5', '-0.5'].map(
    (offset): Row => [`data at ${offset}`, external({ location: 'w.bin', offset }), 2],
  ),
  ...['-1', '0', '191', '193', '1e300', 'x', 'NaN'].map(
    (length): Row => [`data of length ${length}`, external({ location: 'w.bin', length }), 2, 'W'],
  ),
  ['data in a file that is too short', external({ location: 'short.bin' }), 2, ELSEWHERE, 'short.bin'],
  ['data in the model itself, beyond its end', external({ location: 'x.onnx', offset: '100000' }), 2],
  ['data in a folder', external({ location: 'folder' }), 2, ELSEWHERE, 'folder'],
];

const folded: readonly Row[] = [
  ...['Identity', 'Cast', 'Transpose', 'Squeeze', 'Unsqueeze', 'Concat', 'Slice', 'Constant'].map(
    (op): Row => [`W out of a ${op} without inputs`, computed([{ op, outputs: ['w'] }]), 2, 'w'],
  ),
  ['W out of itself', computed([{ op: 'Identity', inputs: ['w'], outputs: ['w'] }]), 2],
  [
    'W out of two nodes in a circle',
    computed([
      { op: 'Identity', inputs: ['a'], outputs: ['w'] },
      { op: 'Identity', inputs: ['w'], outputs: ['a'] },
    ]),
    2,
  ],
  [
    'W out of a circle that doubles',
    computed([
      { op: 'Concat', inputs: ['a', 'a'], outputs: ['w'] },
      { op: 'Concat', inputs: ['w', 'w'], outputs: ['a'] },
    ]),
    2,
  ],
  [
    'W out of 10,000 nodes',
    computed(
      Array.from({ length: 10_000 }, (_, i) => ({
        op: 'Identity',
        inputs: [i ? `n${i - 1}` : 'W'],
        outputs: [i === 9999 ? 'w' : `n${i}`],
      })),
    ),
    2,
  ],
  ['W that is doubled 20 times', computed(doubling(20, 2)), 2],
  [
    'W that is doubled 31 times, and is not needed',
    () =>
      computed([
        ...doubling(22, 2).map((one) => ({
          ...one,
          outputs: one.outputs?.map((name) => (name === 'w' ? 'never' : name)),
        })),
      ]),
    2,
  ],
  ['W a hundred times, three times', computed(doubling(3, 100)), 2],
  [
    'a megabyte 300 times',
    () =>
      computed(
        [{ op: 'Concat', inputs: Array(300).fill('big'), outputs: ['w'] }],
        [tensorOf('big', raw([262_144], new Float32Array(262_144)))],
      ),
    2,
  ],
  ...INHERITED.map(
    (op): Row => [`W out of a ${op}`, computed([{ op, inputs: ['W'], outputs: ['w'] }]), 2, 'w'],
  ),
  [
    'W out of a million axes',
    () =>
      computed(
        [{ op: 'Unsqueeze', inputs: ['W', 'axes'], outputs: ['w'] }],
        [
          int64s(
            'axes',
            Array.from({ length: 60_000 }, (_, i) => i + 3),
          ),
        ],
      ),
    2,
  ],
  [
    'W squeezed along a million axes',
    () =>
      computed(
        [{ op: 'Squeeze', inputs: ['many', 'axes'], outputs: ['w'] }],
        [
          tensorProto({
            name: 'many',
            dims: [],
            raw: bytesOf(u32(0)),
            more: [message(1, times(60_000, 1))],
          }),
          int64s('axes', Array(60_000).fill(1_000_000)),
        ],
      ),
    2,
  ],
  [
    'W transposed along a million axes',
    () =>
      computed(
        [{ op: 'Transpose', inputs: ['many'], outputs: ['w'] }],
        [
          tensorProto({
            name: 'many',
            dims: [],
            raw: bytesOf(u32(0)),
            more: [message(1, times(20_000, 1))],
          }),
        ],
      ),
    2,
  ],
  ...(
    [
      [0.5, 1],
      [Number.NaN, 1],
      [0, Number.NaN],
      [Number.NEGATIVE_INFINITY, 0.25],
    ] as const
  ).map(
    ([from, to]): Row => [
      `W sliced from ${from} to ${to}`,
      computed(
        [{ op: 'Slice', inputs: ['W', 'from', 'to', 'axes'], outputs: ['w'] }],
        [tensorOf('from', raw([1], [from])), tensorOf('to', raw([1], [to])), int64s('axes', [0])],
      ),
      2,
    ],
  ),
  [
    'W sliced along a half',
    computed(
      [{ op: 'Slice', inputs: ['W', 'from', 'to', 'axes'], outputs: ['w'] }],
      [int64s('from', [0]), int64s('to', [1]), tensorOf('axes', raw([1], [0.5]))],
    ),
    2,
  ],
  [
    'W sliced along axis 2^40',
    computed(
      [{ op: 'Slice', inputs: ['W', 'from', 'to', 'axes'], outputs: ['w'] }],
      [int64s('from', [0]), int64s('to', [1]), int64s('axes', [2 ** 40])],
    ),
    2,
  ],
  [
    'W joined along axis 2^40',
    computed([
      { op: 'Concat', inputs: ['W', 'W'], outputs: ['w'], attributes: [attribute.int('axis', 2 ** 40)] },
    ]),
    2,
  ],
  [
    'W joined with R',
    computed([{ op: 'Concat', inputs: ['W', 'R'], outputs: ['w'], attributes: [attribute.int('axis', 0)] }]),
    2,
  ],
  [
    'W in an order that is none',
    computed([
      { op: 'Transpose', inputs: ['W'], outputs: ['w'], attributes: [attribute.ints('perm', [0, 0, 1])] },
    ]),
    2,
  ],
];

const messages: readonly Row[] = [
  ['nothing at all', bytesOf(), 2],
  ['zeros', times(100, 0), 2],
  ['0xff', times(100, 0xff), 2],
  ['text', bytesOf('this is not a model at all'), 2],
  ['a model without a graph', bytesOf(number(1, 8)), 2, 'no graph'],
  ['an empty graph', model([]), 2, 'no RNN, GRU or LSTM node'],
  ['a graph that is a number', bytesOf(number(7, 1)), 2],
  ['a graph that is four bytes', bytesOf(field(7, 5, u32(1))), 2],
  ['a graph longer than the file', bytesOf(field(7, 2, varint(1000), 'x')), 2],
  ['a graph of 2^31 bytes', bytesOf(field(7, 2, varint(2 ** 31), 'x')), 2],
  ['a graph of 2^63 bytes', bytesOf(field(7, 2, varint(2n ** 63n), 'x')), 2],
  ['a graph of -1 bytes', bytesOf(field(7, 2, times(9, 0xff), 1)), 2],
  ['a number without an end', bytesOf(8, times(1000, 0x80)), 2],
  ['a number of eleven bytes', bytesOf(8, times(10, 0x80), 1, changed()), 0],
  ['a tag without an end', bytesOf(times(20, 0x80)), 2],
  ['field 0', bytesOf(number(0, 1), changed()), 2],
  ['a wire type of 6', bytesOf(field(7, 6), changed()), 2],
  ['a wire type of 7', bytesOf(field(7, 7), changed()), 2],
  ['a group without an end', bytesOf(field(100, 3), changed()), 2],
  ['the end of a group without one', bytesOf(field(100, 4), changed()), 2],
  [
    'groups in each other 100,000 deep',
    bytesOf(times(100_000, bytesOf(field(100, 3))), times(100_000, bytesOf(field(100, 4)))),
    2,
  ],
  ['an operator that is a number', changed({ nodes: [[number(4, 1)]] }), 0],
  ['sizes that are text', withW([message(1, 'xyz'), message(8, 'W'), number(2, 1), message(9, W.raw)]), 2],
  [
    'a dtype that is text',
    withW([W.dims.map((size) => number(1, size)), message(8, 'W'), message(2, 'x'), message(9, W.raw)]),
    2,
  ],
  [
    'data that are a number',
    withW([W.dims.map((size) => number(1, size)), message(8, 'W'), number(2, 1), number(9, 1)]),
    2,
  ],
  [
    'listed floats of three bytes',
    withW([W.dims.map((size) => number(1, size)), message(8, 'W'), number(2, 1), message(4, [1, 2, 3])]),
    2,
  ],
  [
    'a name that is not UTF-8',
    changed({ lstm: { op: 'LSTM' }, nodes: [[message(4, Uint8Array.of(0xff, 0xfe))]] }),
    0,
  ],
  ['a million empty nodes', model(times(999_000, bytesOf(message(1)))), 2],
  ['a million empty initializers', model(times(999_000, bytesOf(message(5)))), 2],
  ['a million empty attributes', model(message(1, times(999_000, bytesOf(message(5))))), 2],
  ['three million empty nodes', model(times(3_000_000, bytesOf(message(1)))), 2, 'fields'],
  ['a million inputs of a node', model(message(1, message(4, 'X'), times(999_000, bytesOf(message(1))))), 2],
  [
    'nine million listed integers',
    () => withW([message(8, 'W'), number(2, 7), message(7, times(9_000_000, 1))]),
    2,
  ],
  ['nine million sizes', () => withW([message(8, 'W'), number(2, 7), message(1, times(9_000_000, 1))]), 2],
  [
    'nine million integers of an attribute',
    () => having([message(1, 'x'), message(8, times(9_000_000, 1))]),
    2,
    'integers',
  ],
  ...[40, 100, 1000].map((depth): Row => [`subgraphs in each other ${depth} deep`, () => nested(depth), 2]),
  [
    'subgraphs in each other 10,000 deep',
    () => {
      // Lengths are correct from the outermost to the innermost: 10,000 times 20 bytes.
      let size = 0;
      const heads: Buffer[] = [];
      for (let i = 0; i < 10_000; i++) {
        for (const number_ of [6, 5, 1]) {
          const head = bytesOf(varint((number_ << 3) | 2), varint(size));
          heads.push(head);
          size += head.length;
        }
      }
      return bytesOf(varint((7 << 3) | 2), varint(size), heads.reverse());
    },
    2,
  ],
  [
    '4,000 modules of one name',
    () =>
      model(
        graph({
          nodes: Array.from({ length: 4_000 }, () =>
            node({ op: 'LSTM', name: 'lstm', inputs: ['X', 'W', 'R'] }),
          ),
          initializers: INITIALIZERS,
        }),
      ),
    2,
  ],
  [
    '20,000 nodes that are refused, and one that is not',
    () =>
      changed({
        nodes: Array.from({ length: 20_000 }, (_, i) => node({ op: 'LSTM', name: `r${i}`, inputs: ['X'] })),
      }),
    0,
  ],
  [
    'modules in a subgraph with a long name',
    () =>
      model(
        graph({
          nodes: [
            node({
              op: 'If',
              name: 'n'.repeat(300_000),
              attributes: [
                attribute.graph(
                  'then_branch',
                  graph({
                    nodes: Array.from({ length: 100 }, (_, i) =>
                      node({ op: 'LSTM', name: `l${i}`, inputs: ['X', 'W', 'R'] }),
                    ),
                  }),
                ),
              ],
            }),
          ],
          initializers: INITIALIZERS,
        }),
      ),
    2,
  ],
];

const rows: readonly Row[] = [
  ['as it is', changed(), 0],
  ['with fields that are not known', changed({ more: [number(1000, 5), message(1001, 'x')] }), 0],
  ['with weights in another file', external({ location: 'w.bin' }), 0],
  [
    'with weights in a part of another file',
    external({ location: 'offset.bin', offset: '4', length: '192' }),
    0,
  ],
  [
    'with weights that nodes make',
    computed(
      [
        { op: 'Transpose', inputs: ['turned'], outputs: ['t'], attributes: [attribute.ints('perm', [1, 0])] },
        { op: 'Unsqueeze', inputs: ['t'], outputs: ['w'], attributes: [attribute.ints('axes', [0])] },
      ],
      [tensorOf('turned', turned())],
    ),
    0,
  ],
  ['in a subgraph', nested(1), 0],
  ['in 20 subgraphs', nested(20), 0],
  ...INHERITED.map(
    (name): Row => [
      `a spare initializer named ${name}`,
      changed({ moreInitializers: [tensorOf(name, raw([1], [1]))] }),
      0,
    ],
  ),
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `a spare initializer whose name has ${what}`,
      changed({ moreInitializers: [tensorOf(name, raw([1], [1]))] }),
      0,
    ],
  ),
  ...WICKED_NAMES.map(
    ([what, name]): Row => [`a node whose name has ${what}`, changed({ lstm: { name } }), 0],
  ),
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `a refused node whose name has ${what}`,
      changed({ lstm: { name, attributes: [attribute.float('clip', 1)] } }),
      2,
      'clip',
    ],
  ),
  ...WICKED_NAMES.map(
    ([what, name]): Row => [
      `a node besides, refused, whose name has ${what}`,
      changed({ nodes: [node({ op: 'LSTM', name, attributes: [attribute.float('clip', 1)] })] }),
      0,
    ],
  ),
  ...attributes,
  ...tensors,
  ...folded,
  ...messages,
  ...[1, 2, 10, 100, 500].map((cut): Row => [`${cut} bytes less`, changed().subarray(0, -cut), 2]),
];

function turned() {
  const [, rows_, columns] = STORED.W.shape;
  const values = new Float32Array(Uint8Array.from(STORED.W.bytes).buffer);
  return raw(
    [columns, rows_],
    Array.from(values, (_, i) => values[(i % rows_) * columns + Math.floor(i / rows_)]),
  );
}

const INPUT = tensorOf('X', CASE.input);
const OUTPUT = tensorOf('output', CASE.output);
const pb = (parts: Parameters<typeof tensorProto>[0]) =>
  bytesOf(tensorProto({ name: 'output', dims: CASE.output.shape, raw: CASE.output.bytes, ...parts }));

const pbRows: readonly Row[] = [
  ['as it is', pb({}), 0],
  ['values that are listed', pb({ raw: undefined, more: [message(4, CASE.output.bytes)] }), 0],
  ['nothing at all', bytesOf(), 2],
  ['a model', changed(), 2],
  ['a dtype only', bytesOf(number(2, 1)), 2],
  ['no dtype', pb({ type: 0 }), 2, 'no dtype'],
  ['text', bytesOf('hello world'), 2],
  ['zeros', times(64, 0), 2],
  ['a byte less of data', pb({ raw: CASE.output.bytes.subarray(1) }), 2, 'output', '191 bytes'],
  ['a byte more of data', pb({ raw: bytesOf(CASE.output.bytes, 0) }), 2, 'output', '193 bytes'],
  ['no data', pb({ raw: undefined }), 2, 'output', 'found 0 values'],
  ['a size of -6', pb({ dims: [-6, 2, 4] }), 2, 'output', 'shape'],
  ['two sizes that are negative', pb({ dims: [-6, -2, 4] }), 2, 'output', 'shape'],
  ['sizes of 2^32', pb({ dims: [2n ** 32n, 2n ** 32n] }), 2, 'output', 'shape'],
  ['a size of 2^40', pb({ dims: [2 ** 40] }), 2, 'output'],
  ['a scalar', pb({ dims: [] }), 2, 'output'],
  ['100,000 sizes', pb({ dims: [], more: [message(1, times(100_000, 1))] }), 2, 'output'],
  ...[8, 14, 15, 17, 99, -5].map((type): Row => [`dtype number ${type}`, pb({ type }), 2, 'output']),
  [
    'data in /etc/passwd',
    pb({ raw: undefined, external: { location: '/etc/passwd' } }),
    2,
    'output',
    'folder',
  ],
  ['data in ../x', pb({ raw: undefined, external: { location: '../x' } }), 2, 'output', 'folder'],
  [
    'data in a file that is not there',
    pb({ raw: undefined, external: { location: 'nothing' } }),
    2,
    ELSEWHERE,
    'nothing',
  ],
  ...WICKED_NAMES.map(([what, name]): Row => [`a name with ${what}`, pb({ name, dims: [-1] }), 2, 'shape']),
  ...INHERITED.map((name): Row => [`the name ${name}`, pb({ name, dims: [-1] }), 2, 'shape']),
  ...[1, 10, 100, 150].map((cut): Row => [`${cut} bytes less`, bytesOf(OUTPUT).subarray(0, -cut), 2]),
  ['a changed tag', patched(pb({}), 0, 0x0f), 2],
];

const BESIDE = {
  'w.bin': STORED.W.bytes,
  'offset.bin': bytesOf(u32(7), STORED.W.bytes, u32(7)),
  'short.bin': STORED.W.bytes.subarray(1),
  'folder/x': '',
};

const only = (names: string): readonly Row[] => rows.filter(([name]) => name === names);

/** A folder with a model and its test data, one of which is spoilt. */
const data = (files: Readonly<Record<string, Uint8Array>>) => ({
  'model.onnx': changed(),
  'test_data_set_0/input_0.pb': bytesOf(INPUT),
  'test_data_set_0/output_0.pb': bytesOf(
    tensorProto({ name: 'Y', dims: [6, 1, 2, 4], raw: CASE.output.bytes }),
  ),
  ...files,
});

const folderCases: readonly HostileCase[] = (
  [
    ['a model that is none', { 'model.onnx': bytesOf('x') }, 'model.onnx'],
    ['an input that is none', { 'test_data_set_0/input_0.pb': bytesOf('x') }, ''],
    [
      'an input of negative size',
      { 'test_data_set_0/input_0.pb': bytesOf(tensorProto({ name: 'X', dims: [-1] })) },
      'X',
    ],
    [
      'an output of another size',
      {
        'test_data_set_0/output_0.pb': bytesOf(
          tensorProto({ name: 'Y', dims: [6, 1, 2, 5], raw: CASE.output.bytes }),
        ),
      },
      'Y',
    ],
    ['two models', { 'other.onnx': changed() }, 'other.onnx'],
    ['a second input that is none', { 'test_data_set_0/input_1.pb': bytesOf(0xff) }, ''],
  ] satisfies [string, Record<string, Uint8Array>, string][]
).map(([name, files, says]) => ({
  name: `onnx data: ${name}`,
  files: data(files),
  argv: ['test_data_set_0'],
  exit: 2,
  says: [says],
}));

export const ONNX_CASES: readonly HostileCase[] = [
  ...casesOf('onnx', 'x.onnx', 'weights', rows, BESIDE),
  ...casesOf('onnx tensor', 'x.pb', 'expected', pbRows),
  ...folderCases,
  ...casesOf('onnx, weights that are a FIFO', 'x.onnx', 'weights', only('with weights in another file')).map(
    (hostile) => ({
      ...hostile,
      make: (folder: string) => fs.symlinkSync('/dev/zero', path.join(folder, 'w.bin')),
      exit: 2 as const,
      says: ['w.bin'],
    }),
  ),
];
