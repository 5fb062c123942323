/**
 * What another program does differently from PyTorch, as data. A field that is absent is as in PyTorch; fields combine
 * freely. The headings name the file in which the fields take effect.
 */
export interface Variant {
  /**
   * The only layer, direction or both in which the fields of the next three headings and `state` apply; everywhere if
   * absent.
   */
  readonly only?: Spot;

  // Parameters: variant-weights.ts

  /** The gates that the row blocks of the file are taken for: with `iofg`, an LSTM's second block is used as o. */
  readonly order?: string;
  /** The tensors whose blocks are in that order; all if absent. */
  readonly orderOf?: 'weights' | 'weight_ih' | 'weight_hh' | 'biases';
  /** The rows of the file are taken to go unit by unit, each unit with all its gates, instead of gate by gate. */
  readonly interleaved?: true;
  /** The biases that are added, or what is added instead of them. */
  readonly biases?: 'ih' | 'hh' | 'none' | 'doubled' | 'ih twice' | 'exchanged';
  /** The gate whose biases these are; all if absent. */
  readonly biasesOf?: string;
  /** W_hh is transposed gate by gate, or its values are reshaped to the shape of the transposed matrix. */
  readonly weightHh?: 'transposed' | 'reshaped';
  /** As `weightHh`; or reshaped gate by gate, which for the square blocks of W_hh is the same as transposed. */
  readonly weightIh?: 'transposed' | 'reshaped' | 'reshaped by gate';
  /** W_ih and W_hh are exchanged. */
  readonly matrices?: 'exchanged';
  /** The rows of a matrix begin so many values apart in memory. */
  readonly stride?: readonly ['weightIh' | 'weightHh', number];
  /** Only the first so many columns of a matrix are used. */
  readonly columns?: readonly ['weightIh' | 'weightHh', number];
  /** A gate leaves out the product with a matrix. */
  readonly without?: readonly ['weightIh' | 'weightHh', gate: string];
  /** The weight matrices are rounded to these numbers. */
  readonly quantised?: 'F16' | 'BF16' | 'int8' | { readonly decimals: number };
  /** A gate uses W_hh h + b_hh of another gate: the gate, then the other one. */
  readonly hiddenFrom?: readonly [string, string];

  // The equations of a step: variant-cells.ts

  /** The activation of the gates instead of σ: 0.2 x + 0.5 or x / 6 + 0.5, clipped to 0 … 1. */
  readonly gateActivation?: 'hard 0.2' | 'hard 1/6';
  /** The activation instead of tanh, or instead of an RNN's relu. */
  readonly activation?: 'tanh' | 'relu' | 'sigmoid' | 'identity';
  /** One activation instead of its own: that of a gate, or of an LSTM's c'. */
  readonly activationOf?: readonly [where: string, name: ActivationName];
  /**
   * What a GRU's r multiplies: h before the product, the product without b_hn, nothing, or the whole sum of n; or the
   * right sum, with b_hn once more outside.
   */
  readonly reset?: 'before' | 'without bias' | 'none' | 'all' | 'bias twice';
  /** A GRU's h' is z n + (1 − z) h. */
  readonly updateExchanged?: true;
  /** Added to the sum of an LSTM's f. */
  readonly forgetBias?: number;
  /** One of an LSTM's gates is computed from the other. */
  readonly coupled?: 'i = 1 − f' | 'f = 1 − i';
  /** An LSTM's c' is c + i g. */
  readonly forget?: 'none';
  /** An LSTM's c' is f (c + i g), or f h + i g; or its h' is o tanh(c). */
  readonly cell?: 'f (c + i g)' | 'f h + i g' | 'o tanh(c)';
  /** What is limited to a magnitude: an LSTM's c', or the sums before activations. */
  readonly clip?: readonly ['cell' | 'sums', number];

  // From step to step: variant-direction.ts

  /** The states that no step passes to the next: each step begins from the initial ones. */
  readonly carry?: 'none' | 'no h' | 'no c' | 'in place';
  /** Every so many steps begin from the initial states. */
  readonly dropEvery?: number;
  /** What the first step leaves out, because there is no state: W_hh h + b_hh, or a GRU's b_hn; or it runs twice. */
  readonly firstStep?: 'no hidden part' | 'no b_hn' | 'twice';
  /** The operands of products are rounded to 11 bits. */
  readonly operands?: 'tf32';

  // Layers and directions: variant-layers.ts

  /** Only the first layer runs, or all layers run with its weights; or the layers whose weights they run with. */
  readonly layers?: 'first only' | 'first shared' | readonly number[];
  /** What is wrong with the reverse direction: its order in time, its weights, or the place of its units. */
  readonly reverse?:
    | 'in its own order'
    | 'forward too'
    | 'weights of forward'
    | 'weights exchanged'
    | 'written first'
    | 'interleaved'
    | 'over features';
  /** The layers in which `reverse` applies; all if absent. */
  readonly reverseIn?: 'last layer' | 'layers below';

  // What the run begins from: variant-sequence.ts; `stateful` and `axes`: predict.ts

  /** The initial states. */
  readonly state?: 'h_0 = 0' | 'c_0 = 0' | 'both 0' | 'exchanged' | 'c_0 = h_0';
  /** The layers and directions that the initial states are taken from. */
  readonly stateOrder?: 'direction first' | 'layers reversed' | 'first for all' | readonly number[];
  /** The run begins from the final states of an earlier run over the same sequence. */
  readonly stateful?: true;
  /** Batch and time are swapped, from zero states or from those of the first batch row. */
  readonly axes?: 'exchanged' | 'exchanged, with states';
  /** All valid steps run as one sequence: step by step, or row by row. */
  readonly packed?: 'by step' | 'by row';
  /** The order of the input in time, or of its features. */
  readonly inputOrder?: 'reversed' | 'features reversed';
  /** The input has another memory order than its shape says. */
  readonly inputMemory?: Memory;
  /** What the input is multiplied by, and what is added then. */
  readonly inputScale?: readonly [factor: number, shift: number];
  /** The decimals that the input was rounded to. */
  readonly inputDecimals?: number;
  /** A function that the input goes through. */
  readonly inputBy?: 'relu' | 'tanh';
  /** Each step takes the input of the step after it (early) or before it (late). */
  readonly inputShift?: 'early' | 'late';
  /** The lengths of the batch rows. */
  readonly lengths?: 'ignored' | 'zeros before' | readonly number[];

  // What the run returns: variant-outputs.ts; `of the last step`: variant-layers.ts

  /** The order of the output in time. */
  readonly outputOrder?: 'reversed';
  /** The output is returned one step early or late. */
  readonly outputShift?: 'early' | 'late';
  /** The output has another memory order than its shape says. */
  readonly outputMemory?: Memory;
  /** The valid steps of a row stand at its end, and the padding before them. */
  readonly padding?: 'before';
  /** What is made of the output after it is computed. */
  readonly after?: 'input added' | 'tanh' | 'relu' | 'sigmoid' | 'layer norm';
  /** What the output is multiplied by, what is added then, and how that becomes whole numbers. */
  readonly outputScale?: {
    readonly factor: number;
    readonly shift?: number;
    readonly whole?: 'rounded' | 'truncated';
  };
  /** What each unit of the output is multiplied by, and what is added then. */
  readonly unitScale?: readonly (readonly [factor: number, shift: number])[];
  /** The order of the units in the output. */
  readonly unitOrder?: readonly number[];
  /** The batch rows that the rows of all outputs are. */
  readonly batchOrder?: 'reversed' | readonly number[];
  /** The rows [layers·directions, batch] of the final states that theirs are. */
  readonly finalOrder?: readonly number[];
  /** The final states. */
  readonly finals?: 'direction first' | 'layers reversed' | 'exchanged' | 'of the last step';
}

/** A layer, a direction (1 is the reverse one), or a direction of a layer. */
export interface Spot {
  readonly layer?: number;
  readonly direction?: 0 | 1;
}

export type ActivationName =
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'identity'
  | 'hard 0.2'
  | 'hard 1/6'
  | 'hard tanh'
  | 'softsign';

/**
 * A tensor [T, B, …] whose memory is that of another: of [B, T, …], or of all axes in the opposite order; or the reverse
 * of the two.
 */
export type Memory = 'swapped' | 'swapped back' | 'transposed' | 'transposed back';

/** The fields that may apply in one place only. */
export const PLACEABLE = [
  'order',
  'orderOf',
  'interleaved',
  'biases',
  'biasesOf',
  'weightHh',
  'weightIh',
  'matrices',
  'stride',
  'columns',
  'without',
  'quantised',
  'hiddenFrom',
  'gateActivation',
  'activation',
  'activationOf',
  'reset',
  'updateExchanged',
  'forgetBias',
  'coupled',
  'forget',
  'cell',
  'clip',
  'carry',
  'dropEvery',
  'firstStep',
  'operands',
  'state',
] as const satisfies readonly (keyof Variant)[];

/** A variant as one direction of a layer has it. */
export function variantAt(variant: Variant, layer: number, direction: number): Variant {
  const { only } = variant;
  const isHere = !only || ((only.layer ?? layer) === layer && (only.direction ?? direction) === direction);
  if (isHere) return variant;
  const entries = Object.entries(variant).filter(
    ([field]) => !(PLACEABLE as readonly string[]).includes(field),
  );
  return Object.fromEntries(entries);
}

/** For each field whether it moves values along time: always, never, or with this value. */
const MOVES_IN_TIME: { readonly [Field in keyof Variant]-?: boolean | Variant[Field] } = {
  only: false,
  order: false,
  orderOf: false,
  interleaved: false,
  biases: false,
  biasesOf: false,
  weightHh: false,
  weightIh: false,
  matrices: false,
  stride: false,
  columns: false,
  without: false,
  quantised: false,
  hiddenFrom: false,
  gateActivation: false,
  activation: false,
  activationOf: false,
  reset: false,
  updateExchanged: false,
  forgetBias: false,
  coupled: false,
  forget: false,
  cell: false,
  clip: false,
  carry: false,
  dropEvery: false,
  firstStep: false,
  operands: false,
  layers: false,
  reverse: 'in its own order',
  reverseIn: false,
  state: false,
  stateOrder: false,
  stateful: false,
  axes: true,
  packed: true,
  inputOrder: false,
  inputMemory: false,
  inputScale: false,
  inputDecimals: false,
  inputBy: false,
  inputShift: false,
  lengths: true,
  outputOrder: true,
  outputShift: true,
  outputMemory: true,
  padding: true,
  after: false,
  outputScale: false,
  unitScale: false,
  unitOrder: false,
  batchOrder: false,
  finalOrder: false,
  finals: true,
};

/** Whether a variant moves values along time: each step then has the largest allowance of all steps. */
export function movesInTime(variant: Variant): boolean {
  return (Object.keys(variant) as (keyof Variant)[]).some((field) => {
    const moves = MOVES_IN_TIME[field];
    return variant[field] !== undefined && (moves === true || moves === variant[field]);
  });
}
