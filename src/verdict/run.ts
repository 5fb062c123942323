import { type Operands, PROFILES } from '../bounds/profiles.js';
import { compareTensor, type TensorComparison } from '../compare/tensor.js';
import type { Outputs } from '../engine/forward.js';
import { CellcheckError, inFile } from '../errors.js';
import { type BoundCase, bind } from '../module/bind.js';
import { type Case, EXPECTED_ROLES } from '../module/case.js';
import { describeModule } from '../module/describe.js';
import { allReferences, outputFor } from '../module/known-outputs.js';
import type { Module } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import { forwardInThreads } from '../threads/forward.js';
import { explainHalf } from './half-width.js';
import { withRoundedOperands } from './operands.js';
import { judgeRounding, needsSamples, profileOf, type RoundingJudgement, sampleErrors } from './rounding.js';
import { screenFor, screeningsOf } from './screened.js';
import { type Settings, toleranceOf } from './settings.js';

/** A reference tensor, what was computed for it, and how the two compare. */
export interface ComparedTensor {
  readonly reference: Reference;
  /** [rows or more, batch, units]: a reference may end early. */
  readonly actual: Floats;
  /** By the rule `auto`. */
  readonly judgement?: RoundingJudgement;
  readonly comparison: TensorComparison;
}

/** A case that was run. */
export interface Run {
  readonly boundCase: BoundCase;
  readonly outputs: Outputs;
  /** Layers from the bottom up, then the network's own outputs. */
  readonly tensors: readonly ComparedTensor[];
  readonly settings: Settings;
  /** The case as it is given, before any rounding of its operands. */
  readonly asGiven: BoundCase;
  /** The same case with other settings. */
  readonly rerun: (other: Partial<Settings>) => Promise<Run>;
  /** The same outputs, judged by other settings. */
  readonly rejudge: (
    other: Pick<Settings, 'profile' | 'proofs' | 'sampled'> | Pick<Settings, 'rule'>,
  ) => Promise<Run>;
}

/**
 * Describe → bind → forward → compare.
 * @throws CellcheckError where nothing can be compared
 */
export async function runCase(loaded: Case, settings: Settings): Promise<Run> {
  const module = inFile(loaded.files?.weights, () => describeModule(loaded.weights.specs, settings));
  const asGiven = await bound(module, loaded, settings);
  if (allReferences(asGiven).length === 0) throw nothingExpected(loaded);
  return runBound(asGiven, settings, (other) => runCase(loaded, { ...settings, ...other }));
}

/** @throws CellcheckError with what an output of half the width is */
async function bound(module: Module, loaded: Case, settings: Settings): Promise<BoundCase> {
  try {
    return bind(module, loaded, settings.batch_first, settings);
  } catch (error) {
    throw await explainHalf(error, module, loaded, settings);
  }
}

/** Forward → compare, with the operands rounded as the settings say. */
export async function runBound(asGiven: BoundCase, settings: Settings, rerun: Run['rerun']): Promise<Run> {
  const operands = operandsOf(asGiven, settings);
  const boundCase = withRoundedOperands(asGiven, operands);
  const layers = boundCase.layerOutputs.length > 0;
  const judgedBy = { ...settings, operands };
  const screen = screenFor(boundCase, judgedBy);
  const outputs = await forwardInThreads(boundCase.network, boundCase.sequence, {
    ...settings,
    layers,
    screen,
  });
  const screenings = screeningsOf(boundCase, outputs, judgedBy);
  return compared({ boundCase, asGiven, outputs, settings: judgedBy, rerun }, screenings);
}

/**
 * Judges by rounding, and by what is sampled of the layers that run free: always, never, or once more where they leave
 * values undecided.
 */
export async function judgedByRounding(
  boundCase: BoundCase,
  settings: Settings,
): Promise<RoundingJudgement[]> {
  if (!settings.sampled) {
    const judgements = await judgeRounding(boundCase, settings);
    if (settings.sampled === false || !needsSamples(boundCase, judgements)) return judgements;
  }
  return judgeRounding(boundCase, { ...settings, samples: await sampleErrors(boundCase, settings) });
}

/** The judgements of all tensors by the rule `auto`. */
export function judgementsOf({ tensors }: Run): RoundingJudgement[] {
  return tensors.flatMap(({ judgement }) => judgement ?? []);
}

/** How many values fail, in all tensors. */
export function mismatchesIn({ tensors }: Run): number {
  return tensors.reduce((sum, { comparison }) => sum + comparison.mismatches, 0);
}

/** What operands are rounded to: the first way of the profile, unless another is tried. */
function operandsOf(boundCase: BoundCase, settings: Settings): Operands {
  if (settings.rule !== 'auto') return {};
  if (settings.operands) return settings.operands;
  const all = allReferences(boundCase);
  const profiles = all.map((reference) => PROFILES[profileOf(reference, all, settings)]);
  return profiles.map(({ operands: [first] }) => first).find((first) => first.weights) ?? {};
}

/** @param screenings of all references; absent where these are to be judged */
async function compared(
  computed: Omit<Run, 'tensors' | 'rejudge'>,
  screenings?: Awaited<ReturnType<typeof screeningsOf>>,
): Promise<Run> {
  const { boundCase, outputs, settings } = computed;
  const isJudged = settings.rule === 'auto' && !screenings;
  const judgements = isJudged ? await judgedByRounding(boundCase, settings) : undefined;
  const tensors = allReferences(boundCase).map((reference): ComparedTensor => {
    const actual = outputFor(reference, outputs);
    const judgement = judgements?.find((judged) => judged.reference === reference);
    const comparison = compareTensor(
      reference,
      actual,
      toleranceOf(reference, settings),
      settings.equal_nan,
      screenings?.get(reference) ?? judgement,
    );
    return { reference, actual, judgement, comparison };
  });
  return {
    ...computed,
    tensors,
    rejudge: (other) => compared({ ...computed, settings: { ...settings, ...other } }),
  };
}

function nothingExpected({ files }: Case): CellcheckError {
  return new CellcheckError({
    file: files?.expected,
    problem: `holds none of ${EXPECTED_ROLES.join(', ')}: there is nothing to compare`,
  });
}
