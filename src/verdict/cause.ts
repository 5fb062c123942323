import type { ProfileName } from '../bounds/profiles.js';
import type { Place } from '../compare/element.js';
import type { Direction } from '../kinds.js';

/** A convention, or two at once, with which the weights give the reference. */
export interface Convention {
  readonly says: readonly string[];
  readonly remedies: readonly string[];
  /** The largest difference that remains. */
  readonly left: number;
  /** The number of values that were compared, of all: rounding may have taken the others anywhere. */
  readonly compared: number;
  readonly of: number;
  /** Whether too few were compared to be sure. */
  readonly partial: boolean;
  /** The rounding that is left; that of the reference's dtype if absent. */
  readonly profile?: Extract<ProfileName, 'cudnn' | 'f16'>;
}

/** A weight with which the reference follows, where another stands in the file. */
export interface WrongWeight {
  /** `weight_ih_l0`; both biases where either would do. */
  readonly tensors: readonly string[];
  readonly row: number;
  readonly column?: number;
  readonly gate: string;
  readonly unit: number;
  readonly inFile: number;
  readonly implied: number;
  /** The standard deviation of `implied`. */
  readonly deviation: number;
  /** The largest difference that is left, in standard deviations of rounding, and that was there. */
  readonly leftSigmas: number;
  readonly sigmas: number;
  /** How many other weights of the same row would explain the difference as well. */
  readonly alike: number;
}

/** Where the difference is, with every step begun from the reference's own h. */
export interface Whereabouts {
  readonly layer: number;
  readonly direction: Direction;
  /** The first step that is beyond rounding, in the order in which the direction runs; and the farthest of its units. */
  readonly step: number;
  readonly batch: number;
  readonly unit: number;
  /** Units with any value beyond rounding, and how many there are. */
  readonly units: readonly number[];
  readonly ofUnits: number;
  /** Whether what goes into the layer is in the case. */
  readonly hasInput: boolean;
  /** What each gate's sum would have to be off by at that step and unit; absent where no change would do. */
  readonly gates: Readonly<Record<string, number | undefined>>;
  /** The part of all that each gate explains where every unit has its best weight changed. */
  readonly explained: Readonly<Record<string, number>>;
}

/** A value of the reference that does not follow, though everything around it does. */
export interface ChangedValue extends Place {
  readonly tensor: 'output' | 'h_n' | 'c_n';
}

/** What of a reference follows, with every step begun from the reference's own state. */
export interface Pattern {
  /** One sentence or two; none where nothing stands out. */
  readonly says: readonly string[];
  /** The steps, batch rows and units of the output that do not follow; absent where all of them do not. */
  readonly steps?: readonly number[];
  readonly rows?: readonly number[];
  readonly units?: readonly number[];
  /** The first step and batch row, in the order of memory, from which on hardly anything follows. */
  readonly fromPlace?: readonly [step: number, row: number];
  /** Whether all that differs is beyond the lengths of the rows. */
  readonly onlyPadding?: true;
}

/** What was looked at, whatever was found. */
export interface Searched {
  /** Absent where the reference has no output of every step. */
  readonly pattern?: Pattern;
  /** The largest difference. */
  readonly difference: number;
  /** The convention that explains most of the difference without fitting, and the share that it explains. */
  readonly nextBest?: { readonly says: readonly string[]; readonly explained: number };
  /** Conventions that make no difference on this case, and so are neither shown nor excluded. */
  readonly notExcluded: readonly string[];
  /** What a case would need to tell apart what this one does not. */
  readonly separators: readonly string[];
  /** The numbers of conventions and of pairs of them that were tried, and of all pairs. */
  readonly tried: { readonly singles: number; readonly pairs: number; readonly ofPairs: number };
}

/** What was found. */
export type Finding =
  /** Each convention explains all of the difference; more than one where this case does not tell them apart. */
  | { readonly kind: 'conventions'; readonly conventions: readonly Convention[] }
  /** Values of the reference that were changed after it was computed. */
  | { readonly kind: 'changed-values'; readonly values: readonly ChangedValue[] }
  /** The first value that is NaN or infinite, and should not be. */
  | { readonly kind: 'not-finite'; readonly value: ChangedValue }
  /** An output that was never computed, dropped, or changed afterwards; or padding that is not PyTorch's. */
  | { readonly kind: 'degenerate'; readonly says: string; readonly remedy: string }
  /** All of the difference is rounding in a coarser precision; not sure where a fault could look alike. */
  | { readonly kind: 'precision'; readonly profile: ProfileName; readonly isSure: boolean }
  /** One weight is another number; more than one where each of them alone would do. */
  | { readonly kind: 'weights'; readonly weights: readonly WrongWeight[] }
  /** Nothing explains all of it. `outputAgrees`: only final states differ; `whereabouts`: where it begins. */
  | {
      readonly kind: 'unexplained';
      readonly outputAgrees: boolean;
      readonly whereabouts: readonly Whereabouts[];
    }
  /** A quick look at the reference alone found nothing, and conventions were not tried. */
  | { readonly kind: 'not-searched' };

/** Why a reference differs. */
export type Cause = Searched & Finding;
