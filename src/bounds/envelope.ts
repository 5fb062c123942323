import { packRows, pick } from '../engine/forward.js';
import { chooseKernels, workOfJudging } from '../engine/kernels/choose.js';
import type { OnProgress, SpeedOptions } from '../engine/options.js';
import { carriesCell } from '../kinds.js';
import type { Network, Sequence, Uncertainty } from '../module/bind.js';
import { directionsOf, layerInputSize, type Module, outputSize } from '../module/parameters.js';
import { type Floats, roundTo, spacing } from '../tensor/dtype.js';
import { hasFastCells } from './fast-cells.js';
import { type LayerRun, type Overflow, runErrorLayer } from './layer.js';
import type { ErrorModel } from './model.js';
import type { Operands, Profile } from './profiles.js';
import { type LayerSamples, pooledVariances, withLength } from './samples.js';
import { largestGroup, twinsOf } from './twins.js';
import { varianceModel } from './variance.js';
import { worstCaseModel } from './worst-case.js';

/** What each value should be, and how far rounding may take it from there. All three have the same shape. */
export interface Spread {
  readonly values: Floats;
  /** Standard deviations or bounds. */
  readonly error: Floats;
  /** 1 where nothing can be said: the errors have grown as large as the values, or these may have overflowed. */
  readonly undecided: Uint8Array;
}

export interface Envelope {
  /** The output of every layer [steps, batch, directions·output size]; zero, without error, beyond a row's length. */
  readonly layers: readonly Spread[];
  /** [layers·directions, batch, output size] */
  readonly h_n: Spread;
  /** [layers·directions, batch, hidden_size], LSTM only */
  readonly c_n?: Spread;
  /**
   * Whether the errors of a free-running layer depend on each other, because many of its units are twins or because
   * nothing limits its states (relu). Then σ alone proves nothing, and a fault must be beyond its bound.
   */
  readonly coherent: boolean;
  /** The first sums that may overflow, by layer, direction and batch row. */
  readonly overflows: readonly Overflow[];
}

/** The true output of a layer, in the layout of `Spread`. Steps after the longest row may be missing. */
interface KnownOutput {
  readonly values: Floats;
  /** Half-width of the interval in which each value lies; absent where they are exact. For bounds only. */
  readonly uncertainty?: Floats;
}

export interface EnvelopeOptions {
  readonly profile: Profile;
  /** Whether errors are standard deviations ("likely") or bounds ("worst"). */
  readonly model: 'likely' | 'worst';
  /**
   * The true outputs of some layers. A layer with a known output begins every step from it (teacher forcing), so that
   * its errors are those of a single step; the layer above has an exact input. The other layers are free-running.
   */
  readonly known?: readonly (KnownOutput | undefined)[];
  /** How h and the outputs of lower layers are rounded before they are multiplied. */
  readonly operands?: Pick<Operands, 'state' | 'only'>;
  /**
   * The errors of free-running layers, sampled (samples.ts): they replace the variances, which grow although a network
   * contracts. For standard deviations only.
   */
  readonly samples?: readonly (LayerSamples | undefined)[];
  /** For bounds only. */
  readonly uncertainty?: Uncertainty;
  readonly speed?: SpeedOptions;
  readonly onProgress?: OnProgress;
}

/** A layer is coherent if more than this fraction of its units are copies of each other. */
const MOST_TWINS = 0.5;

/** Runs a network in float64 with the rounding errors of every value: docs/numerics.md has the formulas. */
export function envelope(network: Network, sequence: Sequence, options: EnvelopeOptions): Envelope {
  const { kind } = network.module;
  const work = workOfJudging(network, sequence);
  const { kernels, name, release } = chooseKernels(kind, 'float64', work, options.speed ?? {});
  try {
    const model = modelOf(options.model, options.profile);
    const fastCells = hasFastCells(kernels, name, model, kind);
    return runStack({ network, sequence, options, kernels, model, fastCells, packing: packRows(sequence) });
  } finally {
    release();
  }
}

const MODELS = { likely: varianceModel, worst: worstCaseModel };
const models = new Map<string, ErrorModel>();

/** Cached by what the profile says, so that call sites stay monomorphic for V8: other threads get copies of profiles. */
function modelOf(name: EnvelopeOptions['model'], profile: Profile): ErrorModel {
  const key = `${name} ${JSON.stringify(profile)}`;
  const model = models.get(key) ?? MODELS[name](profile);
  models.set(key, model);
  return model;
}

/** What a pass runs, and the kernels and error model that it runs with. */
interface Pass extends Pick<LayerRun, 'kernels' | 'model' | 'fastCells'> {
  readonly network: Network;
  readonly sequence: Sequence;
  readonly options: EnvelopeOptions;
  readonly packing: ReturnType<typeof packRows>;
}

/** States of all layers and directions; batch rows are packed. */
interface States {
  /** [layers·directions, batch, output size] */
  readonly h: Floats;
  readonly hError: Floats;
  /** [layers·directions, batch, hidden], LSTM only */
  readonly c: Floats;
  readonly cError: Floats;
  /** [layers·directions, batch] */
  readonly undecided: Uint8Array;
}

/** The input of a layer [steps, batch, layer input]; batch rows are packed. */
interface LayerInput {
  readonly values: Floats;
  /** Absent where the values are exact. */
  readonly error?: Floats;
  /** Samples of the errors [steps, batch, layer input]; they stand for `error`. */
  readonly samples?: readonly Floats[];
  /** Group numbers of the columns, see twins.ts. */
  readonly twins?: readonly number[];
}

function runStack(pass: Pass): Envelope {
  const { network, sequence, options, packing } = pass;
  const { module, layers } = network;
  const { steps, batch } = sequence;
  const directions = directionsOf(module).length;
  const size = outputSize(module);
  const width = directions * size;
  const states = initialStates(pass);
  const spreads: Spread[] = [];
  let input: LayerInput = {
    values: pick(sequence.input, packing.order, steps, batch, module.input_size),
    error: packedErrors(pass, options.uncertainty?.input, steps, module.input_size),
  };
  let coherent = false;
  const overflows: Overflow[] = [];
  for (let layer = 0; layer < layers.length; layer++) {
    const known = packedKnown(pass, options.known?.[layer]);
    const output = runDirections(pass, layer, input, known, states, overflows);
    const samples = options.samples?.[layer];
    if (samples && !known) takeSamples(pass, layer, output, samples, states);
    coherent ||= !known && !samples && (module.nonlinearity === 'relu' || output.mostlyTwins);
    // The spread overwrites the errors that the next layer needs.
    const error = layer < layers.length - 1 ? output.error.slice() : undefined;
    const sampled = samples && {
      values: output.values,
      samples: samples.output.map((values) => pick(values, packing.order, steps, sequence.batch, width)),
    };
    input = asOperand(pass, known ?? sampled ?? { values: output.values, error, twins: output.twins });
    const undecidedAt = (block: number) =>
      output.undecided[block % directions][Math.floor(block / directions)];
    spreads.push(spreadOf(pass, output.values, output.error, undecidedAt, size, steps, width));
  }
  const undecidedAt = (block: number) => states.undecided[block];
  const stateCount = layers.length * directions;
  const { hidden_size, kind } = module;
  return {
    layers: spreads,
    h_n: spreadOf(pass, states.h, states.hError, undecidedAt, size, stateCount, size),
    c_n: carriesCell(kind)
      ? spreadOf(pass, states.c, states.cError, undecidedAt, hidden_size, stateCount, hidden_size)
      : undefined,
    coherent,
    overflows,
  };
}

/** h_0 and c_0 with their errors, zeros where they are absent; runs replace them by h_n and c_n. */
function initialStates(pass: Pass): States {
  const { network, sequence, options, packing } = pass;
  const { module, layers } = network;
  const { batch, h0, c0 } = sequence;
  const { uncertainty } = options;
  const count = layers.length * directionsOf(module).length;
  const orZeros = (values: Floats | undefined, inner: number) => {
    const all = new Float64Array(count * batch * inner); // [layers·directions, batch, inner]
    if (values) all.set(values);
    return all;
  };
  const valuesOf = (state: Floats | undefined, inner: number) =>
    orZeros(state && pick(state, packing.order, count, batch, inner), inner);
  const errorsOf = (state: Floats | undefined, inner: number) =>
    orZeros(packedErrors(pass, state, count, inner), inner);
  const size = outputSize(module);
  const cells = carriesCell(module.kind) ? module.hidden_size : 0;
  return {
    h: valuesOf(h0, size),
    hError: errorsOf(uncertainty?.h0, size),
    c: valuesOf(c0, cells),
    cError: errorsOf(uncertainty?.c0, cells),
    undecided: new Uint8Array(count * batch),
  };
}

/** Uncertainties [outer, batch, inner], which are bounds of errors, with packed rows. */
function packedErrors(
  { sequence, packing }: Pass,
  uncertainty: Floats | undefined,
  outer: number,
  inner: number,
): Floats | undefined {
  return uncertainty && pick(uncertainty, packing.order, outer, sequence.batch, inner);
}

/** A known output with its errors, with packed rows and zeros for missing steps. */
function packedKnown(pass: Pass, known: KnownOutput | undefined): LayerInput | undefined {
  if (!known) return undefined;
  const { network, sequence, packing } = pass;
  const { steps, batch } = sequence;
  const width = directionsOf(network.module).length * outputSize(network.module);
  const padded = (values: Floats) => withLength(values, steps * batch * width);
  return {
    values: pick(padded(known.values), packing.order, steps, batch, width),
    error: packedErrors(pass, known.uncertainty && padded(known.uncertainty), steps, width),
  };
}

/** The input of a layer as it is multiplied. */
function asOperand({ model, options: { operands } }: Pass, input: LayerInput): LayerInput {
  const state = operands?.state;
  if (!state || operands.only === 'hidden') return input;
  const { values, error, samples } = input;
  if (samples) return input;
  return {
    ...input,
    values: values.map((value) => roundTo(value, state)),
    error: error?.map((e, i) => model.rounded(e, spacing(values[i], state))),
  };
}

/** Replaces the errors of a layer, and of its final states, by sampled ones. */
function takeSamples(
  pass: Pass,
  layer: number,
  { values, error, undecided }: LayerOutput,
  samples: LayerSamples,
  states: States,
): void {
  const { network, sequence, packing, model } = pass;
  const { module } = network;
  const { steps, batch } = sequence;
  const directions = directionsOf(module).length;
  const size = outputSize(module);
  const width = directions * size;
  const packed = (all: readonly Floats[], outer: number, inner: number) =>
    all.map((one) => pick(one, packing.order, outer, batch, inner));
  error.set(pooledVariances(packed(samples.output, steps, width), size));
  for (let d = 0; d < directions; d++) {
    for (let row = 0; row < steps * batch; row++) {
      const from = row * width + d * size;
      undecided[d][row] = model.isUndecided!(values, error, from, from + size) ? 1 : 0;
    }
  }
  const at = layer * directions * batch;
  const cells = carriesCell(module.kind) ? module.hidden_size : 0;
  states.hError.set(pooledVariances(packed(samples.h, directions, size), size), at * size);
  if (cells) states.cError.set(pooledVariances(packed(samples.c, directions, cells), cells), at * cells);
  for (let row = 0; row < directions * batch; row++) {
    const from = (at + row) * size;
    states.undecided[at + row] = model.isUndecided!(states.h, states.hError, from, from + size) ? 1 : 0;
  }
}

interface LayerOutput extends LayerInput {
  readonly error: Floats;
  /** By direction: [steps, batch] */
  readonly undecided: readonly Uint8Array[];
  /** Whether more than MOST_TWINS of the units of a direction are copies of each other. */
  readonly mostlyTwins: boolean;
}

/** Runs one layer in all its directions. */
function runDirections(
  pass: Pass,
  layer: number,
  input: LayerInput,
  known: LayerInput | undefined,
  finalStates: States,
  overflows: Overflow[],
): LayerOutput {
  const { kernels, model, fastCells, network, sequence, options, packing } = pass;
  const { module } = network;
  const { steps, batch } = sequence;
  const directions = directionsOf(module).length;
  const size = outputSize(module);
  const width = directions * size;
  const output = new Float64Array(steps * batch * width); // [steps, batch, directions·output size]
  const outputError = new Float64Array(steps * batch * width);
  const undecided: Uint8Array[] = [];
  const outputTwins: number[] = [];
  let mostlyTwins = false;
  for (const [d, parameters] of network.layers[layer].entries()) {
    const twins = twinsOf(module, parameters);
    undecided.push(new Uint8Array(steps * batch));
    const found: Overflow[] = [];
    const state = layer * directions + d;
    const states = network.layers.length * directions;
    runErrorLayer({
      onProgress: (done) => options.onProgress?.((state + done) / states, 'judging'),
      kernels,
      model,
      fastCells,
      hugeSum: options.profile.hugeSum,
      module,
      parameters,
      uncertainty: options.uncertainty?.layers[layer][d],
      layer,
      state: options.operands?.only === 'input' ? undefined : options.operands?.state,
      reverse: d === 1,
      steps,
      batch,
      rowsAt: packing.rowsAt,
      input: input.values,
      input_size: layerInputSize(module, layer),
      inputError: input.error,
      inputSamples: input.samples,
      inputTwins: input.twins,
      unitTwins: twins.units,
      outputTwins: twins.outputs,
      known,
      width,
      outputAt: d * size,
      ...statesOf(finalStates, module, batch, state),
      undecided: undecided[d],
      overflows: found,
      output,
      outputError,
    });
    overflows.push(...found.map((one) => ({ ...one, batch: packing.order?.[one.batch] ?? one.batch })));
    for (let k = 0; k < size; k++) outputTwins.push(d * size + (twins.outputs?.[k] ?? k));
    mostlyTwins ||= largestGroup(twins.outputs) > MOST_TWINS;
  }
  const hasTwins = new Set(outputTwins).size < outputTwins.length;
  return {
    values: output,
    error: outputError,
    twins: hasTwins ? outputTwins : undefined,
    undecided,
    mostlyTwins,
  };
}

/** The part of all states that belongs to one layer in one direction. */
function statesOf({ h, hError, c, cError, undecided }: States, module: Module, batch: number, index: number) {
  const part = <T extends Floats | Uint8Array>(values: T, inner: number) =>
    values.subarray(index * batch * inner, (index + 1) * batch * inner) as T;
  const size = outputSize(module);
  const cells = carriesCell(module.kind) ? module.hidden_size : 0;
  return {
    h: part(h, size),
    hError: part(hError, size),
    c: part(c, cells),
    cError: part(cError, cells),
    undecidedAtEnd: part(undecided, 1),
  };
}

/**
 * Values and errors [outer, batch, inner] as they are reported, with batch rows in their original order. Overwrites
 * `error`.
 * @param undecidedAt 1 if a block is undecided. Blocks are the units of one direction in one row
 * @param blockSize values of a block
 */
function spreadOf(
  { model, sequence, options, packing }: Pass,
  values: Floats,
  error: Floats,
  undecidedAt: (block: number) => number,
  blockSize: number,
  outer: number,
  inner: number,
): Spread {
  const { huge } = options.profile;
  const undecided = new Uint8Array(values.length);
  for (let from = 0; from < values.length; from += blockSize) {
    const blockUndecided = undecidedAt(from / blockSize);
    for (let i = from; i < from + blockSize; i++) {
      error[i] = model.reported(error[i]);
      const decided = !blockUndecided && Math.abs(values[i]) <= huge && error[i] < Number.POSITIVE_INFINITY;
      if (!decided) undecided[i] = 1;
    }
  }
  const unpacked = <T extends Floats | Uint8Array>(packed: T) =>
    pick(packed, packing.inverse, outer, sequence.batch, inner);
  return { values: unpacked(values), error: unpacked(error), undecided: unpacked(undecided) };
}
