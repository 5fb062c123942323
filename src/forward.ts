import type { ForwardOptions, Outputs } from './engine/forward.js';
import type { Compute, SpeedOptions } from './engine/options.js';
import { type LayerTrace, partSize } from './engine/trace.js';
import { traceName } from './kinds.js';
import { type BoundCase, bind } from './module/bind.js';
import { caseOf, checkOptions } from './module/case.js';
import { type DescribeOptions, describeModule } from './module/describe.js';
import { directionsOf, outputSize } from './module/parameters.js';
import type { StateDict } from './tensor/state-dict.js';
import { swapFirstAxes, type Tensor } from './tensor/tensor.js';
import { forwardInThreads } from './threads/forward.js';

/** What goes into a module, in the shapes of PyTorch's documentation. */
export interface Inputs {
  /** [T, B, input_size], with batch_first [B, T, input_size], without a batch [T, input_size]; of a Cell also one step */
  readonly input: Tensor;
  /** [num_layers·directions, B, proj_size or hidden_size], of a Cell [B, hidden_size]; zeros if absent */
  readonly h_0?: Tensor;
  /** [num_layers·directions, B, hidden_size], of a Cell [B, hidden_size]; LSTM only, with h_0 or not at all */
  readonly c_0?: Tensor;
  /** [B]: the valid steps of every batch row, as for pack_padded_sequence; all if absent */
  readonly lengths?: Tensor;
}

export interface RunOptions extends DescribeOptions {
  /** Inferred from the shapes if absent; false where they fit both. */
  readonly batch_first?: boolean;
  /** float64 if absent. */
  readonly compute?: Compute;
  /** Keeps h, c and the gates of every step, layer and direction; false if absent. */
  readonly trace?: boolean;
  readonly speed?: SpeedOptions;
  readonly onProgress?: ForwardOptions['onProgress'];
}

/** What comes out, in the same layout; in float64, or float32 where that was computed in. */
export interface OutputTensors {
  /** [T, B, directions·size] or as the input is laid out; zero beyond a row's length. A Cell's one step has none. */
  readonly output?: Tensor;
  /** [num_layers·directions, B, proj_size or hidden_size], of a Cell [B, hidden_size] */
  readonly h_n: Tensor;
  /** [num_layers·directions, B, hidden_size], of a Cell [B, hidden_size]; LSTM only */
  readonly c_n?: Tensor;
  /**
   * Where it was asked for: `layer0.forward.h` [steps, batch, proj_size or hidden_size], and `.c` and the gates
   * (`.r .z .n` or `.i .f .g .o`) [steps, batch, hidden_size], of every layer and direction. Time first, always with a
   * batch, zero beyond a row's length.
   */
  readonly trace?: Readonly<Record<string, Tensor>>;
}

/**
 * Runs the module of a state_dict over an input, in evaluation mode, as torch.nn.RNN, GRU, LSTM and their Cells do
 * (https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers).
 * @throws CellcheckError where the weights are none of one module, or the input doesn't fit it
 */
export async function forward(
  weights: StateDict,
  inputs: Inputs,
  options: RunOptions = {},
): Promise<OutputTensors> {
  const { onProgress, trace, speed, ...said } = options;
  checkOptions(said);
  const boundCase = bind(
    describeModule(weights.specs, options),
    caseOf(weights, { ...inputs }),
    options.batch_first,
  );
  const { compute = 'float64' } = options;
  const outputs = await forwardInThreads(boundCase.network, boundCase.sequence, {
    compute,
    speed,
    trace,
    onProgress,
  });
  return tensorsOf(outputs, boundCase, compute);
}

/** Outputs in the layout of the input that they were bound to. */
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
