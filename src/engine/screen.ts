import type { Floats } from '../tensor/dtype.js';
import type { Closeness, Differences, ScreenTerms } from './kernels/kernels.js';

/**
 * What to screen while a pass is made: whether references are so near that nothing but rounding can be between them.
 *
 * Rounding is judged step by step, each from the reference's own state (bounds/envelope.ts). Where reference and pass are
 * near, such a step differs from that of the pass so little that float32 holds the difference to all digits that count:
 * its sums are those of the pass plus W_hh (h_reference − h), in float32. Variances need three digits, so that float32 is
 * enough for these too. What float32 cannot tell, and what may be a fault, is left to bounds/envelope.ts.
 */
export interface Screen {
  /** From the bottom up. */
  readonly layers: readonly ScreenedLayer[];
  /** The reference of the last layer's output; absent where only final states are known. */
  readonly expected?: ExpectedOutput;
  /** In standard deviations: a value that is farther off is not told. */
  readonly limit: number;
  /** The numbers of the batch rows of the pass, where these are a part of all. */
  readonly rows?: readonly number[];
}

/** A reference of the last layer's output, for whichever rows of it a pass has. */
export interface ExpectedOutput {
  /** [steps, batch, directions·output size] */
  readonly values: Floats;
  /** The number of batch rows of `values`: a pass may be of some of them. */
  readonly batch: number;
  /** What its differences are held against. */
  readonly closeness: Closeness;
}

interface ScreenedLayer {
  readonly terms: ScreenTerms;
  /** What the squares of terms are multiplied by in the variance of their sum. */
  readonly perSquare: number;
  /** By direction: the variances that rounding the biases adds [gates·hidden]. */
  readonly biases: readonly Floats[];
}

/** What a screening found. All but `isTold` means something only where that is true. */
export interface Screened {
  /** Whether everything was told: no value is beyond the limit, or beyond what float32 can tell. */
  readonly isTold: boolean;
  /** The largest deviation of each step of the output, in standard deviations [steps]. */
  readonly farthest: Float64Array;
  /** How the reference of the output differs from what was computed. */
  readonly differences: Differences;
  /** The sum of the squares of the deviations over all steps, and how many were not zero [batch, directions·output size]. */
  readonly squares: Floats;
  readonly counts: Floats;
  /** Final states: what a step from the reference has more, and its variance [layers·directions, batch, output size]. */
  readonly dh: Floats;
  readonly hV: Floats;
  /** The same of c [layers·directions, batch, hidden]; empty but for an LSTM. */
  readonly dc: Floats;
  readonly cV: Floats;
}

/** The screening of one layer in one direction; batch rows are packed. */
export interface LayerScreening extends Omit<ScreenedLayer, 'biases'>, Omit<Screen, 'layers'> {
  readonly biases: Floats;
  /** The number that each row has in `expected`. */
  readonly rows: readonly number[];
  /** The variances of the input [steps, batch, input_size]; absent where it is exact. */
  readonly inputVariances?: Float32Array;
  /** Out: those of the output, where the layer runs free; this direction's columns [steps, batch, width]. */
  readonly outputVariances?: Float32Array;
  /** Out. The final states are those of this layer and direction. */
  readonly found: Omit<Screened, 'isTold'>;
  /** One for the whole pass: where something cannot be told, nothing else needs to be. */
  readonly status: { isTold: boolean };
}
