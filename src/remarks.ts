import type { Comparison, Subject, Verdict } from './compare/comparison.js';
import { KINDS } from './kinds.js';
import { layoutWord } from './module/layout.js';
import { describeParts, directions } from './module/parameters.js';
import type { Run, Settings } from './verify.js';

/** The facts of a run that a report names. */
export function subjectOf({ bound, settings }: Run): Subject {
  const { module } = bound.network;
  const { layout } = bound;
  const layoutWords = layoutWord(module, layout);
  const { kind, cell, nonlinearity, inputSize, hiddenSize, projSize, numLayers, bias, prefix } = module;
  return {
    kind,
    cell,
    nonlinearity,
    inputSize,
    hiddenSize,
    projSize,
    numLayers,
    bias,
    prefix,
    directions: directions(module),
    steps: layout.steps,
    batch: layout.batch,
    batchFirst: layout.batchFirst,
    compute: settings.compute,
    words: [...describeParts(module), ...(layoutWords ? [layoutWords] : [])],
  };
}

/** The outputs of the module that the reference lacks. */
export function notChecked({ bound, tensors }: Run): string[] {
  const all = ['output', ...KINDS[bound.network.module.kind].states.map((state) => `${state}_n`)];
  // A Cell's single step has no output besides its state.
  const named = bound.layout.timed ? all : all.slice(1);
  return named.filter((name) => !tensors.some((tensor) => tensor.name === name));
}

/** What was inferred against PyTorch's default. */
export function notesOn({ bound, settings }: Run): string[] {
  if (!bound.layout.batchFirst || settings.batch_first !== undefined) return [];
  return ['batch_first is not said; the shapes fit only [B, T, …], so it is taken as true'];
}

/** What makes a parity weaker than it looks. */
export function warningsOn({ tensors }: Run): string[] {
  return tensors
    .filter(({ zerosPass }) => zerosPass)
    .map(({ name, tolerance: { rtol, atol } }) =>
      [
        `${name}: all zeros would pass too: with rtol ${rtol}, atol ${atol}`,
        'this reference proves nothing',
      ].join(' '),
    );
}

/** Whether another reading of the case agrees: what its names and shapes don't say may be said wrong. */
export async function adviceFor(
  verdict: Verdict,
  { bound, settings }: Run,
  runAs: (other: Partial<Settings>) => Promise<Run>,
): Promise<Comparison['advice']> {
  if (verdict === 'parity') return [];
  const { module } = bound.network;
  const layouts = [bound.layout.batchFirst, ...(bound.otherLayoutFits ? [!bound.layout.batchFirst] : [])];
  const nonlinearities = module.kind === 'RNN' ? (['tanh', 'relu'] as const) : [module.nonlinearity];
  for (const batch_first of layouts) {
    for (const nonlinearity of nonlinearities) {
      const flags: string[] = [];
      if (batch_first !== bound.layout.batchFirst)
        flags.push(batch_first ? '--batch-first' : '--no-batch-first');
      if (nonlinearity !== module.nonlinearity) flags.push(`--nonlinearity ${nonlinearity}`);
      if (flags.length === 0) continue;
      const other = await runAs({
        ...(module.cell ? {} : { batch_first }),
        ...(module.kind === 'RNN' ? { nonlinearity } : {}),
        onProgress: settings.onProgress,
      });
      if (other.tensors.every(({ mismatches }) => mismatches === 0)) {
        return [`every value agrees with ${flags.join(' ')}: add it, or say it in the case`];
      }
    }
  }
  return [];
}
