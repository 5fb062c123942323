import type { Case } from './module/case.js';
import type { Comparison } from './verdict/comparison.js';
import { conclude } from './verdict/conclude.js';
import { run } from './verdict/judged-run.js';
import { settle, type VerifyOptions } from './verdict/settings.js';

/**
 * Verifies one case: do these outputs follow from this state_dict?
 *
 * The options of the case and of the caller are settled. The case is run (verdict/run.ts): its module is described from
 * the state_dict, its tensors are bound to the module, the forward pass is computed, and the outputs are compared with the
 * references. The run is judged (verdict/judged-run.ts): more than once, where another runtime's or precision's rounding
 * may explain a difference (verdict/wider.ts), or few printed digits can be read in several ways. What a report says about
 * it is concluded. With `explain`, a quick search looks for the cause of a difference.
 * @throws CellcheckError if nothing can be compared
 */
export async function verify(loaded: Case, options: VerifyOptions = {}): Promise<Comparison> {
  const settings = settle(loaded, options);
  const judgedRun = await run(loaded, settings);
  const comparison = await conclude(loaded, judgedRun);
  if (!options.explain || comparison.verdict !== 'differs') return comparison;
  const { quickCause } = await import('./diagnose/diagnose.js');
  return { ...comparison, cause: await quickCause(judgedRun) };
}
