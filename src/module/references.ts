import { CellcheckError } from '../errors.js';
import type { Floats } from '../tensor/dtype.js';
import { isOnGrid } from '../tensor/grid.js';
import type { Reference } from '../tensor/reference.js';
import { type Printed, swapFirstAxes } from '../tensor/tensor.js';
import { type Case, type ExpectedRole, fileOf, type LayerRole, layerOf, layerRoles } from './case.js';
import type { Layout } from './layout.js';
import { directionsOf, type Module, outputSize } from './parameters.js';
import type { NamedTensor } from './printed.js';

/**
 * The outputs of layers that a case has, from the bottom up.
 * @throws CellcheckError for a layer that the module does not have, or whose output is the module's
 */
export function layerRolesIn(
  module: Module,
  { tensors, files }: Pick<Case, 'tensors' | 'files'>,
): LayerRole[] {
  const roles = layerRoles(tensors.keys());
  for (const role of roles) {
    const layer = layerOf(role)!;
    if (layer < module.num_layers - 1) continue;
    const layers = `the module has ${module.num_layers === 1 ? 'one layer' : `${module.num_layers} layers, from 0`}`;
    throw new CellcheckError({
      file: fileOf(role, files),
      tensor: role,
      problem: `is not the output of a layer below the last: ${layers}`,
      hints: layer === module.num_layers - 1 ? ["The last layer's output is named output."] : [],
    });
  }
  return roles.sort((a, b) => layerOf(a)! - layerOf(b)!);
}

/**
 * Brings reference tensors of a case into the layout of what is computed.
 * @param missing what a tensor lost when it was printed
 */
export function referenceMaker(
  module: Module,
  layout: Layout,
  tensors: Case['tensors'],
  missing: (tensor: NamedTensor) => Printed | undefined,
): <Name extends ExpectedRole | LayerRole>(name: Name) => Reference<Name> {
  const directions = directionsOf(module);
  const lengths = tensors.get('lengths');
  const axes = { directions, steps: layout.steps, lengths: lengths && [...lengths.data] };
  return (name) => {
    const tensor = tensors.get(name)!;
    const { shape, data } = tensor;
    const stored = tensor.dtype;
    // What a reference can hold says how it was computed: float32 values in a float64 file are float32's.
    const dtype = stored === 'F64' && isOnGrid(data, 'F32') ? 'F32' : stored;
    const isState = name === 'h_n' || name === 'c_n';
    // An output may end at the longest of the lengths.
    const steps = layout.timed ? shape[layout.batch_first ? 1 : 0] : 1;
    const rows = isState ? module.num_layers * directions.length : steps;
    const size = name === 'c_n' ? module.hidden_size : outputSize(module);
    const units = isState ? size : size * directions.length;
    const inOrder = (values: Floats) => (isState ? values : timeFirst(values, layout, rows, units));
    const printed = missing({ name, tensor, part: 'reference' });
    return {
      name,
      dtype,
      ...(dtype !== stored && { stored }),
      rows,
      batch: layout.batch,
      units,
      data: inOrder(data),
      ...(printed && { printed: { ...printed, halfUnits: inOrder(printed.halfUnits) } }),
      axes: isState ? axes : { ...axes, layer: layerOf(name) ?? module.num_layers - 1 },
    };
  };
}

/** [batch, steps, features] as [steps, batch, features]. */
export function timeFirst(
  data: Floats,
  { batch_first, batch }: Layout,
  steps: number,
  features: number,
): Floats {
  return batch_first ? swapFirstAxes(data, batch, steps, features) : data;
}
