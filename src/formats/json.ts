import { parseBundleOptions } from '../../schemas/case.js';
import { parseTensorEntry, type TensorEntry } from '../../schemas/tensors-json.js';
import { CellcheckError } from '../errors.js';
import { DTYPES, type Dtype, dtypeNamed, type FloatDtype, roundTo } from '../tensor/dtype.js';
import { elementCount, formatShape } from '../tensor/shape.js';
import { NAMELESS, type StateDict, stateDict } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Format } from './format.js';
import { isObject, type JsonValue, parseJson } from './json-values.js';

export const json: Format = {
  name: 'json',
  endings: ['.json'],
  text: true,
  looksLike: (head) => /^(?:\xef\xbb\xbf)?\s*[[{]/.test(head),
  open(source) {
    const document = parseJson(source.read(0, source.size));
    return {
      document,
      tensors: () => tensorsOf(document),
      options: () => parseBundleOptions(isObject(document) ? document : {}),
    };
  },
};

// A bundle's options, and the schema that an editor checks the file with.
const NO_TENSORS = ['case', '$schema'];

/**
 * JSON tensors: `{ name: nested array | { dtype, shape, data } }`, or a single one of these without a name.
 * Numbers without a dtype keep the value they are written with and count as float32.
 */
function tensorsOf(document: JsonValue): StateDict {
  if (typeof document !== 'object' || document === null) {
    throw new CellcheckError({
      found: describe(document),
      expected: 'an object of tensors, or one tensor as nested arrays',
    });
  }
  const single = parseTensorEntry(document);
  if (single) return stateDict(new Map([[NAMELESS, toTensor(undefined, single)]]));

  const tensors = new Map<string, Tensor>();
  for (const [name, value] of Object.entries(document)) {
    if (NO_TENSORS.includes(name)) continue;
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
  return stateDict(tensors);
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
      hints: [
        `Known are ${(Object.keys(DTYPES) as Dtype[]).map((known) => DTYPES[known].torch).join(', ')}.`,
      ],
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

/** The value as a tensor of that dtype holds it. A finite value that would overflow to infinity is an error. */
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
