/**
 * What another program may have done otherwise than PyTorch, as data: every part that is absent is as PyTorch has it.
 * Parts combine freely.
 */
export interface Variant {
  /** The row blocks are read as these gates, in this order: `iofg`. */
  readonly order?: string;
  /** In which tensors they are; in all if absent. */
  readonly orderOf?: 'weights' | 'weight_ih' | 'weight_hh' | 'biases';
  /** Rows go by unit and then by gate, and not the other way round. */
  readonly interleaved?: true;
  readonly biases?: 'ih' | 'hh' | 'none' | 'doubled' | 'ih twice' | 'exchanged';
  /** W_hh is transposed gate by gate, or its rows are cut out of the transposed whole. */
  readonly weightHh?: 'transposed' | 'reshaped';
  readonly weightIh?: 'transposed' | 'reshaped';
  /** Weight matrices are rounded to what these have. */
  readonly quantised?: 'F16' | 'BF16' | 'int8';
  /** A gate's W_hh h + b_hh is that of another gate: the gate, then the one it is read from. */
  readonly hiddenFrom?: readonly [string, string];

  /** What gates go through in the place of σ: 0.2 x + 0.5 or x / 6 + 0.5, cut off at 0 and 1. */
  readonly gateActivation?: 'hard 0.2' | 'hard 1/6';
  /** What stands in the place of tanh (of an RNN with relu, of that). */
  readonly activation?: 'tanh' | 'relu' | 'sigmoid' | 'identity';
  /** Where a GRU's r acts: on h before the product, on the product without b_hn, nowhere, or on all of n. */
  readonly reset?: 'before' | 'without bias' | 'none' | 'all';
  /** A GRU's h' is z n + (1 − z) h. */
  readonly updateExchanged?: true;
  /** Added to an LSTM's f before σ. */
  readonly forgetBias?: number;
  readonly coupled?: 'i = 1 − f' | 'f = 1 − i';
  readonly forget?: 'none';
  /** An LSTM's h' is o c. */
  readonly outputActivation?: 'none';

  /** What no step hands on to the next: it begins from the initial state again. */
  readonly carry?: 'none' | 'no h' | 'no c';
  readonly state?:
    | 'h_0 = 0'
    | 'c_0 = 0'
    | 'both 0'
    | 'exchanged'
    | 'c_0 = h_0'
    | 'direction first'
    | 'layers reversed'
    | 'first for all';
  /** The run begins from the states that the same run ended with before. */
  readonly stateful?: true;
  /** Batch and time are taken for each other. */
  readonly axes?: 'exchanged';
  readonly inputOrder?: 'reversed';
  readonly inputShift?: 'early' | 'late';
  readonly lengths?: 'ignored' | readonly number[];
  /** Products round their operands to 11 bits. */
  readonly operands?: 'tf32';

  readonly layers?: 'first only' | 'first shared';
  readonly reverse?:
    | 'in its own order'
    | 'forward too'
    | 'weights of forward'
    | 'weights exchanged'
    | 'written first'
    | 'interleaved';
  /** In which layers; in all if absent. */
  readonly reverseIn?: 'last layer';

  readonly outputOrder?: 'reversed';
  readonly outputShift?: 'early' | 'late';
  readonly batchOrder?: 'reversed';
  readonly finals?: 'direction first' | 'layers reversed' | 'exchanged' | 'of the last step';
}
