import { KINDS } from '../kinds.js';
import type { JudgedRun } from './judged-run.js';
import { type Advice, roundedTensors } from './remarks.js';
import { mismatchesIn, type Run } from './run.js';

/** What to try where the verdict is not parity. */
export async function adviceOn({ run, ruling, coarser }: JudgedRun): Promise<Advice[]> {
  const { boundCase, tensors, settings } = run;
  const { verdict } = ruling;
  if (verdict === 'parity') return [];
  if (ruling.overflow) return [{ kind: 'smaller-sums' }];
  if (verdict === 'undecided') {
    const rounded = roundedTensors(run);
    const printed = boundCase.decimals !== undefined;
    return [
      { kind: printed ? 'print-more-digits' : 'wider-dtype-or-layer-outputs' },
      ...(rounded ? [{ kind: 'give-exact-as-json', tensors: rounded } as const] : []),
    ];
  }
  if (coarser?.isSure) return [{ kind: 'coarser-precision', profile: coarser.profile }];
  // Another reading that fits is the answer, however the numbers were made.
  const reading = await betterReading(run);
  if (reading) return [reading];
  const decimals = fewDecimals(run);
  if (decimals !== undefined) return [{ kind: 'state-decimals', decimals }];
  if (verdict === 'differs') return [];
  if (settings.compute === 'float32') return [{ kind: 'compute-float64' }];
  const orFloat64 = !tensors.every(({ comparison }) => comparison.dtype === 'float64');
  return [{ kind: 'shorter-sequence', orFloat64 }];
}

/** Numbers with more decimals were hardly printed for people. */
const MOST_DECIMALS = 8;

/** The number of decimals that a reference was written with, where it is small; whole numbers say nothing. */
function fewDecimals({ boundCase, settings }: Run): number | undefined {
  // Printed operands already count as such.
  if (settings.decimals !== undefined || boundCase.uncertainty) return undefined;
  const every = (test: (value: number) => boolean) =>
    boundCase.references.every(({ data }) => data.every(test));
  const has = (decimals: number) => every((value) => Number(value.toFixed(decimals)) === value);
  if (has(0)) return undefined;
  for (let decimals = 1; decimals <= MOST_DECIMALS; decimals++) if (has(decimals)) return decimals;
  return undefined;
}

/** With a reading that is right but for a fault, far fewer values differ than with a wrong one. */
const FAR_BETTER = 0.5;

/** Another value of batch_first or nonlinearity that agrees better: names and shapes do not always tell them. */
async function betterReading(run: Run): Promise<Advice | undefined> {
  const { module } = run.boundCase.network;
  const { layout, otherLayoutFits } = run.boundCase;
  // What somebody states is no question.
  const isOpen = otherLayoutFits && run.settings.batch_first === undefined;
  const layouts = isOpen ? [layout.batch_first, !layout.batch_first] : [layout.batch_first];
  const { nonlinearities } = KINDS[module.kind];
  if (layouts.length * nonlinearities.length === 1) return undefined;
  const of = run.tensors.reduce((sum, { comparison }) => sum + comparison.elements, 0);
  // A tolerance tells a wrong reading from one that is right but for a fault or for rounded digits.
  const close = { rule: 'close' } as const;
  const isAsGiven = run.boundCase === run.asGiven;
  const now = mismatchesIn(await (isAsGiven ? run.rejudge(close) : run.rerun(close)));
  for (const batch_first of layouts) {
    for (const nonlinearity of nonlinearities) {
      const changed = {
        ...(batch_first !== layout.batch_first && { batch_first }),
        ...(nonlinearity !== module.nonlinearity && { nonlinearity }),
      };
      if (Object.keys(changed).length === 0) continue;
      const mismatches = mismatchesIn(await run.rerun({ ...close, ...changed }));
      if (mismatches === 0 || mismatches < FAR_BETTER * now)
        return { kind: 'another-reading', ...changed, mismatches, of };
    }
  }
  return undefined;
}
