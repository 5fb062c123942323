import type { ReporterEntry } from '../reporter.js';

/** For CI systems that list tests. */
export const junit: ReporterEntry = {
  verify: async (options) => (await import('../comparison-junit.js')).comparisonJunit(options),
};
