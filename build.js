// Builds what is shipped, into dist/: the kernels, the library by tsc, and the command line in one file by esbuild, which
// starts in a third of the time.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildKernels } from './wasm/build.js';

process.chdir(fileURLToPath(new URL('.', import.meta.url)));
fs.rmSync('dist', { recursive: true, force: true });
await buildKernels();
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});

// npx links a clone's program into its own cache, once: where that was cut short it finds nothing ever after, so the
// program is linked here too. (Windows asks for rights to make a link.)
if (process.platform !== 'win32') {
  fs.rmSync('node_modules/.bin/cellcheck', { force: true });
  fs.symlinkSync('../../bin/cellcheck.cjs', 'node_modules/.bin/cellcheck');
}

/** What packages load at once and this program never uses: subcommands in processes, a terminal's colours. */
const UNUSED = {
  'node:child_process': 'module.exports = {};',
  '#supports-color': 'export default { stdout: false, stderr: false };',
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
        onResolve({ filter: /^(node:child_process|#supports-color)$/ }, ({ path }) => ({
          path,
          namespace: 'unused',
        }));
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
