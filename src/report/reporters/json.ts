import type { ReporterEntry } from '../reporter.js';

/** For programs, as JSON documents whose schemas are in schemas/published/. */
export const json: ReporterEntry = {
  verify: async (options) => (await import('../comparison-json.js')).comparisonJson(options),
  diagnose: async (options) => (await import('../diagnosis-json.js')).diagnosisJson(options),
  diff: async (options) => (await import('../diff-json.js')).diffJson(options),
  list: async (options) => (await import('../listing-json.js')).listingJson(options),
};
