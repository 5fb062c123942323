import { expect, test } from 'vitest';
import {
  caseOf,
  checkOptions,
  EXPECTED_ROLES,
  fileOf,
  INPUT_ROLES,
  isKnownName,
  layerOf,
  layerRoles,
  mergeOptions,
  noRole,
  pickRoles,
} from '../../src/module/case.js';
import { stateDict } from '../../src/tensor/state-dict.js';
import { linesOf } from '../errors.js';
import { counting } from './modules.js';

test('a case holds the tensors that are there', () => {
  const weights = stateDict({});
  const input = counting([2, 3]);
  expect(caseOf(weights, { input, h_0: undefined })).toEqual({
    weights,
    tensors: new Map([['input', input]]),
    options: {},
  });
  expect(caseOf(weights, {}, { module: 'GRU' }).options).toEqual({ module: 'GRU' });
});

test.each<[Readonly<Record<string, unknown>>, readonly string[]]>([
  [{}, []],
  [{ module: undefined, compute: undefined, reporter: undefined }, []],
  [{ module: 'LSTM', batch_first: true, compute: 'float32' }, []],
  [{ compute: 'float64' }, []],
  [{ compute: 'float16' }, ['compute: is not one of float64, float32']],
  [
    { modul: 'LSTM', equal_nan: 1, compute: 'double' },
    [
      'equal_nan: is not true or false',
      '  modul: is not an option of a case',
      '  compute: is not one of float64, float32',
    ],
  ],
])('options of %o are held against the schema of a case', (options, lines) => {
  expect(linesOf(() => checkOptions(options))).toEqual(lines);
});

test('what a caller says goes before what a case says', () => {
  const own = { module: 'LSTM', nonlinearity: 'tanh', batch_first: true, prefix: 'a.' } as const;
  const said = { module: 'RNN', nonlinearity: 'relu', batch_first: false, prefix: '' } as const;
  expect(mergeOptions(own, said)).toEqual(said);
  expect(mergeOptions(own, {})).toEqual(own);
  expect(mergeOptions({}, {})).toEqual({});
});

test('a role comes from the file that was given for it', () => {
  const files = { weights: 'w', input: 'i', expected: 'e', layers: 'l' };
  expect(INPUT_ROLES.map((role) => fileOf(role, files))).toEqual(['i', 'i', 'i', 'i']);
  expect(EXPECTED_ROLES.map((role) => fileOf(role, files))).toEqual(['e', 'e', 'e']);
  expect(fileOf('output_l0', files)).toBe('l');
  expect(fileOf('output_l0', { expected: 'e' })).toBe('e');
  for (const role of ['input', 'output', 'output_l0'] as const)
    expect(fileOf(role, undefined)).toBeUndefined();
});

test('an output of a layer is named with its number', () => {
  expect(['output_l0', 'output_l1', 'output_l10', 'output_l9999'].map(layerOf)).toEqual([0, 1, 10, 9999]);
  const others = ['output_l', 'output_l01', 'output_l10000', 'output_lx', 'x_output_l0', 'output_l0_reverse'];
  expect(others.map(layerOf)).toEqual(others.map(() => undefined));
  expect(layerRoles(['output', 'output_l1', 'h_n', 'output_l0'])).toEqual(['output_l1', 'output_l0']);
});

test.each([
  ['input', true],
  ['lengths', true],
  ['c_n', true],
  ['output_l3', true],
  ['weight_ih_l0', true],
  ['encoder.bias_hh', true],
  ['out', false],
  ['weight_ih_l0x', false],
])('%s is a name that is looked for: %s', (name, known) => {
  expect(isKnownName(name)).toBe(known);
});

test('tensors are picked by their names, layers where an output may be', () => {
  const names = ['h_n', 'output_l1', 'output', 'input'];
  expect(pickRoles(names, EXPECTED_ROLES, false)).toEqual({
    picked: new Map([
      ['output_l1', 'output_l1'],
      ['output', 'output'],
      ['h_n', 'h_n'],
    ]),
    unused: ['input'],
  });
  expect(pickRoles(names, INPUT_ROLES, true)).toEqual({ picked: new Map([['input', 'input']]), unused: [] });
});

test('a file of one tensor stands for the first role, unless its name is another role', () => {
  const alone = (name: string) => pickRoles([name], EXPECTED_ROLES, false);
  expect(alone('whatever')).toEqual({ picked: new Map([['output', 'whatever']]), unused: [] });
  expect(alone('Output')).toEqual({ picked: new Map([['output', 'Output']]), unused: [] });
  expect(alone('c_n')).toEqual({ picked: new Map([['c_n', 'c_n']]), unused: [] });
  expect(alone('input')).toEqual({ picked: new Map(), unused: ['input'] });
  expect(linesOf(() => alone('hn'))).toEqual([
    'hn: is nearly h_n, and would not be used',
    '  If it is h_n, rename it, or add --name h_n=hn',
  ]);
});

test('a name that says almost what one of ours does is never left out silently', () => {
  const names = ['output', 'H-N', 'c n'];
  for (const shared of [false, true]) {
    expect(linesOf(() => pickRoles(names, EXPECTED_ROLES, shared))).toEqual([
      'H-N: is nearly h_n, and would not be used',
      '  If it is h_n, rename it, or add --name h_n=H-N',
      '  "c n": is nearly c_n, and would not be used',
      '    If it is c_n, rename it, or add --name c_n="c n"',
    ]);
  }
});

test('nor is what they are called elsewhere, beside one of ours', () => {
  expect(linesOf(() => pickRoles(['output', 'Hidden'], EXPECTED_ROLES, false))).toEqual([
    'Hidden: is nearly h_n, and would not be used',
    '  If it is h_n, rename it, or add --name h_n=Hidden',
  ]);
});

test('a name that says almost what is there anyway is not asked about', () => {
  expect(pickRoles(['output', 'Output'], ['output'], false)).toEqual({
    picked: new Map([['output', 'output']]),
    unused: ['Output'],
  });
});

test('among other things only what may be meant is unused', () => {
  const names = ['output', 'hidden', 'weight_ih_l0', 'fc.weight'];
  expect(pickRoles(names, EXPECTED_ROLES, true).unused).toEqual(['hidden']);
});

test('where none of ours is there, names of elsewhere are not asked about', () => {
  expect(pickRoles(['y', 'hy'], EXPECTED_ROLES, false)).toEqual({ picked: new Map(), unused: ['y', 'hy'] });
});

test('what a trace holds beside the outputs is not unused', () => {
  const names = ['output', 'layer0.forward.h', 'layer0.forward.hh', 'layer1.reverse.c'];
  expect(pickRoles(names, EXPECTED_ROLES, false).unused).toEqual(['layer0.forward.hh']);
});

const lines = (...parts: Parameters<typeof noRole>) =>
  linesOf(() => {
    throw noRole(...parts);
  });

test('a file without any of the roles: what it holds, and what to try', () => {
  expect(lines([], ['input'])).toEqual([
    'found no tensors, expected input',
    '  Use these names, or add --name input=…',
  ]);
  expect(lines(['foo', 'b r'], EXPECTED_ROLES)).toEqual([
    'found tensors named foo, "b r", expected one of output, h_n, c_n',
    '  Use these names, or add --name output=…',
  ]);
  expect(lines(['Y', 'other', 'c 1', 'HY'], EXPECTED_ROLES)).toEqual([
    'found tensors named Y, other, "c 1", HY, expected one of output, h_n, c_n',
    '  Rename them, or add --name output=Y --name h_n=HY',
  ]);
  const eight = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8'];
  expect(lines(eight, ['input'])[0]).toBe(`found tensors named ${eight.join(', ')}, expected input`);
  expect(lines([...eight, 'a9'], ['input'])[0]).toBe(
    `found tensors named ${eight.join(', ')}, …, expected input`,
  );
});

test.each([
  ['input', 'x inp in inputs seq sequence data features'],
  ['h_0', 'hx h hidden init_h initial_h initial_state h_in state'],
  ['c_0', 'cx c cell init_c initial_c c_in'],
  ['lengths', 'lens length seq_len seq_lens seq_lengths sequence_lens batch_sizes'],
  ['output', 'out outputs y y_hat result expected hidden_states hs'],
  ['h_n', 'h hidden h_out hy y_h last_hidden final_h h_final h_t h_1 h1'],
  ['c_n', 'c cell c_out cy y_c last_cell final_c c_final c_t c_1 c1'],
] as const)('what %s is called elsewhere: %s', (role, names) => {
  for (const name of names.split(' '))
    expect(lines([name], [role])[1]).toBe(`  Rename them, or add --name ${role}=${name}`);
});
