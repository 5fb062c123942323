import type { NamedShape } from '../../schemas/shapes.js';
import { type Direction, KINDS, type Kind, type Nonlinearity } from '../kinds.js';

/** An nn.RNN, nn.GRU or nn.LSTM or one of their Cells, described by the arguments of PyTorch's constructor. */
export interface Module {
  readonly kind: Kind;
  /** RNNCell, GRUCell or LSTMCell: one layer, one direction, names without `_l0`. */
  readonly cell: boolean;
  /** May be relu for an RNN only. */
  readonly nonlinearity: Nonlinearity;
  /** The part of the names in the state_dict that precedes the parameters' own: `encoder.rnn.` */
  readonly prefix: string;
  readonly input_size: number;
  readonly hidden_size: number;
  /** `proj_size`; 0 without a projection. */
  readonly proj_size: number;
  readonly num_layers: number;
  readonly bidirectional: boolean;
  readonly bias: boolean;
}

export function directionsOf(module: Module): readonly Direction[] {
  return module.bidirectional ? ['forward', 'reverse'] : ['forward'];
}

/** Size of h: `proj_size` with a projection, else `hidden_size`. */
export function outputSize(module: Module): number {
  return module.proj_size || module.hidden_size;
}

/** The features that a layer takes: `input_size` for the first, the output of the layer below for the others. */
export function layerInputSize(module: Module, layer: number): number {
  return layer === 0 ? module.input_size : outputSize(module) * directionsOf(module).length;
}

/** `_l1_reverse`; nothing for a Cell. */
export function suffix(module: Module, layer: number, direction: Direction): string {
  if (module.cell) return '';
  return `_l${layer}${direction === 'reverse' ? '_reverse' : ''}`;
}

/** The parameters of a module with their shapes, without its prefix, in PyTorch's order. */
export function parameterShapes(module: Module): NamedShape[] {
  const { gates } = KINDS[module.kind];
  const rows = {
    label: gates.length > 1 ? `${gates.length}·hidden_size` : 'hidden_size',
    size: gates.length * module.hidden_size,
  };
  const state = { label: module.proj_size ? 'proj_size' : 'hidden_size', size: outputSize(module) };
  const shapes: NamedShape[] = [];
  for (let layer = 0; layer < module.num_layers; layer++) {
    for (const direction of directionsOf(module)) {
      const end = suffix(module, layer, direction);
      const size = layerInputSize(module, layer);
      const features = {
        label: layer === 0 ? 'input_size' : 'num_directions·hidden_size',
        // NaN: without a weight_ih_l0 nobody knows the input size.
        size: Number.isNaN(size) ? undefined : size,
      };
      shapes.push(
        { name: `weight_ih${end}`, dimensions: [rows, features] },
        { name: `weight_hh${end}`, dimensions: [rows, state] },
      );
      if (module.bias) {
        shapes.push(
          { name: `bias_ih${end}`, dimensions: [rows] },
          { name: `bias_hh${end}`, dimensions: [rows] },
        );
      }
      if (module.proj_size) {
        const hidden = { label: 'hidden_size', size: module.hidden_size };
        shapes.push({ name: `weight_hr${end}`, dimensions: [state, hidden] });
      }
    }
  }
  return shapes;
}

/** The name of a module's class: `LSTM`, `LSTMCell`. */
export function className(module: Module): string {
  return module.kind + (module.cell ? 'Cell' : '');
}

/** A class with its article: `an LSTM`, `a GRU`. */
export function withArticle(name: string): string {
  return `${name.startsWith('G') ? 'a' : 'an'} ${name}`;
}

/** The parts of a module's one-line description: `LSTM 80 → 256`, `2 layers`, `bidirectional` … */
export function describeParts(module: Module): string[] {
  const { num_layers, proj_size, cell } = module;
  return [
    `${className(module)} ${Number.isNaN(module.input_size) ? '?' : module.input_size} → ${module.hidden_size}${proj_size ? ` → ${proj_size}` : ''}`,
    cell ? '' : `${num_layers} ${num_layers === 1 ? 'layer' : 'layers'}`,
    module.bidirectional ? 'bidirectional' : '',
    module.nonlinearity === 'relu' ? 'relu' : '',
    module.bias ? '' : 'no bias',
  ].filter((part) => part !== '');
}
