import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

/**
 * What packages load and this program never uses: subcommands in processes, a terminal's colours, colours of tables, and
 * widths of emoji.
 */
const UNUSED = {
  'node:child_process': 'module.exports = {};',
  '#supports-color': 'export default { stdout: false, stderr: false };',
  '@colors/colors/safe': 'module.exports = {};',
  'string-width': 'module.exports = (text) => text.length;',
};

/** Modules that few runs need, with the packages behind them: they are loaded when one of their functions is called. */
const LOADED_WHEN_CALLED = ['src/formats/zip.ts', 'src/formats/torch/open.ts', 'src/formats/onnx/open.ts'];

/** A module that has the same functions, and loads them on the first call. @param {string} file */
function stubOf(file) {
  const names = [...fs.readFileSync(file, 'utf8').matchAll(/^export function (\w+)/gm)].map(
    ([, name]) => name,
  );
  const source = JSON.stringify(file);
  return names
    .map((name) => `exports.${name} = (...args) => require(${source}).${name}(...args);`)
    .join('\n');
}

/**
 * Bundles the command line of the sources in a folder into one file, `dist/src/cli/main.cjs` in it.
 * @param {string} root the folder that has `src/`
 */
export async function bundleProgram(root) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/cli/main.ts'],
    outfile: 'dist/src/cli/main.cjs',
    bundle: true,
    // They are large and few runs need them, or have programs of their own for other threads.
    external: ['piscina', 'xmlbuilder2'],
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
          const lazy = LOADED_WHEN_CALLED.map((file) => path.join(root, file));
          onResolve({ filter: /\.js$/ }, ({ path: wanted, resolveDir }) => {
            const file = path.join(resolveDir, wanted.replace(/\.js$/, '.ts'));
            return lazy.includes(file) ? { path: file, namespace: 'stub' } : undefined;
          });
          onLoad({ filter: /./, namespace: 'stub' }, ({ path: file }) => ({
            contents: stubOf(file),
            resolveDir: path.dirname(file),
          }));
          onLoad({ filter: /.*/, namespace: 'unused' }, ({ path }) => ({
            contents: UNUSED[/** @type {keyof typeof UNUSED} */ (path)],
          }));
        },
      },
    ],
  });
  return metafile;
}
