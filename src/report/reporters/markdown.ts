import type { ReporterEntry } from '../reporter.js';

/** For comments and summaries, in GitHub-flavoured Markdown. */
export const markdown: ReporterEntry = {
  verify: async (options) => (await import('../comparison-markdown.js')).comparisonMarkdown(options),
  diagnose: async (options) => (await import('../diagnosis-markdown.js')).diagnosisMarkdown(options),
};
