import type { ReporterEntry } from '../reporter.js';

/** For people, as one page with plots. */
export const html: ReporterEntry = {
  verify: async (options) => (await import('../comparison-page.js')).comparisonPage(options),
};
