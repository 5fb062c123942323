import * as z from 'zod/mini';
import { caseOptions, described, maybe, type Parsed, parse } from './case.js';

const patterns = () => z.array(z.string().check(z.minLength(1))).check(z.minLength(1));
const fromOne = () => z.int().check(z.minimum(1), z.maximum(9999));

/** What a suite may say about its cases: what the command line may. */
const suiteOptions = z.extend(caseOptions, {
  rule: maybe(z.enum(['auto', 'close']), 'auto: what rounding can do; close: rtol and atol.'),
  profile: maybe(z.string(), 'How the references were rounded, for the rule auto; by their dtype if absent.'),
  compute: maybe(z.enum(['float64', 'float32']), 'What cellcheck computes in; float64 if absent.'),
  strict: maybe(z.boolean(), 'No parity where there is a warning; false if absent.'),
});

export type SuiteOptions = z.infer<typeof suiteOptions>;

/** A `cellcheck.config.json`. */
export const CONFIG_SCHEMA = z.extend(suiteOptions, {
  $schema: maybe(z.string()),
  cases: described(
    patterns(),
    'Folders, files and globs of cases, relative to this file; those after a ! are left out.',
  ),
  overrides: maybe(
    z.array(z.extend(suiteOptions, { cases: described(patterns(), 'Globs of the cases that it is for.') })),
    'Other options for some of the cases; of several that match, the last one counts.',
  ),
  reporters: maybe(
    z.array(z.string()),
    'As --reporter: table, or junit=report.xml; files relative to this one. By the environment if absent.',
  ),
  jobs: maybe(fromOne(), 'Cases that run at the same time; as many as there are cores if absent.'),
  threads: maybe(fromOne(), 'Threads for each of them.'),
  bail: maybe(fromOne(), 'Stops after this many cases without parity.'),
});

export type Config = z.infer<typeof CONFIG_SCHEMA>;

export function parseConfig(value: unknown): Parsed<Config> {
  return parse(CONFIG_SCHEMA, value, 'of a suite');
}
