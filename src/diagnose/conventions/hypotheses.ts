import { KINDS } from '../../kinds.js';
import type { Sequence } from '../../module/bind.js';
import { directionsOf, type Module, outputSize } from '../../module/parameters.js';
import type { Floats } from '../../tensor/dtype.js';
import { gateEntries } from './gate-hypotheses.js';
import { type Entry, type Hypothesis, permutations, type Shape } from './hypothesis.js';
import type { Variant } from './variant.js';

// To add a convention:
// 1. Add an entry to ENTRIES, which is ordered by likelihood. Its `change` says what the other program does.
// 2. If no field of Variant says that yet, add a field, or a value of a field, in variant.ts. The heading above the field
//    names the file in which it takes effect. Most of these files have a table with one function per value, which does
//    not compile until the new value is in it.
// 3. Run test/diagnose/conventions/: hypotheses.test.ts computes a reference with each entry, and expects the search to
//    name the entry. Add the numbers that the change gives to the test of the file in which it takes effect.

const isGru = ({ kind }: Module) => kind === 'GRU';
const isLstm = ({ kind }: Module) => kind === 'LSTM';
const hasGates = ({ kind }: Module) => KINDS[kind].gates.length > 1;
const isBidirectional = ({ bidirectional }: Module) => bidirectional;
const hasLayers = ({ num_layers }: Module) => num_layers > 1;
const hasBidirectionalLayers = (module: Module) => hasLayers(module) && isBidirectional(module);
const isSquare = (module: Module) => module.input_size === outputSize(module) && module.num_layers === 1;
const hasRows = (_: Module, { steps, batch }: Shape) => steps > 1 && batch > 1;
const hasNoProjection = ({ proj_size }: Module) => proj_size === 0;

/** The orders of row blocks in other programs, and how these take a matrix. All other permutations are tried later. */
const KNOWN_ORDERS: Readonly<Record<string, { readonly by: string; readonly take?: string }>> = {
  iofg: { by: 'ONNX', take: 'matrices with [np.newaxis] for ONNX' },
  igfo: { by: 'TensorFlow 1, CNTK, Haste', take: 'matrices with .T for TensorFlow' },
  ifog: { by: 'Caffe, Caffe2, Lua Torch, DL4J' },
  figo: { by: 'OpenVINO', take: 'matrices with [np.newaxis] for OpenVINO' },
  gifo: { by: 'Chainer, which also interleaves the rows' },
  zrn: { by: 'Keras, ONNX', take: 'matrices with .T for Keras, with [np.newaxis] for ONNX' },
};

/** `i f g o` */
const spaced = (order: string) => [...order].join(' ');

/** Where each gate of one order is in another one: `0, 3, 1, 2` */
const placesOf = (gates: string, order: string) => [...gates].map((gate) => order.indexOf(gate)).join(', ');

/** A line of NumPy that puts the row blocks of w into the order that a port reads. */
function reordered(gates: string, order: string): string {
  return `np.concatenate([np.split(w, ${gates.length})[i] for i in (${placesOf(order, gates)})])`;
}

/** How a port comes by the blocks that it reads in some order; and the file by PyTorch's, if it is what is wrong. */
function reorderRemedy(tensors: string, gates: string, order: string): string {
  const take = tensors.includes('bias') ? undefined : KNOWN_ORDERS[order]?.take;
  const back = placesOf(gates, order);
  return [
    `reorder the row blocks of ${tensors} before the port takes them: ${reordered(gates, order)}`,
    ...(take ? [`, ${take}`] : []),
    // The other way round is the same where blocks are only exchanged.
    ...(back === placesOf(order, gates)
      ? []
      : [`; or, where the file is not in PyTorch's order, by (${back})`]),
  ].join('');
}

/** An entry for row blocks in another order, in all tensors or in some of them. */
function orderEntry(gates: string, order: string, orderOf?: Variant['orderOf']): Entry {
  const known = KNOWN_ORDERS[order] ? ` (${KNOWN_ORDERS[order].by})` : '';
  const where = {
    all: 'weight_ih, weight_hh and the biases',
    weights: 'weight_ih and weight_hh, but not the biases,',
    weight_ih: 'weight_ih alone',
    weight_hh: 'weight_hh alone',
    biases: 'the biases alone',
  }[orderOf ?? 'all'];
  const tensors = {
    all: 'each of them',
    weights: 'both weights',
    weight_ih: 'weight_ih',
    weight_hh: 'weight_hh',
    biases: 'both biases',
  }[orderOf ?? 'all'];
  return {
    name: `order ${order}${orderOf ? `, ${orderOf}` : ''}`,
    change: { order, orderOf },
    says: `the row blocks of ${where} are in the order ${spaced(order)}${known}, not ${spaced(gates)}`,
    remedy: reorderRemedy(tensors, gates, order),
    when: ({ kind }) => KINDS[kind].gates.join('') === gates,
  };
}

const ordersOf = (gates: string) => permutations([...gates]).map((order) => order.join(''));

const LSTM_GATES = KINDS.LSTM.gates.join('');
const GRU_GATES = KINDS.GRU.gates.join('');

/** The known orders of these gates. */
function knownOrders(gates: string): string[] {
  const orders = ordersOf(gates);
  return Object.keys(KNOWN_ORDERS).filter((order) => orders.includes(order));
}

const resetBefore: Variant = { reset: 'before' };
const RESET_REMEDY =
  'in the port, multiply W_hn h + b_hn by r (ONNX: linear_before_reset = 1; Keras: reset_after=True)';

/** How programs take two biases. */
const BOTH_BIASES =
  "b = bias_ih + bias_hh where there is one, in a GRU with b_hn apart, each in the port's order of gates (ONNX: B = np.concatenate([bias_ih, bias_hh])[np.newaxis]; Keras GRU: np.stack([bias_ih, bias_hh]); Equinox: bias_n; MLX: bhn)";

const inOrder = (states: string) =>
  `put ${states} into the order layer 0 forward, layer 0 reverse, layer 1 forward, …`;

/** The most frequent first; of equally frequent ones, those that are easier to fix first. */
const ENTRIES: readonly Entry[] = [
  ...knownOrders(LSTM_GATES).map((order) => orderEntry(LSTM_GATES, order)),
  ...knownOrders(GRU_GATES).map((order) => orderEntry(GRU_GATES, order)),
  {
    name: 'reset before',
    change: resetBefore,
    says: 'the reset gate acts on h before the product, W_hn (r h) + b_hn, not after it, r (W_hn h + b_hn)',
    remedy: RESET_REMEDY,
    when: isGru,
  },
  {
    name: 'update exchanged',
    change: { updateExchanged: true },
    says: "the update gate has the opposite meaning: h' = z n + (1 − z) h",
    remedy: "in the port, compute h' = (1 − z) n + z h; or negate W_iz, W_hz, b_iz and b_hz",
    when: isGru,
  },
  {
    name: 'order zrn, reset before',
    change: { order: 'zrn', ...resetBefore },
    says: 'the row blocks are in the order z r n (Keras, ONNX), and the reset gate acts before the product',
    remedy: `${reorderRemedy('each of them', GRU_GATES, 'zrn')}; and ${RESET_REMEDY}`,
    when: isGru,
  },
  {
    name: 'reset before, update exchanged',
    change: { ...resetBefore, updateExchanged: true },
    says: "the reset gate acts before the product, and h' = z n + (1 − z) h",
    remedy: `${RESET_REMEDY}; and compute h' = (1 − z) n + z h`,
    when: isGru,
  },
  {
    name: 'reset without bias',
    change: { reset: 'without bias' },
    says: 'b_hn is added outside of the reset: r (W_hn h) + b_hn, not r (W_hn h + b_hn)',
    remedy: 'keep b_hn separate from b_in, and add it before the multiplication by r',
    when: isGru,
  },
  {
    name: 'reset none',
    change: { reset: 'none' },
    says: 'the reset gate is not used',
    remedy: 'multiply W_hn h + b_hn by r',
    when: isGru,
  },
  {
    name: 'reset all',
    change: { reset: 'all' },
    says: 'the reset gate acts on the whole sum: r (W_in x + b_in + W_hn h + b_hn)',
    remedy: 'multiply only W_hn h + b_hn by r',
    when: isGru,
  },
  {
    name: 'b_hn twice',
    change: { reset: 'bias twice' },
    says: 'b_hn is added twice: within the reset, and outside of it',
    remedy: 'add b_hn within the reset alone: the bias beside W_in x is b_in',
    when: isGru,
  },
  {
    name: 'biases ih',
    change: { biases: 'ih' },
    says: 'bias_hh is missing: only bias_ih was added',
    remedy: `add bias_hh too: ${BOTH_BIASES}`,
  },
  {
    name: 'biases hh',
    change: { biases: 'hh' },
    says: 'bias_ih is missing: only bias_hh was added',
    remedy: `add bias_ih too: ${BOTH_BIASES}`,
  },
  {
    name: 'biases none',
    change: { biases: 'none' },
    says: 'both biases are missing',
    remedy: `load bias_ih and bias_hh: ${BOTH_BIASES}`,
  },
  {
    name: 'biases doubled',
    change: { biases: 'doubled' },
    says: 'both biases were added twice',
    remedy: 'add each of them once: both may have been set to their sum',
  },
  {
    name: 'biases ih twice',
    change: { biases: 'ih twice' },
    says: 'bias_ih was added twice, and bias_hh never',
    remedy: 'load bias_hh as the second bias',
  },
  {
    name: 'biases exchanged',
    change: { biases: 'exchanged' },
    says: 'bias_ih and bias_hh are swapped',
    remedy: 'add bias_ih to W_ih x, and bias_hh to W_hh h',
    when: isGru,
  },
  {
    name: 'first step without b_hn',
    change: { firstStep: 'no b_hn' },
    says: 'the first step, where there is no state yet, leaves out b_hn',
    remedy: 'add b_hn in the first step too, as with a state of zeros (in MLX, pass a state of zeros)',
    when: isGru,
    alone: true,
  },
  {
    name: 'first step without hidden part',
    change: { firstStep: 'no hidden part' },
    says: 'the first step, where there is no state yet, leaves out W_hh h + b_hh',
    remedy: 'add b_hh in the first step too, as with a state of zeros',
    alone: true,
  },
  {
    name: 'reverse in its own order',
    change: { reverse: 'in its own order' },
    says: "the reverse direction's output is in the order in which it was computed, the last step first",
    remedy: "flip the reverse direction's output in time, within each row's length",
    when: isBidirectional,
  },
  {
    name: 'reverse written first',
    change: { reverse: 'written first' },
    says: "the reverse direction's units come before the forward direction's",
    remedy: 'concatenate forward and reverse, in this order',
    when: isBidirectional,
  },
  {
    name: 'reverse interleaved',
    change: { reverse: 'interleaved' },
    says: 'units of both directions alternate',
    remedy: 'concatenate all forward units, and then all reverse units',
    when: isBidirectional,
  },
  ...(['in its own order', 'written first', 'interleaved'] as const).map(
    (reverse): Entry => ({
      name: `reverse ${reverse}, last layer`,
      change: { reverse, reverseIn: 'last layer' },
      says: {
        'in its own order':
          "the last layer's reverse output is in the order in which it was computed, the last step first",
        'written first': "the last layer's reverse units come before the forward ones",
        interleaved: "the last layer's units of both directions alternate",
      }[reverse],
      remedy: "put only the last layer's output into PyTorch's order; the layers below are right",
      when: hasBidirectionalLayers,
    }),
  ),
  ...(['written first', 'interleaved'] as const).map(
    (reverse): Entry => ({
      name: `reverse ${reverse}, layers below`,
      change: { reverse, reverseIn: 'layers below' },
      says:
        reverse === 'written first'
          ? 'between layers, the reverse units come before the forward ones'
          : 'between layers, units of both directions alternate',
      remedy: 'concatenate forward and reverse, in this order, before the next layer',
      when: hasBidirectionalLayers,
    }),
  ),
  {
    name: 'reverse forward too',
    change: { reverse: 'forward too' },
    says: 'the reverse direction runs forward as well',
    remedy: "run the second direction from each row's last step to its first",
    when: isBidirectional,
  },
  {
    name: 'reverse weights of forward',
    change: { reverse: 'weights of forward' },
    says: "the reverse direction uses the forward direction's weights",
    remedy: 'load the tensors that end in _reverse',
    when: isBidirectional,
  },
  {
    name: 'reverse weights exchanged',
    change: { reverse: 'weights exchanged' },
    says: "each direction uses the other direction's weights",
    remedy: 'load the tensors that end in _reverse into the reverse direction',
    when: isBidirectional,
  },
  {
    name: 'reverse over features',
    change: { reverse: 'over features' },
    says: 'the reverse direction turns the features of the input round, and not its steps',
    remedy: 'run the reverse direction from the last step to the first, with the features as they are',
    when: isBidirectional,
    alone: true,
  },
  {
    name: 'h_0 zero',
    change: { state: 'h_0 = 0' },
    says: 'h_0 was ignored: h began from zeros',
    remedy: 'pass h_0 to the network',
  },
  {
    name: 'c_0 zero',
    change: { state: 'c_0 = 0' },
    says: 'c_0 was ignored: c began from zeros',
    remedy: 'pass c_0 to the network',
    when: isLstm,
  },
  {
    name: 'h_0 and c_0 zero',
    change: { state: 'both 0' },
    says: 'h_0 and c_0 were ignored: both began from zeros',
    remedy: 'pass h_0 and c_0 to the network',
    when: isLstm,
  },
  {
    name: 'h_0 and c_0 exchanged',
    change: { state: 'exchanged' },
    says: 'h_0 and c_0 are swapped',
    remedy: 'pass (h_0, c_0) in this order',
    when: (module) => isLstm(module) && hasNoProjection(module),
  },
  {
    name: 'c_0 is h_0',
    change: { state: 'c_0 = h_0' },
    says: 'c began from h_0',
    remedy: 'pass c_0 as the initial cell state',
    when: (module) => isLstm(module) && hasNoProjection(module),
  },
  {
    name: 'states direction first',
    change: { stateOrder: 'direction first' },
    says: 'the initial states are read direction by direction: all layers forward, then all layers reverse',
    remedy: inOrder('the initial states'),
    when: hasBidirectionalLayers,
  },
  {
    name: 'states layers reversed',
    change: { stateOrder: 'layers reversed' },
    says: 'the initial states are read from the last layer to the first',
    remedy: inOrder('the initial states'),
    when: hasLayers,
  },
  {
    name: 'states first for all',
    change: { stateOrder: 'first for all' },
    says: 'every layer and direction began from the initial state of the first',
    remedy: 'give each layer and direction its own initial state',
    when: (module) => hasLayers(module) || isBidirectional(module),
  },
  {
    name: 'no recurrence',
    change: { carry: 'none' },
    says: 'every step begins from the initial state: no state is passed on',
    remedy: 'feed the state of a step to the next one',
  },
  {
    name: 'axes exchanged',
    change: { axes: 'exchanged' },
    says: 'batch and time are swapped: the recurrence ran along the batch',
    remedy: 'check batch_first, or swap the first two axes of the input',
  },
  {
    name: 'axes exchanged, with states',
    change: { axes: 'exchanged, with states' },
    says: 'batch and time are swapped: the batch rows ran as steps, from the state of the first row',
    remedy: 'check batch_first; every batch row is a sequence of its own, with its own state',
    when: (_, { batch, h0, c0 }) => batch > 1 && (h0 ?? c0) !== undefined,
    alone: true,
  },
  {
    name: 'packed by step',
    change: { packed: 'by step' },
    says: 'packed data ran as one sequence: all rows of a step, then all rows of the next one',
    remedy: 'give the batch sizes of the packed sequence to the runtime, or pad it again',
    when: hasRows,
    alone: true,
  },
  {
    name: 'packed by row',
    change: { packed: 'by row' },
    says: 'the batch rows ran one after the other as one sequence: each began from the final state of the row before it',
    remedy: 'begin every row from its own initial state',
    when: hasRows,
    alone: true,
  },
  {
    name: 'padding before',
    change: { padding: 'before' },
    says: 'the rows of the output are padded before their steps, not after them',
    remedy: "move each row's steps to the beginning (padding='post')",
    when: (_, { lengths }) => lengths !== undefined,
    alone: true,
  },
  {
    name: 'zeros before',
    change: { lengths: 'zeros before' },
    says: 'the rows are padded before their steps, and the network ran over the padding',
    remedy: "pad the rows after their steps (padding='post'), and mask the padding",
    when: (_, { lengths }) => lengths !== undefined,
    alone: true,
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
    remedy: 'check go_backwards, and whether the input was flipped',
  },
  {
    name: 'features reversed',
    change: { inputOrder: 'features reversed' },
    says: 'the features of the input are in the opposite order',
    remedy: 'put the features into the order in which the module was trained',
    when: ({ input_size }) => input_size > 1,
    alone: true,
  },
  ...(['relu', 'tanh'] as const).map(
    (inputBy): Entry => ({
      name: `input ${inputBy}`,
      change: { inputBy },
      says: `the input goes through ${inputBy} before the network`,
      remedy: `leave out ${inputBy}, or apply it to the input of the case as well`,
      alone: true,
    }),
  ),
  ...(['swapped', 'swapped back', 'transposed', 'transposed back'] as const).flatMap((memory): Entry[] => {
    const asIf = {
      swapped: 'that of [B, T, …], read as [T, B, …]',
      'swapped back': 'that of [T, B, …], read as [B, T, …]',
      transposed: 'that of a view with its axes in the opposite order',
      'transposed back': 'that of the tensor, read as a view with its axes in the opposite order',
    }[memory];
    const remedy =
      'call .contiguous() before saving or handing on a permuted tensor; permute, do not view or reshape';
    return [
      {
        name: `input memory ${memory}`,
        change: { inputMemory: memory },
        says: `the memory of the input was taken as it is: ${asIf}`,
        remedy,
        when: hasRows,
        alone: true,
      },
      {
        name: `output memory ${memory}`,
        change: { outputMemory: memory },
        says: `the memory of the output was saved as it is: ${asIf}`,
        remedy,
        when: hasRows,
        alone: true,
      },
    ];
  }),
  ...(['input added', 'tanh', 'relu', 'sigmoid', 'layer norm'] as const).map(
    (after): Entry => ({
      name: `after ${after}`,
      change: { after },
      says:
        after === 'input added'
          ? 'the input is added to the output (a residual connection)'
          : after === 'layer norm'
            ? 'the output is normalised over its units (LayerNorm without weights)'
            : `the output goes through ${after} once more`,
      remedy: 'take the output before that, or compare with the outputs of what the module is in',
      when: (module) =>
        after === 'input added'
          ? module.input_size === outputSize(module) * directionsOf(module).length
          : after === 'tanh' || after !== module.nonlinearity,
      alone: true,
    }),
  ),
  {
    name: 'output reversed',
    change: { outputOrder: 'reversed' },
    says: 'the output is backwards in time',
    remedy: 'flip the output in time',
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
    remedy: 'do not insert a step before the input',
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
    says: 'the batch rows are in the opposite order',
    remedy: 'undo the sorting of the batch',
  },
  {
    name: 'finals direction first',
    change: { finals: 'direction first' },
    says: 'h_n and c_n go direction by direction: all layers forward, then all layers reverse',
    remedy: inOrder('h_n and c_n'),
    when: hasBidirectionalLayers,
  },
  {
    name: 'finals layers reversed',
    change: { finals: 'layers reversed' },
    says: 'h_n and c_n go from the last layer to the first',
    remedy: inOrder('h_n and c_n'),
    when: hasLayers,
  },
  {
    name: 'finals exchanged',
    change: { finals: 'exchanged' },
    says: 'h_n and c_n are swapped',
    remedy: 'an LSTM returns (h_n, c_n), in this order',
    when: (module) => isLstm(module) && hasNoProjection(module),
  },
  {
    name: 'finals of the last step',
    change: { finals: 'of the last step' },
    says: "h_n was taken from the output's last step",
    remedy:
      "take h_n of the forward direction at each row's last valid step, and that of the reverse direction at step 0",
    when: (module, { lengths }) => isBidirectional(module) || lengths !== undefined,
  },
  {
    name: 'hard sigmoid 0.2',
    change: { gateActivation: 'hard 0.2' },
    says: 'gates go through the hard sigmoid 0.2 x + 0.5 (Keras before 2.3, ONNX HardSigmoid)',
    remedy: 'use the sigmoid (Keras: recurrent_activation="sigmoid")',
    when: hasGates,
  },
  {
    name: 'hard sigmoid 1/6',
    change: { gateActivation: 'hard 1/6' },
    says: 'gates go through the hard sigmoid x / 6 + 0.5',
    remedy: 'use the sigmoid',
    when: hasGates,
  },
  {
    name: 'forget bias',
    change: { forgetBias: 1 },
    says: 'a forget_bias of 1 was added to f at run time (TensorFlow 1)',
    remedy: 'set forget_bias=0, or subtract 1 from b_f',
    when: isLstm,
  },
  {
    name: 'order igfo, forget bias',
    change: { order: 'igfo', forgetBias: 1 },
    says: 'the row blocks are in the order i g f o, and a forget_bias of 1 is added to f (TensorFlow 1)',
    remedy: `${reorderRemedy('each of them', LSTM_GATES, 'igfo')}; and set forget_bias=0`,
    when: isLstm,
  },
  {
    name: 'W_hh transposed',
    change: { weightHh: 'transposed' },
    says: "each gate's W_hh is transposed",
    remedy:
      'transpose the whole matrix, not each block (Keras: recurrent_kernel = weight_hh.T; Flax: np.split(weight_hh, gates)[i].T is the kernel of gate i)',
    when: hasNoProjection,
  },
  {
    name: 'W_hh reshaped',
    change: { weightHh: 'reshaped' },
    says: 'weight_hh was reshaped where it should have been transposed',
    remedy: 'transpose weight_hh (.T), and do not reshape it',
  },
  {
    name: 'W_ih reshaped',
    change: { weightIh: 'reshaped' },
    says: 'weight_ih was reshaped where it should have been transposed',
    remedy: 'transpose weight_ih (.T), and do not reshape it',
  },
  {
    name: 'W_ih reshaped by gate',
    change: { weightIh: 'reshaped by gate' },
    says: "each gate's W_ih was reshaped where it should have been transposed",
    remedy: 'transpose each block of weight_ih (.T), and do not reshape it',
    when: hasGates,
    alone: true,
  },
  {
    name: 'W_ih and W_hh reshaped by gate',
    change: { weightIh: 'reshaped by gate', weightHh: 'transposed' },
    says: "each gate's W_ih and W_hh were reshaped where they should have been transposed",
    remedy: 'transpose each block of weight_ih and weight_hh (.T), and do not reshape them',
    when: (module) => hasGates(module) && hasNoProjection(module),
    alone: true,
  },
  {
    name: 'W_ih and W_hh reshaped',
    change: { weightIh: 'reshaped', weightHh: 'reshaped' },
    says: 'weight_ih and weight_hh were reshaped where they should have been transposed',
    remedy: 'transpose weight_ih and weight_hh (.T), and do not reshape them',
    alone: true,
  },
  {
    name: 'W_ih and W_hh exchanged',
    change: { matrices: 'exchanged' },
    says: 'weight_ih and weight_hh are swapped',
    remedy: 'multiply x by weight_ih, and h by weight_hh',
    when: isSquare,
    alone: true,
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
    says: 'the rows go unit by unit, with the gates of a unit next to each other',
    remedy:
      "put them so before the port takes them: w.reshape(gates, hidden, -1).swapaxes(0, 1).reshape(w.shape); or, where the file has them so, into PyTorch's: w.reshape(hidden, gates, -1).swapaxes(0, 1).reshape(w.shape)",
    when: hasGates,
  },
  ...(['relu', 'tanh', 'sigmoid', 'identity'] as const).map(
    (activation): Entry => ({
      name: `activation ${activation}`,
      change: { activation },
      says:
        activation === 'identity'
          ? 'the activation, tanh or relu, is left out'
          : `${activation} is used instead of the module's activation`,
      remedy: 'check the nonlinearity (of an RNN: --nonlinearity)',
      when: ({ nonlinearity }) => activation !== nonlinearity,
    }),
  ),
  {
    name: 'output without tanh',
    change: { activationOf: ['c', 'identity'] },
    says: "h' = o c', without the tanh",
    remedy: "compute h' = o tanh(c')",
    when: isLstm,
  },
  {
    name: 'g without tanh',
    change: { activationOf: ['g', 'identity'] },
    says: 'g is without its tanh',
    remedy: 'compute g = tanh(W_ig x + b_ig + W_hg h + b_hg)',
    when: isLstm,
    alone: true,
  },
  {
    name: 'f (c + i g)',
    change: { cell: 'f (c + i g)' },
    says: "the forget gate acts on the whole sum: c' = f (c + i g)",
    remedy: "compute c' = f c + i g",
    when: isLstm,
    alone: true,
  },
  {
    name: 'f h + i g',
    change: { cell: 'f h + i g' },
    says: "h stands for c in the update: c' = f h + i g",
    remedy: "compute c' = f c + i g",
    when: (module) => isLstm(module) && hasNoProjection(module),
    alone: true,
  },
  {
    name: 'o tanh(c)',
    change: { cell: 'o tanh(c)' },
    says: "h' is computed from the cell state before the step: h' = o tanh(c)",
    remedy: "compute h' = o tanh(c')",
    when: isLstm,
    alone: true,
  },
  {
    name: 'i is 1 − f',
    change: { coupled: 'i = 1 − f' },
    says: 'the input gate is coupled: i = 1 − f',
    remedy: 'compute i from its own rows',
    when: isLstm,
  },
  {
    name: 'f is 1 − i',
    change: { coupled: 'f = 1 − i' },
    says: 'the forget gate is coupled: f = 1 − i',
    remedy: 'compute f from its own rows',
    when: isLstm,
  },
  {
    name: 'no forget gate',
    change: { forget: 'none' },
    says: "there is no forget gate: c' = c + i g",
    remedy: "compute c' = f c + i g",
    when: isLstm,
  },
  {
    name: 'in place',
    change: { carry: 'in place' },
    says: 'h is overwritten unit by unit while the same step still reads it',
    remedy: 'write the new h to another buffer, and exchange the two after the step',
    when: hasNoProjection,
    alone: true,
  },
  {
    name: 'h not carried',
    change: { carry: 'no h' },
    says: 'h is not passed on from step to step',
    remedy: 'feed h of a step to the next one',
    when: isLstm,
  },
  {
    name: 'c not carried',
    change: { carry: 'no c' },
    says: 'c is not passed on from step to step',
    remedy: 'feed c of a step to the next one',
    when: isLstm,
  },
  {
    name: 'first step twice',
    change: { firstStep: 'twice' },
    says: 'the first step runs twice: its state is passed on, and it is run again',
    remedy: 'run the first step once, also where it is compiled or warmed up apart from the others',
    when: (_, { lengths }) => !lengths,
    alone: true,
  },
  {
    name: 'stateful',
    change: { stateful: true },
    says: 'the run began from the final states of the run before it',
    remedy: 'reset the states between runs',
  },
  {
    name: 'first layer only',
    change: { layers: 'first only' },
    says: "the output is the first layer's",
    remedy: 'run all layers',
    when: hasLayers,
  },
  {
    name: 'first layer shared',
    change: { layers: 'first shared' },
    says: "every layer uses the first layer's weights",
    remedy: 'load the tensors that end in _l1, _l2, …',
    // Of two layers, the second has the weights of the first: that is in case-hypotheses.ts.
    when: ({ num_layers }) => num_layers > 2,
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
    ordersOf(gates)
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
            says: `gate ${gate} uses the hidden part of gate ${from}: W_h${from} h + b_h${from}`,
            remedy: `use W_h${gate} h + b_h${gate} for ${gate}`,
            when: ({ kind }) => KINDS[kind].gates.join('') === gates,
            alone: true,
          }),
        ),
    ),
  ),
  ...gateEntries(),
  {
    name: 'weights float16',
    change: { quantised: 'F16' },
    says: 'the weights were rounded to float16',
    remedy: 'compare with the weights that were used, or pass --profile f16',
  },
  {
    name: 'weights bfloat16',
    change: { quantised: 'BF16' },
    says: 'the weights were rounded to bfloat16',
    remedy: 'compare with the weights that were used, or pass --profile bf16',
  },
  {
    name: 'weights int8',
    change: { quantised: 'int8' },
    says: 'the weights were quantised to 8 bits, with one scale per tensor',
    remedy: 'compare with the dequantised weights, or allow for the rounding to 8 bits with --atol',
  },
  {
    name: 'products TF32',
    change: { operands: 'tf32' },
    says: 'products round their operands to TF32',
    remedy: 'export with torch.backends.cudnn.allow_tf32 = False, or on a CPU; or pass --profile tf32',
  },
];

/** A state that is dropped every so many steps of a sequence. */
export function dropEvery(every: number, steps: number): Hypothesis {
  return {
    name: `drop every ${every}`,
    change: { dropEvery: every },
    says:
      2 * every < steps
        ? `the state is dropped every ${every} steps: steps ${every}, ${2 * every}, … begin from the initial state`
        : `the state is dropped at step ${every}, which begins from the initial state`,
    remedy: 'hand the state of a chunk on to the next one',
    alone: true,
  };
}

/** The hypotheses that make sense for a module and a sequence, the likeliest first. */
export function hypothesesFor(module: Module, sequence: Shape): readonly Hypothesis[] {
  return ENTRIES.filter(({ when }) => when?.(module, sequence) ?? true);
}

/**
 * What a case would need so that it tells causes apart, where it has less.
 * @param biases all biases of the network
 */
export function separators(
  module: Module,
  { steps, batch, input, h0, c0 }: Sequence,
  biases: readonly (Floats | undefined)[],
): string[] {
  const isZero = (values: Floats | undefined) => !values?.some((value) => value !== 0);
  const stepSize = batch * module.input_size;
  const isConstant = steps > 1 && input.every((value, i) => i < stepSize || value === input[i - stepSize]);
  const needs: readonly (readonly [boolean, string])[] = [
    [isZero(h0), 'an h_0 that is not zero'],
    [isLstm(module) && isZero(c0), 'a c_0 that is not zero'],
    [steps === 1, 'more than one step'],
    [batch === 1, 'more than one batch row'],
    [biases.every(isZero), 'biases that are not zero'],
    [outputSize(module) === 1, 'more than one hidden unit'],
    [isConstant, 'an input that changes over time'],
    [steps > 1 && steps === batch, 'different numbers of steps and batch rows'],
  ];
  return needs.flatMap(([isMissing, need]) => (isMissing ? [need] : []));
}
