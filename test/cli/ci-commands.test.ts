import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { escapeText } from '../../src/errors.js';
import { cli, scratch } from '../cli.js';
import { lstmBundle, writeJson, writeSafetensors } from '../write.js';

// GitHub Actions reads a line that begins with :: (after spaces), and ##[ anywhere; Azure Pipelines ##vso[ and ##[,
// TeamCity ##teamcity[.
const COMMAND = /^\s*::|##[a-z]*\[/im;

const TEXTS = [
  '::error::pwned',
  '::add-mask::parity',
  '::stop-commands::x',
  '##[error]pwned',
  '##[add-mask]parity',
  '##vso[task.complete result=Succeeded]',
  '##VSO[task.setvariable variable=PATH]x',
  "##teamcity[buildStatus status='SUCCESS']",
  'a ::error::b',
  `${'long '.repeat(12)}::error::c ::error::d`,
  'x\n::error::e',
];

/** A bundle that has the text wherever a file may have any: names of tensors, the prefix, a reason, its own name. */
function hostileCase(text: string): { cwd: string; argv: string[] } {
  const cwd = scratch();
  const name = text.replaceAll('\n', ' ').replaceAll('/', '').slice(0, 100);
  const folder = path.join(cwd, name);
  fs.mkdirSync(folder);
  const bundle = lstmBundle();
  const isWeight = (key: string) => /^(weight|bias)/.test(key);
  const part = (keep: (key: string) => boolean, prefix = '') =>
    Object.fromEntries(
      Object.entries(bundle)
        .filter(([key]) => keep(key))
        .map(([key, tensor]) => [prefix + key, tensor]),
    );
  writeSafetensors(path.join(folder, 'w.safetensors'), {
    ...part(isWeight, text),
    [`${text}.x`]: bundle.input,
  });
  const rest = part((key) => !isWeight(key));
  writeSafetensors(path.join(folder, 'r.safetensors'), { ...rest, [text]: bundle.input });
  writeJson(path.join(folder, 'case.json'), {
    weights: 'w.safetensors',
    input: 'r.safetensors',
    expected: 'r.safetensors',
    prefix: text,
    tolerance: { atol: 1e-3, reason: text },
    description: text,
  });
  return { cwd, argv: [name] };
}

test.each(TEXTS)('no output has a line that CI takes for a command: %j', async (text) => {
  const { cwd, argv } = hostileCase(text);
  const calls = [
    ['verify', ...argv],
    ['verify', ...argv, ...argv],
    ['verify', ...argv, '--rtol', '0', '--atol', '0', '--rule', 'close'],
    ['diagnose', ...argv, '--rule', 'auto'],
    ['list', path.join(argv[0], 'w.safetensors')],
    ['verify', text],
    ['verify', ...argv, '--name', `${text}=x`],
    ['verify', ...argv, '--prefix', text.slice(1)],
    ['verify', `--module=${text}`],
    [text],
  ];
  for (const call of calls)
    for (const columns of [80, 50, 30])
      for (const reporter of [[], ['--reporter', 'json']]) {
        if (call.length < 2 && reporter.length) continue;
        const { stdout, stderr } = await cli([...call, ...reporter], { cwd, columns, tty: columns === 30 });
        expect(stdout + stderr).toMatch(/\S/);
        expect(`${stdout}\n${stderr}`).not.toMatch(COMMAND);
      }
  for (const columns of [80, 50, 30]) {
    const { stdout, stderr } = await cli(['inspect', ...argv, '--all-steps'], { cwd, columns });
    expect(stdout + stderr).toMatch(/\S/);
    expect(`${stdout}\n${stderr}`).not.toMatch(COMMAND);
  }
});

test('JSON that is defused says the same', async () => {
  const text = '##vso[x] ::error::y';
  const { cwd, argv } = hostileCase(text);
  const { stdout } = await cli(['verify', ...argv, '--reporter', 'json'], { cwd });
  const [{ module, tensors }] = JSON.parse(stdout).cases;
  expect(module.prefix).toBe(text);
  expect(tensors[0].rule.source).toContain(text);
});

test('text that is none stays as it is', () => {
  for (const text of ['a::b', 'std::vector', 'x: y', '# title', '## [1]', '##', 'a#[1]', 'C:\\x'])
    expect(escapeText(text)).toBe(text);
  expect(escapeText('::x ::y')).toBe('\\u003a:x \\u003a:y');
  expect(escapeText('##[x]')).toBe('#\\u0023[x]');
});

test('a printed text’s own lines are no commands in a note', async () => {
  const cwd = scratch();
  fs.writeFileSync(path.join(cwd, 'w.txt'), '::error::x\n##[error]y\n{}');
  const { stderr } = await cli(['list', 'w.txt'], { cwd });
  expect(stderr).toContain('holds no printed tensor');
  expect(stderr).not.toMatch(COMMAND);
});
