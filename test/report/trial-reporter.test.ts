import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CellcheckError, formatDiagnosis, formatReport } from '../../src/index.js';
import { reportersOf } from '../../src/report/reporters.js';
import { VERSION } from '../../src/version.js';
import { ROOT } from '../cli.js';
import { type Addition, buildProgram, runProgram } from '../trial-program.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-reporter-'));

const ADDITION: Addition = {
  file: 'report/trial-reporter.ts',
  into: 'src/report/reporters',
  registry: 'src/report/reporters.ts',
  change(text) {
    const after = `import { trial } from './reporters/trial-reporter.js';\n${text.replace(/ \} as const satisfies/, ', trial } as const satisfies')}`;
    expect(after).toMatch(/, trial,? \} as const/);
    return after;
  },
};

beforeAll(() => buildProgram(folder, ADDITION));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const run = (...argv: string[]) => runProgram(folder, ROOT, ...argv);
/** An error without the line breaks that the terminal's width makes. */
const words = (text: string) => text.replace(/\s+/g, ' ');

test('a reporter that was added is one of those of the commands that it renders', () => {
  expect(
    run('verify', 'samples/lstm', 'samples/failing/lstm-swapped-gates', '--reporter', 'trial'),
  ).toMatchObject({
    status: 1,
    stdout: 'trial of 2\nsamples/lstm is parity\nsamples/failing/lstm-swapped-gates is differs\nexit 1\n',
  });
  expect(run('diagnose', 'samples/failing/lstm-swapped-gates', '--reporter', 'trial')).toMatchObject({
    status: 1,
    stdout: `samples/failing/lstm-swapped-gates: conventions (${VERSION})\nexit 1\n`,
  });
  for (const command of ['verify', 'diagnose'])
    expect(words(run(command, '--help').stdout)).toMatch(/, \w+ or trial; to stdout or a file/);
});

test('a command that it does not render refuses it, and names what it has', () => {
  const { status, stderr } = run('list', 'samples/lstm', '--reporter', 'trial');
  expect(words(stderr)).toContain(`Reporters are ${reportersOf('list').join(', ')}, each to stdout`);
  expect(status).toBe(2);
  expect(words(run('list', '--help').stdout)).not.toContain('trial');
  const unknown = run('verify', 'samples/lstm', '--reporter', 'none');
  expect(words(unknown.stderr)).toContain(
    `Reporters are ${reportersOf('verify').join(', ')}, trial, each to stdout`,
  );
  expect(unknown.status).toBe(2);
});

test('the library refuses a reporter that there is not', async () => {
  const none = { reporter: 'none' as 'table' };
  await expect(formatReport([], none)).rejects.toThrow(
    `reporter: is not one of ${reportersOf('verify').join(', ')}`,
  );
  await expect(formatReport([], { reporter: 'toString' as 'table' })).rejects.toThrow(CellcheckError);
  const error = await formatDiagnosis({ label: '', comparison: {} as never }, none).catch((caught) => caught);
  expect(error).toMatchObject({ code: 'option' });
});
