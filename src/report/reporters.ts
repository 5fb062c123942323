import { CellcheckError } from '../errors.js';
import type { Command, Reporter, ReporterEntry, ReporterOptions } from './reporter.js';
import { github } from './reporters/github.js';
import { html } from './reporters/html.js';
import { json } from './reporters/json.js';
import { junit } from './reporters/junit.js';
import { markdown } from './reporters/markdown.js';
import { table } from './reporters/table.js';

/** The reporters by the names that `--reporter` takes. */
const REPORTERS = { table, json, markdown, github, junit, html } as const satisfies Record<
  string,
  ReporterEntry
>;

export type ReporterName = keyof typeof REPORTERS;

/** Whether a reporter's lines may stand beside another report on stdout. */
export function sharesStdout(name: string): boolean {
  const entry: ReporterEntry = REPORTERS[name as ReporterName];
  return entry.sharesStdout ?? false;
}

/** The reporters that a command has. */
export function reportersOf(command: Command): ReporterName[] {
  const entries: [string, ReporterEntry][] = Object.entries(REPORTERS);
  return entries.filter(([, entry]) => entry[command]).map(([name]) => name as ReporterName);
}

/**
 * A command's reporter by its name, ready to render.
 * @throws CellcheckError where the command has no such reporter
 */
export async function loadReporter<C extends Command>(
  command: C,
  name: string = 'table',
  options: ReporterOptions,
): Promise<Reporter<C>> {
  const entry: ReporterEntry | undefined = Object.hasOwn(REPORTERS, name)
    ? REPORTERS[name as ReporterName]
    : undefined;
  const load = entry?.[command];
  if (load) return load(options) as Promise<Reporter<C>>;
  throw new CellcheckError({
    code: 'option',
    tensor: 'reporter',
    problem: `is not one of ${reportersOf(command).join(', ')}`,
  });
}
