import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CellcheckError } from '../../src/errors.js';
import { tensorsOfPrinted } from '../../src/formats/printed.js';
import { cli, scratch } from '../cli.js';

const read = (text: string) => {
  const { specs, load } = tensorsOfPrinted(new TextEncoder().encode(text));
  const loaded = [...load([...specs.keys()])];
  const tensors = Object.fromEntries(
    loaded.map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: [...data] }]),
  );
  return { tensors, decimals: loaded.map(([, { printed }]) => printed?.decimals) };
};
const one = (text: string) => read(text).tensors[''];

describe('what Python prints is read', () => {
  test('an OrderedDict, a dict, names and parameters', () => {
    const weights = {
      w: { dtype: 'F32', shape: [1, 1], data: [0.3445] },
      b: { dtype: 'F32', shape: [2], data: [-1, 0.5] },
    };
    for (const text of [
      "OrderedDict([('w', tensor([[0.3445]])), ('b', tensor([-1.0000,  0.5000]))])",
      "OrderedDict({'w': tensor([[0.3445]]), 'b': tensor([-1.0000, 0.5000], device='cuda:0')})",
      '{"w": tensor([[0.3445]], requires_grad=True), "b": tensor([-1.0000, 0.5000], grad_fn=<AddBackward0>),}',
      'w = tensor([[0.3445]])\nb = Parameter containing:\ntensor([-1.0000,\n 0.5000], requires_grad=True)',
      'w: array([[0.3445]], dtype=float32)\nb: np.array([-1.0000, 0.5000], dtype=float32)',
      "state_dict = OrderedDict([('w', torch.tensor([[0.3445]])), ('b', [-1.0000, 0.5])])",
    ]) {
      expect(read(text)).toEqual({ tensors: weights, decimals: 4 });
    }
  });

  test('dtypes, whole numbers, what is not finite, and empty tensors', () => {
    expect(one('tensor([3, 1], dtype=torch.int64)')).toEqual({ dtype: 'I64', shape: [2], data: [3, 1] });
    expect(one('tensor([1., 2.], dtype=torch.float64)').dtype).toBe('F64');
    expect(read('tensor([1., 2.])').decimals).toBeUndefined();
    expect(one('tensor([nan, inf, -inf])').data).toEqual([Number.NaN, Infinity, -Infinity]);
    expect(one('tensor([], size=(0, 3))').shape).toEqual([0]);
    expect(one('tensor(0.5)')).toEqual({ dtype: 'F32', shape: [], data: [0.5] });
  });

  test('decimals are those of the numbers that have most; an exponent takes from them', () => {
    expect(read('a = array([0.5, 0.25]) b = array([0.1234])').decimals).toBe(4);
    expect(read('tensor([1.2345e+02, 1.0000e-03])').decimals).toBe(2);
    expect(read('a = tensor([0.1234]) b = tensor([1.2345e-05])').decimals).toBe(4);
  });
});

const DEEP = '['.repeat(100_000);

describe('what is none is refused, with its line', () => {
  test.each([
    ['tensor([1.0, ..., 2.0])', /line 1 has numbers that were left out/],
    ['tensor([[1.0],\n [1.0, 2.0]])', /line 2 has a row of 2 where others have 1/],
    ['tensor([[1.0], 2.0])', /numbers and rows side by side/],
    ['tensor([1.0, [2.0]])', /numbers and rows side by side/],
    [DEEP, /more than 16 brackets/],
    ['tensor([1e999])', /beyond double precision/],
    [`tensor([${'9'.repeat(400)}])`, /beyond double precision/],
    ['__import__("os").system("touch owned")', /line 1 has/],
    ["OrderedDict([('w', open('/etc/passwd').read())])", /something else where tensor/],
    ['tensor([os.getpid()])', /where a number is expected/],
    ['tensor([1.0]', /its end where \) is expected/],
    ['tensor([1.0 2.0])', /a number where , is expected/],
    ['tensor([1.0, 2.0j])', /where/],
    ['tensor([1.0], dtype=torch.complex64)', /a dtype that cellcheck does not know/],
    ['w = tensor([1.0]) w = tensor([2.0])', /a name that was there before/],
    ['tensor([1.0]) tensor([2.0])', /a second tensor without a name/],
    [`{'${'w'.repeat(501)}': tensor([1.0])}`, /a name of more than 500 characters/],
    ['', /holds no printed tensor/],
    ['\n\n{}', /holds no printed tensor/],
  ])('%.40s', (text, message) => {
    expect(() => read(text)).toThrow(CellcheckError);
    expect(() => read(text)).toThrow(message);
  });

  test('bytes that are no text', () => {
    expect(() => tensorsOfPrinted(Uint8Array.of(0x74, 0xff, 0xfe))).toThrow(/UTF-8/);
  });

  test('nothing but an error of our own, whatever is changed', () => {
    const sample =
      "OrderedDict([('w', tensor([[0.3445, -1.5e-3]], grad_fn=<A>)), ('b', array([1.], dtype=float32))])";
    const tokens = [
      '[',
      ']',
      '(',
      ')',
      ',',
      "'",
      '1.',
      '...',
      'tensor',
      '=',
      ':',
      '<',
      '>',
      'nan',
      '\n',
      '{',
      '}',
      'e9',
    ];
    fc.assert(
      fc.property(fc.nat(sample.length), fc.nat(5), fc.constantFrom(...tokens), (at, cut, token) => {
        const text = sample.slice(0, at) + token + sample.slice(at + cut);
        try {
          read(text);
        } catch (error) {
          expect(error).toBeInstanceOf(CellcheckError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test('three printed files are a case; a hostile one exits 2, and nothing of it is run', async () => {
  const cwd = scratch();
  const writeText = (name: string, text: string) => fs.writeFileSync(path.join(cwd, name), text);
  const argv = ['verify', '--weights', 'w.txt', '--input', 'x.txt', '--expected', 'y.txt'];
  writeText(
    'w.txt',
    "OrderedDict([('weight_ih_l0', tensor([[0.3445]])), ('weight_hh_l0', tensor([[0.9963]]))])",
  );
  writeText('x.txt', 'tensor([[3.], [4.], [5.]])');
  writeText('y.txt', 'tensor([[0.7753], [0.9733], [0.9909]])');
  const { code, stdout } = await cli(argv, { cwd });
  expect({ code, rule: stdout.includes('within what 4 printed decimals allow') }).toEqual({
    code: 0,
    rule: true,
  });
  writeText('y.txt', 'tensor([[0.7753], [0.9733], [0.9919]])');
  expect((await cli(argv, { cwd })).code).toBe(1);
  writeText('y.txt', 'tensor([[0.7753], ..., [0.9909]])');
  const hostile = await cli(argv, { cwd });
  expect(hostile.code).toBe(2);
  expect(hostile.stderr).toContain('y.txt: line 1 has numbers that were left out');
  expect(hostile.stderr).toContain('set_printoptions');
});
