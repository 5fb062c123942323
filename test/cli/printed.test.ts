import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { REPORT_SCHEMA } from '../../schemas/report.js';
import { cli, ROOT, scratch } from '../cli.js';

const CASES = path.join(ROOT, 'test', 'data', 'cases');

interface Texts {
  readonly w: string;
  readonly i: string;
  readonly e: string;
}

/** The case of three texts. */
async function verify(texts: Texts, ...argv: string[]) {
  const cwd = scratch();
  for (const [name, text] of Object.entries(texts)) fs.writeFileSync(path.join(cwd, `${name}.txt`), text);
  return report(cwd, ['--weights', 'w.txt', '--input', 'i.txt', '--expected', 'e.txt', ...argv]);
}

async function report(cwd: string, argv: string[]) {
  const { stdout, code } = await cli(['verify', ...argv, '--reporter', 'json'], { cwd });
  const result = REPORT_SCHEMA.parse(JSON.parse(stdout)).cases[0];
  if (result.verdict === 'error') throw new Error(result.error.message);
  return { ...result, code };
}

const textsOf = (name: string): Texts => {
  const read = (file: string) => fs.readFileSync(path.join(CASES, name, `${file}.txt`), 'utf8');
  return { w: read('w'), i: read('i'), e: read('e') };
};

/** Three steps of tanh(0.3445 x + 0.9963 h) over 3, 4 and 5. */
const RNN = {
  w: "OrderedDict([('weight_ih_l0', tensor([[0.3445]])), ('weight_hh_l0', tensor([[0.9963]]))])",
  i: 'tensor([[3.], [4.], [5.]])',
  e: 'tensor([[0.7753], [0.9733], [0.9909]])',
};

describe('each tensor has its own digits', () => {
  test('a large feature with an exponent makes no weight uncertain: noise differs', async () => {
    const texts = textsOf('large-feature');
    expect(await verify(texts, '--batch-first')).toMatchObject({ verdict: 'differs', code: 1 });
  });

  test.each(['1e+02', '1e+06', '1e-06'])(
    'a feature times %s beside its weight divided by it',
    async (text) => {
      const size = Number(text);
      const scaled = (value: number) => value.toExponential(4);
      const w = `{'weight_ih_l0': tensor([[${scaled(0.3445 / size)}]]), 'weight_hh_l0': tensor([[0.9963]])}`;
      const i = `tensor([[${[3, 4, 5].map((value) => scaled(value * size)).join('], [')}]])`;
      expect((await verify({ ...RNN, w, i })).verdict).toBe('parity');
      const e = 'tensor([[0.5753], [0.3733], [0.7909]])';
      expect((await verify({ w, i, e })).verdict).not.toBe('parity');
    },
  );

  test.each(['e', 'e-only', 'e-list'])('4 decimals of one tensor beside 8 of another: %s', async (e) => {
    const argv = ['--weights', 'w.safetensors', '--input', 'i.safetensors'];
    const result = await report(path.join(CASES, 'mixed-decimals'), [...argv, '--expected', `${e}.txt`]);
    expect(result).toMatchObject({ verdict: 'parity', code: 0, warnings: [] });
  });

  test('eight decimals are held to eight, though the others are four', async () => {
    const cwd = scratch();
    fs.cpSync(path.join(CASES, 'mixed-decimals'), cwd, { recursive: true });
    const text = fs.readFileSync(path.join(cwd, 'e.txt'), 'utf8');
    fs.writeFileSync(path.join(cwd, 'e.txt'), text.replace('0.37995273', '0.37996273'));
    const argv = ['--weights', 'w.safetensors', '--input', 'i.safetensors', '--expected', 'e.txt'];
    expect(await report(cwd, argv)).toMatchObject({ verdict: 'differs', first: { tensor: 'h_n' } });
  });
});

describe('two decimals or fewer', () => {
  const few = { ...RNN, w: "{'weight_ih_l0': tensor([[0.3]]), 'weight_hh_l0': tensor([[0.5]])}" };
  // tanh(0.9), tanh(1.2 + 0.5 · 0.7163), tanh(1.5 + 0.5 · 0.9152)
  const exact = 'tensor([[0.7163], [0.9151], [0.9609]])';

  test('weights that show one are exact', async () => {
    expect(await verify({ ...few, e: exact })).toMatchObject({ verdict: 'parity', code: 0, warnings: [] });
  });

  test('where exact numbers differ, and rounded ones may be any, nobody can tell', async () => {
    const w = "{'weight_ih_l0': tensor([[0.3, -0.3]]), 'weight_hh_l0': tensor([[0.5]])}";
    const i = 'tensor([[5.5, 5.2], [-5.5, -5.1], [6.5, 6.9]])';
    const result = await verify({ w, i, e: 'tensor([[0.3], [-0.6], [0.4]])' });
    expect(result).toMatchObject({ verdict: 'undecided', code: 2 });
    expect(result.advice).toEqual([
      'the reference has too few digits for a verdict; print more: torch.set_printoptions(precision=8)',
      'weight_ih_l0, weight_hh_l0, input, output: numbers with few decimals are read as rounded; if they are exact, give them as JSON, whose numbers are read as exact: then this case differs',
    ]);
  });

  test('a reference that shows two is rounded, with a warning', async () => {
    const two = { ...few, e: 'tensor([[0.72], [0.92], [0.96]])' };
    const result = await verify(two);
    expect(result).toMatchObject({ verdict: 'parity', code: 0 });
    expect(result.warnings).toEqual([
      'output: numbers with few decimals were read as rounded; read as exact numbers, they differ',
    ]);
    expect((await verify({ ...RNN, e: 'tensor([[0.79], [0.97], [0.99]])' })).code).toBe(1);
  });

  test('weights that are rounded to two agree by their bounds, with a warning', async () => {
    const w = "{'weight_ih_l0': tensor([[0.34]]), 'weight_hh_l0': tensor([[0.99]])}";
    const result = await verify({ ...RNN, w });
    expect(result).toMatchObject({ verdict: 'parity', code: 0 });
    expect(result.warnings).toEqual([
      'weight_ih_l0, weight_hh_l0: numbers with few decimals were read as rounded; read as exact numbers, they differ',
    ]);
  });

  test('weights of 0.1 and a reference of noise are never parity', async () => {
    for (const w of [
      "{'weight_ih_l0': tensor([[0.1]]), 'weight_hh_l0': tensor([[0.1]])}",
      "{'weight_ih_l0': tensor([[0.12]]), 'weight_hh_l0': tensor([[0.1]])}",
      "{'weight_ih_l0': tensor([[2e+01]]), 'weight_hh_l0': tensor([[-0.]])}",
    ])
      for (const e of [
        'tensor([[-0.41], [0.77], [0.1]])',
        'tensor([[-0.4123], [0.7712], [0.1234]])',
        'tensor([[-0.4], [0.9], [0.6]])',
      ])
        expect((await verify({ ...RNN, w, e })).verdict).not.toBe('parity');
  });
});

test('where the digits cannot tell, the verdict is undecided, in text and JSON, and exit 2', async () => {
  const w = "{'weight_ih_l0': tensor([[0.456, -0.228]]), 'weight_hh_l0': tensor([[0.789]])}";
  const i = 'tensor([[1000., 2000.], [1000., 2000.]])';
  const texts = { w, i, e: 'tensor([[0.123], [-0.987]])' };
  const result = await verify(texts);
  expect(result).toMatchObject({ verdict: 'undecided', code: 2, first: null });
  expect(result.advice).toEqual([
    'the reference has too few digits for a verdict; print more: torch.set_printoptions(precision=8)',
  ]);
  const cwd = scratch();
  for (const [name, text] of Object.entries(texts)) fs.writeFileSync(path.join(cwd, `${name}.txt`), text);
  const argv = ['--weights', 'w.txt', '--input', 'i.txt', '--expected', 'e.txt'];
  for (const command of ['verify', 'diagnose']) {
    const { stdout, code } = await cli([command, ...argv], { cwd });
    expect(code).toBe(2);
    expect(stdout).toContain('\nundecided: no verdict; the reference says too little of 2 of 2 values;');
    expect(stdout).toContain('try: the reference has too few digits for a verdict; print more:');
  }
});

test('where exact numbers are undecided already, nothing is said of numbers of few decimals', async () => {
  const w = "{'weight_ih_l0': tensor([[0.456, -0.228]]), 'weight_hh_l0': tensor([[0.7]])}";
  const i = 'tensor([[1000., 2000.], [1000., 2000.]])';
  const result = await verify({ w, i, e: 'tensor([[0.1234], [-0.9876]])' });
  expect(result).toMatchObject({ verdict: 'undecided', code: 2 });
  expect(result.advice).toEqual([
    'the reference has too few digits for a verdict; print more: torch.set_printoptions(precision=8)',
  ]);
});

describe('what people paste', () => {
  test.each(['ipython-in', 'ipython-out', 'list'])('%s', async (name) => {
    expect(await verify(textsOf(name), '--batch-first')).toMatchObject({ verdict: 'parity', code: 0 });
  });

  test('the tuple that a module returns', async () => {
    const result = await verify(textsOf('returned'));
    expect(result).toMatchObject({ verdict: 'parity', code: 0, not_checked: [] });
  });

  test('lines that were skipped are in a note', async () => {
    const { notes } = await verify(textsOf('ipython-in'), '--batch-first');
    expect(notes).toEqual(['w.txt: skipped: line 1 rnn.state_dict()']);
  });

  test('a text that ends inside a tensor', async () => {
    const argv = ['verify', '--weights', 'w.txt', '--input', 'i.txt', '--expected', 'e.txt'];
    const { code, stderr } = await cli(argv, { cwd: path.join(CASES, 'unclosed') });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `cellcheck: e.txt: line 4 has - where a number is expected
  The text ends there: was all of it copied?
  A .txt file holds tensors as Python prints them; nothing in it is executed.
`,
    });
  });
});

describe('what is beyond its bound differs, however wide that is', () => {
  const wide = {
    w: "{'weight_ih_l0': tensor([[-0.7011, -0.5578], [1.2345e+04, 1.2345e+04]]), 'weight_hh_l0': tensor([[0.1, 0.2], [0.3, 0.4]])}",
    i: 'input = tensor([[[1., -1.]]])',
  };

  test('a value that no tanh gives', async () => {
    expect((await verify({ ...wide, e: 'output = tensor([[[-0.1423, -1.7000]]])' })).verdict).not.toBe(
      'parity',
    );
  });

  test('half of a tensor that may be anything is no parity', async () => {
    const e = 'output = tensor([[[-0.1423, -0.7000]]])';
    expect((await verify({ ...wide, e })).verdict).not.toBe('parity');
  });

  test.each(['0., 0.', '0.5000, 0.5000', 'nan, nan'])('a reference of nothing but %s', async (row) => {
    const w =
      "{'weight_ih_l0': tensor([[0.6123, -0.5432], [0.2345, 0.7654]]), 'weight_hh_l0': tensor([[0.1234, 0.2345], [0.3456, -0.4567]])}";
    const i = 'input = tensor([[[0.2345, 0.1234]], [[-0.3456, 0.4567]], [[0.1357, 0.2468]]])';
    const e = `output = tensor([[[${row}]], [[${row}]], [[${row}]]])`;
    expect(await verify({ w, i, e })).toMatchObject({ verdict: 'differs', code: 1 });
  });
});

test('a saturated reference is parity, with the warning that says how little that is', async () => {
  const w = "{'weight_ih_l0': tensor([[9.1234]]), 'weight_hh_l0': tensor([[0.9963]])}";
  const result = await verify({ w, i: RNN.i, e: 'tensor([[1.0000], [1.0000], [1.0000]])' });
  expect(result).toMatchObject({ verdict: 'parity', code: 0 });
  expect(result.warnings.join()).toContain('almost any network would pass');
});

test('a tolerance does not take weights of one decimal for rounded', async () => {
  const w =
    "{'weight_ih_l0': [[0.6, -0.5], [0.2, 0.7]], 'weight_hh_l0': [[0.1, 0.2], [0.3, -0.4]], 'bias_ih_l0': [0.1, 0.2], 'bias_hh_l0': [0.1, -0.3]}";
  const i = 'input = [[[0.2, 0.1]], [[-0.3, 0.4]], [[0.1, 0.3]]]';
  const noise = {
    w,
    i,
    e: 'output = tensor([[[0.1234, -0.1234]], [[0.0321, 0.2345]], [[-0.1111, 0.0123]]])',
  };
  for (const argv of [
    [],
    ['--rule', 'close'],
    ['--rtol', '1e-3'],
    ['--tolerance', 'h_n=1e-5,1e-5'],
    ['--compute', 'float32'],
  ])
    expect((await verify(noise, ...argv)).verdict).not.toBe('parity');
});

test('PyTorch’s -0. is a zero', async () => {
  const weights = (bias: string) =>
    `{'weight_ih_l0': tensor([[0.3445]]), 'weight_hh_l0': tensor([[0.9963]]), 'bias_ih_l0': tensor([${bias}]), 'bias_hh_l0': tensor([0.])}`;
  for (const bias of ['0.', '-0.']) {
    expect((await verify({ ...RNN, w: weights(bias) })).verdict).toBe('parity');
    const e = 'tensor([[0.6753], [0.8733], [0.8909]])';
    expect((await verify({ ...RNN, w: weights(bias), e })).verdict).toBe('differs');
  }
});

test('the digits of each step that a list shows', async () => {
  const w = "{'weight_ih_l0': tensor([[1234.5679]]), 'weight_hh_l0': tensor([[0.]])}";
  const i = 'input = tensor([[[10.]], [[0.]], [[1.]]])';
  const e = 'output = [tensor([[12345.6787]]), tensor([[0.]]), tensor([[1.2346e+03]])]';
  expect((await verify({ w, i, e }, '--nonlinearity', 'relu')).verdict).toBe('parity');
});

test('float32 that was rounded before all of its digits were printed', async () => {
  const e = '[[0.7753000259399414], [0.9732999801635742], [0.9908999800682068]]';
  expect(await verify({ ...RNN, e })).toMatchObject({
    verdict: 'parity',
    tensors: [{ rule: { decimals: 4 } }],
  });
  const wrong = '[[0.7753000259399414], [0.9732999801635742], [0.9939000010490417]]';
  expect((await verify({ ...RNN, e: wrong })).verdict).toBe('differs');
});

describe('--decimals', () => {
  const port = path.join(ROOT, 'test/data/ports/shapes-and-dtypes-at-hand/fixed-unbatched');
  const verify = (...more: string[]) =>
    cli(
      ['verify', ...['weights', 'input'].flatMap((role) => [`--${role}`, `${role}.safetensors`])].concat(
        '--expected',
        'port.safetensors',
        more,
      ),
      { cwd: port },
    );

  test('is for all tensors, or for one', async () => {
    for (const [decimals, shown] of [
      ['6', 'within what 6 printed decimals allow'],
      ['output=5', 'within what 5 printed decimals allow'],
    ]) {
      const { code, stdout } = await verify('--decimals', decimals);
      expect(stdout).toContain(shown);
      expect(code).toBe(0);
    }
  });

  test('refuses a tensor that the case lacks, and what is no number of decimals', async () => {
    const unknown = await verify('--decimals', 'logits=4');
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.stderr).toContain('logits');
    expect(unknown.stderr).toContain('output');
    for (const wrong of ['18', 'output=', '-1', '4.5']) {
      const { code, stderr } = await verify('--decimals', wrong);
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('0 to 17') });
    }
  });
});
