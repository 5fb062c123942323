import { deviationMap } from '../compare/deviation-map.js';
import type { TensorComparison } from '../compare/tensor.js';
import { isSequence } from '../kinds.js';
import type { Case } from '../module/case.js';
import { adviceOn } from './advice.js';
import type { Comparison } from './comparison.js';
import type { JudgedRun } from './judged-run.js';
import {
  fileWarnings,
  layoutNotes,
  notChecked,
  textNotes,
  unnamedBiases,
  valueNotes,
  warningsOn,
} from './remarks.js';
import type { ComparedTensor } from './run.js';
import { subjectOf } from './subject.js';

/** The comparison of a judged run: the verdict with everything that a report says about it. */
export async function conclude(loaded: Case, judgedRun: JudgedRun): Promise<Comparison> {
  const { run, ruling, coarser } = judgedRun;
  const { boundCase, outputs, settings, tensors } = run;
  const { name, threads, notes } = outputs.kernels;
  return {
    ...ruling,
    ...(coarser?.isSure && { coarser: coarser.profile }),
    tensors: tensors.map(withMap),
    subject: subjectOf(boundCase, settings),
    notChecked: notChecked(run),
    kernels: { name, threads },
    notes: [
      ...textNotes('file', loaded.notes),
      ...layoutNotes(boundCase, settings.batch_first, ruling.verdict),
      ...valueNotes(boundCase, loaded, settings),
      ...textNotes('kernels', notes),
    ],
    warnings: [
      ...fileWarnings(loaded.warnings),
      ...unnamedBiases(loaded, run),
      ...(await warningsOn(run, ruling.verdict)),
    ],
    advice: await adviceOn(judgedRun),
  };
}

function withMap({ reference, actual, judgement, comparison }: ComparedTensor): TensorComparison {
  if (comparison.mismatches === 0 || !isSequence(reference.name)) return comparison;
  return { ...comparison, map: deviationMap(reference, actual, judgement?.sigmas) };
}
