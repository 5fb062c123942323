import { expect, test } from 'vitest';
import { bind } from '../../src/module/bind.js';
import type { Module } from '../../src/module/parameters.js';
import { linesOf } from '../errors.js';
import { caseWith, lstm, type Shapes } from './modules.js';

type Said = Partial<Module> & { readonly batch_first?: boolean };

const errorOf = (shapes: Shapes, { batch_first, ...otherwise }: Said = {}) => {
  const module = lstm(otherwise);
  return linesOf(() => bind(module, caseWith(module, shapes), batch_first));
};

// The one hint that tells most, and the cases that get it: of an LSTM 3 → 4, but for what is said.
const HINTS: readonly [hint: string, ...cases: readonly [shapes: Shapes, said?: Said][]][] = [
  [
    'The 3 features are in dimension 0; PyTorch takes them last: input.transpose(0, -1).contiguous().',
    [{ input: [3, 5, 2] }],
    [{ input: [3, 5] }],
    [{ input: [3, 5, 2] }, { cell: true }],
  ],
  [
    'The 3 features are in dimension 1; PyTorch takes them last: input.transpose(1, -1).contiguous().',
    [{ input: [5, 3, 2] }],
  ],
  [
    "weight_ih takes 3 features. Is this another layer's input?",
    [{ input: [3, 2] }, { cell: true }],
    [{ input: [7] }, { cell: true }],
  ],
  [
    "weight_ih_l0 takes 3 features. Is this another layer's input?",
    [{ input: [5, 2, 7] }],
    [{ input: [7] }],
    [{ input: [] }],
    [{ input: [5], output: [5, 2, 5] }],
  ],
  [
    'A sequence is [T, 3], a batch [T, B, 3] or, with batch_first, [B, T, 3].',
    [{ input: [3] }],
    [{ input: [5, 2, 1, 3] }],
    [{ input: [5, 2, 4, 3] }],
    [{ input: [1, 5, 2, 3], output: [5, 2, 4] }],
  ],
  [
    'The 3 features are in dimension 2; PyTorch takes them last: input.transpose(2, -1).contiguous().',
    [{ input: [5, 2, 3, 1] }],
  ],
  ['LSTMCell takes one step [3] or [B, 3], or a loop [T, B, 3].', [{ input: [2, 5, 2, 3] }, { cell: true }]],
  [
    'With proj_size, h has 2 values: only c has 4.',
    [{ input: [5, 2, 3], output: [5, 2, 4] }, { proj_size: 2 }],
    [{ input: [5, 2, 3], h_n: [1, 2, 4] }, { proj_size: 2 }],
  ],
  [
    'With proj_size, c keeps its 4 values: only h has 2.',
    [{ input: [5, 2, 3], c_n: [1, 2, 2] }, { proj_size: 2 }],
    [{ input: [5, 2, 3], c_0: [1, 2, 2], h_0: [1, 2, 2] }, { proj_size: 2 }],
  ],
  [
    "This is one direction's half: a bidirectional output has forward and reverse beside each other.",
    [{ input: [5, 2, 3], output: [5, 2, 4] }, { bidirectional: true }],
  ],
  [
    'This is the output of a bidirectional module, and the state_dict has no _reverse parameters.',
    [{ input: [5, 2, 3], output: [5, 2, 8] }],
  ],
  [
    'This is one step only, as out[-1] or, with batch_first, out[:, -1] gives it. Save the whole output, or the last state as h_n.',
    [{ input: [5, 2, 3], output: [2, 4] }],
    [{ input: [5, 2, 3], output: [1, 2, 4] }],
    [{ input: [2, 5, 3], output: [2, 1, 4] }, { batch_first: true }],
    [{ input: [2, 5, 3], output: [2, 4] }, { batch_first: true }],
    [{ input: [5, 2, 3], output: [5, 4] }],
  ],
  [
    'The input [5, 2, 3] has 5 steps and batch 2; the weights say hidden size 4, num_layers 1.',
    [{ input: [5, 2, 3], output: [5, 1, 4] }],
    [{ input: [5, 2, 3], h_n: [1, 2, 5] }],
    [{ input: [5, 2, 3], output: [5, 2, 5] }],
    [{ input: [5, 2, 3], lengths: [3] }],
    [{ input: [5, 2, 3], lengths: [2], output: [4, 2, 4] }],
    [{ input: [5, 2, 3], h_n: [1, 2, 5] }, { proj_size: 2 }],
    [{ input: [5, 2, 3], c_n: [1, 2, 5] }, { proj_size: 2 }],
    [{ input: [5, 2, 3], c_n: [1, 2, 0] }],
    [{ input: [5, 2, 3], output: [5, 4, 4] }],
    [{ input: [5, 2, 3], c_n: [1, 2, 5] }],
  ],
  [
    "This looks like a PackedSequence's data: unpack it with pad_packed_sequence, and give the lengths.",
    [{ input: [5, 2, 3], output: [7, 4] }],
    [{ input: [5, 2, 3], output: [10, 4] }],
    [{ input: [4, 2, 3], output: [1, 4] }],
  ],
  [
    'This is one step only, as out[-1] gives it. Save the whole output, or the last state as h_n.',
    [{ input: [5, 3], output: [4] }],
  ],
  [
    'The input is [5, 3], and decides whether there is a batch dimension.',
    [{ input: [5, 3], output: [5, 2, 4] }],
  ],
  [
    'The input is [2, 3], and decides whether there is a batch dimension.',
    [{ input: [2, 3], output: [4] }, { cell: true }],
  ],
  [
    'Time and batch are the other way round than in the input. Is it batch_first? (--batch-first)',
    [{ input: [5, 2, 3], output: [2, 5, 4] }, { batch_first: false }],
    [{ input: [5, 2, 3], output: [2, 5, 4], h_n: [1, 2, 4] }],
    [{ input: [5, 2, 3], lengths: [2], output: [2, 5, 4] }],
  ],
  [
    'Time and batch are the other way round than in the input. Is it batch_first? (--no-batch-first)',
    [{ input: [2, 5, 3], output: [5, 2, 4] }, { batch_first: true }],
  ],
  [
    'The dimension for layers and directions is missing: this is one layer and direction only.',
    [{ input: [5, 2, 3], h_n: [2, 4] }, { num_layers: 2 }],
  ],
  [
    'The input [5, 2, 3] has 5 steps and batch 2; the weights say hidden size 4, num_layers 3.',
    [{ input: [5, 2, 3], h_n: [2, 2, 4] }, { num_layers: 3 }],
  ],
  [
    'The input is [5, 2, 3], and decides whether there is a batch dimension.',
    [{ input: [5, 2, 3], h_n: [4] }, { cell: true }],
    [{ input: [5, 2, 3], output: [2, 5] }],
    [{ input: [5, 2, 3], output: [7, 5] }],
    [{ input: [5, 2, 3], output: [4] }],
    [{ input: [5, 2, 3], c_n: [2, 5] }],
  ],
  [
    'Layers come first and the batch second, with batch_first too: transpose(0, 1).contiguous().',
    [{ input: [5, 3, 3], h_n: [3, 2, 4] }, { num_layers: 2 }],
    [{ input: [5, 3, 3], c_n: [3, 2, 4] }, { num_layers: 2 }],
    [{ input: [5, 3, 3], h_n: [3, 2, 4] }, { bidirectional: true }],
  ],
  [
    'The input [5, 2, 3] has 5 steps and batch 2; the weights say hidden size 4, num_layers 2.',
    [{ input: [5, 2, 3], output: [4, 2, 4] }, { num_layers: 2 }],
  ],
  [
    'The input [5, 2, 3] has 5 steps and batch 2; the weights say hidden size 4, num_layers 2, bidirectional.',
    [
      { input: [5, 2, 3], output: [4, 2, 8] },
      { bidirectional: true, num_layers: 2 },
    ],
  ],
  [
    'The input [5, 3] has 5 steps and batch 1; the weights say hidden size 4, num_layers 1.',
    [{ input: [5, 3], output: [1, 4] }],
    [{ input: [5, 3], output: [7, 4] }],
    [{ input: [5, 3], output: [4, 5] }],
  ],
  [
    'The input [2, 3] has 1 step and batch 2; the weights say hidden size 4, num_layers 1.',
    [{ input: [2, 3], output: [1, 4] }, { cell: true }],
    [{ input: [2, 3], output: [7, 4] }, { cell: true }],
    [{ input: [2, 3], output: [4, 2] }, { cell: true }],
  ],
  [
    'The input is [2, 5, 3], and decides whether there is a batch dimension.',
    [{ input: [2, 5, 3], output: [2, 2, 5, 4] }, { batch_first: true }],
  ],
  [
    'The input [3] has 1 step and batch 1; the weights say hidden size 4, num_layers 1.',
    [{ input: [3], output: [5] }, { cell: true }],
  ],
];

test.each(HINTS)('%s', (hint, ...cases) => {
  for (const [shapes, said] of cases) {
    const lines = errorOf(shapes, said);
    expect(lines, lines[0]).toEqual([expect.stringMatching(/^\w+: found \[/), `  ${hint}`]);
  }
});

// Several faults, and those that are not of a shape.
const ERRORS: readonly [shapes: Shapes, said: Said, lines: readonly string[]][] = [
  // What would be read as it is meant is told too, where something else cannot be.
  [
    { input: [5, 2, 3], h_n: [2, 4], c_n: [1, 2, 5] },
    {},
    [
      'h_n: found [2, 4], expected [num_layers, B, hidden_size] = [1, 2, 4]',
      '  The dimension for layers and directions is missing: unsqueeze(0).',
      '  c_n: found [1, 2, 5], expected [num_layers, B, hidden_size] = [1, 2, 4]',
      '    The input [5, 2, 3] has 5 steps and batch 2; the weights say hidden size 4, num_layers 1.',
    ],
  ],
  [
    { input: [1, 5, 3], output: [5, 4], h_n: [5] },
    { batch_first: true },
    [
      'output: found [5, 4], expected [B, T, hidden_size] = [1, 5, 4]',
      '  The input has a batch dimension, and this has none: unsqueeze(0).',
      '  h_n: found [5], expected [num_layers, B, hidden_size] = [1, 1, 4]',
      '    The input is [1, 5, 3], and decides whether there is a batch dimension.',
    ],
  ],
  [
    { input: [5, 3, 3], h_0: [3, 2, 4], c_0: [3, 4] },
    { num_layers: 2 },
    [
      'h_0: found [3, 2, 4], expected [num_layers, B, hidden_size] = [2, 3, 4]',
      '  Layers come first and the batch second, with batch_first too: transpose(0, 1).contiguous().',
      '  c_0: found [3, 4], expected [num_layers, B, hidden_size] = [2, 3, 4]',
      '    The dimension for layers and directions is missing: this is one layer and direction only.',
    ],
  ],
  [
    { input: [5, 3], lengths: [1] },
    {},
    [
      'lengths: is given, but has no place in this case',
      '  Lengths belong to a batch: input [T, B, …] or, with batch_first, [B, T, …].',
      "  If the input is a PackedSequence's data, unpack it with pad_packed_sequence.",
    ],
  ],
  [
    { input: [2, 3], lengths: [2] },
    { cell: true },
    [
      'lengths: is given, but has no place in this case',
      '  Lengths belong to a batch: input [T, B, …] or, with batch_first, [B, T, …].',
      "  If the input is a PackedSequence's data, unpack it with pad_packed_sequence.",
    ],
  ],
  [
    { input: [5, 2, 3], c_0: [1, 2, 4] },
    {},
    [
      'h_0: is missing; expected [num_layers, B, hidden_size] = [1, 2, 4]',
      '  Give h_0 as well: zeros, if there is none.',
    ],
  ],
  [
    { input: [5, 2, 3], c_n: [1, 2, 4] },
    { kind: 'GRU' },
    [
      'c_n: is given, but has no place in this case',
      '  Only an LSTM has a cell state, and the weights are those of a GRU.',
    ],
  ],
  [
    { input: [5, 2, 3], c_0: [1, 2, 4] },
    { kind: 'RNN', cell: true },
    [
      'c_0: is given, but has no place in this case',
      '  Only an LSTM has a cell state, and the weights are those of an RNNCell.',
    ],
  ],
  [{ output: [5, 2, 4] }, {}, ['input: is missing; expected [T, B, input_size] = [T, B, 3]']],
  [
    { input: [5, 2, 7], output: [5, 2, 5] },
    {},
    [
      'input: found [5, 2, 7], expected [T, B, input_size] = [T, B, 3]',
      "  weight_ih_l0 takes 3 features. Is this another layer's input?",
      '  output: found [5, 2, 5], expected [T, B, hidden_size] = [5, 2, 4]',
      '    The input [5, 2, 7] has 5 steps and batch 2; the weights say hidden size 4, num_layers 1.',
    ],
  ],
  [
    { input: [5, 2, 3], output_l0: [5, 2, 8], output: [5, 2, 8] },
    { num_layers: 2 },
    [
      'output: found [5, 2, 8], expected [T, B, hidden_size] = [5, 2, 4]',
      '  This is the output of a bidirectional module, and the state_dict has no _reverse parameters.',
      '  output_l0: found [5, 2, 8], expected [T, B, hidden_size] = [5, 2, 4]',
    ],
  ],
  [
    { input: [5, 2, 3], h_0: [2, 5], c_0: [2, 5] },
    {},
    [
      'h_0: found [2, 5], expected [num_layers, B, hidden_size] = [1, 2, 4]',
      '  The input is [5, 2, 3], and decides whether there is a batch dimension.',
      '  c_0: found [2, 5], expected [num_layers, B, hidden_size] = [1, 2, 4]',
      '    The input is [5, 2, 3], and decides whether there is a batch dimension.',
    ],
  ],
  [
    { input: [5, 2, 3], h_0: [1, 2, 5], c_0: [1, 2, 5] },
    {},
    [
      'h_0: found [1, 2, 5], expected [num_layers, B, hidden_size] = [1, 2, 4]',
      '  The input [5, 2, 3] has 5 steps and batch 2; the weights say hidden size 4, num_layers 1.',
      '  c_0: found [1, 2, 5], expected [num_layers, B, hidden_size] = [1, 2, 4]',
      '    The input [5, 2, 3] has 5 steps and batch 2; the weights say hidden size 4, num_layers 1.',
    ],
  ],
  [
    { input: [5, 2, 3], c_0: [1, 2, 4], h_n: [1, 2, 5] },
    {},
    [
      'h_0: is missing; expected [num_layers, B, hidden_size] = [1, 2, 4]',
      '  Give h_0 as well: zeros, if there is none.',
      '  h_n: found [1, 2, 5], expected [num_layers, B, hidden_size] = [1, 2, 4]',
      '    The input [5, 2, 3] has 5 steps and batch 2; the weights say hidden size 4, num_layers 1.',
    ],
  ],
];

test.each(ERRORS)('a case of %o for a module with %o', (shapes, said, lines) => {
  expect(errorOf(shapes, said)).toEqual(lines);
});

test('errors name the file of the tensor', () => {
  const files = { input: 'i.json', expected: 'e.json' };
  const places = (otherwise: Partial<Module>, shapes: Shapes) => {
    const module = lstm(otherwise);
    const lines = linesOf(() => bind(module, { ...caseWith(module, shapes), files }, undefined));
    return lines.flatMap((line) => /^(?: {2})?([ie]\.json: \w+): /.exec(line)?.[1] ?? []);
  };
  expect(places({}, { input: [5, 2, 3], h_0: [1, 2, 5], h_n: [1, 2, 5], lengths: [3] })).toEqual([
    'i.json: h_0',
    'i.json: lengths',
    'e.json: h_n',
  ]);
  expect(places({ kind: 'GRU' }, { input: [5, 3], c_n: [1, 4], lengths: [1] })).toEqual([
    'e.json: c_n',
    'i.json: lengths',
  ]);
});
