import type { Parameters } from '../module/bind.js';
import type { Module } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import type { Kernels } from './kernels/kernels.js';
import type { LayerScreening } from './screen.js';
import type { Recorder } from './trace.js';

/** One layer in one direction: its inputs, and where its outputs go. */
export interface LayerRun {
  readonly kernels: Kernels;
  readonly module: Module;
  readonly parameters: Parameters;
  readonly reverse: boolean;
  readonly steps: number;
  /** The number of batch rows that a step is within the length of; these are always the first ones. */
  readonly rowsAt: (step: number) => number;
  readonly batch: number;
  /** [steps, batch, input_size] */
  readonly input: Floats;
  readonly input_size: number;
  /** [steps, batch, width]; this direction's columns begin at `outputAt`. */
  readonly output: Floats;
  readonly width: number;
  readonly outputAt: number;
  /** In: h_0. Out: h_n. [batch, output size] */
  readonly h: Floats;
  /** LSTM only. In: c_0. Out: c_n. [batch, hidden] */
  readonly c: Floats;
  /** Copies the results of every step, where a trace is requested. */
  readonly record?: Recorder['record'];
  /** Screens references while the layer runs, where that is requested. */
  readonly screening?: LayerScreening;
  /** This thread's share of the units, where other threads run the same layer. */
  readonly share?: Share;
}

/** The units that one thread computes of a pass. */
export interface Share {
  /** This thread is number `index` of `count`. */
  readonly index: number;
  readonly count: number;
  /** Gives the other threads this one's values [batch, units], waits for theirs, and puts all into `whole` [batch, hidden]. */
  exchange(values: Floats, whole: Floats): void;
  /** For the output of each layer [steps, batch, directions·output size]: memory of all threads, into which each writes it. */
  readonly outputs: readonly Floats[];
}

/** How many of the rows of step t have another step after it, in the order of the direction: these are the first ones. */
export function rowsThatContinue(
  { steps, reverse, rowsAt }: Pick<LayerRun, 'steps' | 'reverse' | 'rowsAt'>,
  t: number,
  rows: number,
): number {
  if (reverse) return t === 0 ? 0 : rows;
  return t + 1 < steps ? rowsAt(t + 1) : 0;
}

/** The hidden units that a thread computes: from … to − 1. */
export function unitsOf(
  share: Pick<Share, 'index' | 'count'> | undefined,
  hidden_size: number,
): { readonly from: number; readonly to: number } {
  if (!share) return { from: 0, to: hidden_size };
  const boundary = (index: number) => Math.floor((index * hidden_size) / share.count);
  return { from: boundary(share.index), to: boundary(share.index + 1) };
}
