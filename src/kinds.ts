/** What differs between RNN, GRU and LSTM, once and for everyone. */
export type Kind = 'RNN' | 'GRU' | 'LSTM';

export interface KindFacts {
  /** The row blocks of `weight_ih` and `weight_hh`, in PyTorch's order. */
  readonly gates: readonly string[];
  /** What a cell carries from step to step. */
  readonly states: readonly ('h' | 'c')[];
  /** Whether PyTorch offers `proj_size` (a `weight_hr`) for it. */
  readonly projection: boolean;
}

/** Gate order and states as documented for torch.nn.RNN, GRU and LSTM. */
export const KINDS: Readonly<Record<Kind, KindFacts>> = {
  RNN: { gates: ['h'], states: ['h'], projection: false },
  GRU: { gates: ['r', 'z', 'n'], states: ['h'], projection: false },
  LSTM: { gates: ['i', 'f', 'g', 'o'], states: ['h', 'c'], projection: true },
};

export const KIND_NAMES = Object.keys(KINDS) as Kind[];

export type Nonlinearity = 'tanh' | 'relu';

export type Direction = 'forward' | 'reverse';
