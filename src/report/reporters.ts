import type { Reporter } from './reporter.js';
import type { TextOptions } from './text.js';

export interface ReporterOptions extends TextOptions {
  /** cellcheck's own version, for documents that outlive it. */
  readonly version: string;
}

/** The reporters by the names that --reporter takes; each is loaded when it is used. */
export const REPORTERS: Readonly<Record<string, (options: ReporterOptions) => Promise<Reporter>>> = {
  table: async (options) => (await import('./text.js')).textReporter(options),
  json: async ({ version }) => (await import('./json.js')).jsonReporter(version),
};
