import { compareTensor, type TensorComparison } from '../compare/tensor.js';
import { printedTolerances, resolveTolerance } from '../compare/tolerance.js';
import type { Outputs } from '../engine/forward.js';
import { CellcheckError, inFile } from '../errors.js';
import { type BoundCase, bind } from '../module/bind.js';
import { type Case, EXPECTED_ROLES } from '../module/case.js';
import { describeModule } from '../module/describe.js';
import { allReferences, outputFor } from '../module/known-outputs.js';
import type { Floats } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import { forwardInThreads } from '../threads/forward.js';
import { type CoarserProfile, coarserProfile } from './coarser.js';
import { judgeRounding, type RoundingJudgement } from './rounding.js';
import type { Settings } from './settings.js';

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
  /** A coarser precision whose rounding explains all differences; looked for once. */
  readonly coarser: () => CoarserProfile | undefined;
  /** The same case with other settings. */
  readonly rerun: (other: Partial<Settings>) => Promise<Run>;
}

/**
 * Describe → bind → forward → compare.
 * @throws CellcheckError where nothing can be compared
 */
export async function runCase(loaded: Case, settings: Settings): Promise<Run> {
  const module = inFile(loaded.files?.weights, () => describeModule(loaded.weights.specs, settings));
  const boundCase = bind(module, loaded, settings.batch_first, settings);
  const references = allReferences(boundCase);
  if (references.length === 0) throw nothingExpected(loaded);
  const layers = boundCase.layerOutputs.length > 0;
  const outputs = await forwardInThreads(boundCase.network, boundCase.sequence, { ...settings, layers });
  const judgements = settings.rule === 'auto' ? judgeRounding(boundCase, settings) : undefined;
  const tensors = references.map((reference): ComparedTensor => {
    const actual = outputFor(reference, outputs);
    const judgement = judgements?.find((judged) => judged.reference === reference);
    const stated = [...settings.tolerances, ...printedTolerances(reference.printed)];
    const tolerance = resolveTolerance(reference.name, reference.dtype, stated);
    const comparison = compareTensor(reference, actual, tolerance, settings.equal_nan, judgement);
    return { reference, actual, judgement, comparison };
  });
  return {
    boundCase,
    outputs,
    tensors,
    settings,
    coarser: once(() =>
      coarserProfile(boundCase, judgements ?? judgeRounding(boundCase, settings), settings),
    ),
    rerun: (other) => runCase(loaded, { ...settings, ...other }),
  };
}

function once<T>(find: () => T): () => T {
  let found: { readonly value: T } | undefined;
  return () => {
    found ??= { value: find() };
    return found.value;
  };
}

function nothingExpected({ files }: Case): CellcheckError {
  return new CellcheckError({
    file: files?.expected,
    problem: `holds none of ${EXPECTED_ROLES.join(', ')}: there is nothing to compare`,
  });
}
