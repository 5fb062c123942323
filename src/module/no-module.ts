import { CellcheckError, printable } from '../errors.js';
import type { TensorSpec } from '../tensor/tensor.js';
import { lookalikeHints } from './lookalikes.js';

/** Names that show where tensors come from, and what they need to be a state_dict. */
const ORIGINS: readonly { readonly names: RegExp; readonly hints: readonly string[] }[] = [
  {
    names: /(?:^|[./])h[ifgo][./]kernel$|(?:^|[./])i[ifgo][./]kernel$/,
    hints: [
      'These look like Flax names: hi, hf, hg, ho and ii, if, ig, io are one kernel a gate. weight_hh_l0 stacks the',
      'transposed h kernels in the order i f g o, weight_ih_l0 the i kernels; the biases of h are bias_hh_l0.',
    ],
  },
  {
    names: /kernel/i,
    hints: [
      'These look like Keras names: weight_ih_l0 is the transposed kernel, weight_hh_l0 the transposed recurrent',
      'kernel; a GRU has its gates in another order (z r h), and its bias [2, 3·units] is bias_ih and bias_hh.',
    ],
  },
  {
    names: /(?:^|[./])(?:Wx|Wh|bhn)$/,
    hints: [
      'These look like MLX names: Wx is weight_ih_l0, Wh is weight_hh_l0, and bias is the sum of both biases; a GRU',
      'has a further bias bhn for the gate n.',
    ],
  },
  {
    names: /^onnx::|(^|[./])[WRB]$/,
    hints: [
      'These look like ONNX names (W, R, B): its gate order is i o f c (LSTM) and z r h (GRU), and B joins both',
      'biases. Give the .onnx file itself: cellcheck reads it.',
    ],
  },
  {
    names: /flat_weights|opaque_kernel|cudnn/i,
    hints: [
      "These look like cuDNN's weights, which are all parameters in one tensor, in an order of cuDNN's own. Save the",
      'state_dict of the nn.LSTM, GRU or RNN instead.',
    ],
  },
  {
    names: /parametrizations\..*\.original$|weight_\w+_orig$/,
    hints: [
      'These look like a parametrization or a pruned module: make it permanent before saving the state_dict',
      '(torch.nn.utils.parametrize.remove_parametrizations, torch.nn.utils.prune.remove).',
    ],
  },
];

/** The error for a state_dict without a module. The names in it may show where it comes from. */
export function noModule(specs: ReadonlyMap<string, TensorSpec>): CellcheckError {
  const names = [...specs.keys()];
  const origin = ORIGINS.find((candidate) => names.some((name) => candidate.names.test(name)));
  const firstNames = names.slice(0, 6).map(printable).join(', ');
  return new CellcheckError({
    problem:
      'holds no recurrent module: no tensor is named weight_ih_l0 or weight_hh_l0 (weight_ih for a Cell)',
    hints: [
      ...(origin?.hints ?? lookalikeHints(specs)),
      names.length ? `It holds ${firstNames}${names.length > 6 ? ', …' : ''}.` : 'It holds no tensors.',
    ],
  });
}
