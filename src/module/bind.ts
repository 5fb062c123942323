import { CellcheckError, joinErrors } from '../errors.js';
import { DTYPES, type Dtype, type Floats } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import { elementCount, formatShape } from '../tensor/shape.js';
import type { Printed, Tensor } from '../tensor/tensor.js';
import { arrange, type Reshaped } from './axes.js';
import {
  type Case,
  EXPECTED_ROLES,
  type ExpectedRole,
  fileOf,
  isInput,
  type LayerRole,
  type Role,
} from './case.js';
import type { Layout } from './layout.js';
import { type Padding, withoutPadding } from './padding.js';
import { className, directionsOf, type Module, parameterShapes, suffix, withArticle } from './parameters.js';
import { checkDecimals, type DigitsReading, mayBeExact, missingDigits, type NamedTensor } from './printed.js';
import { layerRolesIn, referenceMaker, timeFirst } from './references.js';
import { caseErrors } from './slips.js';

/** The parameters of one layer in one direction, row-major as in PyTorch. */
export interface Parameters {
  /** [gates·hidden, layer input] */
  readonly weightIh: Floats;
  /** [gates·hidden, output size] */
  readonly weightHh: Floats;
  /** [gates·hidden] */
  readonly biasIh?: Floats;
  readonly biasHh?: Floats;
  /** [proj, hidden] */
  readonly weightHr?: Floats;
}

/** A module with its parameters: `layers[k][d]`, where d is 0 for forward and 1 for reverse. */
export interface Network {
  readonly module: Module;
  readonly layers: readonly (readonly Parameters[])[];
}

/** The input of a network, in the same layout for all cases: time first, with a batch dimension. */
export interface Sequence {
  readonly steps: number;
  readonly batch: number;
  /** [steps, batch, input_size] */
  readonly input: Floats;
  /** [layers·directions, batch, output size]; zeros if absent */
  readonly h0?: Floats;
  /** [layers·directions, batch, hidden_size]; zeros if absent */
  readonly c0?: Floats;
  /** Valid steps of every batch row, 1 … steps; all steps if absent. */
  readonly lengths?: readonly number[];
}

/** The first `count` steps of a sequence. */
export function firstSteps(sequence: Sequence, count: number): Sequence {
  const { steps, input, lengths } = sequence;
  return {
    ...sequence,
    steps: count,
    input: input.subarray(0, (input.length / steps) * count),
    lengths: lengths?.map((length) => Math.min(length, count)),
  };
}

/** The largest rounding errors of printed numbers, in the layouts of `Network` and `Sequence`. */
export interface Uncertainty {
  readonly layers: readonly (readonly Parameters[])[];
  readonly input?: Floats;
  readonly h0?: Floats;
  readonly c0?: Floats;
}

export interface BoundCase {
  readonly network: Network;
  readonly sequence: Sequence;
  /** Present if some of the weights, the input or the states were printed. */
  readonly uncertainty?: Uncertainty;
  /** The fewest decimals of the printed tensors; absent if there are none. */
  readonly decimals?: number;
  /** Whether some of `fewDecimals` are operands that were not read from text. */
  readonly storedFew: boolean;
  /** Tensors whose values have few decimals, so that they may be either exact or rounded. */
  readonly fewDecimals: readonly string[];
  /** Empty if the case has no expected tensor. */
  readonly references: readonly Reference<ExpectedRole>[];
  /** Outputs of layers below the last that the case has, from the bottom up; they are compared as well. */
  readonly layerOutputs: readonly Reference<LayerRole>[];
  readonly layout: Layout;
  /** Whether the shapes also fit the other value of batch_first. */
  readonly otherLayoutFits: boolean;
  /** Tensors whose axes were not PyTorch's. */
  readonly reshaped: readonly Reshaped[];
}

/** Loads a module's parameters from a state_dict whose shapes have been checked, by their names without the prefix. */
function loadParameters(module: Module, { weights, files }: Case): Map<string, Tensor> {
  const tensors = weights.load(parameterShapes(module).map(({ name }) => module.prefix + name));
  for (const [name, tensor] of tensors) {
    mustBeFull(files?.weights, name, tensor);
    mustBeFloat(files?.weights, name, tensor.dtype);
  }
  return new Map([...tensors].map(([name, tensor]) => [name.slice(module.prefix.length), tensor]));
}

/** Calls `of` for every parameter, and returns the results by layer and direction. */
function byLayer(
  module: Module,
  tensors: ReadonlyMap<string, Tensor>,
  of: (name: string, tensor: Tensor) => Floats,
): Parameters[][] {
  return Array.from({ length: module.num_layers }, (_, layer) =>
    directionsOf(module).map((direction) => {
      const end = suffix(module, layer, direction);
      const data = (parameter: string) => {
        const tensor = tensors.get(parameter + end);
        return tensor && of(parameter + end, tensor);
      };
      return {
        weightIh: data('weight_ih')!,
        weightHh: data('weight_hh')!,
        biasIh: data('bias_ih'),
        biasHh: data('bias_hh'),
        weightHr: data('weight_hr'),
      };
    }),
  );
}

/**
 * Checks a case's tensors against a module and brings them into one layout.
 * @param batch_first inferred from the shapes if undefined
 * @param reading of printed numbers and padding
 * @throws CellcheckError for every tensor that is missing, misshapen or not usable
 */
export function bind(
  module: Module,
  loaded: Case,
  batch_first: boolean | undefined,
  reading: DigitsReading & { readonly padding?: Padding } = {},
): BoundCase {
  const { files } = loaded;
  const { tensors, layout, otherLayoutFits, reshaped } = checkedLayout(module, loaded, batch_first);
  const parameters = loadParameters(module, loaded);
  const named: NamedTensor[] = [
    ...[...parameters].map(([name, tensor]) => ({ name, tensor, part: 'weights' }) as const),
    ...[...tensors].map(
      ([name, tensor]) => ({ name, tensor, part: isInput(name) ? 'sequence' : 'reference' }) as const,
    ),
  ];
  checkDecimals(named, reading);
  const unsure = mayBeExact(named, reading);
  const missing = (one: NamedTensor) =>
    missingDigits(
      one,
      reading,
      unsure.some(({ name }) => name === one.name),
    );
  const make = referenceMaker(module, layout, tensors, missing);
  const toReference = <Name extends ExpectedRole | LayerRole>(name: Name) =>
    withoutPadding(make(name), reading.padding);
  const references = EXPECTED_ROLES.flatMap((name) => (tensors.has(name) ? [toReference(name)] : []));
  const outputs = layerRolesIn(module, { tensors, files }).map(toReference);
  const ofInput = (values: Floats) => timeFirst(values, layout, layout.steps, module.input_size);
  const { uncertainty, ...printed } = roundingErrors(module, parameters, tensors, missing);
  const printedReferences = [...references, ...outputs].flatMap((reference) => reference.printed ?? []);
  const decimals = [...printed.decimals, ...printedReferences.map((reference) => reference.decimals)];
  return {
    network: { module, layers: byLayer(module, parameters, (_, { data }) => data) },
    references,
    layerOutputs: outputs,
    layout,
    otherLayoutFits,
    reshaped,
    uncertainty: uncertainty && { ...uncertainty, input: uncertainty.input && ofInput(uncertainty.input) },
    decimals: decimals.length ? decimals.reduce((a, b) => Math.min(a, b)) : undefined,
    fewDecimals: unsure.map(({ name }) => name),
    storedFew: unsure.some(({ tensor }) => !tensor.printed),
    sequence: {
      steps: layout.steps,
      batch: layout.batch,
      input: ofInput(tensors.get('input')!.data),
      h0: tensors.get('h_0')?.data,
      c0: tensors.get('c_0')?.data,
      lengths: lengths(tensors.get('lengths'), layout, fileOf('lengths', files)),
    },
  };
}

/**
 * The layout of a case whose tensors are all there, with the right shapes and dtypes.
 * @throws CellcheckError for every tensor that is not
 */
function checkedLayout(
  module: Module,
  loaded: Case,
  batch_first: boolean | undefined,
): Pick<BoundCase, 'layout' | 'otherLayoutFits' | 'reshaped'> & Pick<Case, 'tensors'> {
  const { files } = loaded;
  if (module.cell && batch_first) {
    throw new CellcheckError({
      problem: `batch_first is for sequences, and this is ${withArticle(className(module))}`,
      hints: ['A Cell takes [I], [B, I], or a loop [T, B, I].'],
    });
  }
  const { tensors, chosen, other, reshaped } = arrange(module, loaded.tensors, batch_first);
  const { layout, issues } = chosen;
  const otherLayoutFits = other?.issues.length === 0;
  if (issues.length) {
    const errors = caseErrors(issues, module, layout, { ...loaded, tensors });
    throw joinErrors(otherLayoutFits ? [layoutError(layout), ...errors] : errors);
  }
  for (const [role, tensor] of tensors) {
    mustBeFull(fileOf(role, files), role, tensor);
    if (role !== 'lengths') mustBeFloat(fileOf(role, files), role, tensor.dtype);
  }
  return { tensors, layout, otherLayoutFits, reshaped };
}

/** The rounding errors of a case's printed operands, and their decimals. Those of the input are in the input's layout. */
function roundingErrors(
  module: Module,
  parameters: ReadonlyMap<string, Tensor>,
  tensors: Case['tensors'],
  missing: (tensor: NamedTensor) => Printed | undefined,
): Pick<BoundCase, 'uncertainty'> & { readonly decimals: readonly number[] } {
  const ofWeights = new Map(
    [...parameters].map(([name, tensor]) => [name, missing({ name, tensor, part: 'weights' })]),
  );
  const ofSequence = (name: Role) => {
    const tensor = tensors.get(name);
    return tensor && missing({ name, tensor, part: 'sequence' });
  };
  const [input, h0, c0] = [ofSequence('input'), ofSequence('h_0'), ofSequence('c_0')];
  const rounded = [...ofWeights.values(), input, h0, c0].flatMap((printed) => printed ?? []);
  const layers = () =>
    byLayer(
      module,
      parameters,
      (name, { data }) => ofWeights.get(name)?.halfUnits ?? new Float64Array(data.length),
    );
  return {
    uncertainty: rounded.length
      ? { layers: layers(), input: input?.halfUnits, h0: h0?.halfUnits, c0: c0?.halfUnits }
      : undefined,
    decimals: rounded.map(({ decimals }) => decimals),
  };
}

/** The error for a batch_first that does not fit, while the other value does. An inferred one always fits then. */
function layoutError({ batch_first }: Layout): CellcheckError {
  const [value, option] = batch_first ? ['true', '--no-batch-first'] : ['false', '--batch-first'];
  return new CellcheckError({
    problem: `batch_first is ${value}, but all shapes fit the other layout: try ${option}`,
  });
}

/** Tensors from files are full, those of a caller may not be: an absent value would be compared with nothing. */
function mustBeFull(file: string | undefined, tensor: string, { shape, data }: Tensor): void {
  if (data.length === elementCount(shape)) return;
  throw new CellcheckError({
    file,
    tensor,
    found: `${data.length} values`,
    expected: `${elementCount(shape)} for the shape ${formatShape(shape)}`,
  });
}

function mustBeFloat(file: string | undefined, tensor: string, dtype: Dtype): void {
  if (DTYPES[dtype].float) return;
  throw new CellcheckError({
    file,
    tensor,
    found: `dtype ${DTYPES[dtype].torch}`,
    expected: 'float64, float32, float16 or bfloat16',
    hints: ['Quantised weights and token numbers are not what a recurrent module takes: save the floats.'],
  });
}

function lengths(tensor: Tensor | undefined, layout: Layout, file: string | undefined): number[] | undefined {
  if (!tensor) return undefined;
  const values = [...tensor.data];
  const wrong = values.findIndex(
    (length) => !(Number.isInteger(length) && length >= 1 && length <= layout.steps),
  );
  if (wrong >= 0) {
    throw new CellcheckError({
      file,
      tensor: 'lengths',
      found: `${values[wrong]} for batch row ${wrong}`,
      expected:
        layout.steps === 1
          ? '1: the input has one step'
          : `an integer from 1 to the ${layout.steps} steps of the input`,
    });
  }
  return values;
}
