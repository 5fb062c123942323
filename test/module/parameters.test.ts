import { expect, test } from 'vitest';
import { formatDimensions } from '../../schemas/shapes.js';
import {
  className,
  describeParts,
  layerInputSize,
  type Module,
  outputSize,
  parameterShapes,
  withArticle,
} from '../../src/module/parameters.js';
import { lstm } from './modules.js';

const shapesOf = (module: Module) =>
  parameterShapes(module).map(({ name, dimensions }) => `${name} ${formatDimensions(dimensions)}`);

test('the parameters of an LSTM with everything that PyTorch offers, in its order', () => {
  const module = lstm({ proj_size: 2, num_layers: 2, bidirectional: true });
  const direction = (end: string, features: string) => [
    `weight_ih${end} [4·hidden_size, ${features}`,
    `weight_hh${end} [4·hidden_size, proj_size] = [16, 2]`,
    `bias_ih${end} [4·hidden_size] = [16]`,
    `bias_hh${end} [4·hidden_size] = [16]`,
    `weight_hr${end} [proj_size, hidden_size] = [2, 4]`,
  ];
  expect(shapesOf(module)).toEqual([
    ...direction('_l0', 'input_size] = [16, 3]'),
    ...direction('_l0_reverse', 'input_size] = [16, 3]'),
    ...direction('_l1', 'num_directions·hidden_size] = [16, 4]'),
    ...direction('_l1_reverse', 'num_directions·hidden_size] = [16, 4]'),
  ]);
});

test('an RNN has one block of rows, a Cell no layer numbers, and without bias there is none', () => {
  expect(shapesOf(lstm({ kind: 'RNN', bias: false }))).toEqual([
    'weight_ih_l0 [hidden_size, input_size] = [4, 3]',
    'weight_hh_l0 [hidden_size, hidden_size] = [4, 4]',
  ]);
  expect(shapesOf(lstm({ kind: 'GRU', cell: true }))).toEqual([
    'weight_ih [3·hidden_size, input_size] = [12, 3]',
    'weight_hh [3·hidden_size, hidden_size] = [12, 4]',
    'bias_ih [3·hidden_size] = [12]',
    'bias_hh [3·hidden_size] = [12]',
  ]);
});

test('an input size that is not known is any', () => {
  const module = lstm({ input_size: Number.NaN, num_layers: 2, bias: false });
  expect(shapesOf(module)).toEqual([
    'weight_ih_l0 [4·hidden_size, input_size] = [16, input_size]',
    'weight_hh_l0 [4·hidden_size, hidden_size] = [16, 4]',
    'weight_ih_l1 [4·hidden_size, num_directions·hidden_size] = [16, 4]',
    'weight_hh_l1 [4·hidden_size, hidden_size] = [16, 4]',
  ]);
});

test('the second layer takes the output of both directions', () => {
  const module = lstm({ bidirectional: true, num_layers: 2 });
  expect([outputSize(module), layerInputSize(module, 0), layerInputSize(module, 1)]).toEqual([4, 3, 8]);
});

test.each<[Partial<Module>, readonly string[]]>([
  [{}, ['LSTM 3 → 4', '1 layer']],
  [{ num_layers: 2, bidirectional: true }, ['LSTM 3 → 4', '2 layers', 'bidirectional']],
  [{ proj_size: 2 }, ['LSTM 3 → 4 → 2', '1 layer']],
  [{ kind: 'RNN', nonlinearity: 'relu', bias: false }, ['RNN 3 → 4', '1 layer', 'relu', 'no bias']],
  [{ kind: 'GRU', cell: true }, ['GRUCell 3 → 4']],
  [{ input_size: Number.NaN }, ['LSTM ? → 4', '1 layer']],
])('%o in words', (otherwise, words) => {
  expect(describeParts(lstm(otherwise))).toEqual(words);
});

test('a class by its name, with its article', () => {
  expect(['LSTM', 'RNN', 'GRUCell'].map(withArticle)).toEqual(['an LSTM', 'an RNN', 'a GRUCell']);
  expect([className(lstm()), className(lstm({ kind: 'RNN', cell: true }))]).toEqual(['LSTM', 'RNNCell']);
});
