import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './cli.js';

// Who may import whom, types included. Rooms are folders of src/, or files that stand in it; `node`, packages by name.
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  kinds: [],
  tensor: ['tensor', 'errors', 'kinds'],
  schemas: ['zod', 'zod/mini', 'schemas'],
  formats: ['formats', 'tensor', 'schemas', 'errors', 'kinds', 'safetensors'],
  module: ['module', 'tensor', 'schemas', 'errors', 'kinds'],
  engine: ['engine', 'module', 'tensor', 'errors', 'kinds'],
  compare: ['compare', 'tensor', 'errors', 'kinds'],
  bounds: ['bounds', 'engine', 'module', 'tensor', 'kinds'],
  diagnose: ['diagnose', 'verify', 'rounding', 'bounds', 'compare', 'engine', 'module', 'tensor', 'kinds'],
  report: ['report', 'inspect', 'diagnose', 'compare', 'module', 'tensor', 'errors', 'kinds', 'chalk'],
  threads: ['threads', 'engine', 'module', 'tensor', 'node'],
  verdict: ['verify', 'threads', 'compare', 'engine', 'module', 'tensor'],
  'any-network': ['verify', 'threads', 'compare', 'engine', 'module', 'tensor'],
  remarks: ['verify', 'rounding', 'diagnose', 'bounds', 'compare', 'module', 'errors', 'kinds'],
  inspect: [
    'inspect',
    'threads',
    'forward',
    'remarks',
    'compare',
    'engine',
    'module',
    'formats',
    'tensor',
    'errors',
    'kinds',
  ],
  rounding: ['verify', 'bounds', 'compare', 'module', 'tensor'],
  verify: [
    'any-network',
    'diagnose',
    'bounds',
    'rounding',
    'threads',
    'verdict',
    'remarks',
    'compare',
    'engine',
    'module',
    'tensor',
    'errors',
    'kinds',
  ],
  forward: ['threads', 'engine', 'module', 'tensor', 'kinds'],
  results: ['compare', 'report', 'version'],
  version: [],
  index: [
    'verify',
    'diagnose',
    'forward',
    'results',
    'files',
    'formats',
    'compare',
    'engine',
    'module',
    'tensor',
    'schemas',
    'errors',
    'kinds',
  ],
  files: ['files', 'formats', 'module', 'tensor', 'schemas', 'errors', 'kinds', 'node', 'tinyglobby'],
  cli: [
    'cli',
    'bounds',
    'files',
    'formats',
    'verify',
    'diagnose',
    'inspect',
    'results',
    'version',
    'report',
    'compare',
    'engine',
    'module',
    'errors',
    'kinds',
    'node',
    'commander',
  ],
};

// Each package of the terminal has one file in its room.
const ONLY_IN: Readonly<Record<string, RegExp>> = {
  chalk: /^src\/report\/style\.ts$/,
  safetensors: /^src\/formats\/safetensors\.ts$/,
  tinyglobby: /^src\/files\/find-cases\.ts$/,
};

// What a report renders comes to it as data.
const TYPES_ONLY: readonly [from: string, to: string][] = [
  ['report', 'compare'],
  ['report', 'engine'],
  ['report', 'module'],
  ['report', 'inspect'],
  ['report', 'diagnose'],
];

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^;'"]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;

function roomOf(file: string): string {
  const [top, second] = file.split('/');
  return top === 'schemas' ? 'schemas' : path.basename(second, '.ts');
}

const files = ['src', 'schemas'].flatMap((top) =>
  fs
    .readdirSync(path.join(ROOT, top), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => path.posix.join(top, name.replaceAll(path.sep, '/'))),
);

const imports = files.flatMap((file) => {
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)].map((match) => {
    const target = match[2] ?? match[3] ?? match[4];
    const to = target.startsWith('.')
      ? roomOf(path.posix.join(path.posix.dirname(file), target.replace(/\.js$/, '.ts')))
      : target.startsWith('node:')
        ? 'node'
        : target;
    return { file, from: roomOf(file), to, typesOnly: match[1] !== undefined, target };
  });
});

test('every room is in the table, and files have imports to check', () => {
  expect(new Set(files.map(roomOf))).toEqual(new Set(Object.keys(MAY_IMPORT)));
  expect(imports.length).toBeGreaterThan(100);
});

test('rooms import only what the table allows', () => {
  const forbidden = imports.filter(({ from, to }) => !MAY_IMPORT[from].includes(to));
  expect(forbidden.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
});

test('packages of the terminal and of formats have one home', () => {
  const astray = imports.filter(({ to, file }) => ONLY_IN[to] && !ONLY_IN[to].test(file));
  expect(astray.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
});

test('types only where the table says so', () => {
  const values = imports.filter(
    ({ from, to, typesOnly }) => !typesOnly && TYPES_ONLY.some(([a, b]) => a === from && b === to),
  );
  expect(values).toEqual([]);
});

test('process and console stay at the edges', () => {
  const inside = files.filter((file) => !/^src\/(files|cli|threads)\//.test(file));
  const users = inside.filter((file) => {
    const code = fs.readFileSync(path.join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
    return /\b(process|console|globalThis|Buffer)\s*[.[]/.test(code);
  });
  expect(users).toEqual([]);
});
