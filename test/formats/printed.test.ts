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
      expect(read(text).tensors).toEqual(weights);
    }
  });

  test('dtypes, whole numbers, what is not finite, and empty tensors', () => {
    expect(one('tensor([3, 1], dtype=torch.int64)')).toEqual({ dtype: 'I64', shape: [2], data: [3, 1] });
    expect(one('tensor([1., 2.], dtype=torch.float64)').dtype).toBe('F64');
    expect(read('tensor([1., 2.])').decimals).toEqual([undefined]);
    expect(one('tensor([nan, inf, -inf])').data).toEqual([Number.NaN, Infinity, -Infinity]);
    expect(one('tensor([], size=(0, 3))').shape).toEqual([0]);
    expect(one('tensor(0.5)')).toEqual({ dtype: 'F32', shape: [], data: [0.5] });
  });
});

const DEEP = '['.repeat(100_000);

describe('what is none is refused, with its line', () => {
  const refused: [string, RegExp][] = [
    ['tensor([1.0, ..., 2.0])', /line 1 has numbers that were left out/],
    ['tensor([[1.0],\n [1.0, 2.0]])', /line 2 has a row of 2 where others have 1/],
    ['tensor([[1.0], 2.0])', /numbers and rows side by side/],
    ['tensor([1.0, [2.0]])', /numbers and rows side by side/],
    [DEEP, /more than 16 brackets/],
    ['tensor([1e999])', /beyond double precision/],
    [`tensor([${'9'.repeat(400)}])`, /beyond double precision/],
    ['__import__("os").system("touch owned")', /holds no printed tensor\n {2}skipped: line 1 "__import__/],
    ["OrderedDict([('w', open('/etc/passwd').read())])", /line 1 has open where tensor\(…\), array/],
    ['tensor([os.getpid()])', /where a number is expected/],
    [
      'tensor([1.0]',
      /line 1 has its end where \) is expected\n {2}The text ends there: was all of it copied\?/,
    ],
    [
      'tensor([[[-0.3725, -0.6397],\n [-0.8071, -',
      /line 2 has - where a number is expected\n {2}The text ends there/,
    ],
    ['tensor([toString, constructor])', /line 1 has toString where a number is expected/],
    ['tensor([[valueOf]])', /line 1 has valueOf where a number is expected/],
    ["{'w': tensor([__proto__])}", /line 1 has __proto__ where a number is expected/],
    [`tensor([${'1'.repeat(50_000)}a])`, /line 1 has 1{24} where a number is expected/],
    [`x${' '.repeat(50_000)}y`, /skipped: line 1 x$/],
    ['tensor([1.5.2])', /line 1 has 1\.5\.2 where a number/],
    ['[[0.1 0.2, 0.3]]', /line 1 has , where a number/],
    ['[[0.1, 0.2 0.3]]', /line 1 has 0\.3 where , is expected/],
    ['array([0.1 0.2])', /line 1 has 0\.2 where , is expected/],
    ['[tensor([1.0]), tensor([1.0, 2.0])]', /shapes \[1\] and \[2\]/],
    ['(tensor([1.0]), tensor([1.0]), tensor([2.0]))', /\(output, h_n\) or \(output, \(h_n, c_n\)\)/],
    ["('w', 'v')", /line 1 has "'v'" where tensor/],
    ["('w')", /ends a name without a tensor/],
    ['tensor([1.0 2.0])', /line 1 has 2\.0 where , is expected/],
    ['tensor([1.0, 2.0j])', /where/],
    ['tensor([1.0], dtype=torch.complex64)', /a dtype that cellcheck does not know/],
    ['w = tensor([1.0]) w = tensor([2.0])', /a name that was there before/],
    ['tensor([1.0])\ntensor([2.0])', /line 2 has a second tensor without a name/],
    [`{'${'w'.repeat(501)}': tensor([1.0])}`, /a name of more than 500 characters/],
    ['', /holds no printed tensor/],
    ['\n\n{}', /holds no printed tensor/],
  ];
  test.each(refused.map(([text, message]) => [text.slice(0, 40), text, message] as const))(
    '%s',
    (_, text, message) => {
      expect(() => read(text)).toThrow(CellcheckError);
      expect(() => read(text)).toThrow(message);
    },
  );

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

describe('what people paste', () => {
  const values = [
    [0.1234, -1.5],
    [2.25, 3.5],
  ];
  const text = 'tensor([[ 0.1234, -1.5000],\n        [ 2.2500,  3.5000]])';
  const list = '[[ 0.1234, -1.5000],\n [ 2.2500,  3.5000]]';
  const data = values.flat();
  const notesOf = (all: string) => tensorsOfPrinted(new TextEncoder().encode(all)).notes;

  test.each([
    ['a prompt of IPython', `Out[3]: ${text}`],
    ['a prompt of IPython, the tensor below it', `Out[12]: \n${text}`],
    ['the margin of a notebook', `[55]\n${text}`],
    ['the margin with its code', `[55]:\nrnn.weight\n[55]:\n${text}`],
    ['a cell that has not run', `[ ]\n${text}`],
    ['code and its output', `In [60]: rnn.weight_ih_l0\nOut[60]: ${text}`],
    ['code of several lines', `In [60]: rnn(\n    ...:   x)\nOut[60]: ${text}`],
    ['a Python prompt', `>>> rnn.weight\n${text}\n>>> `],
    ['comments', `# the weights\n${text}  # done`],
    ['a fence', `\`\`\`python\n${text}\n\`\`\``],
    ['a shape before it', `torch.Size([2, 2])\n${text}`],
    ['a named shape', `weight shape: torch.Size([2, 2])\n${text}`],
    ['prose in its line', `The weights are: ${text}`],
    ['prose', `Let's look at the weights (of the first layer):\n\n${text}\n\nand so on.`],
    ['brackets', `(${text})`],
    ['JAX', `Array(${list}, dtype=float32)`],
    ['JAX of old', `DeviceArray(${list}, dtype=float32)`],
    ['a legacy constructor', `torch.FloatTensor(${list})`],
    ['numpy’s str()', '[[ 0.1234 -1.5   ]\n [ 2.25    3.5   ]]'],
    ['a prompt before numpy’s str()', '>>> print(x)\n[[ 0.1234 -1.5   ]\n [ 2.25    3.5   ]]'],
    ['a list of rows', '[tensor([ 0.1234, -1.5000]), tensor([2.2500, 3.5000])]'],
    [
      'a list of tensors with gradients',
      '[tensor([0.1234, -1.5], grad_fn=<A>),\n tensor([2.25, 3.5], grad_fn=<A>)]',
    ],
  ])('%s', (_, all) => {
    const [tensor] = Object.values(read(all).tensors);
    expect(tensor).toMatchObject({ shape: [2, 2], data });
  });

  test.each([
    ['a name, then the tensor', `w ${text}`],
    ['a name, a parameter', `w Parameter containing:\n${text}`],
    ['a pair', `('w', ${text})`],
    ['a pair with a parameter', `('w', Parameter containing:\n${text})`],
    ['pairs in a list', `[('w', ${text})]`],
    ['an item of a dict', `'w': ${text},`],
    ['a name on its own line', `w\n${list}`],
    ['the code that shows it', `>>> w\n${text}`],
    ['the code that prints it', `In [3]: print(w)\n${list}`],
    ['code that makes it', `>>> w = torch.${text}`],
    ['a dict with a name', `sd = {'w': ${text}}`],
  ])('a name: %s', (_, all) => {
    expect(Object.entries(read(all).tensors)).toMatchObject([['w', { shape: [2, 2], data }]]);
  });

  test('what a module returns', () => {
    const h = 'tensor([[2.2500, 3.5000]])';
    const c = 'tensor([[4.2500, 5.5000]])';
    const names = (all: string) => Object.keys(read(all).tensors);
    expect(names(`(${text}, ${h})`)).toEqual(['output', 'h_n']);
    expect(names(`out = (${text},\n ${h})`)).toEqual(['output', 'h_n']);
    expect(names(`(${text}, (${h}, ${c}))`)).toEqual(['output', 'h_n', 'c_n']);
    expect(read(`(${text}, (${h}, ${c}))`).tensors.c_n.data).toEqual([4.25, 5.5]);
    // Of a Cell h and c have one shape; of a sequence of one step output and h_n are the same.
    expect(names(`(${h}, ${c})`)).toEqual(['h_n', 'c_n']);
    expect(names(`(${h}, ${h})`)).toEqual(['output', 'h_n']);
  });

  test('modules inside each other are prefixes', () => {
    expect(Object.keys(read(`{'rnn': {'w': ${text}, 'b': ${list}}, 'v': ${text}}`).tensors)).toEqual([
      'rnn.w',
      'rnn.b',
      'v',
    ]);
  });

  test('what is skipped is said, comments and prompts are not', () => {
    expect(notesOf(`# weights\nOut[3]: ${text}`)).toEqual([]);
    expect(notesOf(`In [2]: rnn.state_dict()\n\nw = ${text}\ntorch.Size([2, 2])`)).toEqual([
      'skipped: line 1 rnn.state_dict(), line 5 "torch.Size([2, 2])"',
    ]);
    const many = Array.from({ length: 9 }, (_, i) => `epoch ${i} done\u001b[2J`).join('\n');
    expect(notesOf(`${many}\n${text}`)).toEqual([
      'skipped: line 1 "epoch 0 done\\u001b[2J", line 2 "epoch 1 done\\u001b[2J", line 3 "epoch 2 done\\u001b[2J", and 6 more',
    ]);
  });

  test('a number in brackets is a tensor where nothing else is', () => {
    expect(one('[3]')).toEqual({ dtype: 'F32', shape: [1], data: [3] });
  });
});

describe('digits', () => {
  const halves = (text: string, name = '') => {
    const { load } = tensorsOfPrinted(new TextEncoder().encode(text));
    return [...(load([name]).get(name)!.printed?.halfUnits ?? [])].map((half) => Number(half.toPrecision(3)));
  };
  const decimalsOf = (text: string) => read(text).decimals;

  test('each tensor has its own decimals, the most that one of its numbers shows', () => {
    expect(decimalsOf('a = array([0.5, 0.25]) b = array([0.1234])')).toEqual([2, 4]);
    expect(halves('array([0.5, 0.25])')).toEqual([5e-3, 5e-3]);
    expect(halves('[0.123, 3.0, 7]')).toEqual([5e-4, 5e-4, 5e-4]);
  });

  test('each number its own exponent', () => {
    expect(halves('tensor([1.2345e+02, 1.0000e-03, 0.0000e+00])')).toEqual([5e-3, 5e-8, 0]);
    expect(decimalsOf('tensor([1.2345e+02, 1.0000e-03])')).toEqual([4]);
    expect(halves('array([1.2e+03, 5.e-08])')).toEqual([50, 5e-10]);
  });

  test('where digits are counted and not decimals, each number ends at its own digit', () => {
    expect(halves('[0.123457, 12.3457, 0.00123457]')).toEqual([5e-7, 5e-5, 5e-9]);
    expect(halves('[0.123457, 1.23457e-05, 1234.56]')).toEqual([5e-7, 5e-11, 5e-3]);
    // 12.5 has lost a zero at its end, whichever is counted.
    expect(halves('[0.1235, 12.5]')).toEqual([5e-5, 5e-5]);
    expect(halves('[0.123457, 12.3457]\nb = [0.5, 0.123456]', 'b')).toEqual([5e-7, 5e-7]);
    // Python's round(): 1e-05 ends at the fifth decimal, and was printed with six.
    expect(halves('[0.123457, 12.5, 1e-05]')).toEqual([5e-7, 5e-7, 5e-7]);
  });

  test('digits that are enough for the dtype lose nothing: the number is its own', () => {
    expect(halves('tensor([0.32783300, 0.45000000])')).toEqual([]);
    expect(one('tensor([0.32783300])').data).toEqual([Math.fround(0.327833)]);
    expect(halves('tensor([0.3445], dtype=torch.float16)')).toEqual([]);
    expect(halves('array([0.3278, 0.12345678901234567])')).toEqual([]);
    expect(halves('[0.32783299684524536, 0.06759686768054962]')).toEqual([]);
    // Near zero there are more float32 than eight decimals tell apart.
    expect(halves('tensor([0.32783300, 0.00012346])')).toEqual([0, 5e-9]);
    // numpy ends a float32 where it differs from its neighbours, whatever the others show.
    expect(halves('array([123.25, 0.06759687], dtype=float32)')).toEqual([0, 5e-9]);
    expect(halves('array([123.25, 0.01234568])')).toEqual([3.81e-6, 5e-9]);
  });

  test('whole numbers are exact, but for what numpy or C printed with a point', () => {
    expect(halves('tensor([1., -2., 3., -0.])')).toEqual([]);
    expect(halves('[1, 2]')).toEqual([]);
    expect(halves('array([ 0., -0.])')).toEqual([0.5, 0.5]);
    const beside = (zeros: string) => `w = array([0.123, -0.456])\nb = ${zeros}`;
    expect(halves(beside('array([0., 1.])'), 'b')).toEqual([5e-4, 5e-4]);
    expect(halves(beside('tensor([0., 0.])'), 'b')).toEqual([]);
    expect(halves(beside('[0, 0]'), 'b')).toEqual([]);
  });
});
