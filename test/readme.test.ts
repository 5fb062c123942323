import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CASE_SCHEMA } from '../schemas/case.js';
import { cli, ROOT, SAMPLES, scratch } from './cli.js';

const README = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const blocks = [...README.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
  language,
  text,
}));
const of = (wanted: string) => blocks.filter(({ language }) => language === wanted).map(({ text }) => text);

const run = (command: string, cwd?: string) => {
  expect(command).toMatch(/^npx cellcheck /);
  return cli(command.split(' ').slice(2), { cwd });
};

// How long it took is never the same.
const timeless = (text: string) => text.replace(/\d+\.\d s\)/, '0.0 s)').trimEnd();

test.each(of('console').map((text) => [text.split('\n')[0], text]))(
  '%s prints what the README shows',
  async (_, text) => {
    const [command, ...output] = text.split('\n');
    const { stdout } = await run(command.replace(/^\$ /, ''));
    expect(timeless(output.join('\n'))).toBe(timeless(stdout));
  },
);

// `npm ci && …` are for a clean checkout: .ci/run takes them from here and runs them there.
const commands = of('sh').flatMap((text) => text.trim().split('\n'));
const here = commands.filter((command) => !command.startsWith('npm ci'));

test('the README has commands of each sort', () => {
  expect(of('console').length).toBeGreaterThanOrEqual(4);
  expect(commands.filter((command) => command.startsWith('npm ci'))).toEqual([
    'npm ci && npx cellcheck verify samples',
    'npm ci && npm test',
  ]);
  expect(here.length).toBeGreaterThanOrEqual(3);
});

test.each(here)('%s exits 0', async (command) => {
  // Where what it writes is in nobody's way.
  const cwd = scratch();
  fs.symlinkSync(SAMPLES, path.join(cwd, 'samples'));
  expect(await run(command, cwd)).toMatchObject({ code: 0, stderr: '' });
  const written = [...command.matchAll(/--(?:save|html) (\S+)/g)].map(([, file]) => file);
  expect(fs.readdirSync(cwd).sort()).toEqual([...written, 'samples'].sort());
});

test('the program in the README prints what it shows', () => {
  const [program] = of('js');
  const [shown] = of('text');
  // Within the package its own name leads to it, as it does where it is installed.
  const file = path.join(ROOT, 'coverage', 'readme-program.mjs');
  const { FORCE_COLOR: _, ...env } = process.env;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, program);
  expect(execFileSync(process.execPath, [file], { cwd: ROOT, encoding: 'utf8', env })).toBe(shown);
});

test('the case file in the README is one', () => {
  const [text] = of('json');
  expect(CASE_SCHEMA.safeParse(JSON.parse(text)).success).toBe(true);
});

test.each(['verify', 'diagnose', 'inspect', 'list'])(
  'the help of %s stands in the README',
  async (command) => {
    const { stdout } = await cli([command, '--help']);
    expect(README).toContain(`$ npx cellcheck ${command} --help\n${stdout}`);
  },
);

test('the picture in the README is there', () => {
  const [, file] = /!\[.+\]\((\S+)\)/.exec(README)!;
  expect(fs.readFileSync(path.join(ROOT, file)).subarray(1, 4).toString()).toBe('PNG');
});
