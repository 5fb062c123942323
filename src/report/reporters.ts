import type { Command, ReporterEntry } from './reporter.js';
import { json } from './reporters/json.js';
import { table } from './reporters/table.js';

/** The reporters by the names that `--reporter` takes. */
export const REPORTERS = { table, json } as const satisfies Record<string, ReporterEntry>;

export type ReporterName = keyof typeof REPORTERS;

/** The reporters that a command has. */
export function reportersOf(command: Command): ReporterName[] {
  const entries: [string, ReporterEntry][] = Object.entries(REPORTERS);
  return entries.filter(([, entry]) => entry[command]).map(([name]) => name as ReporterName);
}
