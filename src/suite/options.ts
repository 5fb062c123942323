import picomatch from 'picomatch';
import type { Config, SuiteOptions } from '../../schemas/config.js';

// A `/` at the end names a folder, and a pattern without one means the folder itself too.
const MATCHING = { dot: true } as const;

/** Whether a path matches a glob, or stands below a folder that does. */
export function matcherOf(patterns: readonly string[]): (path: string) => boolean {
  const plain = patterns.map((pattern) => pattern.replace(/^\.\//, '').replace(/\/$/, ''));
  const own = picomatch([...plain], MATCHING);
  const below = picomatch(
    plain.map((pattern) => `${pattern}/**`),
    MATCHING,
  );
  return (path) => own(path) || below(path);
}

/**
 * The options that a configuration has for the cases at a path: of all overrides that match, the last one counts. They are
 * the same object wherever the same overrides match.
 */
export function suiteOptionsOf(config: Config): (path: string) => SuiteOptions {
  const { $schema, cases, overrides = [], reporters, jobs, threads, bail, ...general } = config;
  const special = overrides.map(({ cases: patterns, ...options }) => ({
    matches: matcherOf(patterns),
    options,
  }));
  const known = new Map<string, SuiteOptions>();
  return (path) => {
    const matching = special.filter(({ matches }) => matches(path));
    const key = matching.map((one) => special.indexOf(one)).join();
    const options = known.get(key) ?? matching.reduce((all, one) => withOptions(all, one.options), general);
    known.set(key, options);
    return options;
  };
}

/** Options with others on top. Tolerances of single outputs, and names, come together. */
function withOptions(below: SuiteOptions, above: SuiteOptions): SuiteOptions {
  const { tolerance, names } = above;
  return {
    ...below,
    ...above,
    ...(tolerance && { tolerance: { ...below.tolerance, ...tolerance } }),
    ...(names && { names: { ...below.names, ...names } }),
  };
}

/**
 * Those of the labels that `--only` means.
 * @param patterns globs of whole labels or of their last parts; or, without a character of a glob, parts of labels
 */
export function selects(patterns: readonly string[]): (label: string) => boolean {
  const tests = patterns.map((pattern) => {
    if (!/[*?[\]{}]/.test(pattern)) return (label: string) => label.includes(pattern);
    const matches = matcherOf([pattern]);
    return (label: string) => matches(label) || matches(label.slice(label.lastIndexOf('/') + 1));
  });
  return (label) => tests.some((test) => test(label));
}
