import type { Printed, Tensor } from '../tensor/tensor.js';

/**
 * A tensor that shows so few decimals was probably written so by somebody (0.6, 0.5, 0.7), and its numbers are exact; else
 * it was printed with few digits.
 */
const FEW_DECIMALS = 2;

/** What a tensor is in a case: what the network computes with, and what comes out. */
type Part = 'weights' | 'sequence' | 'reference';

/** How the digits of a case are read. */
export interface DigitsReading {
  /** With how many decimals all of it was printed, where somebody says so. */
  readonly decimals?: number;
  /** Tensors of few decimals that are taken as rounded; the others of them are exact. */
  readonly rounded?: 'none' | 'references' | 'all';
}

/** How far a number that was printed with so many decimals may be from what it was. */
export function halfUnit(decimals: number): number {
  return 0.5 * 10 ** -decimals;
}

/** Whether a tensor's digits leave it open how it was meant. */
export function isShort({ printed }: Tensor): boolean {
  return printed !== undefined && printed.decimals <= FEW_DECIMALS;
}

/** How far each value of a tensor may be from what it was; undefined where it is exact. */
export function missingDigits(
  tensor: Tensor,
  part: Part,
  { decimals, rounded = 'none' }: DigitsReading,
): Printed | undefined {
  const { data, printed } = tensor;
  if (decimals !== undefined) {
    // An input or a state of whole numbers is taken as it is.
    if (part === 'sequence' && data.every(Number.isInteger)) return undefined;
    return { decimals, halfUnits: new Float64Array(data.length).fill(halfUnit(decimals)) };
  }
  const exact = isShort(tensor) && rounded !== 'all' && !(rounded === 'references' && part === 'reference');
  return exact ? undefined : printed;
}
