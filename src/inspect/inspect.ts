import { compareTensor, type TensorComparison } from '../compare/compare.js';
import type { Subject } from '../compare/comparison.js';
import { printedTolerances, resolveTolerance } from '../compare/tolerance.js';
import type { ForwardOptions, UsedKernels } from '../engine/forward.js';
import type { Compute, SpeedOptions } from '../engine/options.js';
import { type LayerTrace, partSize } from '../engine/trace.js';
import { inFile } from '../errors.js';
import { type OutputTensors, tensorsOf } from '../forward.js';
import { type Direction, hasNonlinearity, KINDS } from '../kinds.js';
import { bind } from '../module/bind.js';
import { type Case, checkOptions, mergeOptions } from '../module/case.js';
import { type DescribeOptions, describeModule } from '../module/describe.js';
import { directionsOf, type Module } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import { forwardInThreads } from '../threads/forward.js';
import { notesOn, subjectOf } from '../verdict/remarks.js';
import { type ExpectedPart, expectedPart } from './expected.js';
import { explainStep, type StepExplanation } from './explain.js';
import { mustBeOne, mustFit, type Selected, type Selection, select } from './selection.js';

export interface InspectOptions extends DescribeOptions {
  readonly batch_first?: boolean;
  /** float64 if absent. */
  readonly compute?: Compute;
  readonly select?: Selection;
  /** Explains the one step and unit that are selected. */
  readonly explain?: boolean;
  /** Refuses a selection of more values, before the work; none if absent. */
  readonly mostValues?: number;
  readonly speed?: SpeedOptions;
  readonly onProgress?: ForwardOptions['onProgress'];
}

/** A state or a gate of one layer and direction over all steps. */
export interface InspectedPart {
  readonly layer: number;
  readonly direction: Direction;
  /** h, c, or a gate's name. */
  readonly name: string;
  /** [steps, batch, size] */
  readonly values: Floats;
  readonly size: number;
  /** The units that were selected, one or more. */
  readonly units: readonly number[];
  /** Whether it may be below zero: what goes through a sigmoid or relu may not. */
  readonly signed: boolean;
  readonly expected?: ExpectedPart;
}

/** What a network did over a case's input. */
export interface Inspection {
  readonly subject: Subject;
  readonly kernels: UsedKernels;
  /** Everything, whatever is selected: outputs, and the trace by name. */
  readonly outputs: OutputTensors;
  readonly selected: Selected;
  /** Which of these somebody asked for: what is not is narrowed further where there is much of it. */
  readonly chosen: { readonly steps: boolean; readonly batch: boolean; readonly units: boolean };
  /** Valid steps of every batch row, where they are not all. */
  readonly lengths?: readonly number[];
  readonly parts: readonly InspectedPart[];
  /** How the case's expected outputs compare, where it has any. */
  readonly tensors: readonly TensorComparison[];
  /** One for every selected layer, direction and batch row, where they were asked for. */
  readonly explanations: readonly StepExplanation[];
  readonly notes: readonly string[];
  /** What of the case's files was not used, though it looks meant. */
  readonly warnings: readonly string[];
}

/**
 * Runs a case, expected outputs or not, and keeps what the network did at every step: describe → bind → forward.
 * @throws CellcheckError where the case doesn't fit the module, or the selection the case
 */
export async function inspect(loaded: Case, options: InspectOptions = {}): Promise<Inspection> {
  const {
    select: selection = {},
    explain: explained = false,
    mostValues = Number.POSITIVE_INFINITY,
    onProgress,
    compute = 'float64',
    speed,
    ...said
  } = options;
  checkOptions({ ...said, compute });
  const settings = mergeOptions(loaded.options, said);
  const module = inFile(loaded.files?.weights, () => describeModule(loaded.weights.specs, settings));
  const { decimals } = loaded.options;
  const boundCase = bind(module, loaded, settings.batch_first, { decimals, rounded: 'all' });
  const { sequence } = boundCase;
  const selected = select(selection, module, sequence);
  if (explained) mustBeOne(selected);
  mustFit(selected, mostValues);

  const outputs = await forwardInThreads(boundCase.network, sequence, {
    compute,
    speed,
    trace: true,
    onProgress,
  });
  const equal_nan = loaded.options.equal_nan ?? false;
  const tensors = boundCase.references.map((reference) => {
    const { tolerance = {} } = loaded.options;
    const said = [{ ...tolerance, source: 'of the case' }, ...printedTolerances(reference.printed)];
    const rule = resolveTolerance(reference.name, reference.dtype, said);
    return compareTensor(reference, outputs[reference.name]!, rule, equal_nan);
  });
  const rules = Object.fromEntries(tensors.map(({ name, tolerance }) => [name, { ...tolerance, equal_nan }]));
  const expected = ({ layer, direction, parts }: LayerTrace, part: string) => {
    const d = directionsOf(module).indexOf(direction);
    return expectedPart(boundCase, rules, { layer, d, part, actual: parts[part] });
  };
  const places = outputs.trace!.filter(
    ({ layer, direction }) => selected.layers.includes(layer) && selected.directions.includes(direction),
  );
  const explainPlace = (place: LayerTrace) => {
    const { layer, direction } = place;
    const [step, unit] = [selected.steps[0], selected.units[0]];
    const wanted = { h: expected(place, 'h'), c: expected(place, 'c') };
    return selected.batches.map((batch) =>
      explainStep(boundCase, outputs.trace!, { layer, direction, batch, step, unit }, wanted),
    );
  };
  return {
    subject: subjectOf(boundCase, { compute, equal_nan: equal_nan }),
    kernels: outputs.kernels,
    outputs: tensorsOf(outputs, boundCase, compute),
    selected,
    chosen: {
      steps: selection.steps !== undefined,
      batch: selection.batch !== undefined,
      units: selection.unit !== undefined,
    },
    lengths: sequence.lengths,
    parts: places.flatMap((place) =>
      Object.entries(selected.unitsOf).map(([name, units]) => ({
        layer: place.layer,
        direction: place.direction,
        name,
        values: place.parts[name],
        size: partSize(module, name),
        units,
        signed: isSigned(module, name),
        expected: expected(place, name),
      })),
    ),
    tensors,
    explanations: explained ? places.flatMap((place) => explainPlace(place)) : [],
    notes: [
      ...(loaded.notes ?? []),
      ...notesOn(boundCase, settings.batch_first),
      ...outputs.kernels.notes,
      ...(hasNonlinearity(module.kind) && settings.nonlinearity === undefined ? [TANH_NOTE] : []),
    ],
    warnings: loaded.warnings ?? [],
  };
}

// What an RNN's names and shapes cannot say.
const TANH_NOTE = "nonlinearity is not said; it is taken as tanh, PyTorch's default";

function isSigned({ kind, nonlinearity }: Module, part: string): boolean {
  return KINDS[kind].activations[part] !== 'sigmoid' && nonlinearity !== 'relu';
}
