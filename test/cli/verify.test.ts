import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { REPORT_SCHEMA } from '../../schemas/report.js';
import { cli, copySample, ROOT, SAMPLES, sampleNames, scratch } from '../cli.js';
import { raw, readJson, safetensorsBytes, writeJson, writeSafetensors } from '../write.js';

const ESCAPE = '\u001b';

test('help shows examples and exit codes, for the program and for the command', async () => {
  for (const argv of [['--help'], ['verify', '--help']]) {
    const { code, stdout, stderr } = await cli(argv);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toContain('Examples:\n  cellcheck verify');
    expect(stdout).toContain('Exit codes:\n  0  parity');
  }
  const { stdout } = await cli(['verify', '--help']);
  for (const option of [
    '--weights',
    '--input',
    '--expected',
    '--prefix',
    '--module',
    '--nonlinearity',
    '--batch-first',
    '--no-batch-first',
    '--name',
    '--rtol',
    '--atol',
    '--tolerance',
    '--equal-nan',
    '--strict',
    '--allow-outside',
    '--compute',
    '--all-steps',
    '--reporter',
    '--quiet',
    '--no-color',
  ]) {
    expect(stdout).toContain(option);
  }
});

test('the version is that of package.json', async () => {
  const { version } = readJson(path.join(ROOT, 'package.json'));
  expect(await cli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('colour on terminals only, and as NO_COLOR, FORCE_COLOR and --no-color say', async () => {
  const colored = async (argv: string[], options: object) =>
    (await cli(['verify', 'samples/lstm', ...argv], options)).stdout.includes(ESCAPE);
  expect(await colored([], {})).toBe(false);
  expect(await colored([], { tty: true })).toBe(true);
  expect(await colored(['--no-color'], { tty: true })).toBe(false);
  expect(await colored([], { tty: true, env: { NO_COLOR: '1' } })).toBe(false);
  expect(await colored([], { tty: true, env: { TERM: 'dumb' } })).toBe(false);
  expect(await colored([], { env: { FORCE_COLOR: '1' } })).toBe(true);
  expect(await colored(['--no-color'], { env: { FORCE_COLOR: '1' } })).toBe(false);
  expect(await colored([], { env: { FORCE_COLOR: '0' }, tty: true })).toBe(false);
});

test('colour says nothing that the words do not', async () => {
  const plain = await cli(['verify', 'samples/failing/gru-perturbed-step', 'samples/lstm'], {});
  const colored = await cli(['verify', 'samples/failing/gru-perturbed-step', 'samples/lstm'], { tty: true });
  const strip = (text: string) =>
    text.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), '').replace(/\d+\.\d s\)/, '');
  expect(strip(colored.stdout)).toBe(strip(plain.stdout));
});

test('the width is the terminal’s, or COLUMNS, or 80', async () => {
  const header = async (options: object) => (await cli(['verify', 'samples/lstm'], options)).stdout;
  expect(await header({ columns: 120 })).toContain('max rel');
  expect(await header({ env: { COLUMNS: '120' } })).toContain('max rel');
  expect(await header({})).not.toContain('max rel');
});

test('a case that cannot be read does not stop the others: they are reported, exit 2', async () => {
  const broken = copySample('lstm');
  fs.writeFileSync(path.join(broken, 'input.safetensors'), 'not tensors');
  const result = await cli([
    'verify',
    'samples/gru',
    broken,
    'samples/nowhere',
    'samples/failing/rnn-forgotten-bias',
    'samples/lstm',
  ]);
  expect(result.code).toBe(2);
  expect(result.stderr).toBe('');
  expect(result.stdout).toMatch(/parity +samples\/gru /);
  expect(result.stdout).toMatch(/error +\S*lstm\n.*input\.safetensors: found/);
  expect(result.stdout).toContain('there is no such file or folder');
  expect(result.stdout).toMatch(/differs +samples\/failing/);
  expect(result.stdout).toMatch(/parity +samples\/lstm /);
  expect(result.stdout).toContain('2 parity, 1 differs, 2 without a verdict (5 cases');
});

test('differs beside parity is exit 1', async () => {
  expect((await cli(['verify', 'samples/gru', 'samples/failing/rnn-forgotten-bias'])).code).toBe(1);
});

test('bundles, case files, folders and globs name the same cases', async () => {
  expect((await cli(['verify', 'samples/bundles/lstm.safetensors'])).code).toBe(0);
  expect((await cli(['verify', 'samples/bundles/gru.json'])).code).toBe(0);
  expect((await cli(['verify', 'samples/bundles/*'])).stdout).toContain('2 parity');
  expect((await cli(['verify', 'samples/lstm/case.json'])).stdout).toContain('\nsamples/lstm   LSTM');
  expect((await cli(['verify', 'samples/lstm/'])).stdout).toContain('\nsamples/lstm   LSTM');
  expect((await cli(['verify', '.'], { cwd: path.join(SAMPLES, 'lstm') })).code).toBe(0);
  expect((await cli(['verify', 'case.json'], { cwd: path.join(SAMPLES, 'lstm') })).code).toBe(0);
  expect((await cli(['verify', 'samples/{gru,lstm}'])).stdout).toContain('2 parity');
});

test('a match of a pattern that is no case leaves the others theirs', async () => {
  const { code, stdout } = await cli(['verify', '--quiet', 'samples/{bundles,gru,lstm}']);
  expect(stdout).toContain('samples/bundles/: holds no case');
  expect(stdout).toContain('2 parity, 0 differs, 1 without a verdict (3 cases');
  expect(code).toBe(2);
});

test('three files without a case file', async () => {
  const files = (sample: string) =>
    ['weights', 'input', 'expected'].flatMap((role) => [
      `--${role}`,
      `samples/${sample}/${role}.safetensors`,
    ]);
  expect((await cli(['verify', ...files('lstm-prefix'), '--prefix', 'encoder.lstm.'])).code).toBe(0);
  expect((await cli(['verify', ...files('lstm-prefix'), '--prefix', 'encoder.lstm'])).code).toBe(0);
  const without = await cli(['verify', ...files('lstm-prefix')]);
  expect(without.code).toBe(2);
  expect(without.stderr).toContain('holds 2 modules; choose one with --prefix');
  expect(without.stderr).toMatch(/decoder\.gru\. +GRU 6 → 5, 1 layer\n/);
  expect((await cli(['verify', ...files('rnn-relu'), '--nonlinearity', 'relu'])).code).toBe(0);
});

test('a file with one tensor stands for its role, and names are mapped', async () => {
  const folder = copySample('rnn-unbatched');
  const { data } = JSON.parse(JSON.stringify({ data: [0.5, 0.25, 1] }));
  const file = (name: string) => path.join(folder, name);
  const weights = { weight_ih: raw([1, 3], [0.1, 0.2, 0.3]), weight_hh: raw([1, 1], [0.5]) };
  writeSafetensors(file('w.safetensors'), weights);
  writeJson(file('x.json'), data);
  const h = Math.tanh(0.05 + 0.05 + 0.3);
  writeSafetensors(file('h.safetensors'), { anything: raw([1], [h]) });
  const argv = (expected: string) => [
    'verify',
    '--weights',
    file('w.safetensors'),
    '--input',
    file('x.json'),
    '--expected',
    file(expected),
  ];
  // A Cell's one step has no output but h_n; a single tensor stands for `output`, which is the same there.
  expect((await cli(argv('h.safetensors'))).code).toBe(0);
  writeSafetensors(file('two.safetensors'), { anything: raw([1], [h]), other: raw([1], [h]) });
  expect((await cli(argv('two.safetensors'))).stderr).toContain('found tensors named anything, other');
  expect((await cli([...argv('two.safetensors'), '--name', 'h_n=other'])).code).toBe(0);
  expect((await cli([...argv('two.safetensors'), '--name', 'h_n=othr'])).stderr).toContain(
    'no tensor is named othr',
  );
});

test('batch_first is inferred where the shapes leave no doubt, and the report says so', async () => {
  const folder = copySample('rnn-bidirectional');
  const file = path.join(folder, 'case.json');
  const { batch_first: _, ...rest } = readJson(file);
  writeJson(file, rest);
  const inferred = await cli(['verify', folder]);
  expect(inferred.code).toBe(0);
  expect(inferred.stdout).toContain('note: batch_first is not given; the shapes fit only [B, T, …]');
  expect((await cli(['verify', folder, '--no-batch-first'])).code).toBe(2);
  const said = await cli(['verify', folder, '--batch-first']);
  expect(said.code).toBe(0);
  expect(said.stdout).not.toContain('note:');
});

test('where both readings fit and the other one agrees, the message names the option', async () => {
  const folder = scratch();
  const bundle = path.join(folder, 'both.json');
  // As many steps as rows: batch_first is what the shapes cannot tell.
  const [w, u] = [0.7, -0.4];
  const input = [
    [[1], [2]],
    [[-1], [0.5]],
  ];
  const output = input.map((row) => {
    let h = 0;
    return row.map(([x]) => {
      h = Math.tanh(w * x + u * h);
      return [h];
    });
  });
  writeJson(bundle, { weight_ih_l0: [[w]], weight_hh_l0: [[u]], input, output });
  const result = await cli(['verify', bundle]);
  expect(result.code).toBe(1);
  expect(result.stdout).toContain('try: every value agrees with --batch-first');
  expect((await cli(['verify', bundle, '--batch-first'])).code).toBe(0);
  writeJson(bundle, { weight_ih_l0: [[w]], weight_hh_l0: [[u]], input, output, case: { batch_first: true } });
  expect((await cli(['verify', bundle])).code).toBe(0);
});

test('relu that was not said is named likewise', async () => {
  const folder = copySample('rnn-relu');
  const file = path.join(folder, 'case.json');
  const { nonlinearity: _, ...rest } = readJson(file);
  writeJson(file, rest);
  const result = await cli(['verify', folder]);
  expect(result.code).toBe(1);
  expect(result.stdout).toContain('every value agrees with --nonlinearity relu');
  expect((await cli(['verify', folder, '--nonlinearity', 'relu'])).code).toBe(0);
});

test('tolerances: the command line wins over the case', async () => {
  const folder = copySample('failing/gru-perturbed-step');
  expect((await cli(['verify', folder, '--atol', '1e-2'])).code).toBe(0);
  expect((await cli(['verify', folder, '--rtol', '1e-2'])).code).toBe(0);
  expect((await cli(['verify', folder, '--tolerance', 'output=0,1e-2'])).code).toBe(0);
  expect((await cli(['verify', folder, '--tolerance', 'h_n=0,1e-2'])).code).toBe(1);
  expect((await cli(['verify', folder, '--atol', '1e-2', '--tolerance', 'output=0,1e-5'])).code).toBe(1);
  const file = path.join(folder, 'case.json');
  writeJson(file, { ...readJson(file), tolerance: { atol: 1e-2 } });
  const { code, stdout } = await cli(['verify', folder]);
  expect(code).toBe(0);
  expect(stdout).toContain('rtol 1.3e-6, atol 0.01 (rtol float32');
  expect((await cli(['verify', folder, '--atol', '1e-5'])).code).toBe(1);
  writeJson(file, { ...readJson(file), tolerance: { output: { atol: 1e-2 } } });
  expect((await cli(['verify', folder])).code).toBe(0);
});

test('a tolerance under which zeros would pass is a warning, and with --strict no verdict', async () => {
  const lax = await cli(['verify', 'samples/lstm', '--atol', '1']);
  expect(lax.code).toBe(0);
  expect(lax.stdout).toContain('warning: output: zeros would pass too for most or all of its values');
  const strict = await cli(['verify', 'samples/lstm', '--atol', '1', '--strict']);
  expect(strict).toMatchObject({ code: 2, stdout: '' });
  expect(strict.stderr).toContain('no verdict with --strict, because of warnings (parity without it)');
  expect((await cli(['verify', 'samples/lstm', '--strict'])).code).toBe(0);
  const several = await cli(['verify', 'samples/lstm', 'samples/gru', '--atol', '1', '--quiet']);
  expect(several.stdout).toContain('warning: output: zeros would pass too for most or all of its values');
});

test('a case says why its tolerance is another, but cannot say who asked for it', async () => {
  const folder = copySample('lstm');
  const file = path.join(folder, 'case.json');
  const tolerance = { rtol: 0.9, atol: 0.9, reason: 'float32 default' };
  writeJson(file, { ...readJson(file), tolerance });
  const { stdout } = await cli(['verify', folder, 'samples/gru']);
  expect(stdout).toContain('rtol 0.9, atol 0.9 (of the case: float32 default)');
  expect((await cli(['verify', folder, '--atol', '1e-7'])).stdout).toContain(
    'rtol 0.9, atol 1e-7 (rtol of the case: float32',
  );
  writeJson(file, { ...readJson(file), tolerance: { ...tolerance, reason: 'x'.repeat(101) } });
  expect((await cli(['verify', folder])).stderr).toContain('tolerance.reason: is longer than 100 characters');
});

test('NaN that equals NaN is told, and with --strict no parity', async () => {
  const bundle = path.join(scratch(), 'nan.json');
  const tensors = {
    weight_ih_l0: [['NaN']],
    weight_hh_l0: [[1]],
    input: [[1], [2]],
    output: [['NaN'], ['NaN']],
  };
  writeJson(bundle, { ...tensors, case: { equal_nan: true } });
  const { code, stdout } = await cli(['verify', bundle]);
  expect(code).toBe(0);
  expect(stdout).toContain('warning: output: 2 expected values are NaN, and taken as equal');
  expect((await cli(['verify', bundle, '--strict'])).code).toBe(2);
});

test('a tensor that looks meant and is not used is told', async () => {
  const folder = copySample('lstm');
  const expected = path.join(folder, 'expected.json');
  const file = path.join(folder, 'case.json');
  writeJson(file, { ...readJson(file), expected: 'expected.json' });
  writeJson(expected, { h_n: [[[0]]], outputs: [[[0], [0], [0], [0]]] });
  expect((await cli(['verify', folder])).stderr).toContain(
    'outputs: is nearly output, and would not be used',
  );
  writeJson(expected, { h_n: [[[0]]], notes: [1] });
  expect((await cli(['verify', folder, '--atol', '9'])).stdout).toContain('expected.json: notes not used');
  expect((await cli(['verify', folder, 'samples/gru', '-q', '--atol', '9'])).stdout).toContain(
    'not checked: output, c_n',
  );
});

test('what the reference lacks is reported as not checked', async () => {
  const folder = copySample('lstm');
  writeJson(path.join(folder, 'expected.json'), { c_n: [[[0]]] });
  const file = path.join(folder, 'case.json');
  writeJson(file, { ...readJson(file), expected: 'expected.json', tolerance: { atol: 10 } });
  expect((await cli(['verify', folder])).stdout).toContain('not checked: output, h_n (not in the reference)');
});

test('an expected file without elements is an error, not a pass', async () => {
  const folder = copySample('rnn-unbatched');
  for (const tensors of [{}, { output: raw([0, 4], []) }, { output: raw([0], []) }]) {
    writeSafetensors(path.join(folder, 'expected.safetensors'), tensors as never);
    const result = await cli(['verify', folder]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('expected.safetensors: ');
  }
});

test('the JSON report follows its schema, on stdout or in a file', async () => {
  const argv = ['verify', 'samples', 'samples/failing/*', 'samples/nowhere', '--reporter'];
  const { stdout, code, stderr } = await cli([...argv, 'json']);
  expect(code).toBe(2);
  expect(stderr).toContain('samples/nowhere: there is no such file or folder');
  const report = REPORT_SCHEMA.parse(JSON.parse(stdout));
  expect(report.summary).toEqual({
    parity: sampleNames().length,
    differs: sampleNames('failing').length,
    no_verdict: 1,
    not_run: 0,
    exit_code: 2,
  });
  const folder = scratch();
  const table = await cli([...argv, `json=${folder}/report.json`, '--reporter', 'table']);
  expect(fs.readFileSync(`${folder}/report.json`, 'utf8')).toBe(stdout);
  expect(table.stdout).toContain('1 without a verdict');
  const silent = await cli([...argv, `table=${folder}/table.txt`], { tty: true });
  expect(silent.stdout).toBe('');
  const written = fs.readFileSync(`${folder}/table.txt`, 'utf8');
  expect(written).toContain('1 without a verdict');
  expect(written).not.toContain(ESCAPE);
});

test('the JSON report writes what JSON has no word for as text', async () => {
  const folder = scratch();
  const bundle = path.join(folder, 'nan.json');
  writeJson(bundle, { weight_ih_l0: [[1]], weight_hh_l0: [[1]], input: [['NaN']], output: [['NaN']] });
  const { stdout, code } = await cli(['verify', bundle, '--reporter', 'json']);
  expect(code).toBe(1);
  const { cases } = REPORT_SCHEMA.parse(JSON.parse(stdout));
  expect(cases[0]).toMatchObject({
    verdict: 'differs',
    tensors: [{ worst: { difference: 'NaN' }, smallest_atol: null }],
  });
  expect((await cli(['verify', bundle, '--equal-nan'])).code).toBe(0);
});

test('paths of a case stay inside, unless they are allowed out', async () => {
  const folder = copySample('lstm');
  const outside = path.join(scratch(), 'weights.safetensors');
  fs.copyFileSync(path.join(folder, 'weights.safetensors'), outside);
  const file = path.join(folder, 'case.json');
  const original = readJson(file);
  writeJson(file, { ...original, weights: outside });
  const refused = await cli(['verify', folder]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("lies outside the case's folder and the working directory");
  expect((await cli(['verify', folder, '--allow-outside'])).code).toBe(0);
  expect((await cli(['verify', folder], { cwd: path.dirname(outside) })).code).toBe(0);
  // A link is where it points to.
  writeJson(file, original);
  fs.rmSync(path.join(folder, 'weights.safetensors'));
  fs.symlinkSync(outside, path.join(folder, 'weights.safetensors'));
  expect((await cli(['verify', folder])).code).toBe(2);
  expect((await cli(['verify', folder, '--allow-outside'])).code).toBe(0);
});

test('of a checkpoint only the module’s own tensors are read', async () => {
  const folder = copySample('lstm-prefix');
  const file = path.join(folder, 'weights.safetensors');
  const bytes = fs.readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  // The decoder becomes NaN; nobody looks at it.
  for (const [name, { data_offsets }] of Object.entries<{ data_offsets: [number, number] }>(header)) {
    if (!name.startsWith('encoder'))
      bytes.fill(0xff, 8 + length + data_offsets[0], 8 + length + data_offsets[1]);
  }
  fs.writeFileSync(file, bytes);
  expect((await cli(['verify', folder])).code).toBe(0);
});

test('a file that is not regular is an error, at once', async () => {
  const folder = copySample('lstm');
  const file = path.join(folder, 'weights.safetensors');
  fs.rmSync(file);
  fs.symlinkSync('/dev/zero', file);
  expect((await cli(['verify', folder, '--allow-outside'])).stderr).toContain('is not a regular file');
  fs.rmSync(file);
  fs.mkdirSync(file);
  expect((await cli(['verify', folder])).stderr).toContain('is a folder');
});

test('what cannot be foreseen in one case leaves the others their reports', async () => {
  const folder = scratch();
  const lengths = path.join(folder, 'lengths.safetensors');
  const many = 300_000;
  writeSafetensors(lengths, {
    weight_ih_l0: raw([1, 1], [1]),
    weight_hh_l0: raw([1, 1], [1]),
    input: raw([1, many, 1], Array(many).fill(0)),
    lengths: raw([many], Array(many).fill(1), 'I64'),
    h_n: raw([1, many, 1], Array(many).fill(0)),
  });
  const result = await cli(['verify', lengths, 'samples/lstm']);
  expect(result.stdout).toContain('2 parity');
  // Zero sizes never drive work on a header's word.
  const zero = path.join(folder, 'zero.safetensors');
  writeSafetensors(zero, {
    weight_ih_l0: raw([1, 0], []),
    weight_hh_l0: raw([1, 1], [1]),
    input: raw([4e8, 1, 0], []),
    h_n: raw([1, 1, 1], [0]),
  });
  expect((await cli(['verify', zero])).stderr).toContain('no size fits an RNN, a GRU or an LSTM');
  const dimensions = Array.from({ length: 20_000 }, (_, i) => i);
  writeSafetensors(zero, {
    weight_ih_l0: raw(dimensions, []),
    weight_hr_l0: raw(dimensions, []),
    weight_hh_l0: raw([1, 1], [1]),
    input: raw([1, 1, 1], [0]),
    h_n: raw([1, 1, 1], [0]),
  });
  expect((await cli(['verify', zero])).stderr.length).toBeLessThan(2000);
});

test('a bundle is known by its content, whatever its ending', async () => {
  const folder = scratch();
  fs.copyFileSync(path.join(SAMPLES, 'bundles', 'lstm.safetensors'), path.join(folder, 'good.st'));
  expect((await cli(['verify', 'good.st'], { cwd: folder })).code).toBe(0);
});

test('--strict weakens parity, and nothing else', async () => {
  const folder = 'samples/failing/gru-perturbed-step';
  expect((await cli(['verify', folder, '--strict', '--tolerance', 'h_n=9,9'])).code).toBe(1);
});

test('what the command line holds cannot write to the terminal either', async () => {
  const { stderr, code } = await cli(['verify', `--x${ESCAPE}[31m\n::error::x`]);
  expect(code).toBe(2);
  expect(stderr).toContain('\\u001b[31m');
  expect(stderr).not.toContain(ESCAPE);
  expect(stderr).not.toMatch(/^ *::/m);
});

test('names from a file cannot write to the terminal', async () => {
  const folder = scratch();
  const file = path.join(folder, 'evil.safetensors');
  const evil = `${ESCAPE}[2Jx\nPARITY: all tensors match\u202e`;
  fs.writeFileSync(file, safetensorsBytes({ [evil]: raw([1], [1]), other: raw([1], [1]) }));
  const { stderr, code } = await cli(['verify', '--weights', file, '--input', file, '--expected', file]);
  expect(code).toBe(2);
  expect(stderr).not.toContain(ESCAPE);
  expect(stderr).not.toContain('\u202e');
  expect(stderr).not.toMatch(/^PARITY/m);
  expect(stderr).toContain('\\u001b[2Jx\\u000aPARITY');
  const prefixed = {
    '::error::x.weight_ih_l0': raw([1, 1], [1]),
    '\u009b31m.weight_ih_l0': raw([1, 1], [1]),
  };
  fs.writeFileSync(
    file,
    safetensorsBytes({ ...prefixed, input: raw([1, 1, 1], [1]), h_n: raw([1, 1, 1], [1]) }),
  );
  const several = await cli(['verify', file]);
  expect(several.stderr).toContain('\\u009b31m');
  expect(several.stderr).not.toMatch(/^ *::|\u009b/m);
  const json = await cli(['verify', file, '--reporter', 'json']);
  expect(json.stdout).not.toContain('\u009b');
  REPORT_SCHEMA.parse(JSON.parse(json.stdout));
});

test('progress is for terminals and for what takes long', async () => {
  expect((await cli(['verify', 'samples/gru-long'], { tty: true })).stderr).toBe('');
});

test('the same case gives the same bytes', async () => {
  const runs = await Promise.all(
    Array.from({ length: 20 }, () => cli(['verify', 'samples/gru-three-layers'])),
  );
  expect(new Set(runs.map(({ stdout }) => stdout)).size).toBe(1);
});

test('what goes in and is no number is said, and what to do where the reference has NaN too', async () => {
  const file = path.join(ROOT, 'test', 'data', 'cases', 'nan-weight.safetensors');
  const words = async (...argv: string[]) => {
    const { code, stdout } = await cli(['verify', file, ...argv]);
    return { code, stdout: stdout.replace(/\s+/g, ' ') };
  };
  const differs = await words();
  expect(differs.code).toBe(1);
  expect(differs.stdout).toContain(
    'warning: weight_hh_l0 has 1 NaN, first at [0, 0]: values computed from it may not be finite either',
  );
  expect(differs.stdout).toContain('the reference has NaN too: with --equal-nan (equal_nan) NaN equals NaN');
  const equal = await words('--equal-nan');
  expect(equal.code).toBe(0);
  expect(equal.stdout).toContain('weight_hh_l0 has 1 NaN');
  expect(equal.stdout).not.toContain('with --equal-nan');
  expect((await words('--equal-nan', '--strict')).code).toBe(2);
  const bundle = path.join(scratch(), 'x.json');
  const weights = { weight_ih_l0: [['Infinity']], weight_hh_l0: [[1]] };
  writeJson(bundle, { ...weights, input: [[[1]], [['-Infinity']]], output: [[[1]], [[-1]]] });
  const { stdout } = await cli(['verify', bundle]);
  expect(stdout).toContain('weight_ih_l0 has 1 infinity, first at [0, 0]');
  expect(stdout).toContain('input has 1 infinity, first at [1, 0, 0]');
});

test.each(['0x10', '0b1', '1_0', ' 1', '', '1e', '1e400', 'Infinity', 'NaN', '-1', '1,5'])(
  'a tolerance that is no number is refused: %j',
  async (text) => {
    for (const argv of [`--atol=${text}`, `--rtol=${text}`, `--tolerance=h_n=${text},0`]) {
      const { code, stderr } = await cli(['verify', 'samples/gru', argv]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/It takes (a number from 0 on|<output>=<rtol>,<atol>)/);
    }
  },
);

test.each(['0', '1e-5', '.5', '5.', '+1', '1E+2'])('a tolerance: %s', async (text) => {
  expect((await cli(['verify', 'samples/gru', '--atol', text])).code).not.toBe(2);
});
