import { CellcheckError, printable } from '../errors.js';
import { DTYPES, type FloatDtype, spacing } from '../tensor/dtype.js';
import { gridOf, storedDecimals } from '../tensor/grid.js';
import type { Printed, Tensor } from '../tensor/tensor.js';

/**
 * A printed tensor with at most this many decimals was probably typed by hand, and its numbers (0.6, 0.5) are exact. It
 * may also have been rounded: the text does not tell.
 */
const FEW_DECIMALS = 2;
/** Operands that were not read from text may have been rounded if this many different values have so few decimals. */
const ENOUGH_VALUES = 32;

/** The part that a tensor has in a case: weights, the input or a state, or what the network should return. */
type Part = 'weights' | 'sequence' | 'reference';

/** Decimals that somebody states: for all tensors, or for tensors by name and, as `all`, for the others. */
export type StatedDecimals = number | Readonly<Record<string, number>>;

/** How to read the printed numbers of a case. */
export interface DigitsReading {
  /** The decimals that tensors were printed with, if the user says so. */
  readonly decimals?: StatedDecimals;
  /** Which of the tensors that may be exact or rounded are taken as rounded; the others are taken as exact. */
  readonly rounded?: 'none' | 'references' | 'all';
}

/** The largest rounding error of a number that was printed with this many decimals. */
export function halfUnit(decimals: number): number {
  return 0.5 * 10 ** -decimals;
}

/** A tensor of a case. `name`: without the module's prefix. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
  readonly part: Part;
}

/** @throws CellcheckError for decimals of a tensor that the case does not have */
export function checkDecimals(tensors: readonly NamedTensor[], { decimals }: DigitsReading): void {
  if (typeof decimals !== 'object') return;
  const names = tensors.map(({ name }) => name);
  const unknown = Object.keys(decimals).find((name) => name !== 'all' && !names.includes(name));
  if (unknown === undefined) return;
  throw new CellcheckError({
    code: 'option',
    tensor: 'decimals',
    found: printable(unknown),
    expected: `one of ${names.join(', ')}`,
  });
}

/** The tensors that may be either exact or rounded, and so are read as exact first. */
export function mayBeExact(tensors: readonly NamedTensor[], reading: DigitsReading): NamedTensor[] {
  const open = tensors.filter(({ name }) => statedFor(name, reading) === undefined);
  const short = open.filter(({ tensor: { printed } }) => printed && printed.decimals <= FEW_DECIMALS);
  const stored = open.filter(
    ({ tensor, part }) => part !== 'reference' && !tensor.printed && lostBeforeStoring(tensor),
  );
  return [...short, ...(haveEnoughValues(stored) ? stored : [])];
}

function haveEnoughValues(tensors: readonly NamedTensor[]): boolean {
  const values = new Set<number>();
  for (const { tensor } of tensors) {
    for (const value of tensor.data) {
      values.add(value);
      if (values.size === ENOUGH_VALUES) return true;
    }
  }
  return false;
}

/**
 * The largest rounding errors of a printed tensor's values; undefined if the tensor is exact.
 * @param unsure whether it is one of `mayBeExact`
 */
export function missingDigits(
  { name, tensor, part }: NamedTensor,
  reading: DigitsReading,
  unsure: boolean,
): Printed | undefined {
  const { rounded = 'none' } = reading;
  const decimals = statedFor(name, reading);
  if (decimals !== undefined) {
    const { data } = tensor;
    // An input or a state of whole numbers is exact: a count or a one-hot vector, not a rounded number.
    if (part === 'sequence' && data.every(Number.isInteger)) return undefined;
    return { decimals, halfUnits: new Float64Array(data.length).fill(halfUnit(decimals)) };
  }
  const isRounded = unsure
    ? rounded === 'all' || (rounded === 'references' && part === 'reference')
    : part === 'reference' || tensor.printed;
  return isRounded ? (tensor.printed ?? lostBeforeStoring(tensor)) : undefined;
}

/** The decimals that somebody states of one tensor. */
export function statedFor(name: string, { decimals }: DigitsReading): number | undefined {
  return typeof decimals === 'object' ? (decimals[name] ?? decimals.all) : decimals;
}

/** Both statements in one: the stronger wins for every tensor that it names. */
export function mergeDecimals(
  weaker: StatedDecimals | undefined,
  stronger: StatedDecimals | undefined,
): StatedDecimals | undefined {
  if (weaker === undefined || stronger === undefined || typeof stronger === 'number')
    return stronger ?? weaker;
  return { ...(typeof weaker === 'number' ? { all: weaker } : weaker), ...stronger };
}

const found = new WeakMap<Tensor, Printed | undefined>();

/** What values lost that have few decimals although they come from a file that holds all digits. Computed once. */
function lostBeforeStoring(tensor: Tensor): Printed | undefined {
  if (!found.has(tensor)) found.set(tensor, lostDigits(tensor));
  return found.get(tensor);
}

function lostDigits({ data, dtype }: Tensor): Printed | undefined {
  if (!DTYPES[dtype].float) return undefined;
  // Every 16-bit number below 1 has some decimals: its dtype explains them.
  const grid = gridOf(data, dtype as FloatDtype);
  if (grid === 'F16' || grid === 'BF16') return undefined;
  const decimals = storedDecimals(data, dtype);
  if (decimals === undefined || decimals <= FEW_DECIMALS) return undefined;
  const half = halfUnit(decimals);
  const halfUnits = Float64Array.from(data, (value) => half + spacing(value, dtype as FloatDtype) / 2);
  return { decimals, halfUnits };
}
