import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { printable } from '../../src/errors.js';
import { cli, SAMPLES, scratch } from '../cli.js';
import { HARMFUL_NAMES } from '../harmful-names.js';

interface Annotation {
  readonly level: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

/** A line as GitHub's documentation describes it: `::level key=value,key=value::message`, with %XX for what ends a part. */
function annotation(line: string): Annotation {
  const [, level, properties, message] = /^::(error|warning) ([^:]*)::(.*)$/.exec(line)!;
  const pairs = properties.split(',').map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), decoded(pair.slice(at + 1))];
  });
  return { level, properties: Object.fromEntries(pairs), message: decoded(message) };
}

const decoded = (text: string) =>
  text.replace(/%(0A|0D|3A|2C|25)/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));

const lines = (text: string) => text.trimEnd().split('\n').filter(Boolean);

test('a line for each case without parity, at its path, with the reason', async () => {
  const { code, stdout } = await cli([
    'verify',
    ...['samples/lstm', 'samples/failing/lstm-swapped-gates', 'samples/nowhere'],
    ...['--reporter', 'github'],
  ]);
  expect(code).toBe(2);
  expect(lines(stdout).map(annotation)).toEqual([
    {
      level: 'error',
      properties: {
        file: 'samples/failing/lstm-swapped-gates',
        title: 'cellcheck samples/failing/lstm-swapped-gates',
      },
      message: expect.stringMatching(/^differs: first at step 0, worst 0.46 .*\nwhy: the row blocks/),
    },
    {
      level: 'error',
      properties: { file: 'samples/nowhere', title: 'cellcheck samples/nowhere' },
      message: expect.stringMatching(/^samples\/nowhere: there is no such file or folder\n/),
    },
  ]);
});

test('warnings of cases in parity are warnings', async () => {
  const { stdout } = await cli(['verify', 'samples/lstm', '--atol', '10', '--reporter', 'github']);
  expect(lines(stdout).map(annotation)).toMatchObject([
    { level: 'warning', properties: { file: 'samples/lstm' }, message: expect.stringContaining('zero') },
  ]);
});

test('no more lines than GitHub shows: the last one counts the others', async () => {
  const cases = Array.from({ length: 14 }, () => 'samples/failing/rnn-forgotten-bias');
  const { stdout } = await cli(['verify', ...cases, '--reporter', 'github']);
  expect(lines(stdout)).toHaveLength(10);
  expect(annotation(lines(stdout)[9]).message).toBe('5 more cases: the job summary and the log have them');
  const ten = await cli(['verify', ...cases.slice(0, 10), '--reporter', 'github']);
  expect(lines(ten.stdout)).toHaveLength(10);
  expect(annotation(lines(ten.stdout)[9]).message).toContain('why: ');
});

test('names of files are text', async () => {
  const cwd = scratch();
  for (const name of HARMFUL_NAMES)
    fs.cpSync(path.join(SAMPLES, 'failing', 'gru-edited-weight'), path.join(cwd, name), { recursive: true });
  for (const name of HARMFUL_NAMES) {
    const { stdout } = await cli(['verify', `./${name}`, '--reporter', 'github'], { cwd });
    expect(lines(stdout)).toHaveLength(1);
    const { properties, message } = annotation(lines(stdout)[0]);
    expect(properties.title).toBe(`cellcheck ${printable(name)}`);
    expect(Object.keys(properties)).toEqual(['file', 'title']);
    expect(message).toMatch(/^differs: /);
  }
});

test('cases outside the repository have no place in it', async () => {
  const cwd = path.join(SAMPLES, 'lstm');
  for (const label of ['../failing/gru-edited-weight', path.join(SAMPLES, 'failing', 'gru-edited-weight')]) {
    const { stdout } = await cli(['verify', label, '--reporter', 'github'], { cwd });
    expect(Object.keys(annotation(lines(stdout)[0]).properties)).toEqual(['title']);
  }
});

test('in GitHub Actions there are table, annotations and job summary, which is added to', async () => {
  const summary = path.join(scratch(), 'summary.md');
  fs.writeFileSync(summary, 'before\n');
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary };
  const argv = ['verify', 'samples/lstm', 'samples/failing/gru-edited-weight'];
  const { code, stdout, stderr } = await cli(argv, { env });
  expect([code, stderr]).toEqual([1, '']);
  expect(stdout).toMatch(/1 parity, 1 differs \(2 cases[^\n]*\n::error /);
  await cli(argv, { env });
  const text = fs.readFileSync(summary, 'utf8');
  expect(text).toMatch(/^before\n### cellcheck: 1 of 2 cases differs/);
  expect(text.match(/^### cellcheck/gm)).toHaveLength(2);
  // A stated reporter stands alone; other CI systems get the table.
  expect((await cli([...argv, '--reporter', 'table'], { env })).stdout).not.toContain('::error');
  expect(fs.readFileSync(summary, 'utf8')).toBe(text);
  expect((await cli(argv, { env: { CI: 'true' } })).stdout).not.toContain('::error');
});

test('a job summary that cannot be written is said, and is no failure', async () => {
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: path.join(scratch(), 'nowhere', 'summary.md') };
  const { code, stderr } = await cli(['verify', 'samples/lstm'], { env });
  expect(code).toBe(0);
  expect(stderr).toMatch(/^cellcheck: no job summary: .*cannot be written/);
});
