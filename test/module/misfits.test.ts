import { expect, test } from 'vitest';
import { describeModule } from '../../src/module/describe.js';
import { parameterError } from '../../src/module/misfits.js';
import { linesOf } from '../errors.js';
import { lstm, type Shapes, specs, weightsOf } from './modules.js';

const own = (otherwise: Parameters<typeof lstm>[0] = {}): Shapes =>
  Object.fromEntries([...weightsOf(lstm(otherwise)).specs].map(([name, { shape }]) => [name, shape]));

const LSTM = own();
const describe = (shapes: Shapes) => linesOf(() => describeModule(specs(shapes)));
const OTHER_LAYER = '  Was one of the tensors exported from another layer?';
const TRANSPOSED =
  'It is transposed: PyTorch keeps weights as [rows of all gates, features]. Save weight.T.contiguous().';

test.each<[string, Shapes, readonly string[]]>([
  [
    'a transposed weight',
    { ...LSTM, weight_hh_l0: [4, 16] },
    ['weight_hh_l0: found [4, 16], expected [16, 4]', `  ${TRANSPOSED}`],
  ],
  [
    'a bias of another length',
    { ...LSTM, bias_hh_l0: [12] },
    ['bias_hh_l0: found [12], expected [16]', OTHER_LAYER],
  ],
  [
    'a weight of a layer below a prefix',
    { 'a.weight_ih_l0': [16, 3], 'a.weight_hh_l0': [16, 4], 'a.bias_ih_l0': [16], 'a.bias_hh_l0': [16, 1] },
    ['a.bias_hh_l0: found [16, 1], expected [16]', OTHER_LAYER],
  ],
  [
    'rows of three kinds',
    { weight_ih_l0: [12, 3], weight_hh_l0: [8, 3] },
    [
      'weight_hh_l0: found [8, 3], expected [12, 12], [12, 4] or [12, 3]',
      '  weight_ih_l0 has 12 rows: an RNN of hidden size 12, a GRU of 4 or an LSTM of 3.',
      '  An LSTM with proj_size has fewer columns here, and a weight_hr beside it.',
      OTHER_LAYER,
    ],
  ],
  [
    'rows of three kinds, weight_hh first',
    { weight_hh_l0: [8, 3], bias_ih_l0: [12], weight_ih_l0: [12, 3], bias_hh_l0: [12] },
    [
      'weight_hh_l0: found [8, 3], expected [12, 12], [12, 4] or [12, 3]',
      '  bias_ih_l0 has 12 rows: an RNN of hidden size 12, a GRU of 4 or an LSTM of 3.',
      '  An LSTM with proj_size has fewer columns here, and a weight_hr beside it.',
      OTHER_LAYER,
    ],
  ],
  [
    'rows that are not those of an LSTM',
    { weight_ih_l0: [9, 3], weight_hh_l0: [9, 4] },
    [
      'weight_hh_l0: found [9, 4], expected [9, 9] or [9, 3]',
      '  weight_ih_l0 has 9 rows: an RNN of hidden size 9 or a GRU of 3.',
      OTHER_LAYER,
    ],
  ],
])('one misshapen parameter, %s', (_, shapes, lines) => {
  expect(describe(shapes)).toEqual(lines);
});

test('several faults, each in a line', () => {
  expect(
    describe({
      'a.weight_ih_l0': [3, 12],
      'a.weight_hh_l0': [12, 4],
      'a.bias_ih_l0': [12],
      'a.weight_hx l0': [2, 4],
      'a.weight_gx': [2],
    }),
  ).toEqual([
    'a.: its parameters are not those of a GRU 3 → 4, 1 layer',
    '  misshapen   weight_ih_l0: found [3, 12], expected [3·hidden_size, input_size] = [12, 3]',
    `    ${TRANSPOSED}`,
    '  missing     bias_hh_l0 [3·hidden_size] = [12]',
    '  unexpected  "weight_hx l0"',
    '  unexpected  weight_gx',
  ]);
});

const ALL_TRANSPOSED =
  '  The weights are transposed: PyTorch keeps them as [rows of all gates, features]. Save weight.T.contiguous() of each.';

test.each<[string, Shapes, readonly string[]]>([
  [
    'an LSTM without biases, whose weight_ih has the rows of an RNN',
    { weight_ih_l0: [3, 16], weight_hh_l0: [4, 16] },
    [
      'its parameters are not those of an LSTM 3 → 4, 1 layer, no bias',
      '  misshapen   weight_ih_l0: found [3, 16], expected [4·hidden_size, input_size] = [16, 3]',
      '  misshapen   weight_hh_l0: found [4, 16], expected [4·hidden_size, hidden_size] = [16, 4]',
      ALL_TRANSPOSED,
    ],
  ],
  [
    'a GRUCell with biases',
    { weight_ih: [3, 12], weight_hh: [4, 12], bias_ih: [12], bias_hh: [12] },
    [
      'its parameters are not those of a GRUCell 3 → 4',
      '  misshapen   weight_ih: found [3, 12], expected [3·hidden_size, input_size] = [12, 3]',
      '  misshapen   weight_hh: found [4, 12], expected [3·hidden_size, hidden_size] = [12, 4]',
      ALL_TRANSPOSED,
    ],
  ],
  [
    'two of two, and a bias is missing',
    { weight_ih_l0: [3, 16], weight_hh_l0: [4, 16], bias_ih_l0: [16] },
    [
      'its parameters are not those of an LSTM 3 → 4, 1 layer',
      '  misshapen   weight_ih_l0: found [3, 16], expected [4·hidden_size, input_size] = [16, 3]',
      `    ${TRANSPOSED}`,
      '  misshapen   weight_hh_l0: found [4, 16], expected [4·hidden_size, hidden_size] = [16, 4]',
      `    ${TRANSPOSED}`,
      '  missing     bias_hh_l0 [4·hidden_size] = [16]',
    ],
  ],
])('transposed weights: %s', (_, shapes, lines) => {
  expect(describe(shapes)).toEqual(lines);
});

test.each<[string, Shapes, readonly string[]]>([
  [
    'two hidden sizes of an RNN',
    { 'a.weight_ih_l0': [7, 3], 'a.weight_hh_l0': [9, 9] },
    [
      'a.: its parameters contradict each other',
      '  as an RNN 3 → 7, 1 layer, no bias: weight_hh_l0 found [9, 9], expected [7, 7]',
      '  as an RNN 3 → 9, 1 layer, no bias: weight_ih_l0 found [7, 3], expected [9, 3]',
      OTHER_LAYER,
    ],
  ],
  [
    "a GRU's weight_ih and an LSTM's weight_hh",
    { weight_ih_l0: [12, 3], weight_hh_l0: [16, 4] },
    [
      'its parameters contradict each other',
      '  as an RNN 3 → 12, 1 layer, no bias: weight_hh_l0 found [16, 4], expected [12, 12]',
      '  as a GRU 3 → 4, 1 layer, no bias: weight_hh_l0 found [16, 4], expected [12, 4]',
      '  as an LSTM 3 → 3, 1 layer, no bias: weight_hh_l0 found [16, 4], expected [12, 3]',
      '  as an LSTM 3 → 4, 1 layer, no bias: weight_ih_l0 found [12, 3], expected [16, 3]',
      OTHER_LAYER,
    ],
  ],
])('parameters that contradict each other: %s', (_, shapes, lines) => {
  expect(describe(shapes)).toEqual(lines);
});

test('no parameter is found in a shape that is expected', () => {
  let errors = 0;
  for (let rows = 1; rows <= 16; rows++)
    for (let columns = 1; columns <= 16; columns++)
      for (const line of describe({ weight_ih_l0: [8, 3], weight_hh_l0: [rows, columns] })) {
        const [, found, expected] = /found (\[.*?\]), expected (.*)$/.exec(line) ?? [];
        if (!found) continue;
        errors++;
        expect(expected.includes(found), line).toBe(false);
      }
  expect(errors).toBeGreaterThan(250);
});

test('several faults where several modules fit', () => {
  expect(describe({ weight_ih_l0: [8, 4], weight_hh_l0: [8, 5], bias_ih_l0: [8] })).toEqual([
    'its parameters are not those of an RNN 4 → 8, 1 layer or an LSTM 4 → 2, 1 layer',
    '  misshapen   weight_hh_l0: found [8, 5], expected [hidden_size, hidden_size] = [8, 8]',
    '  missing     bias_hh_l0 [hidden_size] = [8]',
  ]);
});

test('a parameter that does not fit is no witness of the rows', () => {
  const lines = describe({ ...LSTM, weight_ih_l0: [12, 3] });
  expect(lines).toContain(OTHER_LAYER);
  expect(lines.join('\n')).not.toContain('weight_ih_l0 has');
});

test('a weight without a bias is transposed or missing, not both', () => {
  expect(describe({ weight_ih_l0: [16, 3], weight_hh_l0: [16, 2], weight_hr_l0: [4, 2] })).toEqual([
    'weight_hr_l0: found [4, 2], expected [2, 4]',
    `  ${TRANSPOSED}`,
  ]);
});

const NORM = '  This looks like weight_norm: remove it before saving the state_dict.';

test.each([
  ['weight_hh_l0_g', true],
  ['weight_hh_l0_v', true],
  ['weight_hh_l0_w', false],
  ['weight_g_l0', false],
  ['weight_hh_l0g', false],
])('%s beside the parameters is what weight_norm leaves: %s', (name, norm) => {
  expect(describe({ ...LSTM, [name]: [16, 1] })).toEqual([
    'its parameters are not those of an LSTM 3 → 4, 1 layer',
    `  unexpected  ${name}`,
    ...(norm ? [NORM] : []),
  ]);
});

test('weight_norm is told by one of several names', () => {
  expect(describe({ ...LSTM, weight_hh_l0_g: [16, 1], weight_xh_l0: [1] })).toContain(NORM);
});

test('a missing parameter whose name ends like one of weight_norm is none', () => {
  const group = { prefix: '', cell: false, shapes: new Map(), misspelt: new Map() };
  const shape = { name: 'weight_g', dimensions: [{ label: 'rows', size: 4 }] };
  const error = parameterError(group, [lstm()], [{ kind: 'missing', shape }]);
  expect(error.parts.hints).toEqual(['missing     weight_g [rows] = [4]']);
});

test('what several modules have in common is said once', () => {
  const group = {
    prefix: '',
    cell: false,
    shapes: new Map([['bias_ih_l0', [5]]]),
    misspelt: new Map(),
  };
  const shape = { name: 'bias_ih_l0', dimensions: [{ label: '4·hidden_size', size: 16 }] };
  const error = parameterError(group, [lstm(), lstm({ input_size: 7 })], [{ kind: 'misshapen', shape }]);
  expect(error.message).toBe(`bias_ih_l0: found [5], expected [16]\n${OTHER_LAYER}`);
});

test('of many faults the first thirty lines', () => {
  const faults = (count: number) => {
    const strange = Array.from({ length: count }, (_, i) => [`weight_x${i}`, [1]] as const);
    return describe({ ...LSTM, ...Object.fromEntries(strange) }).slice(1);
  };
  const lines = Array.from({ length: 30 }, (_, i) => `  unexpected  weight_x${i}`);
  expect(faults(30)).toEqual(lines);
  expect(faults(32)).toEqual([...lines, '  … and 2 lines more']);
});
