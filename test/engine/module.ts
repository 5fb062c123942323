import type { Kind } from '../../src/kinds.js';
import type { Module } from '../../src/module/parameters.js';

/** A module of one unit, one layer and one direction, but for what is said. */
export function moduleOf(kind: Kind, said: Partial<Module> = {}): Module {
  return {
    kind,
    cell: false,
    nonlinearity: 'tanh',
    prefix: '',
    input_size: 1,
    hidden_size: 1,
    proj_size: 0,
    num_layers: 1,
    bidirectional: false,
    bias: true,
    ...said,
  };
}
