import type { Case } from '../module/case.js';
import { type Run, runCase } from './run.js';
import type { Settings } from './settings.js';
import { judge, type Ruling } from './verdict.js';

/** A case that was run, and the verdict on it. */
export interface JudgedRun {
  readonly run: Run;
  readonly ruling: Ruling;
}

/**
 * Runs a case and judges it. Tensors with few printed decimals may be exact or rounded, so the case is read up to three
 * times: all of them exact, then the references rounded, then all of them rounded. The first reading that gives parity
 * counts; else one whose digits cannot tell; else the exact one.
 * @throws CellcheckError where nothing can be compared
 */
export async function run(loaded: Case, settings: Settings): Promise<JudgedRun> {
  const attempt = async (rounded: Settings['rounded']): Promise<JudgedRun> => {
    const attempted = await runCase(loaded, { ...settings, rounded });
    return { run: attempted, ruling: await judge(attempted) };
  };
  const exact = await attempt('none');
  const { fewDecimals } = exact.run.boundCase;
  if (exact.ruling.verdict === 'parity' || fewDecimals.length === 0) return exact;
  const isReference = (name: string) => exact.run.tensors.some(({ reference }) => reference.name === name);
  const references = fewDecimals.filter(isReference).length;
  // A tolerance does not depend on the digits of the weights.
  const others = settings.rule === 'auto' && references < fewDecimals.length;
  let best = exact;
  for (const rounded of [
    ...(references ? ['references' as const] : []),
    ...(others ? ['all' as const] : []),
  ]) {
    const reading = await attempt(rounded);
    if (reading.ruling.verdict === 'parity') return reading;
    if (reading.ruling.verdict === 'undecided' && best.ruling.verdict !== 'undecided') best = reading;
  }
  return best;
}
