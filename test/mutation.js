// Changes the code of a room in every small way that Stryker knows, and says which changes no test notices:
//   npm run mutation                        the rooms that a verdict rests on
//   npm run mutation -- compare module/slips compare/auto:40-80
import { Stryker } from '@stryker-mutator/core';

const ROOMS = ['compare', 'verdict', 'rounding', 'formats', 'module', 'bounds', 'diagnose'];

const rows = [];
for (const what of process.argv.length > 2 ? process.argv.slice(2) : ROOMS) {
  const [path, lines] = what.split(':');
  // The tests to run (vitest.mutation.config.ts); the runner's processes inherit it.
  process.env.MUTATION_ROOM = path.split('/')[0];
  const results = await new Stryker({
    mutate: lines
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
