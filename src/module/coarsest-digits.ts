import type { Floats } from '../tensor/dtype.js';
import type { Printed } from '../tensor/tensor.js';
import type { Bound } from './bind.js';

/**
 * The fewest decimals of a reference, or of the case where it was not printed itself, and the largest that one of its
 * values or of the weights may be off by; undefined where nothing was printed.
 */
export function coarsestDigits(
  { decimals, uncertainty }: Pick<Bound, 'decimals' | 'uncertainty'>,
  { printed }: { readonly printed?: Printed },
): { readonly decimals: number; readonly halfUnit: number } | undefined {
  if (decimals === undefined) return undefined;
  const weights: (Floats | undefined)[] = (uncertainty?.layers ?? [])
    .flat()
    .flatMap((one) => Object.values(one));
  let most = 0;
  for (const values of [printed?.halfUnits, ...weights])
    for (const value of values ?? []) most = Math.max(most, value);
  return { decimals: printed?.decimals ?? decimals, halfUnit: most };
}
