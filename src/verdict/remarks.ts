import type { Verdict } from '../compare/summary.js';
import { carriesCell, hasNonlinearity, KINDS, type Nonlinearity, type TensorName } from '../kinds.js';
import type { BoundCase } from '../module/bind.js';
import type { Case } from '../module/case.js';
import { notFinite } from '../module/not-finite.js';
import { type DigitsReading, statedFor } from '../module/printed.js';
import { DTYPES } from '../tensor/dtype.js';
import { passesForAny } from './any-network.js';
import type { CoarserProfile } from './coarser.js';
import type { Run } from './run.js';

/** What was inferred and may surprise. */
export type Note =
  /** Said by a file about itself, such as what of it was skipped; or by the kernels. */
  | { readonly kind: 'file' | 'kernels'; readonly text: string }
  /** `batch_first` is not stated: true where only that fits the shapes, false where both values do. */
  | { readonly kind: 'batch_first'; readonly taken: boolean }
  /** A tensor whose axes are not PyTorch's: its shape, and the one that it is read as. */
  | {
      readonly kind: 'reshaped';
      readonly tensor: string;
      readonly found: readonly number[];
      readonly taken: readonly number[];
    }
  /** Values of a reference that a narrower dtype holds: it is judged as if it were stored in that. */
  | {
      readonly kind: 'narrower-values';
      readonly tensors: readonly string[];
      readonly stored: string;
      readonly dtype: string;
    }
  /** A reference that is not text, whose values have few decimals. */
  | { readonly kind: 'few-decimals'; readonly tensor: string; readonly decimals: number }
  /** `nonlinearity` is not stated, and taken as tanh. */
  | { readonly kind: 'nonlinearity' }
  /** h_0 is given and c_0 is not: it is zero. */
  | { readonly kind: 'zero-c_0' };

/** What weakens a verdict. */
export type Warning =
  | { readonly kind: 'file'; readonly text: string }
  /** Tensors with few decimals had to be taken as rounded: as exact numbers they differ. */
  | { readonly kind: 'rounded-decimals'; readonly tensors: readonly string[] }
  /** Zeros would pass as well, for most of the tensor or all. */
  | { readonly kind: 'zeros-pass'; readonly tensor: TensorName }
  /** Expected NaNs that were taken as equal. */
  | { readonly kind: 'nan-taken-as-equal'; readonly tensor: TensorName; readonly count: number }
  /** A weight, an input or a state with NaN or infinities; `first`: the index of the first. */
  | {
      readonly kind: 'not-finite';
      readonly tensor: string;
      readonly nans: number;
      readonly infinities: number;
      readonly first: readonly number[];
    }
  /** NaN goes in, and the reference has NaN: `equal_nan` would make them equal. */
  | { readonly kind: 'nan-in-reference' }
  /** Tensors with the shape of biases beside weights that have none under PyTorch's names. */
  | { readonly kind: 'unnamed-biases'; readonly tensors: readonly string[] }
  /** Almost any network would pass. */
  | { readonly kind: 'any-network' }
  /** `batch_first` is not stated, the shapes fit both values, and they agree with the one that is assumed. */
  | { readonly kind: 'layout-assumed' };

/** What to try where the verdict is not parity. */
export type Advice =
  | { readonly kind: 'print-more-digits' }
  | { readonly kind: 'wider-dtype-or-layer-outputs' }
  /** Tensors of few decimals, if they are exact. */
  | { readonly kind: 'give-exact-as-json'; readonly tensors: readonly string[] }
  /** Another reading of the case, with which `mismatches` of `of` values differ. */
  | {
      readonly kind: 'another-reading';
      readonly batch_first?: boolean;
      readonly nonlinearity?: Nonlinearity;
      readonly mismatches: number;
      readonly of: number;
    }
  /** The reference shows no more decimals than this. */
  | { readonly kind: 'state-decimals'; readonly decimals: number }
  /** All of it is rounding in a coarser precision. */
  | { readonly kind: 'coarser-precision'; readonly profile: CoarserProfile }
  /** A sum may overflow. */
  | { readonly kind: 'smaller-sums' }
  | { readonly kind: 'compute-float64' }
  | { readonly kind: 'shorter-sequence'; readonly orFloat64: boolean };

/** The outputs of the module that the reference lacks. */
export function notChecked({ boundCase, tensors }: Run): string[] {
  const { network, layout } = boundCase;
  // A Cell's single step has no output besides its state.
  const outputs = [
    ...(layout.timed ? ['output'] : []),
    'h_n',
    ...(carriesCell(network.module.kind) ? ['c_n'] : []),
  ];
  return outputs.filter((name) => !tensors.some(({ reference }) => reference.name === name));
}

/** Whether a parity rests on the layout that is assumed: the shapes fit the other one, which would compute something else. */
function restsOnLayout(
  { layout, otherLayoutFits, sequence }: BoundCase,
  batch_first: boolean | undefined,
  verdict: Verdict | undefined,
): boolean {
  const isAssumed = batch_first === undefined && otherLayoutFits && !layout.batch_first;
  return verdict === 'parity' && isAssumed && sequence.steps * sequence.batch > 1;
}

/** What was inferred about the axes and states, where it may surprise and no warning says so. */
export function layoutNotes(
  boundCase: BoundCase,
  batch_first: boolean | undefined,
  verdict?: Verdict,
): Note[] {
  const { network, sequence, layout, otherLayoutFits, reshaped } = boundCase;
  const surprising = batch_first === undefined && (layout.batch_first || otherLayoutFits);
  const isWarned = restsOnLayout(boundCase, batch_first, verdict);
  const { kind } = network.module;
  return [
    ...(carriesCell(kind) && sequence.h0 && !sequence.c0 ? [{ kind: 'zero-c_0' } as const] : []),
    ...(surprising && !isWarned ? [{ kind: 'batch_first', taken: layout.batch_first } as const] : []),
    ...reshaped.map(({ role, ...shapes }) => ({ kind: 'reshaped', tensor: role, ...shapes }) as const),
  ];
}

/** What the values of the references say about how they were made, where their dtype says something else. */
export function valueNotes(
  { references, layerOutputs }: BoundCase,
  { tensors }: Case,
  settings: DigitsReading,
): Note[] {
  const all = [...references, ...layerOutputs];
  const narrower = all.filter(({ stored }) => stored !== undefined);
  const [first] = narrower;
  return [
    ...(first
      ? [
          {
            kind: 'narrower-values',
            tensors: narrower.map(({ name }) => name),
            stored: DTYPES[first.stored!].torch,
            dtype: DTYPES[first.dtype].torch,
          } as const,
        ]
      : []),
    ...all.flatMap(({ name, printed }): Note[] => {
      const isKnown = tensors.get(name)?.printed || statedFor(name, settings) !== undefined;
      return printed && !isKnown ? [{ kind: 'few-decimals', tensor: name, decimals: printed.decimals }] : [];
    }),
  ];
}

/** An RNN's nonlinearity cannot be read off its names and shapes. */
export function nonlinearityNotes(boundCase: BoundCase, stated: Nonlinearity | undefined): Note[] {
  const { kind, nonlinearity } = boundCase.network.module;
  return hasNonlinearity(kind) && nonlinearity === 'tanh' && stated === undefined
    ? [{ kind: 'nonlinearity' }]
    : [];
}

/** Texts of files or kernels as notes. */
export function textNotes(kind: 'file' | 'kernels', texts: readonly string[] = []): Note[] {
  return texts.map((text) => ({ kind, text }));
}

export function fileWarnings(texts: readonly string[] = []): Warning[] {
  return texts.map((text) => ({ kind: 'file', text }));
}

/** Tensors of few decimals that were taken as rounded; undefined where all were taken as exact. */
export function roundedTensors({ boundCase, tensors, settings }: Run): string[] | undefined {
  const { rounded = 'none' } = settings;
  if (rounded === 'none') return undefined;
  const isReference = (name: string) => tensors.some(({ reference }) => reference.name === name);
  return boundCase.fewDecimals.filter((name) => rounded === 'all' || isReference(name));
}

/** What makes a verdict weaker than it looks. */
export async function warningsOn(run: Run, verdict: Verdict): Promise<Warning[]> {
  const rounded = verdict === 'parity' ? roundedTensors(run) : undefined;
  const zerosPass = run.tensors.every(({ comparison }) => comparison.zerosPass);
  const anyNetwork = verdict === 'parity' && !zerosPass && (await passesForAny(run));
  const isAssumed = restsOnLayout(run.boundCase, run.settings.batch_first, verdict);
  return [
    ...(isAssumed ? [{ kind: 'layout-assumed' } as const] : []),
    ...(rounded ? [{ kind: 'rounded-decimals', tensors: rounded } as const] : []),
    ...notFiniteWarnings(run),
    ...run.tensors.flatMap(({ comparison: { name, zerosPass, nans } }): Warning[] => [
      ...(zerosPass ? [{ kind: 'zeros-pass', tensor: name } as const] : []),
      ...(nans ? [{ kind: 'nan-taken-as-equal', tensor: name, count: nans } as const] : []),
    ]),
    ...(anyNetwork ? [{ kind: 'any-network' } as const] : []),
  ];
}

/** Weights, inputs and states that are not finite; where the reference has NaN too, there is an option for it. */
function notFiniteWarnings({ boundCase, outputs, settings }: Run): Warning[] {
  // What is not finite makes variances that no screening tells, but in padding.
  if (outputs.screened?.isTold && !boundCase.sequence.lengths) return [];
  const found = notFinite(boundCase);
  if (found.length === 0) return [];
  const inReference = boundCase.references.some(({ data }) => data.some(Number.isNaN));
  return [
    ...found.map(({ name, ...facts }) => ({ kind: 'not-finite', tensor: name, ...facts }) as const),
    ...(inReference && !settings.equal_nan ? [{ kind: 'nan-in-reference' } as const] : []),
  ];
}

/** Tensors beside a module without biases that have the shape of such. */
export function unnamedBiases({ weights }: Case, { boundCase }: Run): Warning[] {
  const { bias, prefix, kind, hidden_size } = boundCase.network.module;
  if (bias) return [];
  const rows = KINDS[kind].gates.length * hidden_size;
  const tensors = [...weights.specs].flatMap(([name, spec]) => {
    // Those of a module in it are its own.
    const isBeside = name.startsWith(prefix) && !name.slice(prefix.length).includes('.');
    return isBeside && spec.shape.length === 1 && spec.shape[0] === rows ? name : [];
  });
  return tensors.length ? [{ kind: 'unnamed-biases', tensors }] : [];
}
