import type { Subject } from '../compare/comparison.js';
import type { SavedTensor } from '../formats/write-tensors.js';
import type { OutputTensors } from '../forward.js';
import { type Direction, TRACE_NAME } from '../kinds.js';
import type { Tensor } from '../tensor/tensor.js';

/** Everything that a forward pass left, as files have it: output, h_n, c_n as PyTorch lays them out, then the trace. */
export function savedTensors(
  { output, h_n, c_n, trace = {} }: OutputTensors,
  { directions, batchFirst, cell }: Pick<Subject, 'directions' | 'batchFirst' | 'cell'>,
): SavedTensor[] {
  const unbatched = h_n.shape.length === (cell ? 1 : 2);
  const named = (name: string, tensor: Tensor | undefined, axes: SavedTensor['axes']): SavedTensor[] =>
    tensor
      ? [{ name, ...tensor, axes: unbatched ? axes.filter((axis) => axis !== 'batch') : axes, directions }]
      : [];
  const stack = cell ? (['batch', 'unit'] as const) : (['state', 'batch', 'unit'] as const);
  return [
    ...named('output', output, batchFirst ? ['batch', 'step', 'unit'] : ['step', 'batch', 'unit']),
    ...named('h_n', h_n, stack),
    ...named('c_n', c_n, stack),
    ...Object.entries(trace).map(([name, tensor]): SavedTensor => {
      const [, layer, direction] = TRACE_NAME.exec(name)!;
      const axes = ['step', 'batch', 'unit'] as const;
      return { name, ...tensor, axes, directions, layer: Number(layer), direction: direction as Direction };
    }),
  ];
}
