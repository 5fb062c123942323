import type { Compute, OnProgress, SpeedOptions } from './engine/options.js';
import { type OutputTensors, tensorsOf } from './engine/outputs.js';
import { bind } from './module/bind.js';
import { caseOf, checkArguments, checkOptions, checkStateDict } from './module/case.js';
import { type DescribeOptions, describeModule } from './module/describe.js';
import type { StateDict } from './tensor/state-dict.js';
import type { Tensor } from './tensor/tensor.js';
import { forwardInThreads } from './threads/forward.js';

/** The inputs of a module, in the shapes of PyTorch's documentation. */
export interface Inputs {
  /** [T, B, input_size], with batch_first [B, T, input_size], unbatched [T, input_size]; for a Cell also one step */
  readonly input: Tensor;
  /** [num_layers·directions, B, proj_size or hidden_size], for a Cell [B, hidden_size]; zeros if absent */
  readonly h_0?: Tensor;
  /** [num_layers·directions, B, hidden_size], for a Cell [B, hidden_size]; LSTM only, and only together with h_0 */
  readonly c_0?: Tensor;
  /** [B]: the valid steps of every batch row, as for pack_padded_sequence; all if absent */
  readonly lengths?: Tensor;
}

export interface RunOptions extends DescribeOptions {
  /** Inferred from the shapes if absent; false if both values fit them. */
  readonly batch_first?: boolean;
  /** float64 if absent. */
  readonly compute?: Compute;
  /** Keeps h, c and the gates of every step, layer and direction; false if absent. */
  readonly trace?: boolean;
  readonly speed?: SpeedOptions;
  readonly onProgress?: OnProgress;
}

/**
 * Runs the module of a state_dict over an input, in evaluation mode, as torch.nn.RNN, GRU, LSTM and their Cells do
 * (https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers).
 * @throws CellcheckError if the weights are not those of one module, or the input doesn't fit it
 */
export async function forward(
  weights: StateDict,
  inputs: Inputs,
  options: RunOptions = {},
): Promise<OutputTensors> {
  checkStateDict(weights);
  const loaded = caseOf(weights, { ...inputs });
  checkArguments(loaded, options);
  const { onProgress, trace, speed, ...checked } = options;
  checkOptions(checked);
  const boundCase = bind(describeModule(loaded.weights.specs, options), loaded, options.batch_first);
  const { compute = 'float64' } = options;
  const outputs = await forwardInThreads(boundCase.network, boundCase.sequence, {
    compute,
    speed,
    trace,
    onProgress,
  });
  return tensorsOf(outputs, boundCase, compute);
}
