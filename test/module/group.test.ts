import { expect, test } from 'vitest';
import { findGroups, MOST_GROUPS } from '../../src/module/group.js';
import { noModule } from '../../src/module/no-module.js';
import { linesOf } from '../errors.js';
import { type Shapes, specs } from './modules.js';

const found = (shapes: Shapes, prefix?: string) =>
  findGroups(specs(shapes), prefix).map((group) => ({
    prefix: group.prefix,
    cell: group.cell,
    shapes: Object.fromEntries(group.shapes),
    misspelt: Object.fromEntries(group.misspelt),
  }));

test('parameters are grouped by what stands before their names, in the order of the file', () => {
  const shapes = {
    'decoder.bias_ih_l0': [16],
    'encoder.rnn_weight_hh_l0': [16, 4],
    'decoder.weight_ih_l0': [16, 3],
    'decoder.weight_hh_l10_reverse': [16, 4],
    'decoder.weight_hr_l0': [2, 4],
    'fc.weight': [4, 4],
  };
  expect(found(shapes)).toEqual([
    { prefix: 'encoder.rnn_', cell: false, shapes: { weight_hh_l0: [16, 4] }, misspelt: {} },
    {
      prefix: 'decoder.',
      cell: false,
      shapes: {
        bias_ih_l0: [16],
        weight_ih_l0: [16, 3],
        weight_hh_l10_reverse: [16, 4],
        weight_hr_l0: [2, 4],
      },
      misspelt: {},
    },
  ]);
});

test('names without layer numbers are those of a Cell, beside a module under the same prefix', () => {
  const shapes = { 'rnn.weight_ih': [4, 3], 'rnn.weight_ih_l0': [8, 3], 'rnn.bias_hh': [4] };
  expect(found(shapes)).toEqual([
    { prefix: 'rnn.', cell: true, shapes: { weight_ih: [4, 3], bias_hh: [4] }, misspelt: {} },
    { prefix: 'rnn.', cell: false, shapes: { weight_ih_l0: [8, 3] }, misspelt: {} },
  ]);
});

test('biases and projections alone are no module', () => {
  expect(found({ bias_ih_l0: [16], bias_hh_l0: [16], weight_hr_l0: [2, 4] })).toEqual([]);
});

test('a prefix may hold anything, a line end and the name of a parameter too', () => {
  const shapes = { 'a\nb.weight_ih_l0': [4, 3], weight_ih_l0weight_hh_l0: [4, 4] };
  expect(found(shapes).map(({ prefix }) => prefix)).toEqual(['a\nb.', 'weight_ih_l0']);
});

test('of one prefix only its own', () => {
  const shapes = {
    'a.weight_ih_l0': [4, 3],
    weight_ih_l0: [4, 3],
    'a.b.weight_ih_l0': [4, 3],
    weight_hh_l0: [4, 4],
  };
  expect(found(shapes, 'a.').map(({ prefix }) => prefix)).toEqual(['a.']);
  expect(found(shapes, 'b.')).toEqual([]);
  expect(found(shapes, '')).toEqual([
    { prefix: '', cell: false, shapes: { weight_ih_l0: [4, 3], weight_hh_l0: [4, 4] }, misspelt: {} },
  ]);
});

test('what is nearly a parameter is kept beside the module and the Cell under its prefix', () => {
  const near = {
    weight_ih_l01: [1],
    weight_ih_l: [2],
    weight_ih_reverse: [3],
    weight_ih_l0_reversed: [4],
    weight_xh_l0: [5],
    bias_hr_l0: [6],
    weight_ih_l0_g: [7],
  };
  const under = (prefix: string) =>
    Object.fromEntries(Object.entries(near).map(([name, shape]) => [prefix + name, shape]));
  const shapes = {
    ...under('a.own_'),
    'a.own_weight_ih_l0': [4, 3],
    'a.own_weight_ih': [4, 3],
    'b.weight_ih_l0': [4, 3],
    'weight_norm.scale': [8],
    'a.own_norm': [9],
    'c.weight_xh': [10],
  };
  const groups = found(shapes);
  expect(groups.map(({ prefix, cell }) => [prefix, cell])).toEqual([
    ['a.own_', false],
    ['a.own_', true],
    ['b.', false],
  ]);
  expect(groups.map(({ misspelt }) => misspelt)).toEqual([near, near, {}]);
});

test('what is nearly a parameter belongs to a module without a prefix too', () => {
  const shapes = { weight_hh_l0: [4, 4], weight_hx_l0: [4, 4], 'norm.weight_x': [4] };
  expect(found(shapes)).toMatchObject([{ prefix: '', misspelt: { weight_hx_l0: [4, 4] } }]);
  expect(Object.keys(found(shapes)[0].misspelt)).toEqual(['weight_hx_l0']);
});

test('a name without the words of a parameter is nearly none', () => {
  const shapes = { rnnweight_ih_l0: [4, 3], 'rnn.scale': [4], rnns: [4] };
  expect(found(shapes)).toEqual([
    { prefix: 'rnn', cell: false, shapes: { weight_ih_l0: [4, 3] }, misspelt: {} },
  ]);
});

test('of many modules the first thousand, with all of their parameters', () => {
  const many = Array.from({ length: MOST_GROUPS + 1 }, (_, i) => [`${i}.weight_ih_l0`, [4, 3]] as const);
  const groups = found({ ...Object.fromEntries(many), '0.weight_hh_l0': [4, 4] });
  expect(groups.length).toBe(1000);
  expect(groups[0]).toMatchObject({ prefix: '0.', shapes: { weight_ih_l0: [4, 3], weight_hh_l0: [4, 4] } });
  expect(groups[999].prefix).toBe('999.');
});

const KERAS = [
  '  These look like Keras names: weight_ih_l0 is the transposed kernel, weight_hh_l0 the transposed recurrent',
  '  kernel; a GRU has its gates in another order (z r h), and its bias [2, 3·units] is bias_ih and bias_hh.',
];
const ONNX = [
  '  These look like ONNX names (W, R, B): its gate order is i o f c (LSTM) and z r h (GRU), and B joins both',
  '  biases. Give the .onnx file itself: cellcheck reads it.',
];
const FLAX = [
  '  These look like Flax names: hi, hf, hg, ho and ii, if, ig, io are one kernel a gate. weight_hh_l0 stacks the',
  '  transposed h kernels in the order i f g o, weight_ih_l0 the i kernels; the biases of h are bias_hh_l0.',
];
const MLX = [
  '  These look like MLX names: Wx is weight_ih_l0, Wh is weight_hh_l0, and bias is the sum of both biases; a GRU',
  '  has a further bias bhn for the gate n.',
];
const CUDNN = [
  "  These look like cuDNN's weights, which are all parameters in one tensor, in an order of cuDNN's own. Save the",
  '  state_dict of the nn.LSTM, GRU or RNN instead.',
];
const PARAMETRIZED = [
  '  These look like a parametrization or a pruned module: make it permanent before saving the state_dict',
  '  (torch.nn.utils.parametrize.remove_parametrizations, torch.nn.utils.prune.remove).',
];

test.each<[readonly string[], readonly string[]]>([
  [
    ['lstm/Kernel', 'W'],
    [...KERAS, '  It holds lstm/Kernel, W.'],
  ],
  [
    ['W', 'a.weight_g'],
    [...ONNX, '  It holds W, a.weight_g.'],
  ],
  [['a.R'], [...ONNX, '  It holds a.R.']],
  [['a/B'], [...ONNX, '  It holds a/B.']],
  [['onnx::LSTM_85'], [...ONNX, '  It holds onnx::LSTM_85.']],
  [['aW', 'xWx', 'a.Bx', 'x.onnx::a'], ['  It holds aW, xWx, a.Bx, x.onnx::a.']],
  [
    ['cell.hi.kernel', 'W'],
    [...FLAX, '  It holds cell.hi.kernel, W.'],
  ],
  [['if/kernel'], [...FLAX, '  It holds if/kernel.']],
  [['hx.kernel'], [...KERAS, '  It holds hx.kernel.']],
  [
    ['layers.0.Wx', 'W'],
    [...MLX, '  It holds layers.0.Wx, W.'],
  ],
  [['bhn'], [...MLX, '  It holds bhn.']],
  [['rnn._flat_weights.0'], [...CUDNN, '  It holds rnn._flat_weights.0.']],
  [['gru/opaque_kernel_x'], [...KERAS, '  It holds gru/opaque_kernel_x.']],
  [
    ['parametrizations.weight_hh_l0.original'],
    [...PARAMETRIZED, '  It holds parametrizations.weight_hh_l0.original.'],
  ],
  [['rnn.weight_hh_l0_orig'], [...PARAMETRIZED, '  It holds rnn.weight_hh_l0_orig.']],
  [['weight_ih_l0_g', 'rnn.weight_g'], ['  It holds weight_ih_l0_g, rnn.weight_g.']],
  [['original12', 'weight_gain', 'original2'], ['  It holds original12, weight_gain, original2.']],
  [['a', 'b', 'c', 'd', 'e', 'f'], ['  It holds a, b, c, d, e, f.']],
  [['a', 'b', 'c', 'd', 'e', 'f', 'g'], ['  It holds a, b, c, d, e, f, ….']],
  [['a b'], ['  It holds "a b".']],
  [[], ['  It holds no tensors.']],
])('a state_dict of %o holds no module, and says what it may be', (names, hints) => {
  const shapes = Object.fromEntries(names.map((name) => [name, [2]]));
  const lines = linesOf(() => {
    throw noModule(specs(shapes));
  });
  expect(lines).toEqual([
    'holds no recurrent module: no tensor is named weight_ih_l0 or weight_hh_l0 (weight_ih for a Cell)',
    ...hints,
  ]);
});
