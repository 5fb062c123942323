import type { AutoSummary, TensorComparison } from '../compare/tensor.js';
import { formatCount, formatExact, formatSigmas, largest } from './terminal/numbers.js';

/** The automatic rule in words: what a verdict rests on, what it leaves open, and what it saw. */

/** Units that a line names. */
const MOST_UNITS = 8;

type Judged = TensorComparison & { readonly auto: AutoSummary };

export function judgedByRounding(tensors: readonly TensorComparison[]): Judged[] {
  return tensors.filter((tensor): tensor is Judged => tensor.auto !== undefined);
}

/** What stands above the column. */
export function sigmasHead({ auto }: Judged): string {
  return auto.decimals === undefined ? 'σ' : 'of bound';
}

/** What the verdict rests on, in two parts. */
export function restsOn(tensors: readonly Judged[]): string[] {
  const begins = tensors[0].auto.forced
    ? "every step begins from the reference's own h"
    : 'from the initial state on, for the reference lacks the output of every step';
  return [`rule auto: ${limits(tensors)}`, begins];
}

/** `within 6 σ of float32 rounding (profile generic)` */
export function limits(tensors: readonly Judged[]): string {
  const texts = tensors.map(({ auto: { decimals, profile, limit }, dtype }) =>
    decimals === undefined
      ? `within ${limit} σ of ${dtype} rounding (profile ${profile})`
      : `within what ${decimals} printed ${decimals === 1 ? 'decimal allows' : 'decimals allow'}`,
  );
  if (new Set(texts).size === 1) return texts[0];
  return tensors.map(({ name }, i) => `${name} ${texts[i]}`).join(', ');
}

/** `1.2 σ`, or `0.4 of its bound`; nothing where nothing is decided. */
export function farthest(tensors: readonly Judged[]): string[] {
  const sigmas = tensors.flatMap(({ auto }) => (auto.sigmas === undefined ? [] : [auto.sigmas]));
  if (sigmas.length === 0) return [];
  const unit = tensors[0].auto.decimals === undefined ? 'σ' : 'of its bound';
  return [`${formatSigmas(largest(sigmas))} ${unit}`];
}

/** How many faults are beyond what rounding can do at all, where that is not what they are judged by. */
export function proven(tensors: readonly Judged[]): string[] {
  const count = tensors.reduce((sum, { auto }) => sum + (auto.decimals === undefined ? auto.proven : 0), 0);
  return count ? [`${formatCount(count)} beyond what rounding can do at all`] : [];
}

/** What is undecided, and units that differ as a whole. */
export function roundingNotes(tensors: readonly Judged[]): string[] {
  return tensors.flatMap(
    ({ name, auto: { decimals, limit, rare, undecided, units, suspicious }, elements, tolerance }) => [
      ...(undecided
        ? [
            `note: ${name}: ${formatCount(undecided)} of ${formatCount(elements)} values are undecided, for ${decimals === undefined ? 'rounding' : 'what the digits hide'} may have taken them anywhere; they are held against rtol ${formatExact(tolerance.rtol)}, atol ${formatExact(tolerance.atol)}`,
          ]
        : []),
      ...(rare
        ? [
            `note: ${name}: ${rare === 1 ? 'one' : formatCount(rare)} of ${formatCount(elements)} values ${rare === 1 ? 'is' : 'are'} beyond ${limit} σ, which is rare and no sign of a fault`,
          ]
        : []),
      ...(units.length
        ? [`${name}: unit ${list(units)}: each step within ${limit} σ, but too many of them too far`]
        : []),
      ...(suspicious.length
        ? [`note: ${name}: unit ${list(suspicious)}: farther off than is usual, which proves nothing`]
        : []),
    ],
  );
}

function list(units: AutoSummary['units']): string {
  const some = units.slice(0, MOST_UNITS).map(({ unit }) => unit);
  return some.join(', ') + (units.length > MOST_UNITS ? ', …' : '');
}
