import type { AutoSummary } from '../compare/tensor.js';
import type { ReportedTensor } from './reported.js';
import { formatCount, formatExact, formatSigmas, largest } from './terminal/numbers.js';

// The automatic rule's judgement in words.

/** The largest number of units that a line names. */
const MOST_UNITS = 8;

type AutoTensor = ReportedTensor & { readonly auto: AutoSummary };

export function judgedByRounding(tensors: readonly ReportedTensor[]): AutoTensor[] {
  return tensors.filter((tensor): tensor is AutoTensor => tensor.auto !== undefined);
}

/** The head of the column of sigmas. */
export function sigmasHead({ auto }: AutoTensor): string {
  return auto.decimals === undefined ? 'σ' : 'of bound';
}

/** What the verdict is based on: the rule, and where each step begins. */
export function restsOn(tensors: readonly AutoTensor[]): string[] {
  const beginning = tensors[0].auto.forced
    ? "every step begins from the reference's own h"
    : "from the initial state on, because the reference does not have every step's output";
  return [`rule auto: ${limits(tensors)}`, beginning];
}

/** What a profile stands for, where the dtype of the reference does not say it. */
const WORDS: Readonly<Partial<Record<string, string>>> = {
  exponential:
    "the rounding of a float32 runtime that computes tanh from exponentials, as ONNX Runtime's RNN does",
  cudnn: "the rounding of cuDNN on NVIDIA's GPUs, which computes tanh by its instruction tanh.approx",
  coarse: 'the rounding of a float32 runtime whose tanh and sigmoid are coarse approximations',
  'f16-weights': 'float32 rounding, with weights in float16',
  'bf16-weights': 'float32 rounding, with weights in bfloat16',
  'autocast-f16': 'float16 rounding of products and gates',
  'autocast-bf16': 'bfloat16 rounding of products and gates',
};

/** Whether a profile is used that the dtype of the reference does not say: then even a short report names it. */
export function isNamed(tensors: readonly AutoTensor[]): boolean {
  return tensors.some(({ auto: { profile, decimals } }) => decimals === undefined && profile in WORDS);
}

/** `within 6 σ of float32 rounding (profile generic)` */
export function limits(tensors: readonly AutoTensor[]): string {
  const texts = tensors.map(({ auto: { decimals, profile, limit }, dtype }) =>
    decimals === undefined
      ? `within ${limit} σ of ${WORDS[profile] ?? `${dtype} rounding`} (profile ${profile})`
      : `within what ${decimals} printed ${decimals === 1 ? 'decimal allows' : 'decimals allow'}`,
  );
  if (new Set(texts).size === 1) return texts[0];
  return tensors.map(({ name }, i) => `${name} ${texts[i]}`).join(', ');
}

/** `1.2 σ`, or `0.4 of its bound`; empty where every element is undecided. */
export function farthest(tensors: readonly AutoTensor[]): string[] {
  const sigmas = tensors.flatMap(({ auto }) => (auto.sigmas === undefined ? [] : [auto.sigmas]));
  if (sigmas.length === 0) return [];
  const unit = tensors[0].auto.decimals === undefined ? 'σ' : 'of its bound';
  return [`${formatSigmas(largest(sigmas))} ${unit}`];
}

/** The number of faults beyond the bounds of rounding; empty where bounds are the limit, so that all faults are. */
export function proven(tensors: readonly AutoTensor[]): string[] {
  const count = tensors.reduce((sum, { auto }) => sum + (auto.decimals === undefined ? auto.proven : 0), 0);
  return count ? [`${formatCount(count)} beyond what rounding can do at all`] : [];
}

/** Notes on undecided and rare elements, and on units with a large mean square. */
export function roundingNotes(tensors: readonly AutoTensor[]): string[] {
  return tensors.flatMap(
    ({ name, auto: { decimals, limit, rare, undecided, units, suspicious }, elements, tolerance }) => [
      ...(undecided
        ? [
            `note: ${name}: ${formatCount(undecided)} of ${formatCount(elements)} values are undecided, because the errors of ${decimals === undefined ? 'rounding' : 'missing digits'} may be too large; they are compared with rtol ${formatExact(tolerance.rtol)}, atol ${formatExact(tolerance.atol)}`,
          ]
        : []),
      ...(rare
        ? [
            `note: ${name}: ${rare === 1 ? 'one' : formatCount(rare)} of ${formatCount(elements)} values ${rare === 1 ? 'is' : 'are'} beyond ${limit} σ, which is rare and no sign of a fault`,
          ]
        : []),
      ...unitNotes(name, limit, units),
      ...(suspicious.length
        ? [`note: ${name}: unit ${list(suspicious)}: errors are larger than usual, but do not prove a fault`]
        : []),
    ],
  );
}

function unitNotes(name: string, limit: number, units: AutoSummary['units']): string[] {
  const wide = units.filter(({ weightSigmas }) => weightSigmas === undefined);
  const head = (which: AutoSummary['units']) =>
    `${name}: unit ${list(which)}: each step is within ${limit} σ, but`;
  return [
    ...(wide.length ? [`${head(wide)} the mean square of all steps is too large`] : []),
    ...units
      .filter((one) => !wide.includes(one))
      .map(
        (one) =>
          `${head([one])} all steps together are off as one wrong weight makes them (${formatSigmas(one.weightSigmas!)} σ)`,
      ),
  ];
}

function list(units: AutoSummary['units']): string {
  const first = units.slice(0, MOST_UNITS).map(({ unit }) => unit);
  return first.join(', ') + (units.length > MOST_UNITS ? ', …' : '');
}
