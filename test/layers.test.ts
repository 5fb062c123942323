import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from './cli.js';

/** Which rooms a room may import from, types included, beside itself: folders of src/, and files that stand in it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  kinds: [],
  version: [],
  schemas: [],
  tensor: ['errors', 'kinds'],
  formats: ['tensor', 'schemas', 'errors', 'kinds'],
  module: ['tensor', 'schemas', 'errors', 'kinds'],
  compare: ['tensor', 'kinds'],
  files: ['formats', 'module', 'tensor', 'schemas', 'errors'],
  engine: ['module', 'tensor', 'errors', 'kinds'],
  bounds: ['engine', 'module', 'tensor', 'kinds'],
  threads: ['bounds', 'engine', 'module', 'tensor'],
  'one-weight': ['bounds', 'engine', 'module', 'tensor', 'kinds'],
  verdict: ['one-weight', 'bounds', 'threads', 'engine', 'compare', 'module', 'tensor', 'errors', 'kinds'],
  diagnose: ['verdict', 'one-weight', 'threads', 'bounds', 'engine', 'compare', 'module', 'tensor', 'kinds'],
  diff: ['module', 'tensor', 'errors', 'kinds'],
  inspect: ['verdict', 'threads', 'engine', 'compare', 'module', 'formats', 'tensor', 'errors', 'kinds'],
  report: [
    'schemas',
    'diff',
    'inspect',
    'diagnose',
    'verdict',
    'compare',
    'module',
    'tensor',
    'errors',
    'kinds',
    'version',
  ],
  suite: ['report', 'schemas', 'errors'],
  verify: ['diagnose', 'verdict', 'module'],
  forward: ['threads', 'engine', 'module', 'tensor'],
  index: [
    'diff',
    'bounds',
    'verify',
    'forward',
    'report',
    'inspect',
    'diagnose',
    'verdict',
    'compare',
    'engine',
    'module',
    'files',
    'formats',
    'tensor',
    'schemas',
    'errors',
    'kinds',
  ],
  cli: [
    'suite',
    'schemas',
    'verify',
    'report',
    'diff',
    'inspect',
    'diagnose',
    'verdict',
    'bounds',
    'engine',
    'compare',
    'module',
    'files',
    'formats',
    'errors',
    'kinds',
    'version',
  ],
};

/** Packages, and Node's own modules, with the only places that may import them. */
const HOMES: Readonly<Record<string, RegExp>> = {
  node: /^src\/(files|cli|threads)\//,
  chalk: /^src\/report\/terminal\/style\.ts$/,
  'cli-table3': /^src\/report\/terminal\/table\.ts$/,
  'crc-32': /^src\/formats\/zip\.ts$/,
  fflate: /^src\/formats\/zip\.ts$/,
  'protobufjs/minimal.js': /^src\/formats\/onnx\//,
  commander: /^src\/cli\//,
  picomatch: /^src\/suite\/options\.ts$/,
  piscina: /^src\/cli\/cases\/pool\.ts$/,
  safetensors: /^src\/formats\/safetensors\.ts$/,
  tinyglobby: /^src\/files\/find-cases\.ts$/,
  zod: /^schemas\//,
  xmlbuilder2: /^src\/report\/comparison-junit\.ts$/,
  'zod/mini': /^schemas\//,
};

/** What a report renders comes to it as data: it imports the types of these rooms, and no function. */
const TYPES_ONLY = ['verdict', 'compare', 'module', 'inspect', 'diagnose', 'diff'];
const WITH_FUNCTIONS: Readonly<Record<string, string>> = {
  // A library's report says what the whole run comes to.
  'src/report/format-report.ts': 'compare',
};

/** Files that may stand in src/ itself. */
const MOST_LOOSE_FILES = 6;

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^;'"]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;

interface Import {
  readonly from: string;
  /** A file, or the name of a package. */
  readonly to: string;
  readonly typesOnly: boolean;
}

/** What one file imports. */
function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(IMPORT)].map((match) => {
    const target = match[2] ?? match[3] ?? match[4];
    const to = target.startsWith('.')
      ? path.posix.join(path.posix.dirname(file), target).replace(/\.js$/, '.ts')
      : target.startsWith('node:')
        ? 'node'
        : target;
    return { from: file, to, typesOnly: match[1] !== undefined };
  });
}

const isFile = (target: string) => target.includes('/') && target.endsWith('.ts');

function roomOf(file: string): string {
  const [top, second] = file.split('/');
  return top === 'schemas' ? 'schemas' : path.basename(second, '.ts');
}

/**
 * A circle of files or folders that import each other, at any level: at each level of the tree a folder stands for all
 * of its files.
 */
function circleIn(imports: readonly Import[]): string[] | undefined {
  const graph = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (!isFile(to) || from === to) continue;
    const [a, b] = [from.split('/'), to.split('/')];
    const level = a.findIndex((part, i) => part !== b[i]);
    // The two entries of the folder that both are in.
    const [one, other] = [a, b].map((parts) => parts.slice(0, level + 1).join('/'));
    graph.set(one, (graph.get(one) ?? new Set()).add(other));
  }
  return circleOf(graph);
}

function circleOf(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(node)) return [...way.slice(way.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next, [...way, node]);
      if (circle) return circle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const circle = visit(node, []);
    if (circle) return circle;
  }
  return undefined;
}

const files = ['src', 'schemas'].flatMap((top) =>
  fs
    .readdirSync(path.join(ROOT, top), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => path.posix.join(top, name.replaceAll(path.sep, '/'))),
);
const imports = files.flatMap((file) => importsOf(file, fs.readFileSync(path.join(ROOT, file), 'utf8')));
const between = imports.filter(({ from, to }) => isFile(to) && roomOf(from) !== roomOf(to));

test('every room is in the table, and files have imports to check', () => {
  expect(new Set(Object.keys(MAY_IMPORT))).toEqual(new Set(files.map(roomOf)));
  expect(imports.length).toBeGreaterThan(100);
  expect(between.length).toBeGreaterThan(100);
});

test('few files stand in src/ itself', () => {
  const loose = files.filter((file) => /^src\/[^/]+$/.test(file));
  expect(loose.length).toBeLessThanOrEqual(MOST_LOOSE_FILES);
});

test('rooms import only what the table allows, and all that it allows', () => {
  const used = new Set(between.map(({ from, to }) => `${roomOf(from)} → ${roomOf(to)}`));
  const allowed = Object.entries(MAY_IMPORT).flatMap(([from, rooms]) => rooms.map((to) => `${from} → ${to}`));
  expect([...used].filter((one) => !allowed.includes(one))).toEqual([]);
  expect(allowed.filter((one) => !used.has(one))).toEqual([]);
});

test('packages and the system have their homes', () => {
  const outside = imports.filter(({ to }) => !isFile(to));
  expect(outside.filter(({ from, to }) => !HOMES[to]?.test(from))).toEqual([]);
  expect(Object.keys(HOMES).filter((name) => !outside.some(({ to }) => to === name))).toEqual([]);
});

describe('no circle', () => {
  test('of rooms in the table', () => {
    const graph = new Map(Object.entries(MAY_IMPORT).map(([from, to]) => [from, new Set(to)]));
    expect(circleOf(graph)).toBeUndefined();
  });

  test('of files or folders at any level', () => {
    expect(circleIn(imports)).toBeUndefined();
  });

  test('goes unnoticed: of files in a folder, of files across folders, of folders', () => {
    const circleWith = (...pairs: readonly (readonly [string, string])[]) =>
      circleIn(pairs.map(([from, to]) => ({ from, to, typesOnly: true })));
    expect(circleWith(['src/a/x.ts', 'src/a/y.ts'], ['src/a/y.ts', 'src/a/x.ts'])).toBeDefined();
    expect(circleWith(['src/a/x.ts', 'src/b/y.ts'], ['src/b/z.ts', 'src/a/w.ts'])).toBeDefined();
    expect(circleWith(['src/a/b/x.ts', 'src/a/c/y.ts'], ['src/a/c/y.ts', 'src/a/b/z.ts'])).toBeDefined();
    expect(circleWith(['src/a/x.ts', 'src/b/y.ts'], ['src/b/y.ts', 'src/c/z.ts'])).toBeUndefined();
    // A file beside a folder uses it, and is used by it.
    expect(circleWith(['src/a/x.ts', 'src/a/b/y.ts'], ['src/a/b/y.ts', 'src/a/z.ts'])).toBeUndefined();
  });
});

test('reports take the types of what they render, and none of its functions', () => {
  const values = between.filter(
    ({ from, to, typesOnly }) =>
      !typesOnly &&
      roomOf(from) === 'report' &&
      TYPES_ONLY.includes(roomOf(to)) &&
      WITH_FUNCTIONS[from] !== roomOf(to),
  );
  expect(values).toEqual([]);
});

test('nothing below them imports the stories', () => {
  const above = ['cli', 'index'];
  const importers = between.filter(({ to }) => ['verify', 'forward'].includes(roomOf(to)));
  expect(importers.filter(({ from }) => !above.includes(roomOf(from)))).toEqual([]);
});

test('process and console stay at the edges', () => {
  const inside = files.filter((file) => !/^src\/(files|cli|threads)\//.test(file));
  const users = inside.filter((file) => {
    const code = fs.readFileSync(path.join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
    return /\b(process|console|globalThis|Buffer)\s*[.[]/.test(code);
  });
  expect(users).toEqual([]);
});

test("CONTRIBUTING's table says the same", () => {
  const text = fs.readFileSync(path.join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `(?:src\/)?([\w-]+)(?:\/|\.ts)` \|.*\| ([\w, -]+) \|$/gm)];
  const said = rows.map(([, room, may]) => [room, may === 'nothing' ? [] : may.split(', ').sort()]);
  const meant = Object.entries(MAY_IMPORT).map(([room, may]) => [room, [...may].sort()]);
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(meant));
  // A room imports from those below it in the table.
  const order = said.map(([room]) => room);
  const upward = Object.entries(MAY_IMPORT).flatMap(([room, may]) =>
    may.filter((other) => order.indexOf(other) < order.indexOf(room)).map((other) => `${room} → ${other}`),
  );
  expect(upward).toEqual([]);
});

test('a kind is compared by its name only where equations or conventions are; elsewhere kinds.ts says what differs', () => {
  const allowed = /^src\/(?:engine\/cells|diagnose\/conventions)\//;
  const places = files.filter((file) => {
    const code = fs.readFileSync(path.join(ROOT, file), 'utf8');
    return /[!=]== '(?:RNN|GRU|LSTM)'/.test(code) && !allowed.test(file);
  });
  expect(places).toEqual([]);
});
