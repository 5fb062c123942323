import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT, SAMPLES } from './cli.js';

// The package as people get it: packed once, installed into an empty folder, and used from there.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-package-'));
let packed: { filename: string; files: { path: string }[] };

const npm = (argv: readonly string[], cwd: string) =>
  execFileSync('npm', argv, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

beforeAll(() => {
  [packed] = JSON.parse(npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], ROOT));
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  npm(['install', `./${packed.filename}`, '--prefer-offline', '--no-audit', '--no-fund'], folder);
}, 300_000);

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test('the tarball holds what is needed to run and nothing else', () => {
  const strangers = packed.files
    .map((file) => file.path)
    .filter(
      (file) =>
        !/^(package\.json|README\.md|LICENSE|CHANGELOG\.md|bin\/cellcheck\.cjs|dist\/LICENSES\.txt)$/.test(
          file,
        ),
    )
    .filter(
      (file) =>
        !/^dist\/(src|schemas)\/[\w/-]+\.(js|d\.ts)$|^dist\/src\/cli\/(main|report-schema)\.cjs$/.test(file),
    )
    .filter((file) => !/^page\/(page|elements|inspection|report)\.(js|css)$/.test(file))
    // What `exporter` prints.
    .filter((file) => file !== 'samples/cellcheck_export.py')
    .filter((file) => !/^schemas\/published\/\w+\.schema\.json$/.test(file));
  expect(strangers).toEqual([]);
  // The command line is one file; the library is as it was written, but for what only the command line uses.
  const built = packed.files.flatMap(({ path: file }) => /^dist\/(src\/.*)\.js$/.exec(file)?.[1] ?? []);
  expect(built).toEqual(
    expect.arrayContaining(['src/index', 'src/threads/worker', 'src/engine/kernels/binaries']),
  );
  for (const file of built) expect(fs.existsSync(path.join(ROOT, `${file}.ts`)), file).toBe(true);
  expect(built.filter((file) => file.startsWith('src/cli/'))).toEqual([]);
  const licences = fs.readFileSync(path.join(ROOT, 'dist', 'LICENSES.txt'), 'utf8');
  for (const name of [
    'chalk',
    'cli-table3',
    'commander',
    'crc-32',
    'fflate',
    'protobufjs',
    'safetensors',
    'picomatch',
    'tinyglobby',
    'zod',
  ]) {
    expect(licences).toMatch(new RegExp(`^${name} \\d[^]*?(Copyright|MIT)`, 'm'));
  }
});

test('the installed command verifies, in a shell', () => {
  const run = (...argv: string[]) =>
    spawnSync(path.join(folder, 'node_modules', '.bin', 'cellcheck'), argv, {
      cwd: SAMPLES,
      encoding: 'utf8',
    });
  expect(run('verify', 'lstm')).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringContaining('\nparity '),
  });
  expect(run('verify', 'failing/gru-perturbed-step').status).toBe(1);
  expect(run('verify', 'nowhere').status).toBe(2);
  expect(run('list', 'lstm')).toMatchObject({ status: 0, stdout: expect.stringContaining('LSTM 3 → 1') });
  const [page, saved] = ['page.html', 'states.csv'].map((file) => path.join(folder, file));
  expect(run('inspect', 'lstm', '--html', page, '--save', saved)).toMatchObject({ status: 0, stderr: '' });
  expect(fs.readFileSync(page, 'utf8')).toContain('plotly.js (cartesian');
  expect(fs.readFileSync(saved, 'utf8')).toContain('layer0.forward.o,0,forward,3,0,0,');
  expect(run('--version').stdout).toBe(
    `${JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')).version}\n`,
  );
  const npx = spawnSync('npx', ['--no', 'cellcheck', '--version'], { cwd: folder, encoding: 'utf8' });
  expect(npx.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

const PROGRAM = `
import { type Comparison, forward, loadCase, stateDict, type Tensor, tensor, verify } from 'cellcheck';

const comparison: Comparison = await verify(await loadCase(process.argv[2]));
const first: number | undefined = comparison.first?.place.row;
const weights = stateDict({ weight_ih: tensor([1, 1], [0.5]), weight_hh: tensor([1, 1], [0]) });
const { h_n }: { h_n: Tensor } = await forward(weights, { input: tensor([1], [1]) });
// @ts-expect-error: a tensor is not a number
const wrong: number = h_n;
console.log(comparison.verdict, first, h_n.data[0] === Math.tanh(0.5), typeof wrong);
`;

test.each([
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
])(
  'the library has types in TypeScript with module %s, moduleResolution %s, and runs',
  (module, moduleResolution) => {
    const project = fs.mkdtempSync(path.join(folder, 'project-'));
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'es2022',
      lib: ['es2023', 'dom'],
      strict: true,
      // Nothing of a library's types is let off.
      skipLibCheck: false,
      types: [],
    };
    const program = `declare const process: { argv: string[] };${PROGRAM}`;
    fs.writeFileSync(path.join(project, 'program.ts'), program);
    fs.writeFileSync(
      path.join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['program.ts'] }),
    );
    const tsc = spawnSync(path.join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', project], {
      encoding: 'utf8',
    });
    expect(tsc.stdout + tsc.stderr).toBe('');
    const argv = [path.join(project, 'program.js'), path.join(SAMPLES, 'failing', 'gru-perturbed-step')];
    expect(execFileSync(process.execPath, argv, { encoding: 'utf8' })).toBe('differs 42 true object\n');
  },
);

test('schemas and package.json can be had, and nothing else of the inside', () => {
  const ask = (name: string) =>
    spawnSync(
      process.execPath,
      ['--input-type=module', '-e', `console.log(import.meta.resolve(${JSON.stringify(name)}))`],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    );
  expect(ask('cellcheck/schemas/case.schema.json').status).toBe(0);
  expect(ask('cellcheck/package.json').status).toBe(0);
  expect(ask('cellcheck/dist/src/verify.js').stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
});
