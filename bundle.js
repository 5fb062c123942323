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
const LOADED_WHEN_CALLED = [
  'schemas/config.ts',
  'src/formats/zip.ts',
  'src/formats/torch/open.ts',
  'src/formats/onnx/open.ts',
  'src/suite/options.ts',
];

/**
 * Modules that few runs need, and that know nothing of the others: files of their own, so that every start has less to read.
 * (Others must be in one file: an error is told by its class.)
 */
const APART = ['schemas/report.ts'];

/** @param {string} file */
const apartName = (file) => `${path.basename(file, '.ts')}-schema.cjs`;

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

const COMMON = /** @type {const} */ ({
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  // Node loads it faster than a module, and V8 can keep its code (bin/cellcheck.cjs).
  format: 'cjs',
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
});

/**
 * Bundles the command line of the sources in a folder into one file, `dist/src/cli/main.cjs` in it, and what stands apart beside it.
 * @param {string} root the folder that has `src/`
 */
export async function bundleProgram(root) {
  const { metafile } = await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: ['src/cli/main.ts'],
    outfile: 'dist/src/cli/main.cjs',
    // They are large and few runs need them, or have programs of their own for other threads.
    external: ['piscina', 'xmlbuilder2'],
    define: { 'import.meta.url': 'moduleUrl' },
    banner: { js: 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
    plugins: [
      {
        name: 'unused',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /./ }, ({ path }) =>
            Object.hasOwn(UNUSED, path) ? { path, namespace: 'unused' } : undefined,
          );
          const apart = APART.map((file) => path.join(root, file));
          const lazy = LOADED_WHEN_CALLED.map((file) => path.join(root, file));
          onResolve({ filter: /\.js$/ }, ({ path: wanted, resolveDir }) => {
            const file = path.join(resolveDir, wanted.replace(/\.js$/, '.ts'));
            if (apart.includes(file)) return { path: `./${apartName(file)}`, external: true };
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
  for (const file of APART) {
    const outfile = `dist/src/cli/${apartName(file)}`;
    const { metafile: others } = await build({
      ...COMMON,
      absWorkingDir: root,
      entryPoints: [file],
      outfile,
    });
    Object.assign(metafile.inputs, others.inputs);
  }
  return metafile;
}
