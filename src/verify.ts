import type { Case } from './module/case.js';
import type { Comparison } from './verdict/comparison.js';
import { conclude } from './verdict/conclude.js';
import { run } from './verdict/readings.js';
import { settle, type VerifyOptions } from './verdict/settings.js';

/**
 * Verifies one case: do these outputs follow from this state_dict?
 *
 * The options of the case and of the caller are merged. The network is run (verdict/run.ts): its module is described
 * from the state_dict, the case's tensors are bound to it, the forward pass is computed, and its outputs are compared
 * with the references. The comparison gets its verdict (verdict/conclude.ts). With `explain`, a quick search looks for
 * the cause of a difference.
 * @throws CellcheckError if nothing can be compared
 */
export async function verify(loaded: Case, options: VerifyOptions = {}): Promise<Comparison> {
  const settings = settle(loaded, options);
  const judgedRun = await run(loaded, settings);
  const comparison = await conclude(loaded, judgedRun);
  if (!options.explain || comparison.verdict !== 'differs') return comparison;
  const { quickCause } = await import('./diagnose/diagnose.js');
  return { ...comparison, cause: await quickCause(judgedRun.run) };
}
