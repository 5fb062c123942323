import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cli, SAMPLES, scratch } from '../cli.js';
import { raw, safetensorsBytes, writeJson } from '../write.js';

type Tensors = Record<string, number[]>;

interface Parts {
  /** Shapes by name; an LSTM 3 → 4 over 5 steps, batch 2. */
  weights: Tensors;
  input: Tensors;
  expected: Tensors;
  case: Record<string, unknown>;
}

const lstm = (): Parts => ({
  weights: { weight_ih_l0: [16, 3], weight_hh_l0: [16, 4], bias_ih_l0: [16], bias_hh_l0: [16] },
  input: { input: [5, 2, 3] },
  expected: { output: [5, 2, 4], h_n: [1, 2, 4], c_n: [1, 2, 4] },
  case: { weights: 'weights.safetensors', input: 'input.safetensors', expected: 'expected.safetensors' },
});

const twoLayers = ({ weights, expected }: Parts) => {
  for (const name of Object.keys(weights)) weights[name.replace('_l0', '_l1')] = weights[name];
  weights.weight_ih_l1 = [16, 4];
  delete expected.c_n;
};

const bidirectional = (parts: Parts) => {
  for (const [name, shape] of Object.entries(parts.weights)) parts.weights[`${name}_reverse`] = shape;
  parts.expected = { output: [5, 2, 8] };
};

function write(folder: string, spoil: (parts: Parts) => void): void {
  const parts = lstm();
  spoil(parts);
  for (const role of ['weights', 'input', 'expected'] as const) {
    const tensors = Object.entries(parts[role]).map(([name, shape]) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const integers = name === 'lengths';
      return [name, raw(shape, Array(count).fill(integers ? 3 : 0.25), integers ? 'I64' : 'F32')] as const;
    });
    fs.writeFileSync(path.join(folder, `${role}.safetensors`), safetensorsBytes(Object.fromEntries(tensors)));
  }
  writeJson(path.join(folder, 'case.json'), parts.case);
}

// What a newcomer does wrong, and the sentence that helps.
const SPOILT: readonly [slip: string, spoil: (parts: Parts) => void, sentences: readonly string[]][] = [
  [
    'a transposed weight_hh',
    ({ weights }) => {
      weights.weight_hh_l0 = [4, 16];
    },
    ['weights.safetensors: weight_hh_l0: found [4, 16], expected [16, 4]', 'It is transposed'],
  ],
  [
    'a transposed weight_ih',
    ({ weights }) => {
      weights.weight_ih_l0 = [3, 16];
    },
    ['weight_ih_l0: found [3, 16], expected [16, 3]', 'Save weight.T'],
  ],
  [
    'a weight_hh of another layer',
    ({ weights }) => {
      weights.weight_ih_l0 = [12, 3];
      weights.weight_hh_l0 = [8, 3];
      delete weights.bias_ih_l0;
      delete weights.bias_hh_l0;
    },
    [
      'weight_hh_l0: found [8, 3], expected [12, 12], [12, 4] or [12, 3]',
      'weight_ih_l0 has 12 rows: an RNN of hidden size 12, a GRU of 4 or an LSTM of 3.',
    ],
  ],
  [
    'a bias of the wrong length',
    ({ weights }) => {
      weights.bias_hh_l0 = [12];
    },
    ['bias_hh_l0: found [12], expected [16]', 'exported from another layer'],
  ],
  [
    'a missing bias',
    ({ weights }) => {
      delete weights.bias_hh_l0;
    },
    ['its parameters are not those of an LSTM 3 → 4', 'missing     bias_hh_l0 [4·hidden_size] = [16]'],
  ],
  [
    'a missing weight_ih',
    ({ weights }) => {
      delete weights.weight_ih_l0;
    },
    ['missing     weight_ih_l0 [4·hidden_size, input_size] = [16, input_size]'],
  ],
  [
    'several faults at once',
    ({ weights }) => {
      delete weights.bias_ih_l0;
      weights.weight_hx_l0 = [16, 4];
      weights.weight_ih_l0 = [3, 16];
    },
    [
      'missing     bias_ih_l0',
      'unexpected  weight_hx_l0',
      'misshapen   weight_ih_l0: found [3, 16]',
      'transposed',
    ],
  ],
  [
    'a layer number that is left out',
    ({ weights }) => {
      weights.weight_ih_l2 = [16, 4];
      weights.weight_hh_l2 = [16, 4];
    },
    ['missing     weight_ih_l1', 'missing     bias_ih_l2'],
  ],
  [
    'a layer number out of this world',
    ({ weights }) => {
      weights.weight_ih_l4000000000 = [16, 4];
    },
    ['unexpected  weight_ih_l4000000000'],
  ],
  [
    'one direction only of a second layer',
    (parts) => {
      bidirectional(parts);
      parts.weights.weight_ih_l1 = [16, 8];
      parts.weights.weight_hh_l1 = [16, 4];
      parts.weights.bias_ih_l1 = [16];
      parts.weights.bias_hh_l1 = [16];
    },
    ['missing     weight_ih_l1_reverse'],
  ],
  [
    'a projection in a GRU',
    ({ weights, case: options }) => {
      weights.weight_hr_l0 = [2, 4];
      options.module = 'GRU';
    },
    ['unexpected  weight_hr_l0'],
  ],
  [
    'the wrong class',
    ({ case: options }) => {
      options.module = 'GRU';
    },
    ['its parameters are those of an LSTM 3 → 4, 1 layer, not of a GRU', 'Leave the module option out'],
  ],
  [
    'a Cell for a module',
    ({ case: options }) => {
      options.module = 'LSTMCell';
    },
    ['holds no LSTMCell: its parameters have layer numbers, as weight_ih_l0', 'Try module LSTM.'],
  ],
  [
    'a nonlinearity for an LSTM',
    ({ case: options }) => {
      options.nonlinearity = 'relu';
    },
    ['nonlinearity relu is for an RNN, and this is an LSTM', 'Leave the option out.'],
  ],
  [
    'a prefix that is not there',
    ({ case: options }) => {
      options.prefix = 'encoder.';
    },
    ['holds no module under the prefix encoder.', 'It holds:'],
  ],
  [
    'two modules and no prefix',
    ({ weights }) => {
      weights['decoder.rnn.weight_ih_l0'] = [9, 3];
      weights['decoder.rnn.weight_hh_l0'] = [9, 3];
    },
    ['holds 2 modules; choose one with --prefix', 'decoder.rnn.', 'GRU 3 → 3'],
  ],
  [
    'Keras names',
    (parts) => {
      parts.weights = { 'lstm/kernel': [3, 16], 'lstm/recurrent_kernel': [4, 16] };
    },
    ['holds no recurrent module', 'These look like Keras names', 'transposed kernel'],
  ],
  [
    'ONNX names',
    (parts) => {
      parts.weights = { W: [1, 16, 3], R: [1, 16, 4], B: [1, 32] };
    },
    ['These look like ONNX names', 'i o f c'],
  ],
  [
    'another part of the model',
    (parts) => {
      parts.weights = { 'fc.weight': [4, 4], 'fc.bias': [4] };
    },
    ['holds no recurrent module', 'It holds fc.weight, fc.bias.'],
  ],
  [
    'an input with other features',
    ({ input }) => {
      input.input = [5, 2, 7];
    },
    ['input: found [5, 2, 7], expected [T, B, input_size] = [T, B, 3]', 'weight_ih_l0 takes 3 features'],
  ],
  [
    'an input with the features before the batch',
    ({ input }) => {
      input.input = [5, 3, 2];
    },
    ['input: found [5, 3, 2]', 'The 3 features are in dimension 1', 'input.transpose(1, -1)'],
  ],
  [
    'an input of four dimensions',
    ({ input }) => {
      input.input = [4, 5, 2, 3];
    },
    ['input: found [4, 5, 2, 3], expected [T, B, input_size]', 'A sequence is [T, 3], a batch [T, B, 3]'],
  ],
  [
    'an input without steps',
    ({ input }) => {
      input.input = [0, 2, 3];
    },
    ['input: found [0, 2, 3], expected [T, B, input_size]'],
  ],
  [
    'batch_first said where it is not',
    ({ case: options }) => {
      options.batch_first = true;
    },
    [
      'batch_first is true, but all shapes fit the other layout: try --no-batch-first',
      'h_n: found [1, 2, 4], expected [num_layers, B, hidden_size] = [1, 5, 4]',
    ],
  ],
  [
    'input and output that disagree about batch_first',
    ({ expected }) => {
      expected.output = [2, 5, 4];
    },
    ['output: found [2, 5, 4]', 'Time and batch are the other way round than in the input', '--batch-first'],
  ],
  [
    'the last step only',
    ({ expected }) => {
      expected.output = [2, 4];
    },
    [
      'output: found [2, 4], expected [T, B, hidden_size] = [5, 2, 4]',
      'This is one step only, as out[-1] or, with batch_first, out[:, -1] gives it',
    ],
  ],
  [
    'the last step only, batch_first',
    (parts) => {
      parts.case.batch_first = true;
      parts.input.input = [2, 5, 3];
      parts.expected = { output: [2, 4] };
    },
    ['as out[-1] or, with batch_first, out[:, -1] gives it', 'as h_n'],
  ],
  [
    'the last step of a sequence without a batch',
    (parts) => {
      parts.input.input = [5, 3];
      parts.expected = { output: [4] };
    },
    ['output: found [4], expected [T, hidden_size] = [5, 4]', 'as out[-1] gives it'],
  ],
  [
    "a PackedSequence's data as output",
    (parts) => {
      parts.input.lengths = [2];
      parts.expected = { output: [6, 4] };
    },
    ['output: found [6, 4]', "PackedSequence's data", 'pad_packed_sequence'],
  ],
  [
    "a PackedSequence's data as input",
    (parts) => {
      parts.input = { input: [6, 3], lengths: [2] };
      parts.expected = { output: [6, 4] };
    },
    ['lengths: is given, but has no place in this case', 'pad_packed_sequence'],
  ],
  [
    "one direction's half",
    (parts) => {
      bidirectional(parts);
      parts.expected.output = [5, 2, 4];
    },
    ['output: found [5, 2, 4], expected [T, B, 2·hidden_size] = [5, 2, 8]', "This is one direction's half"],
  ],
  [
    'a bidirectional output without reverse weights',
    ({ expected }) => {
      expected.output = [5, 2, 8];
    },
    ['no _reverse parameters'],
  ],
  [
    'an output of fewer steps',
    ({ expected }) => {
      expected.output = [4, 2, 4];
    },
    ['output: found [4, 2, 4]', 'The input [5, 2, 3] has 5 steps and batch 2'],
  ],
  [
    'an h_n of one of two layers',
    (parts) => {
      twoLayers(parts);
      parts.expected.h_n = [2, 4];
    },
    [
      'h_n: found [2, 4], expected [num_layers, B, hidden_size] = [2, 2, 4]',
      'this is one layer and direction only',
    ],
  ],
  [
    'an h_n with the batch first',
    (parts) => {
      twoLayers(parts);
      parts.input.input = [5, 3, 3];
      parts.expected = { output: [5, 3, 4], h_n: [3, 2, 4] };
    },
    ['h_n: found [3, 2, 4]', 'Layers come first and the batch second'],
  ],
  [
    'a c_n of another size and an h_n of another batch, together',
    ({ expected }) => {
      expected.c_n = [1, 2, 5];
      expected.h_n = [1, 3, 4];
    },
    ['h_n: found [1, 3, 4]', 'c_n: found [1, 2, 5]'],
  ],
  [
    'a c_0 without h_0',
    ({ input }) => {
      input.c_0 = [1, 2, 4];
    },
    ['input.safetensors: h_0: is missing', 'Give h_0 as well'],
  ],
  [
    'a cell state for a GRU',
    (parts) => {
      parts.weights = { weight_ih_l0: [12, 3], weight_hh_l0: [12, 4] };
    },
    ['c_n: is given, but has no place in this case', 'the weights are those of a GRU'],
  ],
  [
    'lengths beyond the steps',
    (parts) => {
      parts.input = { input: [2, 2, 3], lengths: [2] };
      parts.expected = { output: [2, 2, 4] };
    },
    ['lengths: found 3 for batch row 0, expected an integer from 1 to the 2 steps'],
  ],
  [
    'lengths of another batch',
    (parts) => {
      parts.input.lengths = [3];
    },
    ['lengths: found [3], expected [B] = [2]'],
  ],
  [
    'a projected h of the wrong size',
    (parts) => {
      parts.weights = { weight_ih_l0: [16, 3], weight_hh_l0: [16, 2], weight_hr_l0: [2, 4] };
      parts.expected = { output: [5, 2, 4], c_n: [1, 2, 2] };
    },
    ['With proj_size, h has 2 values: only c has 4.', 'With proj_size, c keeps its 4 values'],
  ],
  [
    'hn for h_n',
    (parts) => {
      parts.expected = { output: [5, 2, 4], hn: [1, 2, 4] };
    },
    ['expected.safetensors: hn: is nearly h_n, and would not be used', '--name h_n=hn'],
  ],
  [
    'out for output, with another name beside it',
    (parts) => {
      parts.expected = { out: [5, 2, 4], hidden: [1, 2, 4] };
    },
    [
      'found tensors named out, hidden, expected one of output, h_n, c_n',
      '--name output=out',
      '--name h_n=hidden',
    ],
  ],
  [
    'x for input, with another name beside it',
    (parts) => {
      parts.input = { x: [5, 2, 3], y: [5, 2, 3] };
    },
    ['found tensors named x, y, expected one of input', '--name input=x'],
  ],
  [
    'the input file as the expected one',
    ({ case: options }) => {
      options.expected = 'input.safetensors';
    },
    ['input.safetensors: found tensors named input, expected one of output, h_n, c_n'],
  ],
  [
    'an input of integers',
    (parts) => {
      parts.input = { lengths: [5, 2, 3], input: [5, 2, 3] };
    },
    ['lengths: found [5, 2, 3], expected [B] = [2]'],
  ],
  [
    'an option that does not exist',
    ({ case: options }) => {
      options.batchfirst = true;
    },
    ['case.json: batchfirst: is not an option of a case'],
  ],
  [
    'an option of the wrong type',
    ({ case: options }) => {
      options.batch_first = 'yes';
    },
    ['case.json: batch_first: is not true or false'],
  ],
  [
    'a class that does not exist',
    ({ case: options }) => {
      options.module = 'lstm';
    },
    ['case.json: module: is not one of RNN, GRU, LSTM, RNNCell, GRUCell, LSTMCell'],
  ],
  [
    'a negative tolerance',
    ({ case: options }) => {
      options.tolerance = { atol: -1 };
    },
    ['case.json: tolerance.atol: is negative'],
  ],
  [
    'no weights in the case',
    ({ case: options }) => {
      delete options.weights;
    },
    ['case.json: weights: is missing: the name of a file is needed'],
  ],
  [
    'a file that is not there',
    ({ case: options }) => {
      options.weights = 'wieghts.safetensors';
    },
    ['wieghts.safetensors: there is no such file', 'names it as its weights'],
  ],
  [
    'a file outside the case',
    ({ case: options }) => {
      options.weights = '../../../../etc/hostname';
    },
    ['lies outside the case', '--allow-outside'],
  ],
  [
    'a name of ours that is none',
    ({ case: options }) => {
      options.names = { outptu: 'output' };
    },
    ['the name outptu (for output) is not one that cellcheck reads', 'It is one of input, h_0'],
  ],
  [
    'a name that nothing has',
    ({ case: options }) => {
      options.names = { output: 'out' };
    },
    ['no tensor is named out, which output should be read from', 'There are output, h_n, c_n.'],
  ],
];

// What goes wrong before any shape is looked at.
const COMMANDS: readonly [slip: string, argv: readonly string[], sentences: readonly string[]][] = [
  ['no case', ['verify'], ['name a case: a folder, a case file, a bundle or a glob']],
  ['no command', [], ['Usage: cellcheck']],
  ['a command that does not exist', ['verfy'], ["unknown command 'verfy'", 'Did you mean verify?']],
  [
    'an option that does not exist',
    ['verify', 'x', '--prefx', 'a'],
    ["unknown option '--prefx'", 'Did you mean --prefix?'],
  ],
  ['an option without its value', ['verify', 'x', '--prefix'], ["option '--prefix <text>' argument missing"]],
  [
    'a tolerance that is no number',
    ['verify', 'x', '--atol', 'small'],
    ['It takes a number from 0 on, as 1e-5.'],
  ],
  ['a tolerance below zero', ['verify', 'x', '--rtol=-1'], ['It takes a number from 0 on']],
  ['an infinite tolerance', ['verify', 'x', '--rtol', 'Infinity'], ['It takes a number from 0 on']],
  [
    'a tolerance for something else',
    ['verify', 'x', '--tolerance', 'cn=1,1'],
    ['output is output, h_n or c_n'],
  ],
  [
    'a tolerance with one number',
    ['verify', 'x', '--tolerance', 'c_n=1'],
    ['It takes <output>=<rtol>,<atol>'],
  ],
  ['a name without its other half', ['verify', 'x', '--name', 'out'], ['It takes <ours>=<theirs>']],
  ['a reporter that does not exist', ['verify', 'x', '--reporter', 'junitt'], ['Reporters are table, json']],
  [
    'two reports to stdout',
    ['verify', 'x', '--reporter', 'json', '--reporter', 'table'],
    ['Only one report goes to stdout'],
  ],
  [
    'a compute dtype that does not exist',
    ['verify', 'x', '--compute', 'f32'],
    ['Allowed choices are float64, float32'],
  ],
  ['a class in small letters', ['verify', 'x', '--module', 'gru'], ['Allowed choices are RNN, GRU']],
  [
    'weights alone',
    ['verify', '--weights', 'w.safetensors'],
    ['--weights, --input and --expected belong together'],
  ],
  ['a case beside three files', ['verify', 'x', '--weights', 'w'], ['define the only case: give no paths']],
  ['a path that is not there', ['verify', 'nowhere'], ['nowhere: there is no such file or folder']],
  ['a pattern without a match', ['verify', 'nowhere/*'], ['nowhere/*: nothing matches this pattern']],
  [
    'a folder without cases',
    ['verify', path.join(SAMPLES, '..', 'src')],
    ['holds no case', 'Name files themselves'],
  ],
  [
    'weights without input as a bundle',
    ['verify', path.join(SAMPLES, 'lstm', 'weights.safetensors')],
    ['expected input'],
  ],
  [
    'a report in a folder that is not there',
    ['verify', path.join(SAMPLES, 'lstm'), '--reporter', 'json=no/such.json'],
    ['no/such.json: cannot be written (ENOENT)'],
  ],
];

function mustHelp(
  result: { code: number; stdout: string; stderr: string },
  sentences: readonly string[],
): void {
  expect(result.code).toBe(2);
  expect(result.stdout).toBe('');
  for (const sentence of sentences) expect(result.stderr).toContain(sentence);
  expect(result.stderr).not.toMatch(/\n\s+at |node:|undefined|NaN|\[object|Error:/);
}

test.each(SPOILT)('%s: exit 2 and a sentence that helps', async (_, spoil, sentences) => {
  const folder = scratch();
  write(folder, spoil);
  const result = await cli(['verify', '.'], { cwd: folder });
  mustHelp(result, sentences);
  expect(result.stderr).toMatch(/^cellcheck: \S/);
});

// Shapes that are not PyTorch's, and mean one thing only.
const READ_AS: readonly [what: string, spoil: (parts: Parts) => void, notes: readonly string[]][] = [
  [
    'an h_n without the layer dimension',
    ({ expected }) => {
      expected.h_n = [2, 4];
    },
    ['h_n [2, 4] is read as [1, 2, 4]'],
  ],
  [
    'an h_n with the batch first',
    ({ expected }) => {
      expected.h_n = [2, 1, 4];
    },
    ['h_n [2, 1, 4] is read as [1, 2, 4]'],
  ],
  [
    'an input of four dimensions, of which one is no more than 1',
    ({ input }) => {
      input.input = [1, 5, 2, 3];
    },
    ['input [1, 5, 2, 3] is read as [5, 2, 3]'],
  ],
  [
    'several of them',
    ({ input, expected }) => {
      input.lengths = [2, 1];
      expected.output = [5, 2, 1, 4];
      expected.c_n = [2, 4];
    },
    [
      'lengths [2, 1] is read as [2]',
      'output [5, 2, 1, 4] is read as [5, 2, 4]',
      'c_n [2, 4] is read as [1, 2, 4]',
    ],
  ],
];

test.each(READ_AS)('%s: read as it is meant, with a note', async (_, spoil, notes) => {
  const folder = scratch();
  write(folder, spoil);
  const plain = await cli(['verify', '.'], { cwd: folder, columns: 200 });
  // Weights of 0.25 don't give outputs of 0.25.
  expect(plain.code).toBe(1);
  expect(plain.stderr).toBe('');
  for (const note of notes) expect(plain.stdout).toContain(note);
  const { stdout } = await cli(['verify', '.', '--reporter', 'json'], { cwd: folder });
  for (const note of notes) expect(stdout).toContain(note);
});

test.each(COMMANDS)('%s: exit 2 and a sentence that helps', async (_, argv, sentences) => {
  mustHelp(await cli(argv, { cwd: scratch() }), sentences);
});

test('what the slips are made from is itself in order', async () => {
  const folder = scratch();
  write(folder, () => {});
  // Weights of 0.25 don't give outputs of 0.25, but they can be compared.
  expect((await cli(['verify', '.'], { cwd: folder })).code).toBe(1);
});

test.each([
  ['broken.json', '{"weights": ', 'broken.json: weights: line 1, column 13: expected a value'],
  ['list.json', '3', 'list.json: found a number, expected an object'],
  ['model.pt', 'PK\x03\x04', 'model.pt: the zip archive has no directory'],
  ['model.pth', 'weights', 'model.pth: is no PyTorch checkpoint'],
  ['model.npz', 'PK\x03\x04', 'model.npz: the zip archive has no directory'],
  ['arrays.npz', 'weights', 'arrays.npz: the zip archive has no directory'],
  ['input.npy', '\x93NUMPY', 'input.npy: found 6 bytes'],
  ['input.csv', 'a,b\n1,2\n1,x\n', 'input.csv: line 3 has x in the place of a number'],
  [
    'model.safetensors.index.json',
    '{"metadata": {}}',
    'model.safetensors.index.json: is not the index of a sharded checkpoint: it has no weight_map',
  ],
  ['short.safetensors', 'abc', 'short.safetensors: found 3 bytes, expected a safetensors file'],
  ['empty.json', '', 'empty.json: is empty'],
])('%s given as a case', async (name, content, sentence) => {
  const folder = scratch();
  fs.writeFileSync(path.join(folder, name), content, 'latin1');
  mustHelp(await cli(['verify', name], { cwd: folder }), [sentence]);
});
