import { traceName } from '../kinds.js';
import type { BoundCase } from '../module/bind.js';
import { directionsOf, outputSize } from '../module/parameters.js';
import { swapFirstAxes, type Tensor } from '../tensor/tensor.js';
import type { Outputs } from './forward.js';
import type { Compute } from './options.js';
import { type LayerTrace, partSize } from './trace.js';

/** The outputs in the layout of the input, in the dtype that was computed in. */
export interface OutputTensors {
  /** [T, B, directions·size] or as the input is laid out; zero beyond a row's length. A Cell's one step has none. */
  readonly output?: Tensor;
  /** [num_layers·directions, B, proj_size or hidden_size], of a Cell [B, hidden_size] */
  readonly h_n: Tensor;
  /** [num_layers·directions, B, hidden_size], of a Cell [B, hidden_size]; LSTM only */
  readonly c_n?: Tensor;
  /**
   * If asked for: `layer0.forward.h` [steps, batch, proj_size or hidden_size], and `.c` and the gates
   * (`.r .z .n` or `.i .f .g .o`) [steps, batch, hidden_size], of every layer and direction. Time first, always with a
   * batch, zero beyond a row's length.
   */
  readonly trace?: Readonly<Record<string, Tensor>>;
}

/** Outputs in the layout of the case that was run. */
export function tensorsOf(
  { output, h_n, c_n, trace }: Outputs,
  { network, layout }: BoundCase,
  compute: Compute,
): OutputTensors {
  const { module } = network;
  const { steps, batch, batched, batch_first, timed } = layout;
  const dtype = compute === 'float64' ? 'F64' : 'F32';
  const rows = batched ? [batch] : [];
  const size = outputSize(module);
  const width = size * directionsOf(module).length;
  const stack = module.cell ? [] : [module.num_layers * directionsOf(module).length];
  const outer = batch_first ? [batch, steps] : [steps, ...rows];
  return {
    ...(timed && {
      output: {
        dtype,
        shape: [...outer, width],
        data: batch_first ? swapFirstAxes(output, steps, batch, width) : output,
      },
    }),
    h_n: { dtype, shape: [...stack, ...rows, size], data: h_n },
    ...(c_n && { c_n: { dtype, shape: [...stack, ...rows, module.hidden_size], data: c_n } }),
    ...(trace && {
      trace: Object.fromEntries(
        trace.flatMap(({ layer, direction, parts }: LayerTrace) =>
          Object.entries(parts).map(([part, data]) => {
            const shape = [steps, batch, partSize(module, part)];
            return [traceName(layer, direction, part), { dtype, shape, data }];
          }),
        ),
      ),
    }),
  };
}
