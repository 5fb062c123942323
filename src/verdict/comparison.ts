import type { Overflow } from '../bounds/layer.js';
import type { Place } from '../compare/element.js';
import type { Verdict } from '../compare/summary.js';
import type { TensorComparison } from '../compare/tensor.js';
import type { UsedKernels } from '../engine/forward.js';
import type { Compute } from '../engine/options.js';
import type { CellcheckError } from '../errors.js';
import type { Direction, Kind, Nonlinearity } from '../kinds.js';
import type { Cause } from './cause.js';
import type { CoarserProfile } from './coarser.js';
import type { Advice, Note, Warning } from './remarks.js';

/** The module and the input that were compared, in PyTorch's words. */
export interface Subject {
  readonly kind: Kind;
  /** Whether it is an RNNCell, GRUCell or LSTMCell. */
  readonly cell: boolean;
  readonly nonlinearity: Nonlinearity;
  readonly input_size: number;
  readonly hidden_size: number;
  /** 0 without a projection. */
  readonly proj_size: number;
  readonly num_layers: number;
  readonly directions: readonly Direction[];
  readonly bias: boolean;
  /** The prefix of the module's parameters in the state_dict. */
  readonly prefix: string;
  readonly steps: number;
  readonly batch: number;
  readonly batch_first: boolean;
  /** The dtype that cellcheck computed in. */
  readonly compute: Compute;
  readonly equal_nan: boolean;
  /** The same in words: `LSTM 80 → 256`, `2 layers`, `bidirectional` … */
  readonly words: readonly string[];
}

/** The result of holding actual against expected outputs: data, which the reports render. */
export interface Comparison {
  readonly verdict: Verdict;
  readonly subject: Subject;
  readonly tensors: readonly TensorComparison[];
  /** Outputs of the module that the reference lacks. */
  readonly notChecked: readonly string[];
  /** The first mismatch that rounding alone cannot explain, and its tensor. */
  readonly first?: { readonly tensor: TensorComparison['name']; readonly place: Place };
  /** Ill-conditioned: the first step from which rounding alone could explain the differences. */
  readonly divergesAt?: number;
  /** Undecided: a sum that may overflow in one order of adding and not in another. */
  readonly overflow?: Overflow;
  /** Differs: a precision of which all differences are rounding. */
  readonly coarser?: CoarserProfile;
  /**
   * Why it differs, with `explain`. It may also say that no cause was found, or that the search would have taken too
   * long.
   */
  readonly cause?: Cause;
  /** The kernels that it was computed with. */
  readonly kernels: Pick<UsedKernels, 'name' | 'threads'>;
  /** What was inferred and may surprise. */
  readonly notes: readonly Note[];
  /** What weakens the verdict: `--strict` gives none then. */
  readonly warnings: readonly Warning[];
  /** What to try where the verdict is not parity. */
  readonly advice: readonly Advice[];
}

/** One case of a run: its comparison, or the error that prevented one. */
export type CaseResult =
  | { readonly label: string; readonly comparison: Comparison; readonly error?: undefined }
  | { readonly label: string; readonly error: CellcheckError; readonly comparison?: undefined };
