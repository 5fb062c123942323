import type { ReporterEntry } from '../reporter.js';

/** For people, as tables. */
export const table: ReporterEntry = {
  verify: async (options) => (await import('../comparison-text.js')).comparisonText(options),
  diagnose: async (options) => (await import('../diagnosis-text.js')).diagnosisText(options),
  diff: async (options) => (await import('../diff-text.js')).diffText(options),
  list: async (options) => (await import('../listing-text.js')).listingText(options),
};
