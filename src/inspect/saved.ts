import type { SavedTensor } from '../formats/write-tensors.js';
import { type Direction, TRACE_NAME } from '../kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Inspection } from './inspect.js';

/**
 * The tensors that inspect writes to a file: output, h_n and c_n in PyTorch's layout, then the states and gates of the
 * selected layers, directions and names, with all steps, batch rows and units.
 */
export function savedTensors({ outputs, selected, subject }: Inspection): SavedTensor[] {
  const { output, h_n, c_n, trace = {} } = outputs;
  const { directions, batch_first, cell } = subject;
  const unbatched = h_n.shape.length === (cell ? 1 : 2);
  const named = (name: string, tensor: Tensor | undefined, axes: SavedTensor['axes']): SavedTensor[] =>
    tensor
      ? [{ name, ...tensor, axes: unbatched ? axes.filter((axis) => axis !== 'batch') : axes, directions }]
      : [];
  const stack = cell ? (['batch', 'unit'] as const) : (['state', 'batch', 'unit'] as const);
  return [
    ...named('output', output, batch_first ? ['batch', 'step', 'unit'] : ['step', 'batch', 'unit']),
    ...named('h_n', h_n, stack),
    ...named('c_n', c_n, stack),
    ...Object.entries(trace).flatMap(([name, tensor]): SavedTensor[] => {
      const [, layer, direction, part] = TRACE_NAME.exec(name)!;
      const place = { layer: Number(layer), direction: direction as Direction };
      const { layers, directions, show } = selected;
      if (!layers.includes(place.layer) || !directions.includes(place.direction) || !show.includes(part))
        return [];
      return [{ name, ...tensor, axes: ['step', 'batch', 'unit'], directions, ...place }];
    }),
  ];
}
