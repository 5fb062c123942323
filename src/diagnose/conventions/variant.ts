/**
 * What another program does differently from PyTorch, as data. A field that is absent is as in PyTorch; fields combine
 * freely. The headings name the file in which the fields take effect.
 */
export interface Variant {
  // Parameters: variant-weights.ts

  /** The gates that the row blocks of the file are taken for: with `iofg`, an LSTM's second block is used as o. */
  readonly order?: string;
  /** The tensors whose blocks are in that order; all if absent. */
  readonly orderOf?: 'weights' | 'weight_ih' | 'weight_hh' | 'biases';
  /** The rows of the file are taken to go unit by unit, each unit with all its gates, instead of gate by gate. */
  readonly interleaved?: true;
  /** The biases that are added, or what is added instead of them. */
  readonly biases?: 'ih' | 'hh' | 'none' | 'doubled' | 'ih twice' | 'exchanged';
  /** W_hh is transposed gate by gate, or its values are reshaped to the shape of the transposed matrix. */
  readonly weightHh?: 'transposed' | 'reshaped';
  /** As `weightHh`. */
  readonly weightIh?: 'transposed' | 'reshaped';
  /** The weight matrices are rounded to these numbers. */
  readonly quantised?: 'F16' | 'BF16' | 'int8';
  /** A gate uses W_hh h + b_hh of another gate: the gate, then the other one. */
  readonly hiddenFrom?: readonly [string, string];

  // The equations of a step: variant-cells.ts

  /** The activation of the gates instead of σ: 0.2 x + 0.5 or x / 6 + 0.5, clipped to 0 … 1. */
  readonly gateActivation?: 'hard 0.2' | 'hard 1/6';
  /** The activation instead of tanh, or instead of an RNN's relu. */
  readonly activation?: 'tanh' | 'relu' | 'sigmoid' | 'identity';
  /** What a GRU's r multiplies: h before the product, the product without b_hn, nothing, or the whole sum of n. */
  readonly reset?: 'before' | 'without bias' | 'none' | 'all';
  /** A GRU's h' is z n + (1 − z) h. */
  readonly updateExchanged?: true;
  /** Added to the sum of an LSTM's f. */
  readonly forgetBias?: number;
  /** One of an LSTM's gates is computed from the other. */
  readonly coupled?: 'i = 1 − f' | 'f = 1 − i';
  /** An LSTM's c' is c + i g. */
  readonly forget?: 'none';
  /** An LSTM's h' is o c'. */
  readonly outputActivation?: 'none';

  // From step to step: variant-direction.ts

  /** The states that no step passes to the next: each step begins from the initial ones. */
  readonly carry?: 'none' | 'no h' | 'no c';
  /** The operands of products are rounded to 11 bits. */
  readonly operands?: 'tf32';

  // Layers and directions: variant-layers.ts

  /** Only the first layer runs, or all layers run with its weights. */
  readonly layers?: 'first only' | 'first shared';
  /** What is wrong with the reverse direction: its order in time, its weights, or the place of its units. */
  readonly reverse?:
    | 'in its own order'
    | 'forward too'
    | 'weights of forward'
    | 'weights exchanged'
    | 'written first'
    | 'interleaved';
  /** The layers in which `reverse` applies; all if absent. */
  readonly reverseIn?: 'last layer';

  // What the run begins from: variant-sequence.ts; `stateful` and `axes`: predict.ts

  /** The initial states. */
  readonly state?:
    | 'h_0 = 0'
    | 'c_0 = 0'
    | 'both 0'
    | 'exchanged'
    | 'c_0 = h_0'
    | 'direction first'
    | 'layers reversed'
    | 'first for all';
  /** The run begins from the final states of an earlier run over the same sequence. */
  readonly stateful?: true;
  /** Batch and time are swapped. */
  readonly axes?: 'exchanged';
  /** The order of the input in time. */
  readonly inputOrder?: 'reversed';
  /** Each step takes the input of the step after it (early) or before it (late). */
  readonly inputShift?: 'early' | 'late';
  /** The lengths of the batch rows. */
  readonly lengths?: 'ignored' | readonly number[];

  // What the run returns: variant-outputs.ts; `of the last step`: variant-layers.ts

  /** The order of the output in time. */
  readonly outputOrder?: 'reversed';
  /** The output is returned one step early or late. */
  readonly outputShift?: 'early' | 'late';
  /** The order of the batch rows. */
  readonly batchOrder?: 'reversed';
  /** The final states. */
  readonly finals?: 'direction first' | 'layers reversed' | 'exchanged' | 'of the last step';
}

/** For each field whether it moves values along time: always, never, or with this value. */
const MOVES_IN_TIME: { readonly [Field in keyof Variant]-?: boolean | Variant[Field] } = {
  order: false,
  orderOf: false,
  interleaved: false,
  biases: false,
  weightHh: false,
  weightIh: false,
  quantised: false,
  hiddenFrom: false,
  gateActivation: false,
  activation: false,
  reset: false,
  updateExchanged: false,
  forgetBias: false,
  coupled: false,
  forget: false,
  outputActivation: false,
  carry: false,
  operands: false,
  layers: false,
  reverse: 'in its own order',
  reverseIn: false,
  state: false,
  stateful: false,
  axes: true,
  inputOrder: false,
  inputShift: false,
  lengths: true,
  outputOrder: true,
  outputShift: true,
  batchOrder: false,
  finals: true,
};

/** Whether a variant moves values along time: each step then has the largest allowance of all steps. */
export function movesInTime(variant: Variant): boolean {
  return (Object.keys(variant) as (keyof Variant)[]).some((field) => {
    const moves = MOVES_IN_TIME[field];
    return variant[field] !== undefined && (moves === true || moves === variant[field]);
  });
}
