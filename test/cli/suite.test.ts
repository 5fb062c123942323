import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REPORT_SCHEMA } from '../../schemas/report.js';
import { loadCase, verify } from '../../src/index.js';
import { cli, SAMPLES, scratch } from '../cli.js';
import { writeJson } from '../write.js';

const CONFIG = 'cellcheck.config.json';

/** A folder with copies of samples under `cases/`, and a configuration. */
function suite(config: object | undefined, samples: Readonly<Record<string, string>> = USUAL): string {
  const folder = scratch();
  for (const [name, sample] of Object.entries(samples))
    fs.cpSync(path.join(SAMPLES, sample), path.join(folder, 'cases', name), { recursive: true });
  if (config) writeJson(path.join(folder, CONFIG), config);
  return folder;
}

const USUAL = { a: 'lstm', b: 'gru', off: 'failing/gru-edited-weight' };
const ALL = { cases: ['cases'] };

const labels = (json: string) => REPORT_SCHEMA.parse(JSON.parse(json)).cases.map((one) => one.case);

describe('without cases', () => {
  test('the suite runs, from any folder below its configuration, with labels relative to it', async () => {
    const folder = suite(ALL);
    for (const cwd of [folder, path.join(folder, 'cases'), path.join(folder, 'cases', 'a')]) {
      const { code, stdout } = await cli(['verify', '--reporter', 'json'], { cwd });
      expect(code).toBe(1);
      expect(labels(stdout)).toEqual(['cases/a', 'cases/b', 'cases/off']);
    }
    const { stdout } = await cli(['verify', '--config', path.join(folder, CONFIG), '--list'], {
      cwd: scratch(),
    });
    expect(stdout).toBe('cases/a\ncases/b\ncases/off\n');
  });

  test('there must be a configuration', async () => {
    const { code, stderr } = await cli(['verify'], { cwd: scratch() });
    expect(code).toBe(2);
    expect(stderr).toContain('name a case');
    const folder = suite(ALL);
    expect((await cli(['verify', '--no-config'], { cwd: folder })).code).toBe(2);
  });

  test('globs, what is left out, and cases that two patterns name', async () => {
    const folder = suite({ cases: ['cases/*', 'cases/a', '!cases/o*'] });
    const { stdout } = await cli(['verify', '--list'], { cwd: folder });
    expect(stdout).toBe('cases/a\ncases/b\n');
  });

  test.each([
    [{ cases: ['cases/x*'] }, 'nothing matches this pattern'],
    [{ cases: ['nowhere'] }, 'there is no such file or folder'],
    [{ cases: ['cases', '!cases'] }, 'leaves no case'],
    [{ cases: ['!cases'] }, 'leaves no case'],
    [{ cases: ['../..'] }, 'lies outside the folder of the configuration'],
    [{ cases: ['/etc/*'] }, 'lies outside the folder of the configuration'],
    [{ cases: ['cases/a/../../../*'] }, 'lies outside the folder of the configuration'],
    [{ cases: ['cases'], profile: 'nvidia' }, 'profile: is not one of torch'],
    [{ cases: ['cases'], reporters: ['json=../r.json'] }, 'lies outside the folder of the configuration'],
    [{ cases: ['cases'], reporters: ['pdf'] }, 'reporters: pdf: Reporters are table'],
    [{ cases: ['cases'], reporters: ['json', 'table'] }, 'Only one report goes to stdout'],
    [{ cases: ['cases'], reporter: 'json' }, 'reporter: is not an option of a suite'],
  ])('%j: %s', async (config, message) => {
    const { code, stdout, stderr } = await cli(['verify'], { cwd: suite(config) });
    expect(code).toBe(2);
    expect(stdout + stderr).toContain(message);
  });

  test('a configuration that is no JSON is named with what is wrong', async () => {
    const folder = suite(undefined);
    fs.writeFileSync(path.join(folder, CONFIG), '{ "cases": ["a"], }');
    const { code, stderr } = await cli(['verify'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^cellcheck: cellcheck\.config\.json: is not valid JSON: .*\n {2}JSON has no comments/,
    );
  });
});

describe('options', () => {
  const source = async (folder: string, ...argv: string[]) => {
    const { stdout } = await cli(['verify', ...argv, '--reporter', 'json'], { cwd: folder });
    return Object.fromEntries(
      REPORT_SCHEMA.parse(JSON.parse(stdout)).cases.flatMap((one) =>
        one.verdict === 'error'
          ? []
          : [[one.case, one.tensors.map(({ rule }) => `${rule.atol} ${rule.source}`)]],
      ),
    );
  };

  test('the command line comes first, then the configuration, then the case', async () => {
    const folder = suite({ cases: ['cases'], tolerance: { rtol: 0, atol: 1, h_n: { atol: 2 } } });
    const file = path.join(folder, 'cases', 'a', 'case.json');
    writeJson(file, {
      ...JSON.parse(fs.readFileSync(file, 'utf8')),
      tolerance: { atol: 5, c_n: { atol: 6 } },
    });
    const byConfig = ' of cellcheck.config.json';
    expect(await source(folder)).toMatchObject({
      'cases/a': [`1${byConfig}`, `2${byConfig}`, `1${byConfig}`],
      'cases/off': [`1${byConfig}`, `2${byConfig}`],
    });
    const { 'cases/a': given } = await source(folder, '--atol', '9');
    expect(given[0]).toBe(`9 rtol${byConfig}, atol from the command line`);
    expect((await source(folder, '--no-config', 'cases/a'))['cases/a'][0]).toBe(
      '5 rtol float32 default, atol of the case',
    );
  });

  test('cases that are named on the command line have the options of the configuration too, and diagnose', async () => {
    const folder = suite({
      cases: ['cases'],
      overrides: [{ cases: ['cases/off'], tolerance: { rtol: 0, atol: 1 } }],
    });
    for (const argv of [['cases/off'], [path.join(folder, 'cases', 'off')]])
      expect((await cli(['verify', ...argv], { cwd: folder })).code).toBe(0);
    expect((await cli(['verify', 'off'], { cwd: path.join(folder, 'cases') })).code).toBe(0);
    expect((await cli(['diagnose', 'cases/off'], { cwd: folder })).code).toBe(0);
    expect((await cli(['verify', 'cases/off', '--no-config'], { cwd: folder })).code).toBe(1);
  });

  test('of reading a case: prefix, names, module, key', async () => {
    const folder = suite({ cases: ['cases'], prefix: 'nowhere.' }, { a: 'lstm' });
    expect((await cli(['verify'], { cwd: folder })).code).toBe(2);
    expect((await cli(['verify', '--prefix', ''], { cwd: folder })).code).toBe(0);
    const strict = suite({ cases: ['cases'], strict: true, tolerance: { atol: 10 } }, { a: 'lstm' });
    expect((await cli(['verify'], { cwd: strict })).stderr).toContain('no verdict with --strict');
  });

  test('reporters write beside the configuration, wherever it is run', async () => {
    const folder = suite({ ...ALL, reporters: ['table', 'json=report.json'] });
    await cli(['verify'], { cwd: path.join(folder, 'cases') });
    expect(labels(fs.readFileSync(path.join(folder, 'report.json'), 'utf8'))).toHaveLength(3);
    const { stdout } = await cli(['verify', '--reporter', 'json'], { cwd: folder });
    expect(labels(stdout)).toHaveLength(3);
  });
});

describe('some of the cases', () => {
  test('--only: and none that matches is an error', async () => {
    const folder = suite(ALL);
    expect((await cli(['verify', '--only', 'cases/[ab]', '--list'], { cwd: folder })).stdout).toBe(
      'cases/a\ncases/b\n',
    );
    const { code, stderr } = await cli(['verify', '--only', 'nothing'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain('no case matches --only nothing\n  There are 3: --list prints them.');
  });

  test('--bail stops after so many without parity; the others are counted', async () => {
    const folder = suite(ALL, {
      a: 'lstm',
      b: 'failing/gru-edited-weight',
      c: 'failing/lstm-swapped-gates',
      d: 'gru',
    });
    const run = async (...argv: string[]) => {
      const { code, stdout } = await cli(['verify', '-q', ...argv], { cwd: folder });
      return [
        code,
        stdout
          .trim()
          .split('\n')
          .at(-1)!
          .replace(/, [\d.]+ s\)/, ')'),
      ];
    };
    expect(await run()).toEqual([1, '2 parity, 2 differs (4 cases)']);
    expect(await run('--bail', '1')).toEqual([1, '1 parity, 1 differs, 2 not run (2 cases)']);
    expect(await run('--bail', '2')).toEqual([1, '1 parity, 2 differs, 1 not run (3 cases)']);
    expect(await run('--bail', '3')).toEqual([1, '2 parity, 2 differs (4 cases)']);
  });
});

describe('a file of several cases', () => {
  const several = (cases: object) => {
    const folder = suite(undefined, { a: 'lstm' });
    writeJson(path.join(folder, 'ops.json'), { cases });
    return folder;
  };
  const own = JSON.parse(fs.readFileSync(path.join(SAMPLES, 'lstm', 'case.json'), 'utf8'));
  const named = Object.fromEntries(
    Object.entries(own).map(([key, value]) => [
      key,
      ['weights', 'input', 'expected'].includes(key) ? `cases/a/${value}` : value,
    ]),
  );
  const bundle = {
    case: { module: 'RNN' },
    weight_ih_l0: [[0.5]],
    weight_hh_l0: [[0.25]],
    bias_ih_l0: [0],
    bias_hh_l0: [0],
    input: [[[1]]],
    output: [[[Math.fround(Math.tanh(0.5))]]],
  };

  test('counts as several, case files and bundles, each with its name', async () => {
    const folder = several({
      'lstm forward': named,
      gru_initial: bundle,
      off: { ...bundle, output: [[[0.5]]] },
    });
    const { code, stdout } = await cli(['verify', 'ops.json', '--reporter', 'json'], { cwd: folder });
    const { cases } = REPORT_SCHEMA.parse(JSON.parse(stdout));
    expect(cases.map((one) => [one.case, one.verdict])).toEqual([
      ['ops.json#lstm forward', 'parity'],
      ['ops.json#gru_initial', 'parity'],
      ['ops.json#off', 'differs'],
    ]);
    expect(code).toBe(1);
    const one = await cli(['verify', 'ops.json#gru_initial'], { cwd: folder });
    expect(one.stdout).toContain('parity');
    expect(one.code).toBe(0);
    expect((await cli(['diagnose', 'ops.json#off'], { cwd: folder })).code).toBe(1);
    expect((await cli(['list', 'ops.json'], { cwd: folder })).stdout.match(/RNN 1 → 1/g)).toHaveLength(2);
  });

  test('errors name the case; none is an error', async () => {
    const folder = several({
      wrong: { ...bundle, output: [[[1, 2, 3]]] },
      odd: { ...named, weights: 'x.npz' },
    });
    const { code, stdout } = await cli(['verify', 'ops.json'], { cwd: folder });
    expect(code).toBe(2);
    expect(stdout).toContain('ops.json#wrong: output: found');
    expect(stdout).toContain('x.npz: there is no such file');
    const { code: ofNone, stderr } = await cli(['verify', 'ops.json'], { cwd: several({}) });
    expect([ofNone, stderr]).toEqual([2, 'cellcheck: ops.json: cases: is empty: there is no case\n']);
    const missing = await cli(['verify', 'ops.json#nothing'], { cwd: folder });
    expect(missing.stderr).toContain('ops.json#nothing: there is no such file');
  });
});

describe('shards', () => {
  const FOLDER = ['samples', 'samples/failing', 'samples/nowhere'];
  const json = async (argv: readonly string[]) => {
    const { code, stdout } = await cli([...argv, '--reporter', 'json']);
    return { code, stdout };
  };

  test('of any number are joined to the report of the whole, byte by byte', {
    timeout: 300_000,
  }, async () => {
    const whole = await json(['verify', ...FOLDER]);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.infiniteStream(fc.nat()), async (count, order) => {
        const folder = scratch();
        const files: string[] = [];
        for (let i = 1; i <= count; i++) {
          const file = path.join(folder, `${i}.json`);
          await cli(['verify', ...FOLDER, '--shard', `${i}/${count}`, '--reporter', `json=${file}`]);
          files.push(file);
        }
        const shuffled = files
          .map((file) => [order.next().value, file] as const)
          .sort(([a], [b]) => a - b)
          .map(([, file]) => file);
        expect(await json(['merge', ...shuffled])).toEqual(whole);
      }),
      { numRuns: 4, seed: 7 },
    );
  });

  test('every other report of them says the same as that of the whole', async () => {
    const folder = scratch();
    for (const i of [1, 2, 3])
      await cli(['verify', ...FOLDER, '--shard', `${i}/3`, '--reporter', `json=${folder}/${i}.json`]);
    for (const reporter of ['table', 'markdown', 'github', 'junit']) {
      const timeless = (text: string) => text.replace(/, [\d.]+ s\)/, ')').replaceAll(/ time="[\d.]+"/g, '');
      const whole = await cli(['verify', ...FOLDER, '--reporter', reporter, '--all-steps']);
      const merged = await cli(['merge', `${folder}/*.json`, '--reporter', reporter, '--all-steps']);
      expect(timeless(merged.stdout)).toBe(timeless(whole.stdout));
      expect(merged.code).toBe(whole.code);
      expect(merged.stderr).toBe(whole.stderr);
    }
  });

  test('missing, double, damaged ones and those of another suite are refused', async () => {
    const folder = scratch();
    const report = async (name: string, shard: string, ...argv: string[]) => {
      const file = path.join(folder, name);
      await cli([
        'verify',
        ...(argv.length ? argv : ['samples']),
        '--shard',
        shard,
        '--reporter',
        `json=${file}`,
      ]);
      return file;
    };
    const [one, two] = [await report('1', '1/2'), await report('2', '2/2')];
    const fails = async (files: readonly string[], message: string) => {
      const { code, stdout, stderr } = await cli(['merge', ...files, '--reporter', 'json']);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(message);
    };
    await fails([one], 'shard 2 of 2 is missing');
    await fails([one, one, two], 'is shard 1 of 2, and so is');
    await fails([one, await report('3', '2/3')], 'belongs to another suite');
    await fails([one, await report('4', '2/2', 'samples/failing')], 'belongs to another suite');
    await fails([one, await report('5', '2/2', 'samples', '--rtol', '1')], 'belongs to another suite');
    const whole = path.join(folder, 'whole');
    await cli(['verify', 'samples/lstm', '--reporter', `json=${whole}`]);
    await fails([whole], 'is the report of a whole suite, not of a shard');
    await fails([path.join(SAMPLES, 'lstm', 'case.json')], 'is not a JSON report of this version');
    await fails(['nowhere/*.json'], 'nothing matches this pattern');
    const changed = (name: string, change: (document: Record<string, unknown>) => void) => {
      const document = JSON.parse(fs.readFileSync(two, 'utf8'));
      change(document);
      writeJson(path.join(folder, name), document);
      return path.join(folder, name);
    };
    await fails([one, changed('6', (all) => (all.cases as unknown[]).pop())], 'is incomplete');
    const first = JSON.parse(fs.readFileSync(one, 'utf8'));
    const stolen = changed('7', (all) => {
      (all.shard as { cases: number[] }).cases[0] = first.shard.cases[0];
    });
    await fails([one, stolen], 'have the same cases');
    const without = changed('9', (all) => {
      (all.cases as unknown[]).pop();
      (all.shard as { cases: number[] }).cases.pop();
    });
    await fails([one, without], 'one is in none of them');
    await fails([one, changed('8', (all) => Object.assign(all, { cellcheck: '0.0.0' }))], 'another suite');
  });

  test('a shard without a case is no failure: the suite is more than it', async () => {
    const folder = suite(ALL, { a: 'lstm' });
    const { code, stdout } = await cli(['verify', '--shard', '2/2', '--reporter', 'json'], { cwd: folder });
    expect([code, labels(stdout)]).toEqual([0, []]);
    expect((await cli(['verify', '--shard', '3/2'], { cwd: folder })).code).toBe(2);
  });

  test('texts of a report that somebody made up come out harmless', async () => {
    const folder = scratch();
    const file = path.join(folder, '1.json');
    await cli(['verify', 'samples/failing', '--shard', '1/1', '--reporter', `json=${file}`]);
    const text = fs.readFileSync(file, 'utf8').replaceAll('OpenVINO', '\\u001b[31m\\n::error::x');
    fs.writeFileSync(file, text);
    const { stdout } = await cli(['merge', file]);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).not.toMatch(/^\s*::/m);
  });
});

describe('exit codes', () => {
  const CODES: readonly (readonly [readonly string[], number])[] = [
    [['lstm'], 0],
    [['failing/gru-edited-weight'], 1],
    [['nowhere'], 2],
    [['lstm', 'failing/gru-edited-weight'], 1],
    [['lstm', 'nowhere'], 2],
    [['failing/gru-edited-weight', 'nowhere'], 2],
    [['lstm', 'failing/gru-edited-weight', 'nowhere'], 2],
  ];

  test.each(CODES)('%j: %i, from verify, from shards and by every reporter', async (samples, expected) => {
    const cases = samples.map((name) => `samples/${name}`);
    for (const reporter of ['table', 'json', 'markdown', 'github', 'junit', `html=${scratch()}/r.html`])
      expect((await cli(['verify', ...cases, '--reporter', reporter])).code).toBe(expected);
    const folder = scratch();
    for (const i of [1, 2]) {
      const { code } = await cli([
        'verify',
        ...cases,
        '--shard',
        `${i}/2`,
        '--reporter',
        `json=${folder}/${i}.json`,
      ]);
      expect(code).toBeLessThanOrEqual(2);
    }
    expect((await cli(['merge', `${folder}/*.json`])).code).toBe(expected);
  });
});

test('the library loads one of several cases in a file', async () => {
  const folder = scratch();
  const { expected, ...bundle } = { expected: [[[Math.fround(Math.tanh(0.5))]]], weight_ih_l0: [[0.5]] };
  const one = { ...bundle, weight_hh_l0: [[0]], input: [[[1]]], output: expected };
  writeJson(path.join(folder, 'ops.json'), { cases: { one, two: one } });
  const { verdict } = await verify(await loadCase('ops.json#two', { cwd: folder }));
  expect(verdict).toBe('parity');
  await expect(loadCase('ops.json', { cwd: folder })).rejects.toThrow(
    'ops.json: found 2 cases, expected one',
  );
});
