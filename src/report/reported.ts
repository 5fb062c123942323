import type { TensorComparison } from '../compare/tensor.js';
import type { Comparison } from '../verdict/comparison.js';

/** An output of a case as reports see it: who states its tolerance is said in words. */
export interface ReportedTensor extends Omit<TensorComparison, 'tolerance' | 'zerosPass' | 'nans'> {
  readonly tolerance: { readonly rtol: number; readonly atol: number; readonly source: string };
}

/** A comparison as reports see it: its remarks are sentences. It is what a JSON report holds, and can be read back from one. */
export interface ReportedComparison
  extends Omit<Comparison, 'tensors' | 'kernels' | 'notes' | 'warnings' | 'advice' | 'cause' | 'coarser'> {
  readonly tensors: readonly ReportedTensor[];
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
  readonly advice: readonly string[];
  /** The profile of a precision of which all differences are rounding. */
  readonly coarser?: string;
  /** Why it differs, where that was found quickly. */
  readonly cause?: string;
}

/** Why a case could not be compared. */
export interface ReportedError {
  /** A line, and one for each hint; safe to print. */
  readonly message: string;
  readonly file?: string;
  readonly tensor?: string;
  readonly found?: string;
  readonly expected?: string;
  readonly hints: readonly string[];
}

/** One case of a run. */
export type ReportedCase = {
  readonly label: string;
  /** How long it took, where that was measured. */
  readonly seconds?: number;
} & (
  | { readonly comparison: ReportedComparison; readonly error?: undefined }
  | { readonly error: ReportedError; readonly comparison?: undefined }
);
