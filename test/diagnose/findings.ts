import type { Cause, ChangedValue, Convention, Whereabouts, WrongWeight } from '../../src/verdict/cause.js';

// What a cause found of each kind: nothing where it is of another kind.

export const conventionsOf = (cause: Cause | undefined): readonly Convention[] =>
  cause?.kind === 'conventions' ? cause.conventions : [];

export const weightsOf = (cause: Cause | undefined): readonly WrongWeight[] =>
  cause?.kind === 'weights' ? cause.weights : [];

export const changedIn = (cause: Cause | undefined): readonly ChangedValue[] =>
  cause?.kind === 'changed-values' ? cause.values : [];

export const whereaboutsOf = (cause: Cause | undefined): readonly Whereabouts[] =>
  cause?.kind === 'unexplained' ? cause.whereabouts : [];
