import { parseTensorEntry, type TensorEntry } from '../../schemas/tensors-json.js';
import { CellcheckError } from '../errors.js';
import { DTYPES, type Dtype, dtypeNamed, type FloatDtype, roundTo } from '../tensor/dtype.js';
import { elementCount, formatShape } from '../tensor/shape.js';
import { type StateDict, stateDict } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import type { JsonValue } from './scan-json.js';

/** What a file of tensors holds: the tensors, and the options a bundle carries beside them. */
interface TensorFile {
  readonly tensors: StateDict;
  /** A bundle's options, not validated yet. */
  readonly options?: unknown;
}

/** The name of a tensor that a file holds without one. */
export const NAMELESS = '';

/**
 * JSON tensors: `{ name: nested array | { dtype, shape, data } }`, or a single one of these without a name.
 * Numbers without a dtype keep the value they are written with and count as float32.
 * @throws CellcheckError without a file
 */
export function tensorsOfJson(root: JsonValue): TensorFile {
  if (typeof root !== 'object' || root === null) {
    throw new CellcheckError({
      found: describe(root),
      expected: 'an object of tensors, or one tensor as nested arrays',
    });
  }
  const alone = parseTensorEntry(root);
  if (alone) return { tensors: stateDict(new Map([[NAMELESS, toTensor(undefined, alone)]])) };

  const tensors = new Map<string, Tensor>();
  let options: unknown;
  for (const [name, value] of Object.entries(root)) {
    if (name === 'case' || name === '$schema') {
      if (name === 'case') options = value;
      continue;
    }
    if (name === 'weight_map') {
      throw new CellcheckError({
        problem: 'is the index of a sharded checkpoint, not a checkpoint',
        hints: ['Pass the shard that holds the module: weight_map says which one that is.'],
      });
    }
    const entry = parseTensorEntry(value);
    if (!entry) {
      throw new CellcheckError({
        tensor: name,
        found: describe(value),
        expected: 'nested arrays of numbers, or { "dtype", "shape", "data" }',
      });
    }
    tensors.set(name, toTensor(name, entry));
  }
  return { tensors: stateDict(tensors), options };
}

function toTensor(name: string | undefined, entry: TensorEntry): Tensor {
  if (entry.dtype === undefined) {
    return { dtype: 'F32', shape: entry.shape, data: entry.values };
  }
  const dtype = dtypeNamed(entry.dtype);
  if (!dtype) {
    throw new CellcheckError({
      tensor: name,
      problem: 'has a dtype that cellcheck does not know',
      hints: [`Known are ${(Object.keys(DTYPES) as Dtype[]).map((d) => DTYPES[d].torch).join(', ')}.`],
    });
  }
  if (elementCount(entry.shape) !== entry.values.length) {
    throw new CellcheckError({
      tensor: name,
      found: `${entry.values.length} values`,
      expected: `${elementCount(entry.shape)} for the shape ${formatShape(entry.shape)}`,
    });
  }
  return { dtype, shape: entry.shape, data: entry.values.map((value) => stored(name, value, dtype)) };
}

/** The value as a tensor of that dtype would hold it; one that doesn't fit is a mistake, never an infinity. */
function stored(name: string | undefined, value: number, dtype: Dtype): number {
  if (!DTYPES[dtype].float) {
    if (!Number.isSafeInteger(value))
      throw new CellcheckError({ tensor: name, problem: `a value is not an ${DTYPES[dtype].torch}` });
    return value;
  }
  const rounded = dtype === 'F64' ? value : roundTo(value, dtype as FloatDtype);
  if (Number.isFinite(value) && !Number.isFinite(rounded)) {
    throw new CellcheckError({ tensor: name, problem: `a value is too large for ${DTYPES[dtype].torch}` });
  }
  return rounded;
}

function describe(value: JsonValue): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return `a ${typeof value}`;
  return 'an object of another form';
}
