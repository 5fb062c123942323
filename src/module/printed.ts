import type { Printed, Tensor } from '../tensor/tensor.js';

/**
 * A printed tensor with at most this many decimals was probably typed by hand, and its numbers (0.6, 0.5) are exact. It
 * may also have been rounded: the text does not tell.
 */
const FEW_DECIMALS = 2;

/** The part that a tensor has in a case: weights, the input or a state, or what the network should return. */
type Part = 'weights' | 'sequence' | 'reference';

/** How to read the printed numbers of a case. */
export interface DigitsReading {
  /** The decimals that all tensors were printed with, if the user says so. */
  readonly decimals?: number;
  /** Which tensors with few decimals are taken as rounded; the others with few decimals are taken as exact. */
  readonly rounded?: 'none' | 'references' | 'all';
}

/** The largest rounding error of a number that was printed with this many decimals. */
export function halfUnit(decimals: number): number {
  return 0.5 * 10 ** -decimals;
}

/** Whether a tensor has so few decimals that it may be either exact or rounded. */
export function isShort({ printed }: Tensor): boolean {
  return printed !== undefined && printed.decimals <= FEW_DECIMALS;
}

/** The largest rounding errors of a printed tensor's values; undefined if the tensor is exact. */
export function missingDigits(
  tensor: Tensor,
  part: Part,
  { decimals, rounded = 'none' }: DigitsReading,
): Printed | undefined {
  const { data, printed } = tensor;
  if (decimals !== undefined) {
    // An input or a state of whole numbers is exact: a count or a one-hot vector, not a rounded number.
    if (part === 'sequence' && data.every(Number.isInteger)) return undefined;
    return { decimals, halfUnits: new Float64Array(data.length).fill(halfUnit(decimals)) };
  }
  const exact = isShort(tensor) && rounded !== 'all' && !(rounded === 'references' && part === 'reference');
  return exact ? undefined : printed;
}
