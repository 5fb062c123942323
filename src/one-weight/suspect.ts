import { KINDS } from '../kinds.js';
import type { Module } from '../module/parameters.js';
import type { KnownLayer } from './sensitivity.js';

/** One weight of a layer. */
export interface Weight {
  /** `i`, `f` …; `h` of an RNN */
  readonly gate: string;
  readonly unit: number;
  readonly tensor: 'weight_ih' | 'bias_ih' | 'weight_hh' | 'bias_hh';
  /** Where it is in the tensor; a bias has no column. */
  readonly row: number;
  readonly column?: number;
}

/** A weight that may be wrong, and how much of the residuals a change of it alone explains. */
export interface Suspect extends Weight {
  /** The decrease of the sum of squared residuals. */
  readonly explained: number;
  /** What to add to the weight, and the standard deviation of that. */
  readonly change: number;
  readonly deviation: number;
  /** How many other weights of the same row explain as much, up to chance. */
  readonly alike: number;
}

/**
 * The weight by which a unit's sum takes a feature.
 * @param feature index in x, 1, h, 1: the features of `weight_ih`, `bias_ih`, `weight_hh` and `bias_hh`
 */
export function weightOfFeature(
  { kind, hidden_size }: Module,
  input_size: number,
  gate: string,
  unit: number,
  feature: number,
): Weight {
  const row = KINDS[kind].gates.indexOf(gate) * hidden_size + unit;
  if (feature < input_size) return { gate, unit, tensor: 'weight_ih', row, column: feature };
  if (feature === input_size) return { gate, unit, tensor: 'bias_ih', row };
  const column = feature - input_size - 1;
  if (column < hidden_size) return { gate, unit, tensor: 'weight_hh', row, column };
  return { gate, unit, tensor: 'bias_hh', row };
}

const PARAMETERS = {
  weight_ih: 'weightIh',
  weight_hh: 'weightHh',
  bias_ih: 'biasIh',
  bias_hh: 'biasHh',
} as const;

/** The value of a weight in the file; 0 where the module has no biases. */
export function valueInFile(
  { module: { kind, hidden_size }, parameters }: KnownLayer,
  { tensor, row, column = 0 }: Weight,
): number {
  const values = parameters[PARAMETERS[tensor]];
  if (!values) return 0;
  const columns = values.length / (KINDS[kind].gates.length * hidden_size);
  return values[row * columns + column];
}
