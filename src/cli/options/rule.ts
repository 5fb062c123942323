import { type Command, Option } from 'commander';
import { PROFILES, type ProfileName } from '../../bounds/profiles.js';
import type { ToleranceOption } from '../../compare/tolerance.js';
import type { VerifyOptions } from '../../verdict/settings.js';
import type { CaseOptionValues } from './case.js';
import { collectDecimals, collectTolerance, notNegative, paddingFrom } from './parsers.js';

/** The options of every command with a verdict. */
export interface RuleOptionValues {
  rule?: 'auto' | 'close';
  profile?: ProfileName;
  rtol?: number;
  atol?: number;
  tolerance?: Readonly<Record<string, ToleranceOption>>;
  decimals?: Readonly<Record<string, number>>;
  padding?: number | 'ignore';
  equalNan?: boolean;
}

/** Adds the options that define equality. */
export function addRuleOptions(command: Command): Command {
  return command
    .optionsGroup('What counts as equal:')
    .addOption(new Option('--rule <name>', 'by rounding, or by rtol and atol').choices(['auto', 'close']))
    .addOption(
      new Option('--profile <name>', 'its rounding, for auto (default: by the dtype)').choices(
        Object.keys(PROFILES),
      ),
    )
    .option('--decimals <text>', 'what was printed with how many, as 4 or output=4', collectDecimals)
    .option('--rtol <number>', 'relative tolerance (default: by the dtype)', notNegative)
    .option('--atol <number>', 'absolute tolerance', notNegative)
    .option('--tolerance <text>', 'for one output, as c_n=1e-5,1e-3 (rtol, atol)', collectTolerance)
    .option('--padding <what>', 'beyond the lengths: a number, or ignore', paddingFrom)
    .option('--equal-nan', 'NaN equals NaN');
}

/** How reports name the tolerances of these options. */
export const CALLER = 'from the command line';

/** The options of `verify` and `diagnose` from a command line. */
export function verifyOptions(options: CaseOptionValues & RuleOptionValues): VerifyOptions {
  const {
    module,
    nonlinearity,
    batchFirst,
    prefix,
    decimals,
    padding,
    equalNan,
    compute,
    rule,
    profile,
    rtol,
    atol,
    tolerance,
  } = options;
  return {
    module,
    nonlinearity,
    batch_first: batchFirst,
    prefix,
    decimals,
    padding,
    equal_nan: equalNan,
    compute,
    rule,
    profile,
    ...((rtol ?? atol ?? tolerance) !== undefined && { tolerance: { rtol, atol, ...tolerance } }),
  };
}
