import { describe, expect, test } from 'vitest';
import { namesOf, read, refusal } from './printed-text.js';

const T = 'tensor([1.5])';
const tensor = { dtype: 'F32', shape: [1], data: [1.5], halves: [0.05] };
/** The names of a text's tensors, and what was skipped. */
const seen = (text: string) => ({ names: namesOf(text), notes: read(text).notes });
const silent = (name: string) => ({ names: [name], notes: [] });

describe('prompts, margins, fences and comments', () => {
  test.each([
    ...[`Out[3]: ${T}`, `Out[12]:\n${T}`, `Out [3]: ${T}`, `Out[*]: ${T}`, `Out[ ]: ${T}`, `Out[]:${T}`],
    ...[`[3]\n${T}`, `[55]: ${T}`, `[ 5 ]\n${T}`, `[\t5\t]:\n${T}`, `[*]\n${T}`, `[ ] ${T}`, `[]\n${T}`],
    ...[`\`\`\`python\n${T}\n\`\`\``, `# w = [1.5]\n${T} # (done)`, `#\n${T}#`, `,;${T};,`],
    ...[
      `>>> ${T}`,
      `>>>${T}\n>>>`,
      `${T}\n>>> `,
      `In [3]: ${T}`,
      `In[12]:${T}`,
      `In [*]: ${T}`,
      `In [ ]: ${T}`,
    ],
    ...[`... ${T}`, `...: ${T}`, `   .....: ${T}`, `...\n${T}`, `${T}\n...`, `${T}\n   ...:`],
    ...[`In []:\t${T}`, `[3]\n[4]:\n${T}`],
  ])('%j', (text) => {
    expect(seen(text)).toEqual(silent(''));
    expect(read(text).tensors['']).toEqual(tensor);
  });

  test('prompts stand at the beginning of a line', () => {
    expect(seen(`${T} >>> x`).notes).toEqual(['skipped: line 1 ">>> x"']);
    expect(seen(`${T}\n \t>>> x`).notes).toEqual(['skipped: line 2 x']);
    expect(namesOf(`w = ${T} [3]`)).toEqual(['w', '']);
    expect(namesOf(`w = ${T}\n[3]`)).toEqual(['w']);
    expect(refusal('>>> [3]\n[4.5]')).toEqual(['line 2 has a second tensor without a name']);
  });

  test('what is almost one is not', () => {
    for (const line of ['...x', '...:x'])
      expect(refusal(line)).toEqual(['holds no printed tensor', `  skipped: line 1 ${line}`]);
    for (const line of ['.. x', '..: x', 'In [a]: x', 'In  [3]: x', 'Out[a]: x', 'Out  [3]: x', '>>x'])
      expect(refusal(line)).toEqual(['holds no printed tensor', `  skipped: line 1 "${line}"`]);
  });

  test('one number in brackets is a tensor where nothing else is', () => {
    for (const text of ['[3]', '[3]:', ' [ 3 ]\n', '# n\n[3]', '[3]\n[ ]', '[*]\n[3]'])
      expect(read(text)).toEqual({ tensors: { '': { dtype: 'F32', shape: [1], data: [3] } }, notes: [] });
    expect(read('[128]').tensors[''].data).toEqual([128]);
    for (const text of ['[ ]', '[*]', '[]', '[3]\n[4]'])
      expect(refusal(text)).toEqual(['holds no printed tensor']);
    expect(refusal('[3] x')).toEqual(['holds no printed tensor', '  skipped: line 1 x']);
  });
});

describe('names', () => {
  test.each([
    ...[
      `w = ${T}`,
      `w=${T}`,
      `w: ${T}`,
      `w\t:\n ${T}`,
      `w ${T}`,
      `w, ${T}`,
      `w\n${T}`,
      `'w': ${T}`,
      `"w" = ${T}`,
    ],
    ...[
      `'w' ${T}`,
      `>>> w = ${T}`,
      `>>> w\n${T}`,
      `w = [[1.5]]`,
      `w: (${T})`,
      `w = {'w': ${T}}`,
      `w = [${T}]`,
    ],
    ...['w = [-1.5]', 'w = [ +1.5]', 'w = [.5]', 'w = [nan]', 'w = [inf]', 'w = []', 'w = ([1.5])'],
    ...[`w = ("w", ${T})`, `w = {"w": ${T}}`, `w = [("w", ${T})]`, `w = OrderedDict({'w': ${T}})`],
    `w = Parameter containing: ${T}`,
  ])('%j', (text) => {
    expect(seen(text)).toEqual(silent('w'));
  });

  test('of any letters in quotes, and with points without', () => {
    expect(namesOf(`rnn.weight_ih_l0 = ${T} _x1: ${T} 'a b': ${T} "größe": ${T}`)).toEqual([
      'rnn.weight_ih_l0',
      '_x1',
      'a b',
      'größe',
    ]);
  });

  test.each([
    ...['w', 'print(w)', 'print (w)', 'print( w )', 'print\t(\tw\t)', 'In [3]: print(w)', '>>> w', '... w'],
  ])('are those that the code before a list shows: %s', (code) => {
    expect(namesOf(`${code}\n[[1.5]]`)).toEqual(['w']);
  });

  test('of code are whole words', () => {
    for (const code of [
      'w.x',
      '1w',
      'w x',
      'xprint(w)',
      'print(w, v)',
      'print(w.x)',
      'print w',
      'f(w)',
      'w) x',
      '- w',
    ])
      expect([code, namesOf(`${code}\n[[1.5]]`)]).toEqual([code, ['']]);
    for (const name of ['a', 'ab', 'a_1b', 'Weight', '_'])
      for (const code of [name, `print(${name})`]) expect(namesOf(`${code}\n[[1.5]]`)).toEqual([name]);
  });

  test('of code hold for what follows it at once', () => {
    expect(namesOf('w\n[[1.5]]\n[[2.5]]')).toEqual(['w', '']);
    expect(namesOf('w\nv = [[1.5]]\n[[2.5]]')).toEqual(['v', '']);
    expect(namesOf('w\na line\n[[1.5]]')).toEqual(['']);
    expect(namesOf('w\n# x\n[3]\n[[1.5]]')).toEqual(['w']);
  });

  test('of code, where lines end as on Windows', () => {
    expect(seen('print(w)\r\n[[1.5]]\r\n')).toEqual({ names: ['w'], notes: ['skipped: line 1 print(w)'] });
  });

  test('are there once', () => {
    expect(refusal(`w = ${T}\nw = ${T}`)).toEqual(['line 2 has a name that was there before']);
    expect(refusal(`${T}\n\n${T}`)).toEqual(['line 3 has a second tensor without a name']);
    expect(refusal(`{'a': {'b': ${T}}, 'a.b': ${T}}`)).toEqual(['line 1 has a name that was there before']);
  });
});

describe('what is skipped', () => {
  test.each([
    ['prose in the line of a tensor', `The weights are: ${T}`, '"The weights are:"'],
    ['prose up to a sign of equality', `the w = ${T}`, '"the w ="'],
    ['prose without a space', `the w:${T} v`, '"the w:", line 1 v'],
    ['prose with a number', `epoch 3 ${T}`, '"epoch 3"'],
    [
      'prose in lines of its own',
      `See (a) and [b]:\n${T}\nand so on`,
      '"See (a) and [b]:", line 3 "and so on"',
    ],
    ['a call', `x = f(2)\n${T}`, '"x = f(2)"'],
    ['a shape', `torch.Size([2, 2])\n${T}`, '"torch.Size([2, 2])"'],
    ['a named shape', `w.shape = torch.Size([2])\n${T}`, '"w.shape = torch.Size([2])"'],
    ['a shape after a word', `shape: torch.Size([2])\n${T}`, '"shape: torch.Size([2])"'],
    [
      'a shape of a parameter',
      `Parameter containing: torch.Size([2])\n${T}`,
      '"Parameter containing: torch.Size([2])"',
    ],
    ['what follows a tensor', `${T}.shape\n`, '.shape'],
    ['a line with its end', `x y \t\r\n${T}`, '"x y"'],
    ['an object', `<A object>\n${T}`, '"<A object>"'],
  ])('%s', (_, text, shown) => {
    expect(seen(text)).toEqual({ names: [''], notes: [`skipped: line 1 ${shown}`] });
  });

  test('in its line nothing that is a tensor in brackets', () => {
    expect(refusal(`f(${T})`)).toEqual(['holds no printed tensor', `  skipped: line 1 f(${T})`]);
    expect(refusal(`x = 2 * ${T}`)).toEqual(['holds no printed tensor', `  skipped: line 1 "x = 2 * ${T}"`]);
  });

  test('three lines are shown, and how many more there are', () => {
    const lines = (count: number) => Array.from({ length: count }, (_, i) => `- ${i}`).join('\n');
    expect(refusal(lines(3))[1]).toBe('  skipped: line 1 "- 0", line 2 "- 1", line 3 "- 2"');
    expect(refusal(lines(4))[1]).toBe('  skipped: line 1 "- 0", line 2 "- 1", line 3 "- 2", and 1 more');
    expect(refusal(lines(6))[1]).toBe('  skipped: line 1 "- 0", line 2 "- 1", line 3 "- 2", and 3 more');
  });

  test('40 characters of a line are shown', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyzabcdefghijklmnop';
    expect(refusal(letters)[1]).toBe(`  skipped: line 1 ${letters.slice(0, 40)}`);
    expect(refusal(`${letters.slice(0, 38)}  x`)[1]).toBe(`  skipped: line 1 ${letters.slice(0, 38)}`);
  });
});

describe('limits', () => {
  const named = (count: number) => Array.from({ length: count }, (_, i) => `t${i}=[.5]`).join('\n');

  test('10,000 tensors', () => {
    // One in each line: those before the last were read.
    expect(refusal(named(10_001))).toEqual(['line 10001 has more than 10000 tensors']);
  });

  test('500 characters of a name', () => {
    expect(namesOf(`${'w'.repeat(500)} = ${T}`)).toEqual(['w'.repeat(500)]);
    expect(refusal(`${'w'.repeat(501)} = ${T}`)).toEqual(['line 1 has a name of more than 500 characters']);
    expect(refusal(`{'${'v'.repeat(250)}': {'${'w'.repeat(250)}': ${T}}}`)).toEqual([
      'line 1 has a name of more than 500 characters',
    ]);
  });

  test('16 MiB of text', () => {
    const largest = 16 * 2 ** 20;
    const text = `${T}#`.padEnd(largest, 'x');
    expect(read(text).tensors['']).toEqual(tensor);
    expect(refusal(`${text}x`)).toEqual([
      'found 16777217 bytes of printed text, expected 16777216 at most',
      '  Save tensors of this size as .safetensors or .npy.',
    ]);
  });
});

test('a shape between a name and its tensor, in one line', () => {
  expect(namesOf(`w torch.Size([1]) ${T}\nb torch.Size([1]) Parameter containing:\n${T}`)).toEqual([
    'w',
    'b',
  ]);
  expect(namesOf(`torch.Size([1]) ${T}`)).toEqual(['']);
});

test('numbers that do not say what they are, after the name of a parameter or a role', () => {
  expect(namesOf('lstm.weight_ih_l0 [[0.1 0.2]]\nbias_ih_l0 [0.1 0.2]\noutput [[0.5]]')).toEqual([
    'lstm.weight_ih_l0',
    'bias_ih_l0',
    'output',
  ]);
});

test('what print(output, h_n) and unpacked names show', () => {
  const rows = 'tensor([[[1.5, 2.5]]])';
  expect(namesOf(`${rows} ${rows}`)).toEqual(['output', 'h_n']);
  expect(namesOf(`${rows} (${rows}, ${rows})`)).toEqual(['output', 'h_n', 'c_n']);
  expect(namesOf(`out, h = ${rows}, ${rows}`)).toEqual(['output', 'h_n']);
  expect(namesOf(`output, (h_n, c_n) = (${rows}, (${rows}, ${rows}))`)).toEqual(['output', 'h_n', 'c_n']);
  expect(namesOf(`(output, h_n) = (${rows}, ${rows})`)).toEqual(['output', 'h_n']);
});

test.each([
  'y[0]: tensor([[1.5, 2.5],\n [3.5, 4.5]])',
  'layer (0) tensor([[1.5, 2.5],\n [3.5, 4.5]])',
  'x = 2 * tensor([[1.5, 2.5],\n [3.5, 4.5]])',
  'the output is [[1.5 2.5]\n [3.5 4.5]]',
])('text before the first row is no reason to read from the second: %j', (text) => {
  expect(refusal(text)[0]).toBe('line 1 has text before the first row of a tensor');
});

test('a shape before a tensor of several rows', () => {
  expect(namesOf('torch.Size([2, 2]) tensor([[1.5, 2.5],\n [3.5, 4.5]])')).toEqual(['']);
});
