import type { Kind } from '../../src/kinds.js';
import type { Module } from '../../src/module/parameters.js';

/** A module of one unit, one layer and one direction, but for what is said. */
export function moduleOf(kind: Kind, said: Partial<Module> = {}): Module {
  return {
    kind,
    cell: false,
    nonlinearity: 'tanh',
    prefix: '',
    inputSize: 1,
    hiddenSize: 1,
    projSize: 0,
    numLayers: 1,
    bidirectional: false,
    bias: true,
    ...said,
  };
}
