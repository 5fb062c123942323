import { printable } from '../errors.js';
import { formatShape } from '../tensor/shape.js';
import type { CoarserProfile } from '../verdict/coarser.js';
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
      ? 'batch_first is not given; the shapes fit only [B, T, …], so true is assumed'
      : "batch_first is not given; the shapes fit both values, so false is assumed, PyTorch's default",
  reshaped: ({ tensor, found, taken }) => `${tensor} ${formatShape(found)} is read as ${formatShape(taken)}`,
  'narrower-values': ({ tensors, stored, dtype }) =>
    `${firstNames(tensors)}: stored in ${stored}, but every value is one of ${dtype}: judged as ${dtype}`,
  'few-decimals': ({ tensor, decimals }) =>
    `${tensor}: every value has ${decimals} decimals at most: judged as printed numbers`,
  'zero-c_0': () => 'c_0 is not given; h_0 is, so c_0 is taken as zero',
  nonlinearity: () => "nonlinearity is not given; tanh is assumed, PyTorch's default",
};

const WARNINGS: Sentences<Warning> = {
  'layout-assumed': () =>
    "the parity rests on batch_first = false, PyTorch's default: the shapes fit both values. State it: --no-batch-first or --batch-first",
  file: ({ text }) => text,
  'rounded-decimals': ({ tensors }) =>
    `${firstNames(tensors)}: numbers with few decimals were read as rounded; read as exact numbers, they differ`,
  'zeros-pass': ({ tensor }) =>
    `${tensor}: zeros would pass too for most or all of its values, so this proves little`,
  'nan-taken-as-equal': ({ tensor, count }) =>
    `${tensor}: ${count} expected values are NaN, and taken as equal (equal_nan)`,
  'not-finite': ({ tensor, nans, infinities, first }) => {
    const counts = [
      ...(nans ? [`${nans} NaN`] : []),
      ...(infinities ? [`${infinities} ${infinities === 1 ? 'infinity' : 'infinities'}`] : []),
    ].join(' and ');
    return `${printable(tensor)} has ${counts}, first at [${first.join(', ')}]: values computed from it may not be finite either`;
  },
  'unnamed-biases': ({ tensors }) =>
    `${firstNames(tensors)}: the weights have no bias_ih and bias_hh, and ${tensors.length === 1 ? 'this has' : 'these have'} the shape of one; name it with --name, or it is not used`,
  'nan-in-reference': () => 'the reference has NaN too: with --equal-nan (equal_nan) NaN equals NaN',
  'any-network': () =>
    'the reference is nearly constant or saturated: almost any network would pass, so this proves little',
};

const ADVICE: Sentences<Advice> = {
  'print-more-digits': () =>
    'the reference has too few digits for a verdict; print more: torch.set_printoptions(precision=8)',
  'wider-dtype-or-layer-outputs': () =>
    'the rounding errors may be as large as the spread of the values: give a reference in a wider dtype, or the outputs of the layers below (--layer-outputs)',
  'give-exact-as-json': ({ tensors }) =>
    `${firstNames(tensors)}: numbers with few decimals are read as rounded; if they are exact, give them as JSON, whose numbers are read as exact: then this case differs`,
  'another-reading': ({ batch_first, nonlinearity, mismatches, of }) => {
    const flags = [
      ...(batch_first === undefined ? [] : [batch_first ? '--batch-first' : '--no-batch-first']),
      ...(nonlinearity === undefined ? [] : [`--nonlinearity ${nonlinearity}`]),
    ].join(' ');
    if (mismatches === 0 && batch_first !== undefined)
      return `every value agrees with ${flags}. Add it if the axes of the case are so; if not, the port has mixed up batch and time, or hands no state on`;
    return mismatches === 0
      ? `every value agrees with ${flags}: add it, or state it in the case`
      : `with ${flags} only ${mismatches} of ${of} values differ: is this how the case was made?`;
  },
  'state-decimals': ({ decimals }) =>
    `no number of the reference has more than ${decimals} decimals: if it was printed with this many, add --decimals ${decimals}, or "decimals": ${decimals} to the case`,
  'coarser-precision': ({ profile }) => COARSER[profile],
  'smaller-sums': () =>
    'runtimes add in different orders, and only some of these overflow: give an input or weights with smaller values',
  'compute-float64': () => 'omit --compute float32: it is less precise than this tolerance',
  'shorter-sequence': ({ orFloat64 }) =>
    `${orFloat64 ? 'a reference in float64 (module.double()), or ' : ''}a shorter sequence`,
};

const EXPORT_IN_FLOAT32 = 'Export it outside autocast, from module.float()';

const computedIn = (dtype: string, flag: string) =>
  `all of it is within ${dtype} rounding, and has values of ${dtype} only: the reference was not computed in float32. ${EXPORT_IN_FLOAT32}; or say --profile ${flag}`;

const weightsIn = (dtype: string, flag: string) =>
  `all of it is float32 rounding once the weights are rounded to ${dtype}: the reference was computed from weights in ${dtype}. Give those as the checkpoint, or the others to the port; or say --profile ${flag}`;

const autocastIn = (dtype: string, flag: string) =>
  `all of it is within ${dtype} rounding of products and gates, as under autocast: the reference was not computed in float32. ${EXPORT_IN_FLOAT32}; or say --profile ${flag}`;

/** Advice for a float32 reference that was computed in a coarser precision. */
const COARSER: Readonly<Record<CoarserProfile, string>> = {
  tf32: 'all of it is within TF32 rounding, or that of operands in float16: the reference may have been computed so. Export it with torch.backends.cudnn.allow_tf32 = False and torch.backends.cuda.matmul.allow_tf32 = False, or on a CPU; or say --profile tf32',
  f16: computedIn('float16', 'f16'),
  bf16: computedIn('bfloat16', 'bf16'),
  'f16-weights': weightsIn('float16', 'f16-weights'),
  'bf16-weights': weightsIn('bfloat16', 'bf16-weights'),
  'autocast-f16': autocastIn('float16', 'autocast-f16'),
  'autocast-bf16': autocastIn('bfloat16', 'autocast-bf16'),
};

const MOST_NAMED = 6;

function firstNames(tensors: readonly string[]): string {
  const names = tensors.slice(0, MOST_NAMED).map(printable).join(', ');
  return tensors.length > MOST_NAMED ? `${names}, …` : names;
}
