import { parseBundleOptions } from '../../schemas/case.js';
import { parseTensorEntry, type TensorEntry } from '../../schemas/tensors-json.js';
import { CellcheckError, type ErrorParts } from '../errors.js';
import { DTYPES, type Dtype, dtypeNamed, type FloatDtype, roundTo } from '../tensor/dtype.js';
import { elementCount, formatShape } from '../tensor/shape.js';
import { NAMELESS, type StateDict, stateDict } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Contents, Format } from './format.js';
import { isObject, isOtherList, type JsonValue, parseJson } from './json-values.js';

export const json: Format = {
  name: 'json',
  endings: ['.json'],
  text: true,
  looksLike: (head) => /^(?:\xef\xbb\xbf)?\s*[[{]/.test(head),
  open: (source) => {
    const document = parseJson(source.read(0, source.size));
    return { ...contentsOf(document), cases: casesIn(document) };
  },
};

function contentsOf(document: JsonValue): Contents {
  return {
    document,
    tensors: () => tensorsOf(document),
    options: () => parseBundleOptions(isObject(document) ? document : {}),
  };
}

/** Several cases in one document: `{ "cases": { name: … } }`, each a case file or a bundle. */
function casesIn(document: JsonValue): Contents['cases'] {
  if (!isObject(document) || document.cases === undefined || !isObject(document.cases)) return undefined;
  const cases = Object.entries(document.cases);
  return cases.every(([, one]) => isObject(one))
    ? new Map(cases.map(([name, one]) => [name, contentsOf(one)]))
    : undefined;
}

// All names together: those of nested objects are in each of theirs.
const MOST_LETTERS = 2 ** 24;

// A bundle's options, and the schema that an editor checks the file with.
const NO_TENSORS = ['case', '$schema'];

/**
 * JSON tensors: `{ name: nested array | { dtype, shape, data } }`, or a single one of these without a name. Objects of
 * tensors may be nested: their names are prefixes. Numbers without a dtype keep the value they are written with and count
 * as float32. What is no tensor is left aside.
 */
function tensorsOf(document: JsonValue): StateDict {
  if (isOtherList(document)) throw new CellcheckError(document);
  if (typeof document !== 'object' || document === null) {
    throw new CellcheckError({
      found: describe(document),
      expected: 'an object of tensors, or one tensor as nested arrays',
    });
  }
  const single = parseTensorEntry(document);
  if (single) return stateDict(new Map([[NAMELESS, toTensor(undefined, single)]]));

  const tensors = new Map<string, Tensor>();
  const aside = new Map<string, ErrorParts>();
  let letters = 0;
  const visit = (members: JsonValue, prefix: string) => {
    for (const [key, value] of Object.entries(members as object) as [string, JsonValue][]) {
      if (prefix === '' && NO_TENSORS.includes(key)) continue;
      if (prefix === '' && key === 'weight_map') throw shardIndex();
      const name = prefix + key;
      letters += name.length;
      if (letters > MOST_LETTERS)
        throw new CellcheckError({ problem: `has names of more than ${MOST_LETTERS} characters` });
      const entry = parseTensorEntry(value);
      if (entry) {
        if (tensors.has(name))
          throw new CellcheckError({
            tensor: name,
            problem: 'is there twice: with its point as a name, and nested',
          });
        tensors.set(name, toTensor(name, entry));
      } else if (isObject(value) && !isMeantAsTensor(value)) {
        const before = tensors.size;
        visit(value, `${name}.`);
        if (tensors.size === before) aside.set(name, notATensor(value));
      } else if (isObject(value)) throw new CellcheckError({ tensor: name, ...notATensor(value) });
      else aside.set(name, isOtherList(value) ? value : notATensor(value));
    }
  };
  visit(document as JsonValue, '');
  const [firstAside] = aside;
  if (tensors.size === 0 && firstAside) throw new CellcheckError({ tensor: firstAside[0], ...firstAside[1] });
  return { ...stateDict(tensors), aside };
}

const shardIndex = () =>
  new CellcheckError({
    problem: 'is the index of a sharded checkpoint, by another name',
    hints: ['Its name must end in .safetensors.index.json or .bin.index.json.'],
  });

/** Whether an object describes one tensor, though not as it should. */
const isMeantAsTensor = (value: JsonValue) =>
  isObject(value) && ['dtype', 'shape', 'data'].filter((key) => Object.hasOwn(value, key)).length > 1;

const notATensor = (value: JsonValue): ErrorParts => ({
  found: describe(value),
  expected: 'nested arrays of numbers, or { "dtype", "shape", "data" }',
});

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
