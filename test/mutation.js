// Changes the code of a room in every small way that Stryker knows, and says which changes no test notices:
//   npm run mutation -- compare module/slips
import { Stryker } from '@stryker-mutator/core';

const rows = [];
for (const what of process.argv.slice(2)) {
  // The tests to run (vitest.mutation.config.ts); the runner's processes inherit it.
  process.env.MUTATION_ROOM = what.split('/')[0];
  const results = await new Stryker({
    mutate: [`src/${what}.ts`, `src/${what}/**/*.ts`, '!src/engine/kernels/binaries.ts'],
    jsonReporter: { fileName: `coverage/mutation/${what.replaceAll('/', '-')}.json` },
  }).runMutationTest();
  /** @param {string[]} statuses */
  const count = (...statuses) => results.filter(({ status }) => statuses.includes(status)).length;
  const noticed = count('Killed', 'Timeout');
  const all = noticed + count('Survived', 'NoCoverage');
  rows.push(`| \`${what}\` | ${all} | ${((100 * noticed) / all).toFixed(1)} % |`);
}
console.log(['| room | changes | noticed |', '| --- | --- | --- |', ...rows].join('\n'));
