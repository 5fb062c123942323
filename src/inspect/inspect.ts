import { compareTensor, type TensorComparison } from '../compare/tensor.js';
import { printedTolerances, resolveTolerance } from '../compare/tolerance.js';
import type { UsedKernels } from '../engine/forward.js';
import type { Compute, OnProgress, SpeedOptions } from '../engine/options.js';
import { type OutputTensors, tensorsOf } from '../engine/outputs.js';
import { type LayerTrace, partSize } from '../engine/trace.js';
import { inFile } from '../errors.js';
import { type Direction, KINDS } from '../kinds.js';
import { type BoundCase, bind } from '../module/bind.js';
import { type Case, checkArguments, checkOptions, mergeOptions } from '../module/case.js';
import { type DescribeOptions, describeModule } from '../module/describe.js';
import { directionsOf, type Module } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import { forwardInThreads } from '../threads/forward.js';
import type { Subject } from '../verdict/comparison.js';
import {
  fileWarnings,
  layoutNotes,
  type Note,
  nonlinearityNotes,
  textNotes,
  type Warning,
} from '../verdict/remarks.js';
import { tolerancesOf } from '../verdict/settings.js';
import { subjectOf } from '../verdict/subject.js';
import { type ExpectedPart, expectedPart, type Rules } from './expected.js';
import { explainStep, type StepExplanation } from './explain.js';
import { mustBeOne, mustFit, type Selected, type Selection, select } from './selection.js';

export interface InspectOptions extends DescribeOptions {
  readonly batch_first?: boolean;
  /** float64 if absent. */
  readonly compute?: Compute;
  readonly select?: Selection;
  /** Explains the selected step and unit, of which there must be one. */
  readonly explain?: boolean;
  /** The largest number of values that may be selected; no limit if absent. */
  readonly mostValues?: number;
  readonly speed?: SpeedOptions;
  readonly onProgress?: OnProgress;
}

/** A state or a gate of one layer and direction over all steps. */
export interface InspectedPart {
  readonly layer: number;
  readonly direction: Direction;
  /** h, c, or a gate's name. */
  readonly name: string;
  /** [steps, batch, size] */
  readonly values: Floats;
  /** The number of its units, selected or not. */
  readonly size: number;
  /** The selected units, at least one. */
  readonly units: readonly number[];
  /** Whether values can be negative: results of a sigmoid or relu cannot. */
  readonly signed: boolean;
  readonly expected?: ExpectedPart;
}

/** The states, gates and outputs of a network over a case's input. */
export interface Inspection {
  readonly subject: Subject;
  readonly kernels: UsedKernels;
  /** All outputs and the whole trace, whatever is selected. */
  readonly outputs: OutputTensors;
  readonly selected: Selected;
  /** Which of these the caller selected: reports shorten the others where they are long. */
  readonly chosen: { readonly steps: boolean; readonly batch: boolean; readonly units: boolean };
  /** Valid steps of every batch row; all if absent. */
  readonly lengths?: readonly number[];
  readonly parts: readonly InspectedPart[];
  /** The comparison with the case's expected outputs; empty where it has none. */
  readonly tensors: readonly TensorComparison[];
  /** With `explain`, one for every selected layer, direction and batch row; else empty. */
  readonly explanations: readonly StepExplanation[];
  readonly notes: readonly Note[];
  /** Contents of the case's files that were not used, but look as if they should be. */
  readonly warnings: readonly Warning[];
}

/**
 * Runs a case, with or without expected outputs, and keeps states and gates of every step: describe → bind → forward.
 * @throws CellcheckError where the case doesn't fit the module, or the selection doesn't fit the case
 */
export async function inspect(loaded: Case, options: InspectOptions = {}): Promise<Inspection> {
  checkArguments(loaded, options);
  const {
    select: selection = {},
    explain = false,
    mostValues = Number.POSITIVE_INFINITY,
    onProgress,
    compute = 'float64',
    speed,
    ...stated
  } = options;
  checkOptions({ ...stated, compute });
  const settings = mergeOptions(loaded.options, stated);
  const module = inFile(loaded.files?.weights, () => describeModule(loaded.weights.specs, settings));
  const { decimals, equal_nan = false } = loaded.options;
  const boundCase = bind(module, loaded, settings.batch_first, { decimals, rounded: 'all' });
  const { network, sequence } = boundCase;
  const selected = select(selection, module, sequence);
  if (explain) mustBeOne(selected);
  mustFit(selected, mostValues);

  const outputs = await forwardInThreads(network, sequence, { compute, speed, trace: true, onProgress });
  const trace = outputs.trace!;
  const tensors = compareOutputs(boundCase, outputs, loaded);
  const rules = Object.fromEntries(tensors.map(({ name, tolerance }) => [name, { ...tolerance, equal_nan }]));
  const shown = trace.filter(
    ({ layer, direction }) => selected.layers.includes(layer) && selected.directions.includes(direction),
  );
  return {
    subject: subjectOf(boundCase, { compute, equal_nan }),
    kernels: outputs.kernels,
    outputs: tensorsOf(outputs, boundCase, compute),
    selected,
    chosen: {
      steps: selection.steps !== undefined,
      batch: selection.batch !== undefined,
      units: selection.unit !== undefined,
    },
    lengths: sequence.lengths,
    parts: shown.flatMap((layer) => partsOf(boundCase, layer, selected, rules)),
    tensors,
    explanations: explain
      ? shown.flatMap((layer) => explanationsOf(boundCase, trace, layer, selected, rules))
      : [],
    notes: [
      ...textNotes('file', loaded.notes),
      ...layoutNotes(boundCase, settings.batch_first),
      ...textNotes('kernels', outputs.kernels.notes),
      ...nonlinearityNotes(boundCase, settings.nonlinearity),
    ],
    warnings: fileWarnings(loaded.warnings),
  };
}

/** Compares the case's expected outputs by tolerance; inspect shows the result without a verdict. */
function compareOutputs(
  { references }: BoundCase,
  outputs: { readonly output: Floats; readonly h_n: Floats; readonly c_n?: Floats },
  { options }: Case,
): TensorComparison[] {
  return references.map((reference) => {
    const stated = [...tolerancesOf(options, {}), ...printedTolerances(reference.printed)];
    const tolerance = resolveTolerance(reference.name, reference.dtype, stated);
    return compareTensor(reference, outputs[reference.name]!, tolerance, options.equal_nan ?? false);
  });
}

function expectedIn(
  boundCase: BoundCase,
  { layer, direction, parts }: LayerTrace,
  part: string,
  rules: Rules,
): ExpectedPart | undefined {
  const d = directionsOf(boundCase.network.module).indexOf(direction);
  return expectedPart(boundCase, rules, { layer, d, part, actual: parts[part] });
}

/** The selected states and gates of one layer and direction. */
function partsOf(
  boundCase: BoundCase,
  layerTrace: LayerTrace,
  selected: Selected,
  rules: Rules,
): InspectedPart[] {
  const { module } = boundCase.network;
  const { layer, direction, parts } = layerTrace;
  return Object.entries(selected.unitsOf).map(([name, units]) => ({
    layer,
    direction,
    name,
    values: parts[name],
    size: partSize(module, name),
    units,
    signed: isSigned(module, name),
    expected: expectedIn(boundCase, layerTrace, name, rules),
  }));
}

/** The selected step and unit of one layer and direction, explained for each selected batch row. */
function explanationsOf(
  boundCase: BoundCase,
  trace: readonly LayerTrace[],
  layerTrace: LayerTrace,
  { steps: [step], units: [unit], batches }: Selected,
  rules: Rules,
): StepExplanation[] {
  const { layer, direction } = layerTrace;
  const expected = {
    h: expectedIn(boundCase, layerTrace, 'h', rules),
    c: expectedIn(boundCase, layerTrace, 'c', rules),
  };
  return batches.map((batch) =>
    explainStep(boundCase, trace, { layer, direction, batch, step, unit }, expected),
  );
}

function isSigned({ kind, nonlinearity }: Module, part: string): boolean {
  return KINDS[kind].activations[part] !== 'sigmoid' && nonlinearity !== 'relu';
}
