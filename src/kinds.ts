export type Kind = 'RNN' | 'GRU' | 'LSTM';

/** A class in torch.nn. */
export type ModuleName = Kind | `${Kind}Cell`;

/** What differs between RNN, GRU and LSTM. */
export interface KindFacts {
  /** The row blocks of `weight_ih` and `weight_hh`, in PyTorch's order. */
  readonly gates: readonly string[];
  /** The activation of each gate; an RNN's may be relu instead (`nonlinearities`). */
  readonly activations: Readonly<Record<string, 'sigmoid' | 'tanh'>>;
  /** The values of PyTorch's `nonlinearity`, its default first; a kind with only one has no such option. */
  readonly nonlinearities: readonly Nonlinearity[];
  /** The states that a cell passes from step to step. */
  readonly states: readonly ('h' | 'c')[];
  /** Whether PyTorch has `proj_size` (a `weight_hr`) for this kind. */
  readonly projection: boolean;
  /** The gate that multiplies the hidden part W_hh h + b_hh of the gate `of`. */
  readonly reset?: { readonly gate: string; readonly of: string };
  /** Whether h is a weighted mean of a new value and the previous h: then |h| ≤ max(1, |h_0|), otherwise |h| ≤ 1. */
  readonly averagesH: boolean;
}

/** Gate order, activations and states as documented for torch.nn.RNN, GRU and LSTM. */
export const KINDS: Readonly<Record<Kind, KindFacts>> = {
  RNN: {
    gates: ['h'],
    activations: { h: 'tanh' },
    nonlinearities: ['tanh', 'relu'],
    states: ['h'],
    projection: false,
    averagesH: false,
  },
  GRU: {
    gates: ['r', 'z', 'n'],
    activations: { r: 'sigmoid', z: 'sigmoid', n: 'tanh' },
    nonlinearities: ['tanh'],
    states: ['h'],
    projection: false,
    reset: { gate: 'r', of: 'n' },
    averagesH: true,
  },
  LSTM: {
    gates: ['i', 'f', 'g', 'o'],
    activations: { i: 'sigmoid', f: 'sigmoid', g: 'tanh', o: 'sigmoid' },
    nonlinearities: ['tanh'],
    states: ['h', 'c'],
    projection: true,
    averagesH: false,
  },
};

/** Whether the kind has a cell state c besides h. */
export function carriesCell(kind: Kind): boolean {
  return KINDS[kind].states.includes('c');
}

/** Whether the kind has the option `nonlinearity`. */
export function hasNonlinearity(kind: Kind): boolean {
  return KINDS[kind].nonlinearities.length > 1;
}

/** The names in a trace: the kind's states, then its gates. The only gate of an RNN is its state h. */
export function traced(kind: Kind): string[] {
  const { states, gates } = KINDS[kind];
  return [...new Set([...states, ...gates])];
}

export const KIND_NAMES = Object.keys(KINDS) as Kind[];

export type Nonlinearity = 'tanh' | 'relu';

export type Direction = 'forward' | 'reverse';

/** The names of states and gates in PyTorch's documentation. */
export const PART_WORDS: Readonly<Record<string, string>> = {
  h: 'hidden state',
  c: 'cell state',
  r: 'reset gate',
  z: 'update gate',
  n: 'new gate',
  i: 'input gate',
  f: 'forget gate',
  g: 'cell gate',
  o: 'output gate',
};

/** `layer0.forward.h`: the name of a state or gate in saved files and in the library's results. */
export function traceName(layer: number, direction: Direction, part: string): string {
  return `layer${layer}.${direction}.${part}`;
}

export const TRACE_NAME = /^layer(\d+)\.(forward|reverse)\.([a-z])$/;

/** An output's name in PyTorch, or the output of a layer below the last: `output_l0`. */
export type TensorName = 'output' | 'h_n' | 'c_n' | `output_l${number}`;

/** Whether the rows of an output are steps, not layers and directions. */
export function isSequence(name: TensorName): name is Exclude<TensorName, 'h_n' | 'c_n'> {
  return name.startsWith('output');
}
