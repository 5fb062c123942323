import { printable } from '../errors.js';
import type { Advice, Note, Warning } from '../verdict/remarks.js';

// The sentences of notes, warnings and advice.

type RemarkOf<T extends { readonly kind: string }, K> = Extract<T, { readonly kind: K }>;
type Sentences<T extends { readonly kind: string }> = {
  readonly [K in T['kind']]: (remark: RemarkOf<T, K>) => string;
};

function sentenceOf<T extends { readonly kind: string }>(sentences: Sentences<T>, remark: T): string {
  return sentences[remark.kind as T['kind']](remark as RemarkOf<T, T['kind']>);
}

export function noteText(note: Note): string {
  return sentenceOf(NOTES, note);
}

export function warningText(warning: Warning): string {
  return sentenceOf(WARNINGS, warning);
}

export function adviceText(advice: Advice): string {
  return sentenceOf(ADVICE, advice);
}

const NOTES: Sentences<Note> = {
  file: ({ text }) => text,
  kernels: ({ text }) => text,
  batch_first: ({ taken }) =>
    taken
      ? 'batch_first is not said; the shapes fit only [B, T, …], so it is taken as true'
      : "batch_first is not said; the shapes fit both ways, so it is taken as false, PyTorch's default",
  nonlinearity: () => "nonlinearity is not said; it is taken as tanh, PyTorch's default",
};

const WARNINGS: Sentences<Warning> = {
  file: ({ text }) => text,
  'rounded-decimals': ({ tensors }) =>
    `${firstNames(tensors)}: so few decimals were taken as rounded, for as exact numbers they differ`,
  'zeros-pass': ({ tensor }) => `${tensor}: most of it or all would pass as zeros too, so this proves little`,
  'nan-taken-as-equal': ({ tensor, count }) =>
    `${tensor}: ${count} expected values are NaN, and taken as equal (equal_nan)`,
  'not-finite': ({ tensor, nans, infinities, first }) => {
    const counts = [
      ...(nans ? [`${nans} NaN`] : []),
      ...(infinities ? [`${infinities} ${infinities === 1 ? 'infinity' : 'infinities'}`] : []),
    ].join(' and ');
    return `${printable(tensor)} has ${counts}, first at [${first.join(', ')}]: what follows from it is no number either`;
  },
  'nan-in-reference': () => 'the reference has NaN too: with --equal-nan (equal_nan) NaN equals NaN',
  'any-network': () =>
    'the reference is the same almost everywhere, and almost any network would pass, so this proves little',
};

const ADVICE: Sentences<Advice> = {
  'print-more-digits': () =>
    'the printed digits cannot tell; print more: torch.set_printoptions(precision=8)',
  'wider-dtype-or-layer-outputs': () =>
    'rounding may have taken most values as far as they are apart from each other: give a reference in a wider dtype, or the outputs of the layers below (--layer-outputs)',
  'give-exact-as-json': ({ tensors }) =>
    `${firstNames(tensors)}: so few decimals may be rounded; where they are exact, give them as JSON, which is taken as it is written: then this differs`,
  'another-reading': ({ batch_first, nonlinearity, mismatches, of }) => {
    const flags = [
      ...(batch_first === undefined ? [] : [batch_first ? '--batch-first' : '--no-batch-first']),
      ...(nonlinearity === undefined ? [] : [`--nonlinearity ${nonlinearity}`]),
    ].join(' ');
    return mismatches === 0
      ? `every value agrees with ${flags}: add it, or say it in the case`
      : `with ${flags} only ${mismatches} of ${of} values differ: is that what the case is?`;
  },
  'state-decimals': ({ decimals }) =>
    `no number of the reference has more than ${decimals} decimals: if it was printed so, say "decimals": ${decimals} in the case`,
  'coarser-precision': ({ profile }) => COARSER[profile] ?? `all of it is within ${profile} rounding`,
  'compute-float64': () => 'leave --compute float32 away: it is less exact than this tolerance',
  'shorter-sequence': ({ orFloat64 }) =>
    `${orFloat64 ? 'a reference in float64 (module.double()), or ' : ''}a shorter sequence`,
};

const in16Bits = (dtype: string, remedy: string) =>
  `all of it is within ${dtype} rounding, and has values of ${dtype} only: the reference was not computed in float32. ${remedy}`;

/** Advice for a float32 reference that was computed in a coarser precision. */
const COARSER: Readonly<Record<string, string>> = {
  tf32: 'all of it is within TF32 rounding: the reference may have been computed so. Export it with torch.backends.cudnn.allow_tf32 = False and torch.backends.cuda.matmul.allow_tf32 = False, or on a CPU; or say --profile tf32',
  f16: in16Bits('float16', 'Export it outside autocast, from module.float(); or say --profile f16'),
  bf16: in16Bits('bfloat16', 'Export it outside autocast, from module.float(); or say --profile bf16'),
};

const MOST_NAMED = 6;

function firstNames(tensors: readonly string[]): string {
  const names = tensors.slice(0, MOST_NAMED).map(printable).join(', ');
  return tensors.length > MOST_NAMED ? `${names}, …` : names;
}
