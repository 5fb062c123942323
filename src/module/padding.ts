import { CellcheckError } from '../errors.js';
import type { TensorName } from '../kinds.js';
import type { Floats } from '../tensor/dtype.js';
import { isPadding, type Reference } from '../tensor/reference.js';

/** What an output has beyond the lengths of its rows: a number, or anything. */
export type Padding = number | 'ignore';

/**
 * A reference whose padding is 0, as PyTorch's is, where it is as stated. Values that are not stay as they are: they
 * differ.
 * @throws CellcheckError where the case has no lengths
 */
export function withoutPadding<Name extends TensorName>(
  reference: Reference<Name>,
  padding: Padding | undefined,
): Reference<Name> {
  const { data, axes } = reference;
  if (padding === undefined || axes.layer === undefined) return reference;
  if (!axes.lengths)
    throw new CellcheckError({
      code: 'option',
      tensor: 'padding',
      problem: 'is for a case with lengths: without them every step is valid',
    });
  const stored = storedAs(data, padding);
  const isStated = (value: number) => stored === 'ignore' || Object.is(value, stored) || value === stored;
  return {
    ...reference,
    data: data.map((value, i) => (isStated(value) && isPadding(reference, i) ? 0 : value)),
  };
}

/** The padding as the tensor can hold it. */
function storedAs(data: Floats, padding: Padding): Padding {
  return typeof padding === 'number' && data instanceof Float32Array ? Math.fround(padding) : padding;
}
