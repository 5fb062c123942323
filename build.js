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

const [{ build }, { buildKernels }] = await Promise.all([import('esbuild'), import('./wasm/build.js')]);
fs.rmSync('dist', { recursive: true, force: true });
await buildKernels();
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});

/**
 * What packages load at once and this program never uses: subcommands in processes, a terminal's colours, colours of
 * tables, and widths of emoji.
 */
const UNUSED = {
  'node:child_process': 'module.exports = {};',
  '#supports-color': 'export default { stdout: false, stderr: false };',
  '@colors/colors/safe': 'module.exports = {};',
  'string-width': 'module.exports = (text) => text.length;',
};

const { metafile } = await build({
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/src/cli/main.cjs',
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  // Node loads it faster than a module, and V8 can keep its code (bin/cellcheck.cjs).
  format: 'cjs',
  define: { 'import.meta.url': 'moduleUrl' },
  banner: { js: 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [
    {
      name: 'unused',
      setup({ onResolve, onLoad }) {
        onResolve({ filter: /./ }, ({ path }) =>
          Object.hasOwn(UNUSED, path) ? { path, namespace: 'unused' } : undefined,
        );
        onLoad({ filter: /.*/, namespace: 'unused' }, ({ path }) => ({
          contents: UNUSED[/** @type {keyof typeof UNUSED} */ (path)],
        }));
      },
    },
  ],
});

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
