import { escapeText } from '../errors.js';
import type { Subject } from '../verdict/comparison.js';
import type { ReportedError } from './reported.js';

/** JSON that is safe on a terminal: unprintable characters are escaped too. */
export function json(value: object): string {
  const text = JSON.stringify(value, finite, 1).replace(NUMBERS, (list) => list.replace(/\s+/g, ' '));
  return text.split('\n').map(escapeText).join('\n');
}

/** A list of numbers, which takes one line. (No text in JSON has a line break as it is.) */
const NUMBERS =
  /\[\n\s*(?:-?[\d.e+-]+|null|"-?Infinity"|"NaN")(?:,\n\s*(?:-?[\d.e+-]+|null|"-?Infinity"|"NaN"))*\n\s*\]/g;

/** JSON has no literals for NaN and infinities; cellcheck reads the same strings in tensors. */
function finite(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

export function errorObject({ message, file, tensor, found, expected, hints }: ReportedError): object {
  return {
    message,
    file: file ?? null,
    tensor: tensor ?? null,
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
