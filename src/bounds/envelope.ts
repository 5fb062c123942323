import { packRows, pick } from '../engine/forward.js';
import { chooseKernels, workOf } from '../engine/kernels/choose.js';
import type { SpeedOptions } from '../engine/options.js';
import { carriesCell } from '../kinds.js';
import type { Network, Sequence, Uncertainty } from '../module/bind.js';
import { directionsOf, layerInputSize, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import { hasFastCells } from './fast-cells.js';
import { type LayerRun, runErrorLayer } from './layer.js';
import type { ErrorModel } from './model.js';
import type { Profile } from './profiles.js';
import { largestGroup, twinsOf } from './twins.js';
import { varianceModel } from './variance.js';
import { worstCaseModel } from './worst-case.js';

/** What every value should be, and how far a correctly rounded one may be from it. */
export interface Spread {
  readonly values: Floats;
  /** Standard deviations, or bounds. */
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
   * Whether what is likely is not to be trusted beyond the worst case's bound: a layer runs free whose errors add up in
   * step, since many of its units are copies of each other or nothing bounds its states (relu).
   */
  readonly coherent: boolean;
}

/** The output of a layer as it was in truth, in the layout of `Spread`; it may end at the longest of the lengths. */
interface KnownOutput {
  readonly values: Floats;
  /** How far each value may be from what is written. */
  readonly uncertainty?: Floats;
}

export interface EnvelopeOptions {
  readonly profile: Profile;
  /** What is likely (standard deviations), or what is possible (bounds). */
  readonly model: 'likely' | 'worst';
  /**
   * Outputs of layers that are known. A layer whose output is known begins every step from it (teacher forcing), so that
   * only one step's rounding is in an error; the layer above it has an exact input. The others run free.
   */
  readonly known?: readonly (KnownOutput | undefined)[];
  /** Bounds only. */
  readonly uncertainty?: Uncertainty;
  readonly speed?: SpeedOptions;
}

/** So few rows are not worth packing the weights for. */
const FEW_ROWS = 8;

/** What plain kernels take for it beside a forward pass, about: WebAssembly is worth its loading that much earlier. */
const TIMES_A_PASS = 4;

/** More of a layer's units than this being copies of each other is too many. */
const MOST_TWINS = 0.5;

/**
 * Runs a network in float64 with the rounding errors of every value: docs/numerics.md has the formulas.
 */
export function envelope(network: Network, sequence: Sequence, options: EnvelopeOptions): Envelope {
  const { kind } = network.module;
  // Of a few rows packing the weights takes longer than the products, and as much memory again.
  const few = sequence.steps * sequence.batch <= FEW_ROWS;
  const work = few ? 0 : TIMES_A_PASS * workOf(network, sequence);
  const { kernels, name, release } = chooseKernels(kind, 'float64', work, options.speed ?? {});
  try {
    const model = modelOf(options.model, options.profile);
    const fastCells = hasFastCells(kernels, name, model, kind);
    return runStack(network, sequence, options, { kernels, model, fastCells });
  } finally {
    release();
  }
}

function runStack(
  { module, layers }: Network,
  sequence: Sequence,
  { profile, known = [], uncertainty }: EnvelopeOptions,
  means: Pick<LayerRun, 'kernels' | 'model' | 'fastCells'>,
): Envelope {
  const { model } = means;
  const { steps, batch } = sequence;
  const directionCount = directionsOf(module).length;
  const { hidden_size } = module;
  const size = outputSize(module);
  const width = directionCount * size;
  const states = layers.length * directionCount;

  const { order, inverse, rowsAt } = packRows(sequence);
  const sorted = (values: Floats, outer: number, inner: number) => pick(values, order, outer, batch, inner);
  const within = (values: Floats, outer: number, inner: number) =>
    sorted(Float64Array.from(values, model.within), outer, inner);
  const state = (values: Floats | undefined, inner: number) => {
    const all = new Float64Array(states * batch * inner);
    if (values) all.set(sorted(values, states, inner));
    return all;
  };
  const stateError = (values: Floats | undefined, inner: number) => {
    const all = new Float64Array(states * batch * inner);
    if (values) all.set(within(values, states, inner));
    return all;
  };
  const cells = carriesCell(module.kind) ? hidden_size : 0;
  const h = state(sequence.h0, size);
  const hError = stateError(uncertainty?.h0, size);
  const c = state(sequence.c0, cells);
  const cError = stateError(uncertainty?.c0, cells);
  const lostAtEnd = new Uint8Array(states * batch);

  /** Makes of the errors, in their place, what is reported. */
  const spread = (
    values: Floats,
    error: Floats,
    // One direction's units in one row.
    lost: (part: number) => number,
    partSize: number,
    outer: number,
    inner: number,
  ): Spread => {
    const undecided = new Uint8Array(values.length);
    const { huge } = profile;
    for (let from = 0; from < values.length; from += partSize) {
      const gone = lost(from / partSize);
      for (let i = from; i < from + partSize; i++) {
        error[i] = model.reported(error[i]);
        const known = !gone && Math.abs(values[i]) <= huge && error[i] < Number.POSITIVE_INFINITY;
        if (!known) undecided[i] = 1;
      }
    }
    return {
      values: pick(values, inverse, outer, batch, inner),
      error: pick(error, inverse, outer, batch, inner),
      undecided: pick(undecided, inverse, outer, batch, inner),
    };
  };

  const spreads: Spread[] = [];
  let input = sorted(sequence.input, steps, module.input_size);
  let inputError = uncertainty?.input && within(uncertainty.input, steps, module.input_size);
  let inputTwins: readonly number[] | undefined;
  let coherent = false;
  for (const [layer, parameters] of layers.entries()) {
    const output = new Float64Array(steps * batch * width);
    const outputError = new Float64Array(steps * batch * width);
    const lost = Array.from({ length: directionCount }, () => new Uint8Array(steps * batch));
    const twins: number[] = [];
    const truth = known[layer];
    // Rows after the last one that is known are padding: zeros.
    const whole = (values: Floats) => sorted(padded(values, steps * batch * width), steps, width);
    const knownValues = truth && whole(truth.values);
    const knownError = truth?.uncertainty && whole(truth.uncertainty).map(model.within);
    for (let d = 0; d < directionCount; d++) {
      const own = twinsOf(module, parameters[d]);
      const index = layer * directionCount + d;
      const rows = (values: Floats, inner: number) =>
        values.subarray(index * batch * inner, (index + 1) * batch * inner);
      runErrorLayer({
        ...means,
        hugeSum: profile.hugeSum,
        module,
        parameters: parameters[d],
        uncertainty: uncertainty?.layers[layer][d],
        reverse: d === 1,
        steps,
        batch,
        rowsAt,
        input,
        input_size: layerInputSize(module, layer),
        inputError,
        inputTwins,
        ...own,
        known: knownValues && { values: knownValues, error: knownError },
        width,
        at: d * size,
        h: rows(h, size),
        hError: rows(hError, size),
        c: rows(c, cells),
        cError: rows(cError, cells),
        lost: lost[d],
        lostAtEnd: lostAtEnd.subarray(index * batch, (index + 1) * batch),
        output,
        outputError,
      });
      for (let k = 0; k < size; k++) twins.push(d * size + (own.outputs?.[k] ?? k));
      if (!truth) {
        coherent ||= module.nonlinearity === 'relu' || largestGroup(own.outputs) > MOST_TWINS;
      }
    }
    const lostAt = (part: number) => lost[part % directionCount][Math.floor(part / directionCount)];
    // What the next layer goes on with.
    const carried = knownValues || layer === layers.length - 1 ? undefined : outputError.slice();
    spreads.push(spread(output, outputError, lostAt, size, steps, width));
    if (knownValues) {
      input = knownValues;
      inputError = knownError;
      inputTwins = undefined;
    } else {
      input = output;
      inputError = carried;
      inputTwins = new Set(twins).size < twins.length ? twins : undefined;
    }
  }
  const atEnd = (part: number) => lostAtEnd[part];
  return {
    layers: spreads,
    h_n: spread(h, hError, atEnd, size, states, size),
    c_n: cells ? spread(c, cError, atEnd, cells, states, cells) : undefined,
    coherent,
  };
}

const MODELS = { likely: varianceModel, worst: worstCaseModel };
const made = new Map<Profile, Partial<Record<EnvelopeOptions['model'], ErrorModel>>>();

/** The same functions every time: what calls them is compiled for them. */
function modelOf(name: EnvelopeOptions['model'], profile: Profile): ErrorModel {
  const models = made.get(profile) ?? {};
  made.set(profile, models);
  models[name] ??= MODELS[name](profile);
  return models[name];
}

/** With zeros after its last row. */
function padded(values: Floats, length: number): Floats {
  if (values.length === length) return values;
  const all = new Float64Array(length);
  all.set(values);
  return all;
}
