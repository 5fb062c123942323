import type { Case } from '../module/case.js';
import { isSpread } from './activations.js';
import type { Coarser } from './coarser.js';
import { type Run, runCase } from './run.js';
import type { Settings } from './settings.js';
import { judge, type Ruling } from './verdict.js';
import { widen } from './wider.js';

/** With so many values of each unit it can be told whether one of them is off more than the others. */
const ENOUGH_VALUES = 16;

/** A case that was run, and the verdict on it. */
export interface JudgedRun {
  readonly run: Run;
  readonly ruling: Ruling;
  /** It differs, but no more than this precision rounds. */
  readonly coarser?: Coarser;
}

/**
 * Runs a case and judges it. What differs is read in other ways, and the first that gives parity counts: by wider
 * profiles (wider.ts), then with tensors of few decimals as rounded numbers (the references, then all of them). Else a
 * reading counts whose digits cannot tell, else the first one.
 * @throws CellcheckError where nothing can be compared
 */
export async function run(loaded: Case, settings: Settings): Promise<JudgedRun> {
  const attempt = async (rounded: Settings['rounded']): Promise<JudgedRun> => {
    const attempted = await runCase(loaded, { ...settings, rounded });
    return { run: attempted, ruling: await judge(attempted) };
  };
  const exact = await attempt('none');
  const { fewDecimals, decimals } = exact.run.boundCase;
  if (exact.ruling.verdict === 'parity') return exact;
  const mayBeWider = settings.rule === 'auto' && exact.ruling.verdict === 'differs' && decimals === undefined;
  const { explained, closer, coarser } = mayBeWider ? await widen(exact.run) : {};
  if (explained) return explained;
  const isReference = (name: string) => exact.run.tensors.some(({ reference }) => reference.name === name);
  const references = fewDecimals.filter(isReference).length;
  // A tolerance does not depend on the digits of the weights.
  const others = settings.rule === 'auto' && references < fewDecimals.length;
  const storedOperands = exact.run.boundCase.storedFew;
  let best: JudgedRun = closer ?? { ...exact, coarser };
  for (const rounded of [
    ...(references ? ['references' as const] : []),
    ...(others ? ['all' as const] : []),
  ]) {
    const reading = await attempt(rounded);
    // Rounded weights are off in all units: what is off in one is a fault that their rounding would hide.
    const isAlike = rounded === 'references' || !storedOperands || isSpread(reading.run, ENOUGH_VALUES);
    if (reading.ruling.verdict === 'parity' && isAlike) return reading;
    if (reading.ruling.verdict === 'undecided' && best.ruling.verdict !== 'undecided') best = reading;
  }
  return best;
}
