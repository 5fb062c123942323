import type { CellcheckError } from '../errors.js';
import type { Direction, Kind, Nonlinearity } from '../kinds.js';
import type { Place, TensorComparison } from './compare.js';

/** `undecided`: the reference says too little, as few printed digits do. */
export type Verdict = 'parity' | 'differs' | 'ill-conditioned' | 'undecided';

/** What was compared, as a report names it. */
export interface Subject {
  readonly kind: Kind;
  readonly cell: boolean;
  readonly nonlinearity: Nonlinearity;
  readonly input_size: number;
  readonly hidden_size: number;
  readonly proj_size: number;
  readonly num_layers: number;
  readonly directions: readonly Direction[];
  readonly bias: boolean;
  readonly prefix: string;
  readonly steps: number;
  readonly batch: number;
  readonly batch_first: boolean;
  readonly compute: 'float64' | 'float32';
  readonly equal_nan: boolean;
  /** The same in words: `LSTM 80 → 256`, `2 layers`, `bidirectional` … */
  readonly words: readonly string[];
}

/** What results from holding actual against expected outputs: data, rendered by the reports. */
export interface Comparison {
  readonly verdict: Verdict;
  readonly subject: Subject;
  readonly tensors: readonly TensorComparison[];
  /** Outputs of the module that the reference lacks. */
  readonly notChecked: readonly string[];
  /** The first mismatch that rounding alone cannot explain, and the tensor it is in. */
  readonly first?: { readonly tensor: TensorComparison['name']; readonly place: Place };
  /** Ill-conditioned: the step from which rounding alone could explain the differences. */
  readonly partsAt?: number;
  /** Why it differs, in a sentence, where that was looked for and found. */
  readonly cause?: string;
  /** The kernels that it was computed with. */
  readonly kernels: { readonly name: string; readonly threads: number };
  /** What was inferred and may surprise. */
  readonly notes: readonly string[];
  /** What weakens the verdict; with --strict none is given. */
  readonly warnings: readonly string[];
  /** What to try where the verdict is not parity. */
  readonly advice: readonly string[];
}

/** One case of a run: a comparison, or why there is none. */
export type CaseResult =
  | { readonly label: string; readonly comparison: Comparison; readonly error?: undefined }
  | { readonly label: string; readonly error: CellcheckError; readonly comparison?: undefined };

/** How a run ended. */
export interface Summary {
  readonly parity: number;
  readonly differs: number;
  /** Cases without a verdict: errors, ill-conditioned and undecided ones. */
  readonly noVerdict: number;
  /** How long it took, where it was measured. */
  readonly seconds?: number;
  readonly exitCode: 0 | 1 | 2;
}
