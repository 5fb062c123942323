import type { Sequence } from '../../module/bind.js';
import type { Module } from '../../module/parameters.js';
import type { Variant } from './variant.js';

/** One thing that the program that computed the reference may have done differently. */
export interface Hypothesis {
  /** Short and unique. */
  readonly name: string;
  readonly change: Variant;
  /** What that program did, as a sentence for the report. */
  readonly says: string;
  /** What to do about it, for the report. */
  readonly remedy: string;
  /** Whether it is too rare to be tried together with another one. */
  readonly alone?: true;
}

/** What a hypothesis may depend on besides the module. */
export type Shape = Pick<Sequence, 'steps' | 'batch' | 'lengths' | 'h0' | 'c0'>;

/** All orders of some items, the given one first. */
export function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((first, i) => permutations(items.toSpliced(i, 1)).map((rest) => [first, ...rest]));
}

/** Numbers for a sentence, the first ones of many. */
export function firstOf(numbers: readonly number[], most: number): string {
  return numbers.slice(0, most).join(', ') + (numbers.length > most ? ', …' : '');
}

export interface Entry extends Hypothesis {
  /** The modules and sequences for which it makes sense; all if absent. */
  readonly when?: (module: Module, sequence: Shape) => boolean;
}
