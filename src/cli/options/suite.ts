import path from 'node:path';
import type { Command } from 'commander';
import type { SuiteOptions } from '../../../schemas/config.js';
import { PROFILES, type ProfileName } from '../../bounds/profiles.js';
import { CellcheckError, listed } from '../../errors.js';
import { besideConfig, type FoundConfig, readConfig } from '../../files/config.js';
import { CASE_FILE } from '../../files/find-cases.js';
import type { LoadOptions } from '../../files/load-case.js';
import type { VerifyOptions } from '../../verdict/settings.js';
import type { Io } from '../io.js';
import type { CaseOptionValues, Pending } from './case.js';
import { type RuleOptionValues, verifyOptions } from './rule.js';

export interface ConfigOptionValues {
  /** False with --no-config. */
  config?: string | false;
}

export function addConfigOption(command: Command): Command {
  return command
    .option('--config <file>', 'options of a suite (default: cellcheck.config.json)')
    .option('--no-config', 'without the options of a suite');
}

/** The configuration that applies in the working folder. @throws CellcheckError */
export async function configOf({ config }: ConfigOptionValues, io: Io): Promise<FoundConfig | undefined> {
  if (config === false) return undefined;
  return readConfig(config, io.cwd);
}

/** The paths of a suite's cases, for `findCases` in the configuration's folder: a `!` before a pattern leaves out. */
export function suitePaths(found: FoundConfig, allowOutside: boolean): string[] {
  const { cases } = found.config;
  for (const pattern of allowOutside ? [] : cases.filter((one) => !one.startsWith('!'))) {
    // What comes before the first character of a glob is a folder.
    const [fixed] = /^[^*?[\]{}]*/.exec(pattern)!;
    besideConfig(found, 'cases', fixed === pattern ? pattern : path.dirname(`${fixed}x`));
  }
  return cases;
}

/**
 * What a glob has found may lie outside all the same, as by `a/*\/../../..`.
 * @throws CellcheckError for such a case
 */
export function mustBeInSuite(found: FoundConfig, { source }: Pending): void {
  if (source instanceof CellcheckError || !('path' in source)) return;
  if (path.relative(found.folder, source.path).startsWith('..')) besideConfig(found, 'cases', source.path);
}

/** How one case is read and judged: by the command line, then by the configuration, then by the case itself. */
export interface CaseSettings {
  readonly load: LoadOptions;
  readonly options: VerifyOptions;
  readonly strict: boolean;
}

/** The settings of each case of a command; the same object where they are the same. */
export async function settingsWith(
  found: FoundConfig | undefined,
  values: CaseOptionValues & RuleOptionValues & { readonly strict?: boolean },
  io: Io,
): Promise<(pending: Pending) => CaseSettings> {
  const own = defined(verifyOptions(values));
  // Loaded only where there is a configuration.
  const optionsOf = found
    ? (await import('../../suite/options.js')).suiteOptionsOf(checked(found).config)
    : () => NO_OPTIONS;
  const known = new Map<SuiteOptions, CaseSettings>();
  return (pending) => {
    const options = optionsOf(found ? pathIn(found, pending, io) : '');
    const settings = known.get(options) ?? {
      ...merged(options, own, pending.load, found?.file),
      strict: values.strict ?? options.strict ?? false,
    };
    known.set(options, settings);
    return settings;
  };
}

const NO_OPTIONS: SuiteOptions = {};

/** The command line's options on top of a configuration's. */
function merged(
  { key, names, tolerance, strict: _, ...options }: SuiteOptions,
  own: Partial<VerifyOptions>,
  load: LoadOptions,
  file: string | undefined,
): Pick<CaseSettings, 'load' | 'options'> {
  const source = { kind: 'config', file: path.basename(file ?? '') } as const;
  return {
    load: { ...load, key: load.key ?? key, names: { ...names, ...load.names } },
    options: {
      ...(options as VerifyOptions),
      ...own,
      ...(tolerance && { stated: [{ ...tolerance, source }] }),
    },
  };
}

/** The path of a case as patterns of the configuration see it. */
function pathIn({ folder }: FoundConfig, { label, source }: Pending, io: Io): string {
  if (source instanceof CellcheckError) return label;
  const file = 'files' in source ? path.resolve(io.cwd, source.files.weights) : source.path;
  const place = path.basename(file) === CASE_FILE ? path.dirname(file) : file;
  const member = 'member' in source && source.member !== undefined ? `#${source.member}` : '';
  return path.relative(folder, place).replaceAll(path.sep, '/') + member;
}

/** @throws CellcheckError for a profile that there is not */
function checked(found: FoundConfig): FoundConfig {
  const { config, file } = found;
  const all: readonly SuiteOptions[] = [config, ...(config.overrides ?? [])];
  const unknown = all.find(({ profile }) => profile !== undefined && !Object.hasOwn(PROFILES, profile));
  if (!unknown) return found;
  const names = Object.keys(PROFILES) as ProfileName[];
  throw new CellcheckError({
    file,
    tensor: 'profile',
    problem: `is not one of ${listed(names, ', ')}`,
  });
}

function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
