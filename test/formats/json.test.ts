import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CellcheckError } from '../../src/errors.js';
import { json } from '../../src/formats/json.js';
import { parseJson } from '../../src/formats/json-values.js';
import { NAMELESS } from '../../src/tensor/state-dict.js';
import { sourceOf } from './source.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const scan = (text: string) => parseJson(bytes(text));
const open = (text: string) => json.open(sourceOf(bytes(text)));
const tensors = (text: string) => {
  const { specs, load } = open(text).tensors();
  return load([...specs.keys()]);
};

/** Rectangular nested arrays, their shape and their values. */
const nested = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }).chain((shape) =>
  fc
    .array(fc.double({ noNaN: true, noDefaultInfinity: true }), {
      minLength: shape.reduce((a, b) => a * b),
      maxLength: shape.reduce((a, b) => a * b),
    })
    .map((values) => {
      let rows: unknown[] = values;
      for (const size of shape.slice(1).reverse()) {
        rows = Array.from({ length: rows.length / size }, (_, i) => rows.slice(i * size, (i + 1) * size));
      }
      return { shape, values, rows };
    }),
);

test('nested arrays become a shape and values', () => {
  fc.assert(
    fc.property(nested, fc.constantFrom(undefined, 2), ({ shape, values, rows }, indent) => {
      const text = JSON.stringify(rows, null, indent);
      expect(scan(text)).toEqual({
        shape,
        values: Float64Array.from(values, (value) => JSON.parse(JSON.stringify(value))),
      });
    }),
  );
});

/** Numbers as programs write them, and as nobody does. */
const numeral = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }).map((value) => value.toFixed(20)),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toExponential(8)),
  fc
    .tuple(
      fc.bigInt({ min: 0n, max: 10n ** 25n }),
      fc.stringMatching(/^\d{1,30}$/),
      fc.integer({ min: -330, max: 280 }),
    )
    .map(([whole, fraction, power]) => `-${whole}.${fraction}E${power}`),
  fc.maxSafeNat().map((whole) => `${whole}e-22`),
  fc.constantFrom(
    '0',
    '-0',
    '0e5',
    '-0.0',
    '9007199254740991',
    '9007199254740993',
    '1e22',
    '1e23',
    '5e-324',
    '1E+2',
  ),
);

test('every number is the double nearest to it, as Number reads it', () => {
  fc.assert(
    fc.property(numeral, (text) => {
      expect(scan(text)).toBe(Number(text));
      expect((scan(`[${text}]`) as { values: Float64Array }).values[0]).toBe(Number(text));
    }),
    { numRuns: 5000 },
  );
});

test('an array that is not rectangular is never accepted', () => {
  fc.assert(
    fc.property(nested, fc.nat(), ({ shape, rows }, where) => {
      // A row that is alone is as long as itself.
      fc.pre(shape.slice(0, -1).some((size) => size > 1));
      // One value less in one of the innermost rows.
      const copy = structuredClone(rows);
      let row = copy as unknown[];
      for (let level = 0; level + 1 < shape.length; level++) row = row[where % row.length] as unknown[];
      row.pop();
      expect(() => scan(JSON.stringify(copy))).toThrow(CellcheckError);
    }),
  );
});

test.each([
  ['[[1, 2], [3]]', 'entry [1] has 1 entries, the ones before it 2'],
  ['[[1], 2]', 'entry [1] is a number among rows'],
  ['[1, [2]]', 'entry [1] is a row among numbers'],
  ['[[], [1]]', 'entry [1] has 1 entries, the ones before it 0'],
  ['[[[1]], []]', 'entry [1] is empty among rows that are not'],
  ['[[], 1]', 'entry [1] is a number among rows'],
  ['[[1], []]', 'entry [1] has 0 entries'],
  ['{"a": 1, "a": 2}', 'the name a appears twice'],
  ['{"a": 1, "\\u0061": 2}', 'the name a appears twice'],
  ['{"a": [1e400]}', 'a: a number is too large for float64'],
  ['[NaN]', 'line 1, column 2: expected a number'],
  ['[1,]', 'line 1, column 4: expected a number'],
  ['{"a": 1,}', 'line 1, column 9: expected a name in double quotes'],
  ['{"a" 1}', "expected ':'"],
  ['{"a": 1 "b": 2}', "expected ',' or '}'"],
  ['{"a": [1 2]}', "a: line 1, column 10: expected ',' or ']'"],
  ['{\n "a": tru}', 'line 2, column 7: expected a value'],
  ['[1] x', 'expected the end of the file'],
  ['', 'line 1, column 1: expected a value'],
  ['[01]', "expected ',' or ']'"],
  ['[.5]', 'expected a number'],
  ['["a\nb"]', 'expected a string without raw control characters'],
  ['{"\\ud800": 1}', 'half of a surrogate pair'],
  ['{"a', 'expected a string'],
  [`${'['.repeat(40)}1${']'.repeat(40)}`, 'arrays are nested deeper than 32'],
  [`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`, 'objects are nested deeper than 32'],
])('%s is refused', (text, message) => {
  expect(() => scan(text)).toThrow(message);
});

test('depth costs no stack, and length none either', () => {
  expect(() => scan('['.repeat(1e6))).toThrow('nested deeper');
  expect(() => scan('{"a":'.repeat(1e6))).toThrow('nested deeper');
  expect(scan(JSON.stringify('x'.repeat(5e6)))).toHaveLength(5e6);
});

test('one byte order mark is accepted, two and bad UTF-8 are not', () => {
  expect(scan('\ufeff[1]')).toEqual({ shape: [1], values: Float64Array.of(1) });
  expect(() => scan('\ufeff\ufeff[1]')).toThrow('expected a value');
  expect(() => parseJson(Uint8Array.of(91, 0xc0, 0xaf, 93))).toThrow('is not UTF-8 text');
});

test('non-finite numbers are words', () => {
  expect(scan('["NaN", "Infinity", "-Infinity"]')).toEqual({
    shape: [3],
    values: Float64Array.of(Number.NaN, 1 / 0, -1 / 0),
  });
});

test('names from a file are only ever names', () => {
  const object = scan('{"__proto__": [1], "constructor": [2]}') as object;
  expect(Object.getPrototypeOf(object)).toBeNull();
  expect(Object.keys(object)).toEqual(['__proto__', 'constructor']);
});

test('tensors: bare arrays count as float32 and keep their value; with a dtype they are stored', () => {
  const read = tensors(
    '{"a": [[0.1, 2]], "b": {"dtype": "F32", "shape": [2], "data": [0.1, 1]}, "c": {"dtype": "torch.int64", "shape": [1], "data": [3]}, "d": {"dtype": "bfloat16", "shape": [1], "data": [0.1]}}',
  );
  expect(read.get('a')).toEqual({ dtype: 'F32', shape: [1, 2], data: Float64Array.of(0.1, 2) });
  expect(read.get('b')!.data[0]).toBe(Math.fround(0.1));
  expect(read.get('c')).toEqual({ dtype: 'I64', shape: [1], data: Float64Array.of(3) });
  expect(read.get('d')!.data[0]).toBe(0.10009765625);
});

test('a file may hold one tensor without a name, and options beside the tensors', () => {
  expect(NAMELESS).toBe('');
  expect([...tensors('[[1, 2]]').keys()]).toEqual([NAMELESS]);
  expect([...tensors('{"dtype": "F64", "shape": [1], "data": [1]}').keys()]).toEqual([NAMELESS]);
  const file = open('{"case": {"module": "GRU"}, "input": [1]}');
  expect([...file.tensors().specs.keys()]).toEqual(['input']);
  expect(file.options!()).toEqual({ value: { module: 'GRU' } });
});

test.each([
  ['3', 'found a number, expected an object of tensors'],
  ['null', 'found null'],
  ['{"a": "text"}', 'a: found a string, expected nested arrays'],
  ['{"a": {"dtype": "F32", "shape": [2], "data": [1]}}', 'a: found 1 values, expected 2 for the shape [2]'],
  ['{"a": {"dtype": "F32", "shape": [-4, -4], "data": [1]}}', 'a: found an object of another form'],
  ['{"a": {"dtype": "F32", "shape": [1e9, 1e9], "data": [1]}}', 'a: found 1 values'],
  ['{"a": {"dtype": "F32", "shape": [1.5], "data": [1]}}', 'a: found an object of another form'],
  ['{"a": {"dtype": "F31", "shape": [1], "data": [1]}}', 'a: has a dtype that cellcheck does not know'],
  ['{"a": {"dtype": "F32", "shape": [1], "data": [1e39]}}', 'a: a value is too large for float32'],
  ['{"a": {"dtype": "F16", "shape": [1], "data": [70000]}}', 'a: a value is too large for float16'],
  ['{"a": {"dtype": "I64", "shape": [1], "data": [1.5]}}', 'a: a value is not an int64'],
  ['{"weight_map": {"a": "b"}}', 'is the index of a sharded checkpoint'],
  ['[true]', 'entry [0] is not a number'],
  ['[null]', 'entry [0] is not a number'],
  ['["1"]', 'entry [0] is text, not a number'],
  ['[""]', 'entry [0] is text, not a number'],
  ['{"a": [{}]}', 'a: entry [0] is not a number'],
  ['{"a": {"b": {"c": "text"}}}', 'a.b.c: found a string, expected nested arrays'],
  ['{"a": {}}', 'a: found an object of another form'],
  ['{"a": {"dtype": "F32", "shape": [1]}}', 'a: found an object of another form'],
  ['{"a": {"shape": [1], "data": [1]}}', 'a: found an object of another form'],
  ['{"a": {"dtype": "F32", "data": [1]}}', 'a: found an object of another form'],
  [
    '{"a": {"dtype": "F32", "shape": [1], "data": [1], "device": "cpu"}}',
    'a: found an object of another form',
  ],
])('%s is no tensor', (text, message) => {
  expect(() => tensors(text)).toThrow(message);
});

test.each([
  ['3', 'found a number, expected an object of tensors, or one tensor as nested arrays'],
  ['true', 'found a boolean, expected an object of tensors, or one tensor as nested arrays'],
  ['"text"', 'found a string, expected an object of tensors, or one tensor as nested arrays'],
  ['null', 'found null, expected an object of tensors, or one tensor as nested arrays'],
  ['{"a": null}', 'a: found null, expected nested arrays of numbers, or { "dtype", "shape", "data" }'],
  [
    '{"a": {"shape": [1], "data": [1]}}',
    'a: found an object of another form, expected nested arrays of numbers, or { "dtype", "shape", "data" }',
  ],
  [
    '["1"]',
    `entry [0] is text, not a number
  Only "NaN", "Infinity" and "-Infinity" are written in quotes.`,
  ],
  ['{"a.b": [1], "a": {"b": [2]}}', 'a.b: is there twice: with its point as a name, and nested'],
  [
    '{"input": [1], "weight_map": {"a": "b"}}',
    `is the index of a sharded checkpoint, by another name
  Its name must end in .safetensors.index.json or .bin.index.json.`,
  ],
  [
    '{"a": {"dtype": "F31", "shape": [1], "data": [1]}}',
    `a: has a dtype that cellcheck does not know
  Known are float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8.`,
  ],
  ['{"dtype": "F32", "shape": [2, 2], "data": [1, 2, 3]}', 'found 3 values, expected 4 for the shape [2, 2]'],
  ['{"dtype": "int32", "shape": [1], "data": ["NaN"]}', 'a value is not an int32'],
  ['{"dtype": "I64", "shape": [1], "data": [9007199254740992]}', 'a value is not an int64'],
  ['{"dtype": "BF16", "shape": [1], "data": [-3.4e38]}', 'a value is too large for bfloat16'],
])('%s: what is there, and what should be', (text, message) => {
  expect(() => tensors(text)).toThrow(expect.objectContaining({ message }));
});

test('with a dtype, infinities and NaN stay what they are, and float64 keeps every bit', () => {
  const words = '"data": ["NaN", "Infinity", "-Infinity"]';
  const read = tensors(
    `{"a": {"dtype": "F16", "shape": [3], ${words}}, "b": {"dtype": "F64", "shape": [3], ${words}}, "c": {"dtype": "F64", "shape": [2], "data": [0.1, 1.7976931348623157e308]}}`,
  );
  for (const name of ['a', 'b']) expect([...read.get(name)!.data]).toEqual([Number.NaN, 1 / 0, -1 / 0]);
  expect([...read.get('c')!.data]).toEqual([0.1, Number.MAX_VALUE]);
});

test('a $schema says nothing, and is neither tensor nor options', () => {
  const file = open('{"$schema": "bundle.json", "case": {"module": "LSTM"}, "input": [1]}');
  expect([...file.tensors().specs.keys()]).toEqual(['input']);
  expect(file.options!()).toEqual({ value: { module: 'LSTM' } });
  expect(open('{"$schema": "bundle.json", "input": [1]}').options!()).toEqual({ value: {} });
  expect(open('[1]').options!()).toEqual({ value: {} });
});

test('objects in objects are prefixes, as deep as they go', () => {
  const read = tensors(
    '{"model": {"rnn": {"weight_ih_l0": [[1]], "weight_hh_l0": {"dtype": "F64", "shape": [1, 1], "data": [2]}}, "fc": {"weight": [3]}}, "input": [4]}',
  );
  expect([...read].map(([name, { dtype, data }]) => [name, dtype, ...data])).toEqual([
    ['model.rnn.weight_ih_l0', 'F32', 1],
    ['model.rnn.weight_hh_l0', 'F64', 2],
    ['model.fc.weight', 'F32', 3],
    ['input', 'F32', 4],
  ]);
});

test('options and the schema stand on top only: deeper they are names like others', () => {
  const { specs } = open(
    '{"case": {}, "$schema": "s", "a": {"case": [1], "$schema": [2], "weight_map": [3]}}',
  ).tensors();
  expect([...specs.keys()]).toEqual(['a.case', 'a.$schema', 'a.weight_map']);
});

test('what is no tensor is left aside, each with the reason', () => {
  const { specs, aside } = open(
    '{"epoch": 3, "name": "run", "tags": ["a"], "input": [1], "optimiser": {"lr": 0.1, "betas": [0.9, 0.99]}, "args": {"deep": {"on": true}}, "nothing": null}',
  ).tensors();
  // A list of numbers is a tensor, wherever it stands.
  expect([...specs.keys()]).toEqual(['input', 'optimiser.betas']);
  const expected = 'nested arrays of numbers, or { "dtype", "shape", "data" }';
  expect(Object.fromEntries(aside!)).toEqual({
    epoch: { found: 'a number', expected },
    name: { found: 'a string', expected },
    tags: {
      problem: 'entry [0] is text, not a number',
      hints: ['Only "NaN", "Infinity" and "-Infinity" are written in quotes.'],
    },
    'optimiser.lr': { found: 'a number', expected },
    'args.deep.on': { found: 'a boolean', expected },
    'args.deep': { found: 'an object of another form', expected },
    args: { found: 'an object of another form', expected },
    nothing: { found: 'null', expected },
  });
});

test('nothing is left aside of a file of tensors', () => {
  expect(open('{"case": {"module": "GRU"}, "input": [1]}').tensors().aside).toEqual(new Map());
});
