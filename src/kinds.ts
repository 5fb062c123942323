/** What differs between RNN, GRU and LSTM, once and for everyone. */
export type Kind = 'RNN' | 'GRU' | 'LSTM';

export interface KindFacts {
  /** The row blocks of `weight_ih` and `weight_hh`, in PyTorch's order. */
  readonly gates: readonly string[];
  /** The activation of each gate; an RNN's may be relu instead (`nonlinearities`). */
  readonly activations: Readonly<Record<string, 'sigmoid' | 'tanh'>>;
  /** What PyTorch offers as `nonlinearity`, its default first; other kinds have only what `activations` says. */
  readonly nonlinearities: readonly Nonlinearity[];
  /** What a cell carries from step to step. */
  readonly states: readonly ('h' | 'c')[];
  /** Whether PyTorch offers `proj_size` (a `weight_hr`) for it. */
  readonly projection: boolean;
  /** The gate that multiplies the hidden part of another gate, after the product W_hh h + b_hh. */
  readonly reset?: { readonly gate: string; readonly of: string };
  /** Whether h is a mean of a new value and the h before: then |h| may stay as large as |h_0|; else it is at most 1. */
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

/** Whether a cell carries a cell state c beside h. */
export function carriesCell(kind: Kind): boolean {
  return KINDS[kind].states.includes('c');
}

/** Whether somebody chooses the nonlinearity. */
export function hasNonlinearity(kind: Kind): boolean {
  return KINDS[kind].nonlinearities.length > 1;
}

/** What a trace has of a kind: its states, then its gates. An RNN's one gate is its state. */
export function traced(kind: Kind): string[] {
  const { states, gates } = KINDS[kind];
  return [...new Set([...states, ...gates])];
}

export const KIND_NAMES = Object.keys(KINDS) as Kind[];

export type Nonlinearity = 'tanh' | 'relu';

export type Direction = 'forward' | 'reverse';

/** What states and gates are called in PyTorch's documentation. */
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

/** `layer0.forward.h`: how a state or a gate of every step is named wherever it leaves the program. */
export function traceName(layer: number, direction: Direction, part: string): string {
  return `layer${layer}.${direction}.${part}`;
}

export const TRACE_NAME = /^layer(\d+)\.(forward|reverse)\.([a-z])$/;

/** An output by PyTorch's name, or that of a layer below the last: `output_l0`. */
export type TensorName = 'output' | 'h_n' | 'c_n' | `output_l${number}`;

/** Whether its rows are steps, and not layers and directions. */
export function isSequence(name: TensorName): name is Exclude<TensorName, 'h_n' | 'c_n'> {
  return name.startsWith('output');
}
