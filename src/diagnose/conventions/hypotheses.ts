import { KINDS } from '../../kinds.js';
import type { Sequence } from '../../module/bind.js';
import { layerInputSize, type Module, outputSize } from '../../module/parameters.js';
import type { Variant } from './variant.js';

/** One way in which the other program may differ, in words, and what to do about it. */
export interface Hypothesis {
  /** Short, and the only one of its name. */
  readonly name: string;
  readonly change: Variant;
  /** What the reference did: a sentence. */
  readonly says: string;
  /** What to do. */
  readonly remedy: string;
  /** So rare that nobody need try it beside another. */
  readonly alone?: true;
}

/** A hypothesis, and the modules and sequences that it makes sense for. */
interface Entry extends Hypothesis {
  readonly when?: (module: Module, sequence: Pick<Sequence, 'lengths'>) => boolean;
}

const gru = ({ kind }: Module) => kind === 'GRU';
const lstm = ({ kind }: Module) => kind === 'LSTM';
const gated = ({ kind }: Module) => KINDS[kind].gates.length > 1;
const two = ({ bidirectional }: Module) => bidirectional;
const stacked = ({ num_layers }: Module) => num_layers > 1;
const deep = (module: Module) => stacked(module) && two(module);
const square = ({ proj_size }: Module) => proj_size === 0;

/** The orders of row blocks in other programs; the others are tried as well. */
const KNOWN_ORDERS: Readonly<Record<string, string>> = {
  iofg: 'ONNX',
  igfo: 'TensorFlow 1, CNTK, Haste',
  ifog: 'Caffe, Caffe2, Lua Torch, DL4J',
  figo: 'OpenVINO',
  gifo: 'Chainer, where it is interleaved too',
  zrn: 'Keras, ONNX',
};

const spaced = (order: string) => [...order].join(' ');

function orderEntry(gates: string, order: string, orderOf?: Variant['orderOf']): Entry {
  const known = KNOWN_ORDERS[order] ? ` (${KNOWN_ORDERS[order]})` : '';
  const where = {
    all: 'weight_ih, weight_hh and the biases',
    weights: 'weight_ih and weight_hh, but not the biases,',
    weight_ih: 'weight_ih alone',
    weight_hh: 'weight_hh alone',
    biases: 'the biases alone',
  }[orderOf ?? 'all'];
  const tensors = {
    all: 'each of them',
    weights: 'the two',
    weight_ih: 'it',
    weight_hh: 'it',
    biases: 'them',
  };
  const blocks = [...gates].map((gate) => order.indexOf(gate)).join(', ');
  return {
    name: `order ${order}${orderOf ? `, ${orderOf}` : ''}`,
    change: { order, orderOf },
    says: `the row blocks of ${where} are in the order ${spaced(order)}${known}, not ${spaced(gates)}`,
    remedy: `put the row blocks of ${tensors[orderOf ?? 'all']} into the order ${spaced(gates)} (PyTorch): blocks ${blocks}`,
    when: ({ kind }) => KINDS[kind].gates.join('') === gates,
  };
}

function permutations(text: string): string[] {
  if (text.length < 2) return [text];
  return [...text].flatMap((first, i) =>
    permutations(text.slice(0, i) + text.slice(i + 1)).map((rest) => first + rest),
  );
}

const named = (gates: string) =>
  Object.keys(KNOWN_ORDERS).filter((order) => [...order].sort().join('') === [...gates].sort().join(''));
const LSTM_GATES = KINDS.LSTM.gates.join('');
const GRU_GATES = KINDS.GRU.gates.join('');

const resetBefore: Variant = { reset: 'before' };
const RESET_REMEDY =
  'in the port, multiply r with W_hn h + b_hn (ONNX: linear_before_reset = 1; Keras: reset_after=True)';

/** By how often people meet them, the cheaper to mend first where that is alike. */
const ENTRIES: readonly Entry[] = [
  ...named(LSTM_GATES).map((order) => orderEntry(LSTM_GATES, order)),
  ...named(GRU_GATES).map((order) => orderEntry(GRU_GATES, order)),
  {
    name: 'reset before',
    change: resetBefore,
    says: 'the reset gate acts on h before the product, W_hn (r h) + b_hn, not after it, r (W_hn h + b_hn)',
    remedy: RESET_REMEDY,
    when: gru,
  },
  {
    name: 'update exchanged',
    change: { updateExchanged: true },
    says: "the update gate is taken the other way round: h' = z n + (1 − z) h",
    remedy: "in the port, h' = (1 − z) n + z h; or change the sign of W_iz, W_hz, b_iz and b_hz",
    when: gru,
  },
  {
    name: 'order zrn, reset before',
    change: { order: 'zrn', ...resetBefore },
    says: 'the row blocks are in the order z r n (Keras, ONNX), and the reset gate acts before the product',
    remedy: `put the row blocks into the order r z n (PyTorch): blocks 1, 0, 2; and ${RESET_REMEDY}`,
    when: gru,
  },
  {
    name: 'reset before, update exchanged',
    change: { ...resetBefore, updateExchanged: true },
    says: "the reset gate acts before the product, and h' = z n + (1 − z) h",
    remedy: `${RESET_REMEDY}; and h' = (1 − z) n + z h`,
    when: gru,
  },
  {
    name: 'reset without bias',
    change: { reset: 'without bias' },
    says: 'b_hn is added outside of the reset: r (W_hn h) + b_hn, not r (W_hn h + b_hn)',
    remedy: 'keep b_hn apart from b_in, and add it before r is multiplied',
    when: gru,
  },
  {
    name: 'reset none',
    change: { reset: 'none' },
    says: 'the reset gate is not used',
    remedy: 'multiply W_hn h + b_hn with r',
    when: gru,
  },
  {
    name: 'reset all',
    change: { reset: 'all' },
    says: 'the reset gate acts on the whole sum: r (W_in x + b_in + W_hn h + b_hn)',
    remedy: 'multiply only W_hn h + b_hn with r',
    when: gru,
  },
  {
    name: 'biases ih',
    change: { biases: 'ih' },
    says: 'bias_hh is missing: only bias_ih was added',
    remedy: 'add bias_hh too (one bias for both is bias_ih + bias_hh; a GRU needs b_hn apart)',
  },
  {
    name: 'biases hh',
    change: { biases: 'hh' },
    says: 'bias_ih is missing: only bias_hh was added',
    remedy: 'add bias_ih too',
  },
  {
    name: 'biases none',
    change: { biases: 'none' },
    says: 'both biases are missing',
    remedy: 'load bias_ih and bias_hh',
  },
  {
    name: 'biases doubled',
    change: { biases: 'doubled' },
    says: 'both biases were added twice',
    remedy: 'add each of them once: their sum may have been given to both',
  },
  {
    name: 'biases ih twice',
    change: { biases: 'ih twice' },
    says: 'bias_ih was added twice, and bias_hh never',
    remedy: 'load bias_hh into its own place',
  },
  {
    name: 'biases exchanged',
    change: { biases: 'exchanged' },
    says: 'bias_ih and bias_hh are taken for each other',
    remedy: 'load each of them into its own place',
    when: gru,
  },
  {
    name: 'reverse in its own order',
    change: { reverse: 'in its own order' },
    says: 'the reverse direction stands in the order in which it was computed, the last step first',
    remedy: "turn the reverse direction's output round in time, within each row's length",
    when: two,
  },
  {
    name: 'reverse written first',
    change: { reverse: 'written first' },
    says: "the reverse direction's units stand before the forward ones",
    remedy: 'concatenate forward and reverse, in this order',
    when: two,
  },
  {
    name: 'reverse interleaved',
    change: { reverse: 'interleaved' },
    says: 'units of both directions alternate',
    remedy: "concatenate all of forward's units and then all of reverse's",
    when: two,
  },
  ...(['in its own order', 'written first', 'interleaved'] as const).map(
    (reverse): Entry => ({
      name: `reverse ${reverse}, last layer`,
      change: { reverse, reverseIn: 'last layer' },
      says: {
        'in its own order':
          "the last layer's reverse direction stands in the order in which it was computed, the last step first",
        'written first': "the last layer's reverse units stand before the forward ones",
        interleaved: "the last layer's units of both directions alternate",
      }[reverse],
      remedy: "bring only the last layer's output into PyTorch's order; those below are right",
      when: deep,
    }),
  ),
  {
    name: 'reverse forward too',
    change: { reverse: 'forward too' },
    says: 'the reverse direction runs forward as well',
    remedy: "run the second direction from each row's last step to its first",
    when: two,
  },
  {
    name: 'reverse weights of forward',
    change: { reverse: 'weights of forward' },
    says: "the reverse direction has the forward one's weights",
    remedy: 'load the tensors that end in _reverse',
    when: two,
  },
  {
    name: 'reverse weights exchanged',
    change: { reverse: 'weights exchanged' },
    says: "the directions have each other's weights",
    remedy: 'load the tensors that end in _reverse into the reverse direction',
    when: two,
  },
  {
    name: 'h_0 zero',
    change: { state: 'h_0 = 0' },
    says: 'h_0 was ignored: h began from zeros',
    remedy: 'pass the initial state on',
  },
  {
    name: 'c_0 zero',
    change: { state: 'c_0 = 0' },
    says: 'c_0 was ignored: c began from zeros',
    remedy: 'pass the initial cell state on',
    when: lstm,
  },
  {
    name: 'h_0 and c_0 zero',
    change: { state: 'both 0' },
    says: 'h_0 and c_0 were ignored: both began from zeros',
    remedy: 'pass the initial states on',
    when: lstm,
  },
  {
    name: 'h_0 and c_0 exchanged',
    change: { state: 'exchanged' },
    says: 'h_0 and c_0 are taken for each other',
    remedy: 'pass (h_0, c_0) in this order',
    when: (module) => lstm(module) && square(module),
  },
  {
    name: 'c_0 is h_0',
    change: { state: 'c_0 = h_0' },
    says: 'c began from h_0',
    remedy: 'pass c_0 on as the cell state',
    when: (module) => lstm(module) && square(module),
  },
  {
    name: 'states direction first',
    change: { state: 'direction first' },
    says: 'the initial states are taken by direction and then by layer',
    remedy: 'their order is layer 0 forward, layer 0 reverse, layer 1 forward, …',
    when: deep,
  },
  {
    name: 'states layers reversed',
    change: { state: 'layers reversed' },
    says: 'the initial states are taken from the last layer to the first',
    remedy: 'their order is layer 0 forward, layer 0 reverse, layer 1 forward, …',
    when: stacked,
  },
  {
    name: 'states first for all',
    change: { state: 'first for all' },
    says: 'every layer and direction began from the state of the first',
    remedy: 'give each layer and direction its own initial state',
    when: (module) => stacked(module) || two(module),
  },
  {
    name: 'axes exchanged',
    change: { axes: 'exchanged' },
    says: 'batch and time are taken for each other: the recurrence ran along the batch',
    remedy: 'check batch_first, or swap the first two axes of the input',
  },
  {
    name: 'lengths ignored',
    change: { lengths: 'ignored' },
    says: 'lengths were ignored: the network ran over the padding',
    remedy: 'pack the padded sequence (pack_padded_sequence), or give the lengths to the runtime',
    when: (_, { lengths }) => lengths !== undefined,
  },
  {
    name: 'input reversed',
    change: { inputOrder: 'reversed' },
    says: 'the input ran backwards in time',
    remedy: 'check go_backwards, or a flipped input',
  },
  {
    name: 'output reversed',
    change: { outputOrder: 'reversed' },
    says: 'the output stands backwards in time',
    remedy: 'turn the output round in time',
  },
  {
    name: 'input and output reversed',
    change: { inputOrder: 'reversed', outputOrder: 'reversed' },
    says: 'the network ran over the input from its end, as a reverse direction does',
    remedy: 'run it forward; or is this the reverse direction of another module?',
  },
  {
    name: 'input early',
    change: { inputShift: 'early' },
    says: 'every step took the input of the step after it',
    remedy: 'begin with the first step of the input',
  },
  {
    name: 'input late',
    change: { inputShift: 'late' },
    says: 'every step took the input of the step before it',
    remedy: 'do not put a step before the input',
  },
  {
    name: 'output late',
    change: { outputShift: 'late' },
    says: 'the output is one step late: it begins with the initial state',
    remedy: 'leave the initial state out of the output',
  },
  {
    name: 'output early',
    change: { outputShift: 'early' },
    says: 'the output is one step early: it lacks its first step',
    remedy: 'keep the first step of the output',
  },
  {
    name: 'batch reversed',
    change: { batchOrder: 'reversed' },
    says: 'the batch rows stand in the opposite order',
    remedy: 'undo the sorting of the batch',
  },
  {
    name: 'finals direction first',
    change: { finals: 'direction first' },
    says: 'h_n and c_n go by direction and then by layer',
    remedy: 'their order is layer 0 forward, layer 0 reverse, layer 1 forward, …',
    when: deep,
  },
  {
    name: 'finals layers reversed',
    change: { finals: 'layers reversed' },
    says: 'h_n and c_n go from the last layer to the first',
    remedy: 'their order is layer 0 forward, layer 0 reverse, layer 1 forward, …',
    when: stacked,
  },
  {
    name: 'finals exchanged',
    change: { finals: 'exchanged' },
    says: 'h_n and c_n are taken for each other',
    remedy: 'an LSTM returns (h_n, c_n), in this order',
    when: (module) => lstm(module) && square(module),
  },
  {
    name: 'finals of the last step',
    change: { finals: 'of the last step' },
    says: "h_n was taken from the output's last step",
    remedy:
      "h_n of the reverse direction is its output at step 0, and of a shorter row that at its length's end",
    when: (module, { lengths }) => two(module) || lengths !== undefined,
  },
  {
    name: 'hard sigmoid 0.2',
    change: { gateActivation: 'hard 0.2' },
    says: 'gates go through the hard sigmoid 0.2 x + 0.5 (Keras before 2.3, ONNX HardSigmoid)',
    remedy: 'use the sigmoid (Keras: recurrent_activation="sigmoid")',
    when: gated,
  },
  {
    name: 'hard sigmoid 1/6',
    change: { gateActivation: 'hard 1/6' },
    says: 'gates go through the hard sigmoid x / 6 + 0.5',
    remedy: 'use the sigmoid',
    when: gated,
  },
  {
    name: 'forget bias',
    change: { forgetBias: 1 },
    says: 'a forget_bias of 1 was added to f while it ran (TensorFlow 1)',
    remedy: 'set forget_bias=0, or subtract 1 from b_f',
    when: lstm,
  },
  {
    name: 'order igfo, forget bias',
    change: { order: 'igfo', forgetBias: 1 },
    says: 'the row blocks are in the order i g f o, and a forget_bias of 1 is added to f (TensorFlow 1)',
    remedy: 'put the row blocks into the order i f g o (PyTorch): blocks 0, 2, 1, 3; and set forget_bias=0',
    when: lstm,
  },
  {
    name: 'W_hh transposed',
    change: { weightHh: 'transposed' },
    says: "each gate's W_hh is transposed",
    remedy: 'transpose each block of weight_hh (Keras keeps its kernels transposed)',
    when: square,
  },
  {
    name: 'W_hh reshaped',
    change: { weightHh: 'reshaped' },
    says: 'weight_hh was reshaped where it should have been transposed',
    remedy: 'transpose it (.T), and do not reshape it',
  },
  {
    name: 'W_ih reshaped',
    change: { weightIh: 'reshaped' },
    says: 'weight_ih was reshaped where it should have been transposed',
    remedy: 'transpose it (.T), and do not reshape it',
  },
  {
    name: 'W_ih transposed',
    change: { weightIh: 'transposed' },
    says: "each gate's W_ih is transposed",
    remedy: 'transpose each block of weight_ih',
    when: ({ input_size, hidden_size }) => input_size === hidden_size,
  },
  {
    name: 'interleaved',
    change: { interleaved: true },
    says: "rows go unit by unit, and a unit's gates stand together",
    remedy: 'reshape [hidden, gates, …] to [gates, hidden, …]',
    when: gated,
  },
  ...(['relu', 'tanh', 'sigmoid', 'identity'] as const).map(
    (activation): Entry => ({
      name: `activation ${activation}`,
      change: { activation },
      says:
        activation === 'identity'
          ? 'there is no activation in the place of tanh or relu'
          : `${activation} stands in the place of the activation`,
      remedy: 'check the nonlinearity (of an RNN: --nonlinearity)',
      when: ({ nonlinearity }) => activation !== nonlinearity,
    }),
  ),
  {
    name: 'output without tanh',
    change: { outputActivation: 'none' },
    says: "h' = o c, without the tanh",
    remedy: "h' = o tanh(c')",
    when: lstm,
  },
  {
    name: 'i is 1 − f',
    change: { coupled: 'i = 1 − f' },
    says: 'the input gate is coupled: i = 1 − f',
    remedy: 'compute i from its own rows',
    when: lstm,
  },
  {
    name: 'f is 1 − i',
    change: { coupled: 'f = 1 − i' },
    says: 'the forget gate is coupled: f = 1 − i',
    remedy: 'compute f from its own rows',
    when: lstm,
  },
  {
    name: 'no forget gate',
    change: { forget: 'none' },
    says: "there is no forget gate: c' = c + i g",
    remedy: "c' = f c + i g",
    when: lstm,
  },
  {
    name: 'no recurrence',
    change: { carry: 'none' },
    says: 'every step begins from the initial state: nothing is handed on',
    remedy: 'feed the state of a step to the next one',
  },
  {
    name: 'h not carried',
    change: { carry: 'no h' },
    says: 'h is not handed on from step to step',
    remedy: 'feed h of a step to the next one',
    when: lstm,
  },
  {
    name: 'c not carried',
    change: { carry: 'no c' },
    says: 'c is not handed on from step to step',
    remedy: 'feed c of a step to the next one',
    when: lstm,
  },
  {
    name: 'stateful',
    change: { stateful: true },
    says: 'the run began from the states that the run before it ended with',
    remedy: 'reset the states between runs',
  },
  {
    name: 'first layer only',
    change: { layers: 'first only' },
    says: "the output is the first layer's",
    remedy: 'run all layers',
    when: stacked,
  },
  {
    name: 'first layer shared',
    change: { layers: 'first shared' },
    says: "every layer has the first one's weights",
    remedy: 'load the tensors that end in _l1, _l2, …',
    when: (module) =>
      module.num_layers > 2 || (stacked(module) && layerInputSize(module, 1) === module.input_size),
  },
  ...[
    { gates: LSTM_GATES, orders: ['iofg', 'igfo'] },
    { gates: GRU_GATES, orders: ['zrn'] },
  ].flatMap(({ gates, orders }) =>
    (['weights', 'biases', 'weight_hh', 'weight_ih'] as const).flatMap((orderOf) =>
      orders.map((order) => orderEntry(gates, order, orderOf)),
    ),
  ),
  ...[LSTM_GATES, GRU_GATES].flatMap((gates) =>
    permutations(gates)
      .filter((order) => order !== gates && !KNOWN_ORDERS[order])
      .map((order) => orderEntry(gates, order)),
  ),
  ...[LSTM_GATES, GRU_GATES].flatMap((gates) =>
    [...gates].flatMap((gate) =>
      [...gates]
        .filter((from) => from !== gate)
        .map(
          (from): Entry => ({
            name: `hidden ${gate} from ${from}`,
            change: { hiddenFrom: [gate, from] },
            says: `the gate ${gate} takes the hidden part of ${from}: W_h${from} h + b_h${from}`,
            remedy: `take W_h${gate} h + b_h${gate} for ${gate}`,
            when: ({ kind }) => KINDS[kind].gates.join('') === gates,
            alone: true,
          }),
        ),
    ),
  ),
  {
    name: 'weights float16',
    change: { quantised: 'F16' },
    says: 'the weights were rounded to float16',
    remedy: 'compare with the weights that were used, or say --profile f16',
  },
  {
    name: 'weights bfloat16',
    change: { quantised: 'BF16' },
    says: 'the weights were rounded to bfloat16',
    remedy: 'compare with the weights that were used, or say --profile bf16',
  },
  {
    name: 'weights int8',
    change: { quantised: 'int8' },
    says: 'the weights were quantised to 8 bits, a scale for each tensor',
    remedy: 'compare with the dequantised weights, or accept what 8 bits cost with --atol',
  },
  {
    name: 'products TF32',
    change: { operands: 'tf32' },
    says: 'products round their operands to TF32',
    remedy: 'export with torch.backends.cudnn.allow_tf32 = False, or on a CPU; or say --profile tf32',
  },
];

/** All that makes sense for a case, the likeliest first. */
export function hypothesesFor(module: Module, sequence: Pick<Sequence, 'lengths'>): readonly Hypothesis[] {
  return ENTRIES.filter(({ when }) => when?.(module, sequence) ?? true);
}

/** What an input has so little of that causes look alike, and what would tell them apart. */
export function separators(
  module: Module,
  { steps, batch, input, h0, c0 }: Sequence,
  biases: readonly (Float64Array | Float32Array | undefined)[],
): string[] {
  const zero = (values: Float64Array | Float32Array | undefined) => !values?.some((value) => value !== 0);
  const width = module.input_size * batch;
  const constant = steps > 1 && input.every((value, i) => i < width || value === input[i - width]);
  const missing: readonly [boolean, string][] = [
    [zero(h0), 'an h_0 that is not zero'],
    [lstm(module) && zero(c0), 'a c_0 that is not zero'],
    [steps === 1, 'more than one step'],
    [batch === 1, 'more than one batch row'],
    [biases.every(zero), 'biases that are not zero'],
    [outputSize(module) === 1, 'more than one hidden unit'],
    [constant, 'an input that changes over time'],
    [steps > 1 && steps === batch, 'another number of steps than of batch rows'],
  ];
  return missing.flatMap(([lacks, what]) => (lacks ? [what] : []));
}
