import type { NamedShape } from '../../schemas/shapes.js';
import { type Direction, KINDS, type Kind, type Nonlinearity } from '../kinds.js';

/** One nn.RNN, nn.GRU, nn.LSTM or one of their Cells, as PyTorch's constructor would describe it. */
export interface Module {
  readonly kind: Kind;
  /** RNNCell, GRUCell or LSTMCell: one layer, one direction, names without `_l0`. */
  readonly cell: boolean;
  /** Only an RNN's may be relu. */
  readonly nonlinearity: Nonlinearity;
  /** What stands before the names in the state_dict. */
  readonly prefix: string;
  readonly inputSize: number;
  readonly hiddenSize: number;
  /** `proj_size`; 0 without a projection. */
  readonly projSize: number;
  readonly numLayers: number;
  readonly bidirectional: boolean;
  readonly bias: boolean;
}

export function directions(module: Module): readonly Direction[] {
  return module.bidirectional ? ['forward', 'reverse'] : ['forward'];
}

/** Size of h: `proj_size` with a projection, else `hidden_size`. */
export function outputSize(module: Module): number {
  return module.projSize || module.hiddenSize;
}

/** Features that a layer takes: `input_size` for the first, the output of all directions below for the others. */
export function layerInputSize(module: Module, layer: number): number {
  return layer === 0 ? module.inputSize : outputSize(module) * directions(module).length;
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
    size: gates.length * module.hiddenSize,
  };
  const state = { label: module.projSize ? 'proj_size' : 'hidden_size', size: outputSize(module) };
  const shapes: NamedShape[] = [];
  for (let layer = 0; layer < module.numLayers; layer++) {
    for (const direction of directions(module)) {
      const end = suffix(module, layer, direction);
      const size = layerInputSize(module, layer);
      const features = {
        label: layer === 0 ? 'input_size' : 'num_directions·hidden_size',
        // Without a weight_ih_l0 the input size is not known.
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
      if (module.projSize) {
        const hidden = { label: 'hidden_size', size: module.hiddenSize };
        shapes.push({ name: `weight_hr${end}`, dimensions: [state, hidden] });
      }
    }
  }
  return shapes;
}

/** `LSTM`, or `LSTMCell` */
export function className(module: Module): string {
  return module.kind + (module.cell ? 'Cell' : '');
}

/** `an LSTM`, `a GRU` */
export function withArticle(name: string): string {
  return `${name.startsWith('G') ? 'a' : 'an'} ${name}`;
}

/** The parts of a module's one-line description: `LSTM 80 → 256`, `2 layers`, `bidirectional` … */
export function describeParts(module: Module): string[] {
  const { numLayers, projSize, cell } = module;
  return [
    `${className(module)} ${Number.isNaN(module.inputSize) ? '?' : module.inputSize} → ${module.hiddenSize}${projSize ? ` → ${projSize}` : ''}`,
    cell ? '' : `${numLayers} ${numLayers === 1 ? 'layer' : 'layers'}`,
    module.bidirectional ? 'bidirectional' : '',
    module.nonlinearity === 'relu' ? 'relu' : '',
    module.bias ? '' : 'no bias',
  ].filter((part) => part !== '');
}
