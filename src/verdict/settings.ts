import { type Operands, PROFILES, type ProfileName } from '../bounds/profiles.js';
import {
  printedTolerances,
  resolveTolerance,
  type StatedTolerance,
  type Tolerance,
  type ToleranceOptions,
} from '../compare/tolerance.js';
import type { Compute, OnProgress, SpeedOptions } from '../engine/options.js';
import { CellcheckError } from '../errors.js';
import type { ModuleName, Nonlinearity } from '../kinds.js';
import { type Case, checkArguments, checkOptions, mergeOptions } from '../module/case.js';
import type { Padding } from '../module/padding.js';
import { type DigitsReading, mergeDecimals, type StatedDecimals } from '../module/printed.js';
import type { Reference } from '../tensor/reference.js';

/** What a caller states about a case; it wins over what the case states itself. */
export interface VerifyOptions {
  /** `LSTM`, `GRUCell` …; inferred if absent. */
  readonly module?: ModuleName;
  /** Of an RNN; tanh if absent. */
  readonly nonlinearity?: Nonlinearity;
  /** Whether input and output are [batch, steps, …]; inferred from the shapes if absent. */
  readonly batch_first?: boolean;
  /** The prefix of the module's parameters in the state_dict, such as `encoder.lstm.` */
  readonly prefix?: string;
  /** An element is close when |actual − expected| ≤ atol + rtol·|expected|. */
  readonly tolerance?: ToleranceOptions;
  /** Tolerances that others state, weaker than `tolerance` and stronger than those of the case. */
  readonly stated?: readonly StatedTolerance[];
  /**
   * How elements are judged: by what rounding can do (`auto`), or by a tolerance (`close`). If absent, `close` where a
   * tolerance is stated or float32 is computed in, else `auto`.
   */
  readonly rule?: 'auto' | 'close';
  /** How the reference was rounded, for the rule `auto`; by its dtype if absent. */
  readonly profile?: ProfileName;
  /** The decimals that tensors were printed with; read off their text and values if absent. */
  readonly decimals?: StatedDecimals;
  /** What an expected output has beyond the lengths of its rows; 0 if absent. */
  readonly padding?: Padding;
  /** Whether NaN equals NaN; false if absent. */
  readonly equal_nan?: boolean;
  /** The dtype to compute in; float64 if absent. */
  readonly compute?: Compute;
  /** Looks for the cause of a difference, where that takes little; false if absent. */
  readonly explain?: boolean;
  readonly speed?: SpeedOptions;
  readonly onProgress?: OnProgress;
}

/** The case's own options with the caller's on top. */
export interface Settings extends Omit<VerifyOptions, 'tolerance' | 'stated' | 'explain'> {
  readonly rule: 'auto' | 'close';
  readonly compute: Compute;
  readonly equal_nan: boolean;
  /** The stronger first. */
  readonly tolerances: readonly StatedTolerance[];
  /** What operands are taken to be rounded to before anything is computed; none if absent. */
  readonly operands?: Operands;
  /** Whether the errors of layers that run free are sampled; where they leave values undecided if absent. */
  readonly sampled?: boolean;
  /** False where it is enough to know whether there are faults, and not how many are proven. */
  readonly proofs?: boolean;
  /** Tensors of few decimals that are taken as rounded; none if absent. */
  readonly rounded?: DigitsReading['rounded'];
}

/**
 * The settings of a case: what the caller states, then what the case states, then the defaults.
 * @throws CellcheckError for a wrong argument or option
 */
export function settle(loaded: Case, options: VerifyOptions): Settings {
  checkArguments(loaded, options);
  const { onProgress, speed, rule, profile, explain: _, stated: __, ...others } = options;
  checkOptions(others);
  checkRule(options);
  const { options: own } = loaded;
  const tolerances = tolerancesOf(own, options);
  const compute = options.compute ?? 'float64';
  // The rule auto predicts in float64: it cannot judge a float32 that somebody asks for.
  const usual = tolerances.length === 0 && compute === 'float64' ? 'auto' : 'close';
  return {
    ...mergeOptions(own, options),
    equal_nan: options.equal_nan ?? own.equal_nan ?? false,
    compute,
    rule: rule ?? (profile ? 'auto' : usual),
    profile,
    padding: options.padding ?? own.padding,
    decimals: mergeDecimals(own.decimals, options.decimals),
    onProgress,
    speed,
    tolerances,
  };
}

/** The tolerances that somebody states, the stronger first: the caller's, then the case's own. */
export function tolerancesOf(
  own: Case['options'],
  { tolerance, stated = [] }: Pick<VerifyOptions, 'tolerance' | 'stated'>,
): StatedTolerance[] {
  const states = (options: object) => Object.values(options).some((value) => value !== undefined);
  return [
    ...(tolerance && states(tolerance) ? [{ ...tolerance, source: { kind: 'caller' } } as const] : []),
    ...stated.filter(({ source: _, ...options }) => states(options)),
    ...(own.tolerance
      ? [{ ...own.tolerance, source: { kind: 'case', reason: own.tolerance.reason } } as const]
      : []),
  ];
}

/** @throws CellcheckError */
function checkRule({ rule, profile, compute }: VerifyOptions): void {
  const refuse = (option: string, problem: string) => {
    throw new CellcheckError({ code: 'option', tensor: option, problem });
  };
  if (rule !== undefined && rule !== 'auto' && rule !== 'close') refuse('rule', 'is not one of auto, close');
  if (profile !== undefined && !Object.hasOwn(PROFILES, profile))
    refuse('profile', `is not one of ${Object.keys(PROFILES).join(', ')}`);
  if (profile !== undefined && rule === 'close') refuse('profile', 'is for the rule auto');
  if ((rule === 'auto' || profile !== undefined) && compute === 'float32')
    refuse('rule', 'auto predicts in float64: it does not judge what float32 computes');
}

/** The tolerance of a reference: as the settings state it, as it was printed, or that of its dtype. */
export function toleranceOf({ name, dtype, printed }: Reference, { tolerances }: Settings): Tolerance {
  return resolveTolerance(name, dtype, [...tolerances, ...printedTolerances(printed)]);
}
