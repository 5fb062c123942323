import { type LayerTrace, partSize } from '../engine/trace.js';
import { CellcheckError } from '../errors.js';
import { carriesCell, type Direction, hasNonlinearity, KINDS } from '../kinds.js';
import type { BoundCase, Parameters } from '../module/bind.js';
import { directionsOf, layerInputSize, type Module, outputSize, suffix } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import type { ExpectedPart } from './expected.js';

export interface StepOfUnit {
  readonly layer: number;
  readonly direction: Direction;
  readonly batch: number;
  readonly step: number;
  readonly unit: number;
}

/** The dot product of a row of a weight matrix and a vector. */
export interface Dot {
  /** `weight_ih_l0` */
  readonly parameter: string;
  readonly row: number;
  readonly weights: Floats;
  readonly vector: Floats;
  readonly sum: number;
}

/** The computation of one unit's gate: activation(input + inputBias + factor · (hidden + hiddenBias)). */
export interface GateExplanation {
  /** `r`; an RNN's is `h`. */
  readonly name: string;
  readonly activation: 'sigmoid' | 'tanh' | 'relu';
  /** W_i{name} x */
  readonly input: Dot;
  readonly inputBias?: number;
  /** W_h{name} h */
  readonly hidden: Dot;
  readonly hiddenBias?: number;
  /** The gate that multiplies the hidden part: r in the n of a GRU. */
  readonly factor?: { readonly name: string; readonly value: number };
  /** The argument of the activation. */
  readonly sum: number;
  /** As the forward pass computed it. */
  readonly value: number;
}

/** One step of one unit, with all numbers that it is computed from. */
export interface StepExplanation extends StepOfUnit {
  readonly module: Module;
  /** The layer's input at this step. */
  readonly x: Floats;
  /** h before this step. */
  readonly h: Floats;
  /** The step that h and c before this step belong to; undefined where they are the initial states. */
  readonly previousStep?: number;
  /** Whether the case has initial states; if not, they are zeros. */
  readonly hasInitial: boolean;
  /** The unit's c before this step; LSTM only. */
  readonly cBefore?: number;
  readonly gates: readonly GateExplanation[];
  /** As the forward pass computed it; LSTM only. */
  readonly c?: number;
  /**
   * With a projection only: the unit's m = o tanh(c), which W_hr is applied to, and the product that gives h; `dot` is
   * absent where a projection leaves h fewer units.
   */
  readonly projection?: { readonly m: number; readonly dot?: Dot };
  /** As the forward pass computed it; absent where a projection leaves h fewer units. */
  readonly value?: number;
  readonly expected: { readonly h?: number; readonly c?: number };
}

/**
 * Explains one step of one unit with every product of its sums, from the case's weights and the states in the trace.
 * The values of gates and states are those of the forward pass.
 * @param place the step and unit to explain
 * @param expectedParts what the case expects of h and c in this layer and direction
 * @throws CellcheckError where the step is beyond the row's length
 */
export function explainStep(
  boundCase: BoundCase,
  trace: readonly LayerTrace[],
  place: StepOfUnit,
  expectedParts: Readonly<Record<'h' | 'c', ExpectedPart | undefined>>,
): StepExplanation {
  const { network, sequence } = boundCase;
  const { module } = network;
  const { layer, direction, batch, step, unit } = place;
  const directions = directionsOf(module);
  const d = directions.indexOf(direction);
  const length = sequence.lengths?.[batch] ?? sequence.steps;
  if (step >= length) {
    throw new CellcheckError({
      problem: `step ${step} is beyond the length ${length} of batch row ${batch}: nothing happens there`,
    });
  }
  const parts = trace[layer * directions.length + d].parts;
  const parameters = network.layers[layer][d];
  const neighbour = direction === 'forward' ? step - 1 : step + 1;
  const previousStep = neighbour >= 0 && neighbour < length ? neighbour : undefined;
  const size = outputSize(module);
  const { hidden_size } = module;

  const row = step * sequence.batch + batch;
  const stateBefore = (part: 'h' | 'c', width: number, initial: Floats | undefined) => {
    if (previousStep !== undefined) return rowOf(parts[part], previousStep * sequence.batch + batch, width);
    const initialRow = (layer * directions.length + d) * sequence.batch + batch;
    return initial ? rowOf(initial, initialRow, width) : new Float64Array(width);
  };
  const x = layerInput(boundCase, trace, layer, row);
  const h = stateBefore('h', size, sequence.h0);
  const now = (part: string, index: number) => parts[part][row * partSize(module, part) + index];
  const end = suffix(module, layer, direction);
  const gates = gatesOf(module, parameters, end, unit, x, h, (gate) => now(gate, unit));
  const hasCellState = carriesCell(module.kind);
  const expected = (part: 'h' | 'c', width: number) => {
    const expectedPart = expectedParts[part];
    return expectedPart?.known[row] && unit < width ? expectedPart.values[row * width + unit] : undefined;
  };
  return {
    ...place,
    module,
    x,
    h,
    previousStep,
    hasInitial: sequence.h0 !== undefined,
    gates,
    ...(hasCellState && { cBefore: stateBefore('c', hidden_size, sequence.c0)[unit], c: now('c', unit) }),
    ...(module.proj_size && { projection: projectionOf(parameters, end, unit, size, hidden_size, now) }),
    ...(unit < size && { value: now('h', unit) }),
    expected: { h: expected('h', size), ...(hasCellState && { c: expected('c', hidden_size) }) },
  };
}

/**
 * The input of a layer: the case's input, or h of the layer below in every direction.
 * @param row index of the step and batch row
 */
function layerInput(
  { network: { module }, sequence }: BoundCase,
  trace: readonly LayerTrace[],
  layer: number,
  row: number,
): Floats {
  if (layer === 0) return rowOf(sequence.input, row, module.input_size);
  const directions = directionsOf(module);
  const size = outputSize(module);
  const below = directions.map((_, d) => trace[(layer - 1) * directions.length + d].parts.h);
  return joined(
    below.map((h) => rowOf(h, row, size)),
    layerInputSize(module, layer),
  );
}

function gatesOf(
  { kind, nonlinearity, hidden_size }: Module,
  { weightIh, weightHh, biasIh, biasHh }: Parameters,
  end: string,
  unit: number,
  x: Floats,
  h: Floats,
  value: (gate: string) => number,
): GateExplanation[] {
  const { gates, activations, reset } = KINDS[kind];
  return gates.map((name, block) => {
    const row = block * hidden_size + unit;
    const input = dot(`weight_ih${end}`, weightIh, row, x);
    const hidden = dot(`weight_hh${end}`, weightHh, row, h);
    const inputBias = biasIh?.[row];
    const hiddenBias = biasHh?.[row];
    const factor = reset?.of === name ? { name: reset.gate, value: value(reset.gate) } : undefined;
    return {
      name,
      activation: hasNonlinearity(kind) ? nonlinearity : activations[name],
      input,
      inputBias,
      hidden,
      hiddenBias,
      factor,
      sum: input.sum + (inputBias ?? 0) + (factor?.value ?? 1) * (hidden.sum + (hiddenBias ?? 0)),
      value: value(name),
    };
  });
}

function projectionOf(
  { weightHr }: Parameters,
  end: string,
  unit: number,
  size: number,
  hidden_size: number,
  now: (part: string, unit: number) => number,
): StepExplanation['projection'] {
  const m = Float64Array.from({ length: hidden_size }, (_, j) => now('o', j) * Math.tanh(now('c', j)));
  return { m: m[unit], ...(unit < size && { dot: dot(`weight_hr${end}`, weightHr!, unit, m) }) };
}

function dot(parameter: string, weight: Floats, row: number, vector: Floats): Dot {
  const weights = rowOf(weight, row, vector.length);
  let sum = 0;
  for (let k = 0; k < vector.length; k++) sum += weights[k] * vector[k];
  return { parameter, row, weights, vector, sum };
}

function rowOf(values: Floats, row: number, width: number): Floats {
  return values.subarray(row * width, (row + 1) * width);
}

function joined(vectors: readonly Floats[], length: number): Floats {
  const result = new Float64Array(length);
  let offset = 0;
  for (const vector of vectors) {
    result.set(vector, offset);
    offset += vector.length;
  }
  return result;
}
