import path from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Tests that are too slow to run for every change, where they hold more than the room whose name they bear. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  cli: ['samples'],
  diagnose: ['cli/diagnose'],
  files: ['cli/*'],
  inspect: ['cli/inspect'],
  report: ['cli/*', 'samples'],
};

/** Every other room's tests that take less than a second, in this process. */
const FAST = [
  ...['library', 'bounds/*', 'cli/{list,rounding,slips}', 'compare/*', 'diagnose/{*,*/*}', 'engine/rounded'],
  ...['files/*', 'formats/*', 'module/*', 'one-weight/*', 'tensor/*', 'verdict/*'],
];

const room = process.env.MUTATION_ROOM ?? '';
const own = [room, `${room}/**/*`, ...(ALSO[room] ?? [])];

/** A room's own tests first: most changes go no further. */
class OwnFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const name = path.relative(path.join(import.meta.dirname, '..'), moduleId);
      return name.startsWith(`${room}/`) || name === `${room}.test.ts` ? 0 : 1;
    };
    return [...files].sort((a, b) => rank(a) - rank(b));
  }
}

/**
 * The tests that Stryker runs for every change that it makes to a room (test/mutation/run.js). None that starts a process
 * or needs dist/: those run what is built, which is not what was changed (test/{bin,package,readme}.test.ts,
 * test/threads/threads.test.ts). None that reads source text (test/layers.test.ts). None of the corpora
 * (test/hostile/): they hold that nothing unexpected happens, and take a minute.
 */
export default defineConfig({
  test: {
    include: [...own, ...(process.env.MUTATION_OWN ? [] : FAST)].map((name) => `test/${name}.test.ts`),
    exclude: [
      'test/{bin,layers,package,readme,schemas}.test.ts',
      'test/hostile/**',
      // Some seconds of every convention once more.
      'test/diagnose/conventions/coarser.test.ts',
      'test/threads/threads.test.ts',
    ],
    // How long a change may take is for Stryker to say: a busy machine is no failed test.
    testTimeout: 120_000,
    sequence: { sequencer: OwnFirst },
  },
});
