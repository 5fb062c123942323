// Changes the code of a room in every small way that Stryker knows, and says which changes no test notices:
//   npm run mutation                        the rooms that a verdict rests on
//   npm run mutation -- compare module/slips compare/close:40-80
//   npm run mutation -- diagnose:1/4        of every forty lines the first ten: a sample of a large room
//   npm run mutation -- --own bounds        with the tests of the room alone: ten times as fast, and notices less
import fs from 'node:fs';
import { Stryker } from '@stryker-mutator/core';

const ROOMS = ['compare', 'verdict', 'formats', 'module', 'bounds', 'one-weight', 'diagnose'];

const OPTIONS = {
  testRunner: 'vitest',
  vitest: { configFile: 'test/mutation/vitest.config.ts' },
  coverageAnalysis: /** @type {const} */ ('perTest'),
  concurrency: 2,
  // Without the tsconfig.json, which Stryker would read with TypeScript's former compiler in JavaScript.
  ignorePatterns: [
    'dist',
    'coverage',
    '.venv',
    'bench',
    'docs/*.png',
    'docs/*.svg',
    'wasm',
    'tsconfig*.json',
  ],
  reporters: ['progress-append-only', 'clear-text', 'json'],
  clearTextReporter: { logTests: false, reportTests: false },
  warnings: /** @type {any} */ ({ slow: false }),
  tempDirName: 'coverage/stryker',
};

const BLOCK = 10;

/**
 * @param {string} path under src/, a room or a file without its ending
 * @param {number} part of all lines: one block of so many
 */
function sampleOf(path, part) {
  const inside = fs.existsSync(`src/${path}`)
    ? fs.readdirSync(`src/${path}`, { recursive: true, encoding: 'utf8' })
    : [];
  const files = [`src/${path}.ts`, ...inside.map((name) => `src/${path}/${name}`)];
  return files
    .filter((file) => file.endsWith('.ts') && fs.existsSync(file))
    .flatMap((file) => {
      const { length } = fs.readFileSync(file, 'utf8').split('\n');
      const blocks = Math.ceil(length / BLOCK / part);
      return Array.from({ length: blocks }, (_, i) => {
        const first = i * BLOCK * part + 1;
        return `${file}:${first}-${Math.min(first + BLOCK - 1, length)}`;
      });
    });
}

const asked = process.argv.slice(2).filter((argument) => argument !== '--own');
// Which tests to run (vitest.config.ts); the runner's processes inherit both.
if (asked.length < process.argv.length - 2) process.env.MUTATION_OWN = 'yes';
const rows = [];
for (const what of asked.length ? asked : ROOMS) {
  const [path, lines] = what.split(':');
  process.env.MUTATION_ROOM = path.split('/')[0];
  const results = await new Stryker({
    ...OPTIONS,
    mutate: lines?.startsWith('1/')
      ? sampleOf(path, Number(lines.slice(2)))
      : lines
        ? [`src/${path}.ts:${lines}`]
        : [`src/${path}.ts`, `src/${path}/**/*.ts`, '!src/engine/kernels/binaries.ts'],
    jsonReporter: { fileName: `coverage/mutation/${what.replaceAll(/[/:]/g, '-')}.json` },
  }).runMutationTest();
  /** @param {string[]} statuses */
  const count = (...statuses) => results.filter(({ status }) => statuses.includes(status)).length;
  const noticed = count('Killed', 'Timeout');
  const all = noticed + count('Survived', 'NoCoverage');
  rows.push(`| \`${what}\` | ${all} | ${((100 * noticed) / all).toFixed(1)} % |`);
}
console.log(['| room | changes | noticed |', '| --- | --- | --- |', ...rows].join('\n'));
