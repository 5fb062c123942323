import type { ReporterEntry } from '../../src/report/reporter.js';

/** A reporter that exists only to be added by a test: a line for each case; lists have none. */
export const trial: ReporterEntry = {
  verify: async () => ({
    begin: (labels) => `trial of ${labels.length}\n`,
    result: ({ label, comparison }) => `${label} is ${comparison?.verdict ?? 'an error'}\n`,
    end: ({ exitCode }) => `exit ${exitCode}\n`,
  }),
  diagnose: async ({ version }) => ({
    begin: () => '',
    result: ({ label, cause }) => `${label}: ${cause?.kind} (${version})\n`,
    end: ({ exitCode }) => `exit ${exitCode}\n`,
  }),
  diff: undefined,
  list: undefined,
};
