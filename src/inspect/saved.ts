import type { SavedTensor, StatePlace } from '../formats/write-tensors.js';
import { type Direction, TRACE_NAME } from '../kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Inspection } from './inspect.js';

/**
 * The tensors that inspect writes to a file: output, h_n and c_n in PyTorch's layout, then the states and gates of the
 * selected layers, directions and names, with all steps, batch rows and units.
 */
export function savedTensors({ outputs, selected, subject }: Inspection): SavedTensor[] {
  const { output, h_n, c_n, trace = {} } = outputs;
  const { batch_first, cell } = subject;
  const isBatched = h_n.shape.length === (cell ? 2 : 3);
  const outputTensors = (
    name: string,
    tensor: Tensor | undefined,
    axes: SavedTensor['axes'],
    places: readonly StatePlace[],
  ): SavedTensor[] =>
    tensor ? [{ name, ...tensor, axes: axes.filter((axis) => isBatched || axis !== 'batch'), places }] : [];
  const stateAxes: SavedTensor['axes'] = cell ? ['batch', 'unit'] : ['state', 'batch', 'unit'];
  const places = cell ? [] : statePlaces(subject);
  return [
    ...outputTensors(
      'output',
      output,
      batch_first ? ['batch', 'step', 'unit'] : ['step', 'batch', 'unit'],
      [],
    ),
    ...outputTensors('h_n', h_n, stateAxes, places),
    ...outputTensors('c_n', c_n, stateAxes, places),
    ...Object.entries(trace).flatMap(([name, tensor]): SavedTensor[] => {
      const [, layer, direction, part] = TRACE_NAME.exec(name)!;
      const place = { layer: Number(layer), direction: direction as Direction };
      const { layers, directions, show } = selected;
      if (!layers.includes(place.layer) || !directions.includes(place.direction) || !show.includes(part))
        return [];
      return [{ name, ...tensor, axes: ['step', 'batch', 'unit'], places: [place] }];
    }),
  ];
}

/** The layers and directions of h_n and c_n in PyTorch's order. */
function statePlaces({ num_layers, directions }: Inspection['subject']): StatePlace[] {
  const layers = Array.from({ length: num_layers }, (_, layer) => layer);
  return layers.flatMap((layer) => directions.map((direction) => ({ layer, direction })));
}
