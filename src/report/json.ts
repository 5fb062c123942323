import { type CellcheckError, escapeText, shortened } from '../errors.js';
import type { Subject } from '../verdict/comparison.js';

/** JSON that is safe on a terminal: unprintable characters are escaped too. */
export function json(value: object): string {
  return JSON.stringify(value, finite, 1).split('\n').map(escapeText).join('\n');
}

/** JSON has no literals for NaN and infinities; cellcheck reads the same strings in tensors. */
function finite(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

export function errorObject({ message, parts }: CellcheckError): object {
  const { file, tensor, found, expected, hints = [] } = parts;
  return {
    message,
    file: file === undefined ? null : shortened(file),
    tensor: tensor === undefined ? null : shortened(tensor),
    found: found ?? null,
    expected: expected ?? null,
    hints,
  };
}

type Sizes = 'input_size' | 'hidden_size' | 'proj_size' | 'num_layers';

/** A module as it stands in JSON documents, with PyTorch's names. */
export function moduleObject(
  {
    kind,
    cell,
    input_size,
    hidden_size,
    proj_size,
    num_layers,
    bias,
    prefix,
  }: Pick<Subject, 'kind' | 'cell' | 'bias' | 'prefix' | Sizes>,
  bidirectional: boolean,
): object {
  return {
    kind,
    cell,
    input_size,
    hidden_size,
    proj_size,
    num_layers,
    bidirectional,
    bias,
    prefix,
  };
}
