import { PROFILES, type ProfileName } from './bounds/profiles.js';
import { type Compared, compareTensor, type TensorComparison } from './compare/compare.js';
import type { Comparison } from './compare/comparison.js';
import { printedTolerances, resolveTolerance, type ToleranceOptions } from './compare/tolerance.js';
import type { ForwardOptions, Outputs } from './engine/forward.js';
import type { Compute, SpeedOptions } from './engine/options.js';
import { CellcheckError, inFile } from './errors.js';
import type { Nonlinearity } from './kinds.js';
import { type BoundCase, bind } from './module/bind.js';
import { type Case, checkOptions, EXPECTED_ROLES, mergeOptions } from './module/case.js';
import { describeModule } from './module/describe.js';
import type { DigitsReading } from './module/printed.js';
import type { Floats } from './tensor/dtype.js';
import { forwardInThreads } from './threads/forward.js';
import { passesForAny } from './verdict/any-network.js';
import { adviceFor, causeLine, notChecked, notesOn, subjectOf, warningsOn } from './verdict/remarks.js';
import { coarserProfile, judgeRounding, type RoundingJudgement } from './verdict/rounding.js';
import { type Judged, judge } from './verdict/verdict.js';

/** What a caller says about a case; it wins over what the case says itself. */
export interface VerifyOptions {
  /** `LSTM`, `GRUCell` …; inferred if absent. */
  readonly module?: string;
  /** Of an RNN; tanh if absent. */
  readonly nonlinearity?: Nonlinearity;
  /** Whether input and output are [batch, steps, …]; inferred if absent. */
  readonly batch_first?: boolean;
  /** What stands before the module's names in the state_dict. */
  readonly prefix?: string;
  readonly tolerance?: ToleranceOptions;
  /**
   * How elements are judged: by what rounding can do (`auto`), or by a tolerance (`close`). If absent the latter where
   * somebody states a tolerance or computes in float32.
   */
  readonly rule?: 'auto' | 'close';
  /** How the reference was rounded, for the automatic rule; by its dtype if absent. */
  readonly profile?: ProfileName;
  /** With how many decimals all of the case was printed; as its text shows if absent. */
  readonly decimals?: number;
  /** Whether NaN equals NaN; false if absent. */
  readonly equal_nan?: boolean;
  /** float64 if absent. */
  readonly compute?: Compute;
  /** Looks for the cause of a difference, where that takes little; false if absent. */
  readonly explain?: boolean;
  readonly speed?: SpeedOptions;
  readonly onProgress?: ForwardOptions['onProgress'];
}

/** A case that was run: what it was bound to, what came out, and how that compares. */
export interface Run {
  readonly boundCase: BoundCase;
  readonly outputs: Outputs;
  /** Every reference, layers from the bottom up, then the network's own outputs, with what was computed. */
  readonly compared: readonly (Compared & { readonly actual: Floats })[];
  readonly tensors: readonly TensorComparison[];
  /** Of each tensor, where the rule is the automatic one. */
  readonly judgements?: readonly RoundingJudgement[];
  /** A coarser precision in which all of it is rounding, where there is one; looked for once. */
  readonly coarser: () => ProfileName | undefined;
  readonly settings: Settings;
}

/** The case's own options with the caller's on top. */
export interface Settings extends VerifyOptions {
  readonly compute: Compute;
  readonly equal_nan: boolean;
  /** The stronger first. */
  readonly tolerances: readonly ToleranceOptions[];
  /** Tensors of few decimals that are taken as rounded; none if absent. */
  readonly rounded?: DigitsReading['rounded'];
}

/**
 * Verifies one case: do these outputs follow from this state_dict?
 * @throws CellcheckError where nothing can be compared
 */
export async function verify(loaded: Case, options: VerifyOptions = {}): Promise<Comparison> {
  const { run, comparison } = await verifyRun(loaded, options);
  if (!options.explain || comparison.verdict !== 'differs') return comparison;
  const { quickCause } = await import('./diagnose/diagnose.js');
  return { ...comparison, cause: causeLine(await quickCause(run)) };
}

/** The same, with what it was made of. */
export async function verifyRun(
  loaded: Case,
  options: VerifyOptions,
): Promise<{ readonly run: Run; readonly comparison: Comparison }> {
  const settings = settle(loaded, options);
  const { run, judged } = await runAndJudge(loaded, settings);
  const comparison = {
    ...judged,
    tensors: run.tensors,
    subject: subjectOf(run.boundCase, settings),
    notChecked: notChecked(run),
    kernels: run.outputs.kernels,
    notes: [
      ...(loaded.notes ?? []),
      ...notesOn(run.boundCase, settings.batch_first),
      ...run.outputs.kernels.notes,
    ],
    warnings: [
      ...(loaded.warnings ?? []),
      ...warningsOn(run, judged.verdict),
      ...(await weakness(judged, run)),
    ],
    advice: await adviceFor(judged.verdict, run, (other) => runCase(loaded, { ...run.settings, ...other })),
  };
  return { run, comparison };
}

async function weakness({ verdict }: Judged, run: Run): Promise<string[]> {
  const said = run.tensors.every(({ zerosPass }) => zerosPass);
  return verdict === 'parity' && !said && (await passesForAny(run)) ? [PASSES_FOR_ANY] : [];
}

const PASSES_FOR_ANY =
  'the reference is the same almost everywhere, and almost any network would pass, so this proves little';

/**
 * Tensors of few decimals are exact first, and rounded where that fails: references, then all. Where nothing agrees, and
 * their digits cannot tell, that is the verdict; else what they say as exact numbers.
 */
async function runAndJudge(loaded: Case, settings: Settings): Promise<{ run: Run; judged: Judged }> {
  const attempt = async (rounded: Settings['rounded']) => {
    const run = await runCase(loaded, { ...settings, rounded });
    return { run, judged: await judge(run) };
  };
  const exact = await attempt('none');
  const { short } = exact.run.boundCase;
  if (exact.judged.verdict === 'parity' || short.length === 0) return exact;
  const references: readonly string[] = exact.run.compared.map(({ name }) => name);
  const shortReferences = short.filter((name) => references.includes(name)).length;
  // A tolerance does not know of weights that are rounded.
  const others = settings.rule === 'auto' && shortReferences < short.length;
  let best = exact;
  for (const rounded of [
    ...(shortReferences ? ['references' as const] : []),
    ...(others ? ['all' as const] : []),
  ]) {
    const other = await attempt(rounded);
    if (other.judged.verdict === 'parity') return other;
    if (other.judged.verdict === 'undecided' && best.judged.verdict !== 'undecided') best = other;
  }
  return best;
}

/** Describe → bind → forward → compare. */
async function runCase(loaded: Case, settings: Settings): Promise<Run> {
  const module = inFile(loaded.files?.weights, () => describeModule(loaded.weights.specs, settings));
  const boundCase = bind(module, loaded, settings.batch_first, settings);
  const layers = boundCase.layerOutputs.some((one) => one !== undefined);
  if (boundCase.references.length === 0 && !layers) throw nothingExpected(loaded);
  const outputs = await forwardInThreads(boundCase.network, boundCase.sequence, { ...settings, layers });
  const judgements = settings.rule === 'auto' ? judgeRounding(boundCase, settings) : undefined;
  const compared = [
    ...boundCase.layerOutputs.flatMap((one, layer) =>
      one ? [{ ...one, actual: outputs.layers![layer] }] : [],
    ),
    ...boundCase.references.map((one) => ({ ...one, actual: outputs[one.name]! })),
  ];
  const tensors = compared.map((one, i) => {
    const said = [...settings.tolerances, ...printedTolerances(one.printed)];
    const tolerance = resolveTolerance(one.name, one.dtype, said);
    return compareTensor(one, one.actual, tolerance, settings.equal_nan, judgements?.[i]);
  });
  let found: { readonly profile: ProfileName | undefined } | undefined;
  const coarser = () => {
    found ??= {
      profile: coarserProfile(boundCase, judgements ?? judgeRounding(boundCase, settings), settings),
    };
    return found.profile;
  };
  return { boundCase, outputs, compared, tensors, judgements, coarser, settings };
}

function nothingExpected({ files }: Case): CellcheckError {
  return new CellcheckError({
    file: files?.expected,
    problem: `holds none of ${EXPECTED_ROLES.join(', ')}: there is nothing to compare`,
  });
}

/** A case may say why, but not who says it. */
function caseSource(reason: string | undefined): string {
  return reason === undefined ? 'of the case' : `of the case: ${reason}`;
}

/** @throws CellcheckError */
function checkRule({ rule, profile, compute }: VerifyOptions): void {
  const refuse = (tensor: string, problem: string) => {
    throw new CellcheckError({ tensor, problem });
  };
  if (rule !== undefined && rule !== 'auto' && rule !== 'close') refuse('rule', 'is not one of auto, close');
  if (profile !== undefined && !Object.hasOwn(PROFILES, profile))
    refuse('profile', `is not one of ${Object.keys(PROFILES).join(', ')}`);
  if (profile !== undefined && rule === 'close') refuse('profile', 'is for the rule auto');
  if ((rule === 'auto' || profile !== undefined) && compute === 'float32')
    refuse('rule', 'auto predicts in float64: it does not judge what float32 computes');
}

function settle({ options: own }: Case, options: VerifyOptions): Settings {
  const {
    onProgress,
    speed,
    rule,
    profile,
    explain: _,
    tolerance: said = { source: '' },
    ...others
  } = options;
  const { source: __, ...tolerance } = said;
  checkOptions({ ...others, tolerance });
  checkRule(options);
  const tolerances: ToleranceOptions[] = [];
  const isSaid = (some: object) => Object.values(some).some((value) => value !== undefined);
  if (options.tolerance && isSaid(tolerance)) tolerances.push(options.tolerance);
  if (own.tolerance) tolerances.push({ ...own.tolerance, source: caseSource(own.tolerance.reason) });
  const decimals = options.decimals ?? own.decimals;
  const compute = options.compute ?? 'float64';
  // What the automatic rule predicts in float64 says nothing of a float32 that somebody asked for.
  const usual = tolerances.length === 0 && compute === 'float64' ? 'auto' : 'close';
  return {
    ...mergeOptions(own, options),
    equal_nan: options.equal_nan ?? own.equal_nan ?? false,
    compute,
    rule: options.rule ?? (options.profile ? 'auto' : usual),
    profile,
    decimals,
    onProgress,
    speed,
    tolerances,
  };
}
