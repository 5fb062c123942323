// Builds what is shipped, into dist/: the kernels, the library by tsc, and the command line in one file by esbuild, which
// starts in a third of the time. What is there and current is left as it is: npx builds a clone once more before it runs
// its program for the first time.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('.', import.meta.url)));

// npx links a clone's program into its own cache, once: where that was cut short it finds nothing ever after, so the
// program is linked here too. (Windows asks for rights to make a link.)
if (process.platform !== 'win32') {
  fs.rmSync('node_modules/.bin/cellcheck', { force: true });
  fs.symlinkSync('../../bin/cellcheck.cjs', 'node_modules/.bin/cellcheck');
}

/** What a build is made of, and what it makes. */
const FILES = [
  'build.js',
  'bundle.js',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'src',
  'schemas',
  'wasm',
  'dist',
];
const STAMP = 'dist/built';

/** Of all these files and their names, but for code that V8 keeps beside the program. */
function digest() {
  const files = FILES.flatMap((name) =>
    fs.existsSync(name) && fs.statSync(name).isDirectory()
      ? fs.readdirSync(name, { recursive: true }).map((inside) => path.join(name, String(inside)))
      : [name],
  ).filter((file) => file !== STAMP && !/\.code(\.\d+)?$/.test(file) && fs.statSync(file).isFile());
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    const bytes = fs.readFileSync(file);
    hash.update(`${file} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}

if (fs.existsSync(STAMP) && fs.readFileSync(STAMP, 'utf8') === digest()) process.exit(0);

const [{ bundleProgram }, { buildKernels }] = await Promise.all([
  import('./bundle.js'),
  import('./wasm/build.js'),
]);
fs.rmSync('dist', { recursive: true, force: true });
await buildKernels();
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});

const metafile = await bundleProgram(process.cwd());

// What is bundled is copied, and its licences ask to come along.
const packages = new Set(
  Object.keys(metafile.inputs).flatMap((file) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
);
const licences = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(fs.readFileSync(`${folder}/package.json`, 'utf8'));
  const file = fs.readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${file ? fs.readFileSync(`${folder}/${file}`, 'utf8').trim() : ''}\n`;
});
fs.writeFileSync(
  'dist/LICENSES.txt',
  `Packages that are bundled into src/cli/main.cjs:\n\n${licences.join('\n----\n\n')}`,
);
fs.writeFileSync(STAMP, digest());
