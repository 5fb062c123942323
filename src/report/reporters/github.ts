import type { ReporterEntry } from '../reporter.js';

/** For GitHub Actions, as annotations; the Markdown report goes to the job's summary. */
export const github: ReporterEntry = {
  verify: async () => (await import('../comparison-github.js')).comparisonGithub(),
  sharesStdout: true,
};
