import { describe, expect, test } from 'vitest';
import { layerNames, resolvedNames } from '../../src/files/renames.js';
import { NAMELESS } from '../../src/tensor/state-dict.js';
import { linesOf } from '../errors.js';
import { specs } from '../module/modules.js';

const file = (names: readonly string[], label?: string) => () => ({
  specs: specs(Object.fromEntries(names.map((name) => [name, [1]]))),
  label,
});
const resolve = (names: Record<string, string>, ...present: string[]) => resolvedNames(names, file(present));

test('a plain rename stays what it is', () => {
  const names = { output: 'out', 'rnn.weight_ih_l0': 'w', output_l0: 'y', h_n: 'h' };
  expect(resolve(names, 'out', 'w', 'y', 'h', 'spare')).toEqual(names);
  expect(resolve({})).toEqual({});
});

describe('a pattern', () => {
  test('stands for a rename of each tensor that it fits', () => {
    expect(resolve({ 'weight_*_l0': 'enc_w_*' }, 'enc_w_ih', 'enc_w_hh', 'enc_b_ih', 'dec_w_ih')).toEqual({
      weight_ih_l0: 'enc_w_ih',
      weight_hh_l0: 'enc_w_hh',
    });
    expect(resolve({ 'bias_ih_l*': 'layer*.b.ih' }, 'layer0.b.ih', 'layer12.b.ih', 'layer0.b.hh')).toEqual({
      bias_ih_l0: 'layer0.b.ih',
      bias_ih_l12: 'layer12.b.ih',
    });
    expect(resolve({ '*_l0': 'cell/*' }, 'cell/weight_ih', 'cell/bias_hh')).toEqual({
      weight_ih_l0: 'cell/weight_ih',
      bias_hh_l0: 'cell/bias_hh',
    });
    expect(resolve({ 'output_l*': 'y*' }, 'y0', 'y1')).toEqual({ output_l0: 'y0', output_l1: 'y1' });
  });

  test('leaves out what would get no name that cellcheck reads', () => {
    expect(resolve({ 'weight_*_l0': 'w_*' }, 'w_ih', 'w_xh', 'w_', 'w_IH', 'w_ih_extra')).toEqual({
      weight_ih_l0: 'w_ih',
    });
    // Something must stand in the place of the asterisk, once.
    expect(resolve({ 'rnn.*weight_ih_l0': 'aa*a' }, 'aaa', 'aa-a')).toEqual({ 'rnn.-weight_ih_l0': 'aa-a' });
  });

  test('takes what stands there as text', () => {
    expect(resolve({ '*.weight_ih_l0': 'a.b[*]' }, 'a.b[$&]', 'axb[1]', 'a.b[.*]')).toEqual({
      '$&.weight_ih_l0': 'a.b[$&]',
      '.*.weight_ih_l0': 'a.b[.*]',
    });
  });

  test('has one asterisk on each side; else it is a name like others', () => {
    expect(resolve({ weight_ih_l0: 'w*' }, 'w*', 'w1')).toEqual({ weight_ih_l0: 'w*' });
    expect(resolve({ 'a*b*weight_ih_l0': 'w*v*' }, 'w*v*')).toEqual({ 'a*b*weight_ih_l0': 'w*v*' });
  });

  test('that fits nothing is told as a name that no tensor has', () => {
    expect(linesOf(() => resolve({ 'weight_*_l0': 'enc_w_*' }, 'dec_w_ih', 'dec_w_hh'))).toEqual([
      'no tensor is named enc_w_*, which weight_*_l0 should be read from',
      '  There are dec_w_ih, dec_w_hh.',
    ]);
  });

  test('that fits nothing that cellcheck reads is refused', () => {
    expect(() => resolve({ 'weigth_*_l0': 'enc_w_*' }, 'enc_w_ih')).toThrow('weigth_*_l0');
  });
});

test('each rename is looked for in its own file', () => {
  const files = { output: file(['out']), input: file(['x'], 'input.npz') };
  const fileFor = (ours: string) => files[ours as keyof typeof files]();
  expect(resolvedNames({ output: 'out', input: 'x' }, fileFor)).toEqual({ output: 'out', input: 'x' });
  expect(linesOf(() => resolvedNames({ output: 'out', input: 'out' }, fileFor))).toEqual([
    'input.npz: no tensor is named out, which input should be read from',
    '  There are x.',
  ]);
});

test('a name that no tensor has, with those that there are', () => {
  const many = Array.from({ length: 13 }, (_, i) => `t${i}`);
  expect(linesOf(() => resolve({ output: 'out' }, ...many))).toEqual([
    'no tensor is named out, which output should be read from',
    `  There are ${many.slice(0, 12).join(', ')}, ….`,
  ]);
  expect(linesOf(() => resolve({ output: 'out' }, ...many.slice(1)))[1]).toBe(
    `  There are ${many.slice(1).join(', ')}.`,
  );
  expect(linesOf(() => resolve({ output: 'out' }, NAMELESS, 'a b'))[1]).toBe('  There are "a b".');
});

test('a name of ours that cellcheck does not read', () => {
  for (const ours of ['outptu', 'weight_xh_l0', '', 'output_l', 'toString'])
    expect(() => resolve({ [ours]: 'out' }, 'out')).toThrow('is not one that cellcheck reads');
  expect(linesOf(() => resolve({ outptu: 'out' }, 'out'))).toEqual([
    'the name outptu (for out) is not one that cellcheck reads',
    "  It is one of input, h_0, c_0, lengths, output, h_n, c_n, or a parameter's.",
  ]);
});

test("the renames of layers' outputs are told from the others", () => {
  expect(
    layerNames({ output: 'a', output_l0: 'b', output_l12: 'c', output_lx: 'd', weight_ih_l0: 'e' }),
  ).toEqual({
    output_l0: 'b',
    output_l12: 'c',
  });
});
