import { describe, expect, test } from 'vitest';
import { namesOf, read, refusal } from './printed-text.js';

const tensorOf = (text: string) => read(text).tensors[''];
const shapeOf = (text: string) => tensorOf(text).shape;
const halvesOf = (text: string) => tensorOf(text).halves;
const NOTHING_RUNS = '  A .txt file holds tensors as Python prints them; nothing in it is executed.';
const CUT = '  The text ends there: was all of it copied?';

describe('numbers', () => {
  test('every word for a tensor', () => {
    for (const word of [
      ...['tensor', 'torch.tensor', 'Tensor', 'torch.Tensor', 'FloatTensor', 'torch.FloatTensor'],
      ...['array', 'np.array', 'numpy.array', 'jnp.array', 'Array', 'DeviceArray'],
    ])
      expect([word, read(`${word}([0.5])`)]).toEqual([
        word,
        { tensors: { '': { dtype: 'F32', shape: [1], data: [0.5], halves: [0.05] } }, notes: [] },
      ]);
    for (const word of ['np.tensor', 'torch.array', 'jnp.Array', 'xtensor', 'tensorx', 'tensor.x'])
      expect([word, refusal(`${word}([0.5])`)]).toEqual([
        word,
        ['holds no printed tensor', `  skipped: line 1 ${word}([0.5])`],
      ]);
  });

  test('what is not finite, with and without a sign', () => {
    expect(tensorOf('tensor([inf, +inf, -inf, nan, +nan, -nan])').data).toEqual([
      ...[Infinity, Infinity, -Infinity],
      ...[Number.NaN, Number.NaN, Number.NaN],
    ]);
    for (const text of ['[nan, 1.]', '[inf, 1.]', '[-inf 1.]', '[ +nan 1.]'])
      expect(shapeOf(text)).toEqual([2]);
  });

  test('a number without brackets', () => {
    expect(tensorOf('tensor(-2.5)')).toEqual({ dtype: 'F32', shape: [], data: [-2.5], halves: [0.05] });
    expect(tensorOf('array(2, dtype=int64)')).toEqual({ dtype: 'I64', shape: [], data: [2] });
  });

  test('digits are counted without the sign, the point, zeros before them and the exponent', () => {
    // 10.3457 has all six digits of a setting, so that digits were counted and not decimals.
    for (const [first, half] of [
      ['0.123457', 5e-7],
      ['-0.123457', 5e-7],
      ['+0.123457', 5e-7],
      ['0.00123457', 5e-9],
      ['1.23457e-05', 5e-11],
      ['1.23457E-05', 5e-11],
    ])
      expect(halvesOf(`[${first}, 10.3457]`)).toEqual([half, 5e-5]);
    expect(halvesOf('[0.123457, -12.3457]')).toEqual([5e-7, 5e-5]);
    expect(halvesOf('[0.1234, -1.3]')).toEqual([5e-5, 5e-5]);
  });

  test('an exponent is read with its sign', () => {
    expect(halvesOf('tensor([1.25e+02, 5.00e-03])')).toEqual([0.5, 5e-6]);
    expect(tensorOf('array([1.e+05, 2.E-3])').data).toEqual([100000, 0.002]);
  });

  test('none beyond double precision', () => {
    expect(refusal('tensor([1.0,\n -1e999])')).toEqual(['line 2 has a number beyond double precision']);
  });

  test('nothing else in their place', () => {
    expect(refusal('tensor([0.5, True])')).toEqual([
      'line 1 has True where a number is expected',
      NOTHING_RUNS,
    ]);
    expect(refusal('tensor(x)')).toEqual(['line 1 has x where a number is expected', NOTHING_RUNS]);
    expect(refusal('tensor()')).toEqual(['line 1 has ) where a number is expected', CUT, NOTHING_RUNS]);
  });
});

describe('nested lists', () => {
  test('of any depth up to 16', () => {
    expect(shapeOf('[[[1.5, 2.5], [3.5, 4.5], [5.5, 6.5]]]')).toEqual([1, 3, 2]);
    expect(shapeOf(`${'['.repeat(16)}1.5${']'.repeat(16)}`)).toEqual(Array(16).fill(1));
    expect(refusal(`${'['.repeat(17)}1.5${']'.repeat(17)}`)).toEqual([
      'line 1 has more than 16 brackets inside each other',
    ]);
  });

  test('with rows that are empty', () => {
    expect(tensorOf('[[]]')).toEqual({ dtype: 'F32', shape: [1, 0], data: [] });
    expect(shapeOf('tensor([[], []])')).toEqual([2, 0]);
    expect(refusal('[[], [1.5]]')).toEqual(['line 1 has a row of 1 where others have 0']);
  });

  test('rows are of one length, on every level', () => {
    expect(refusal('[[1.5, 2.5],\n [1.5]]')).toEqual(['line 2 has a row of 1 where others have 2']);
    expect(refusal('[[[1.5], [2.5]],\n [[1.5]]]')).toEqual(['line 2 has a row of 1 where others have 2']);
    for (const text of ['[[1.5], 2.5]', '[1.5, [2.5]]', '[[1.5], [[2.5]]]', '[[[1.5]], [2.5]]'])
      expect(refusal(text)).toEqual(['line 1 has numbers and rows side by side']);
  });

  test('a comma may stand after the last number', () => {
    expect(shapeOf('[[1.5, 2.5,], [3.5, 4.5],]')).toEqual([2, 2]);
    expect(shapeOf('tensor([1.5,])')).toEqual([1]);
    expect(refusal('tensor([1.5,,])')).toEqual(['line 1 has , where a number is expected', NOTHING_RUNS]);
  });

  test('numpy’s str() has no commas, and others have them everywhere', () => {
    expect(tensorOf('[[0.5 -1.5]\n [2.5  3.5]]').data).toEqual([0.5, -1.5, 2.5, 3.5]);
    expect(refusal('[0.5 1.5, 2.5]')).toEqual(['line 1 has , where a number is expected', NOTHING_RUNS]);
    expect(refusal('[0.5, 1.5 2.5]')).toEqual(['line 1 has 2.5 where , is expected', NOTHING_RUNS]);
    expect(refusal('tensor([0.5 1.5])')).toEqual(['line 1 has 1.5 where , is expected', NOTHING_RUNS]);
  });
});

describe('what follows the values', () => {
  test.each([
    ['a dtype', 'tensor([1.5], dtype=torch.float64)', 'F64'],
    ['a dtype of numpy', 'array([1.5], dtype=float16)', 'F16'],
    ['with its module', 'array([1.5], dtype=np.float64)', 'F64'],
    ['with its module in full', 'array([1.5], dtype=numpy.float64)', 'F64'],
    ['in quotes', "np.array([1.5], dtype='float64')", 'F64'],
    ['after others', "tensor([1.5], device='cuda:0', dtype=torch.bfloat16)", 'BF16'],
    ['before others', 'tensor([1.5], dtype=torch.float64, grad_fn=<A>)', 'F64'],
    ['after sizes', 'tensor([], size=(0, 3), dtype=torch.float64)', 'F64'],
    ['a comma at the end', 'tensor([1.5], dtype=torch.float64,)', 'F64'],
    ['others only', 'tensor([1.5], requires_grad=True)', 'F32'],
    ['a comma only', 'tensor([1.5],)', 'F32'],
  ])('%s', (_, text, dtype) => {
    expect(tensorOf(text).dtype).toBe(dtype);
    expect(read(text).notes).toEqual([]);
  });

  test('a dtype that is none is refused', () => {
    for (const dtype of ['torch.complex64', 'bool', "'<f4'", 'object', 'float.32', 'floatnp.32', 'torch.'])
      expect([dtype, refusal(`tensor([1.5], dtype=${dtype})`)]).toEqual([
        dtype,
        ['line 1 has a dtype that cellcheck does not know'],
      ]);
  });

  test('anything else is refused', () => {
    expect(refusal('tensor([1.5], 3) x')).toEqual(['line 1 has ) where = is expected', NOTHING_RUNS]);
    expect(refusal('tensor([1.5] x) x')).toEqual(['line 1 has x where ) is expected', NOTHING_RUNS]);
    expect(refusal('tensor([], size=(0, 3')).toEqual([
      'line 1 has its end where ) is expected',
      CUT,
      NOTHING_RUNS,
    ]);
    expect(refusal('tensor([],')).toEqual(['line 1 has its end where = is expected', CUT, NOTHING_RUNS]);
  });

  test('the dtype says which digits are enough, and PyTorch’s own is float32', () => {
    expect(halvesOf('array([0.3445], dtype=float16)')).toBeUndefined();
    expect(halvesOf('tensor([0.123456789])')).toBeUndefined();
    expect(halvesOf('array([0.123456789])')).toEqual([3.73e-9]);
    expect(halvesOf('tensor([0.123456789], dtype=torch.float64)')).toEqual([5e-10]);
  });

  test('zeros beside decimals are exact where PyTorch printed them', () => {
    const zeros = (text: string) => read(`w = array([0.123])\nz = ${text}`).tensors.z.halves;
    for (const word of ['tensor', 'torch.Tensor', 'FloatTensor'])
      expect(zeros(`${word}([0.])`)).toBeUndefined();
    for (const word of ['array', 'Array']) expect(zeros(`${word}([0.])`)).toEqual([5e-4]);
    expect(zeros('[0.]')).toEqual([5e-4]);
    expect(zeros('[tensor([0.]), tensor([0.])]')).toBeUndefined();
  });
});

describe('values in brackets', () => {
  const W = 'tensor([1.5])';
  const V = 'tensor([2.5])';

  test('names in every sort of dict', () => {
    for (const text of [
      `{'w': ${W}, "v": ${V}}`,
      `{'w': ${W}, 'v': ${V},}`,
      `OrderedDict([('w', ${W}), ('v', ${V})])`,
      `collections.OrderedDict([('w', ${W}), ('v', ${V},),])`,
      `OrderedDict({'w': ${W}, 'v': ${V}})`,
      `OrderedDict((('w', ${W}), )) 'v': ${V}`,
      `[('w', ${W}), ('v', ${V})]`,
      `[({'w': ${W}}), ({'v': ${V}})]`,
      `w = ${W}, v = ${V}`,
    ])
      expect(read(text)).toMatchObject({ tensors: { w: { data: [1.5] }, v: { data: [2.5] } }, notes: [] });
  });

  test('dicts without anything hold nothing', () => {
    for (const text of ['{}', 'OrderedDict()', 'x = {}', 'OrderedDict({})'])
      expect([text, refusal(text)]).toEqual([text, ['holds no printed tensor']]);
  });

  test('names inside names have points between them', () => {
    expect(namesOf(`{'a': {'b': {'c': ${W}}, 'd': ${V}}, 'e': ${W}}`)).toEqual(['a.b.c', 'a.d', 'e']);
    expect(namesOf(`m = {'a': {'b': ${W}}}`)).toEqual(['a.b']);
    expect(namesOf(`{'a': OrderedDict([('b', ${W})])}`)).toEqual(['a.b']);
    expect(namesOf(`{'a': ('b', ${W})}`)).toEqual(['a.b']);
  });

  test('parameters', () => {
    for (const text of [
      `w = Parameter containing:\n${W}`,
      `{'w': Parameter containing:\n${W}}`,
      `('w', Parameter containing:\n${W})`,
      `w Parameter containing:\n${W}`,
    ])
      expect(read(text)).toEqual({
        tensors: { w: { dtype: 'F32', shape: [1], data: [1.5], halves: [0.05] } },
        notes: [],
      });
    expect(refusal(`Parameter containing ${W}`)).toEqual([
      'line 1 has tensor where : is expected',
      NOTHING_RUNS,
    ]);
    expect(refusal(`{'w': Parameter(${W})}`)).toEqual([
      'line 1 has Parameter where tensor(…), array(…) or a nested list is expected',
      NOTHING_RUNS,
    ]);
    expect(refusal(`{'w': tensor containing: ${W}}`)).toEqual([
      'line 1 has containing where ( is expected',
      NOTHING_RUNS,
    ]);
  });

  test('a value in brackets is the value', () => {
    expect(shapeOf(`(${W})`)).toEqual([1]);
    expect(shapeOf(`((${W},),)`)).toEqual([1]);
    expect(namesOf(`(('w', ${W}))`)).toEqual(['w']);
  });

  test('16 values of any sort inside each other, and no more', () => {
    for (const [open, close, most] of [
      ['(', ')', 15],
      ["{'w': ", '}', 15],
      ["('w', ", ')', 15],
      ['Parameter containing: ', '', 15],
      ['[(', ')]', 7],
      ["OrderedDict({'w': ", '})', 7],
    ] as const) {
      const inside = (count: number) => `x = ${open.repeat(count)}${W}${close.repeat(count)}`;
      expect([open, refusal(inside(most))]).toEqual([open, []]);
      expect([open, refusal(inside(most + 1))]).toEqual([
        open,
        ['line 1 has more than 16 brackets inside each other'],
      ]);
    }
  });

  test.each([
    ['a name that is none', `{'w': ${W}, v: ${V}}`, 'line 1 has something in the place of a quoted name'],
    [
      'a name in other brackets',
      `{'w': ${W}, <'>: ${V}}`,
      'line 1 has something in the place of a quoted name',
    ],
    ['a quote alone', `{'w': ${W}, ': ${V}}`, 'line 1 has something in the place of a quoted name'],
    ['a name without a value', "('w',)", 'line 1 ends a name without a tensor, or with several'],
    ['a name with two', `('w', ${W}, ${V})`, 'line 1 ends a name without a tensor, or with several'],
    [
      'a list of names and tensors',
      `[('w', ${W}), ${V}]`,
      'line 1 ends a list of something else than tensors',
    ],
    ['a list of tuples', `[(${W}, ${V})]`, 'line 1 ends a list of something else than tensors'],
  ])('refused: %s', (_, text, line) => {
    expect(refusal(text)).toEqual([line]);
  });

  test.each([
    ['a name after a value', `(${W}, 'w')`, '"\'w\'" where tensor(…), array(…) or a nested list'],
    ['a name after a name', `('w', 'v')`, '"\'v\'" where tensor(…), array(…) or a nested list'],
    ['no comma', `{'w': ${W} 'v': ${V}}`, '"\'v\'" where ,'],
    ['no colon', `{'w' ${W}}`, 'tensor where :'],
    ['a call', `{'w': f(${W})}`, 'f where tensor(…), array(…) or a nested list'],
    ['a part of a word', `{'w': xtensor(${W})}`, 'xtensor where tensor(…), array(…) or a nested list'],
    ['a longer word', `{'w': tensors(${W})}`, 'tensors where tensor(…), array(…) or a nested list'],
    ['an odd dict', `{'w': xOrderedDict(${W})}`, 'xOrderedDict where tensor(…), array(…) or a nested list'],
    ['a longer dict', `{'w': OrderedDicts(${W})}`, 'OrderedDicts where tensor(…), array(…) or a nested list'],
    ['a dict with two', `OrderedDict({'w': ${W}}, {'v': ${V}})`, ', where )'],
  ])('refused: %s', (_, text, problem) => {
    expect(refusal(text)).toEqual([`line 1 has ${problem} is expected`, NOTHING_RUNS]);
  });
});

describe('lists of tensors', () => {
  test('are stacked', () => {
    expect(tensorOf('[tensor([[0.5, 1.5]]), tensor([[2.5, 3.5]]), tensor([[4.5, 5.5]])]')).toEqual({
      dtype: 'F32',
      shape: [3, 1, 2],
      data: [0.5, 1.5, 2.5, 3.5, 4.5, 5.5],
      halves: Array(6).fill(0.05),
    });
    expect(tensorOf('[ array(1.5, dtype=float64), array(2.5, dtype=float64)]')).toMatchObject({
      dtype: 'F64',
      shape: [2],
    });
    expect(shapeOf('[(tensor([0.5]))]')).toEqual([1, 1]);
  });

  test('with the digits of each', () => {
    expect(halvesOf('[tensor([1.25e+02]), tensor([5.00e-03])]')).toEqual([0.5, 5e-6]);
    expect(halvesOf('[array([0.123457]), array([12.3457])]')).toEqual([5e-7, 5e-5]);
    expect(halvesOf('[tensor([12.3457]), tensor([1.2346e-01])]')).toEqual([5e-5, 5e-6]);
    expect(halvesOf('[array([0.5]), array([0.125])]')).toEqual([5e-4, 5e-4]);
  });

  test('of one shape', () => {
    expect(refusal('[tensor([0.5]), tensor([1.5]),\n tensor([0.5, 1.5])]')).toEqual([
      'line 2 ends a list of tensors of the shapes [1] and [2]',
    ]);
  });
});

describe('what a module returns', () => {
  const Y = 'tensor([[1.5], [2.5]])';
  const H = 'tensor([[2.5]])';
  const C = 'tensor([[3.5]])';
  const tensorsOf = (text: string) =>
    Object.entries(read(text).tensors).map(([name, { data }]) => [name, ...data]);

  test('output and the last states', () => {
    const gru = [
      ['output', 1.5, 2.5],
      ['h_n', 2.5],
    ];
    for (const text of [`(${Y}, ${H})`, `(${Y}, ${H},)`, `y = (${Y},\n${H})`, `((${Y}, ${H}))`])
      expect(tensorsOf(text)).toEqual(gru);
    expect(tensorsOf(`(${Y}, (${H}, ${C}))`)).toEqual([...gru, ['c_n', 3.5]]);
  });

  test('two states of one shape, unless they are the same', () => {
    expect(tensorsOf(`(${H}, ${C})`)).toEqual([
      ['h_n', 2.5],
      ['c_n', 3.5],
    ]);
    expect(tensorsOf(`(${H}, ${H})`)).toEqual([
      ['output', 2.5],
      ['h_n', 2.5],
    ]);
    expect(tensorsOf('(tensor([1.5, 2.5]), tensor([1.5, 3.5]))').map(([name]) => name)).toEqual([
      'h_n',
      'c_n',
    ]);
  });

  test('nothing else', () => {
    const named = `{'w': ${H}}`;
    for (const text of [
      ...[`(${Y}, ${H}, ${C})`, `(${Y}, (${H}, ${C}, ${C}))`, `((${H}, ${C}), ${Y})`, 'OrderedDict(())'],
      ...[`(${Y}, ${named})`, `(('w', ${H}), ${Y})`, `(${Y}, (${H}, ${named}))`, `(${Y}, (${named}, ${H}))`],
      `(${Y}, (${H}, (${H}, ${C})))`,
    ])
      expect([text, refusal(text)]).toEqual([
        text,
        ['line 1 ends something else in brackets than (output, h_n) or (output, (h_n, c_n))'],
      ]);
  });
});

test.each(['tensor([[], 1])', '[[[]],[1]]', '[1, []]'])('%s is not rectangular', (text) => {
  expect(refusal(text)[0]).toContain('line 1 has');
});
