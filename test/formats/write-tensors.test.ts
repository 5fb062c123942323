import { expect, test } from 'vitest';
import { readTensors } from '../../src/formats/read-tensors.js';
import { type SavedTensor, writerFor } from '../../src/formats/write-tensors.js';
import { tensor } from '../../src/tensor/tensor.js';

const output = { name: 'output', axes: ['step', 'batch', 'unit'], places: [] } as const;
const bidirectional = [
  { layer: 0, direction: 'forward' },
  { layer: 0, direction: 'reverse' },
  { layer: 1, direction: 'forward' },
  { layer: 1, direction: 'reverse' },
] as const;

const pieces = (file: string, tensors: readonly SavedTensor[]) => [...writerFor(file)!(tensors)];
const written = (file: string, tensors: readonly SavedTensor[]) =>
  Buffer.concat(pieces(file, tensors).map((piece) => Buffer.from(piece)));

/** Some tensors of all that a file may hold. */
const some: readonly SavedTensor[] = [
  { ...output, ...tensor([2, 1, 2], [1, 0.1, -2, Number.NaN]) },
  {
    name: 'layer "0"/gate',
    axes: ['step', 'unit'],
    places: [{ layer: 0, direction: 'reverse' }],
    ...tensor([1, 3], [0.1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], 'F64'),
  },
  { name: 'h_n', axes: ['state', 'batch', 'unit'], places: bidirectional, ...tensor([4, 1, 0], []) },
];

test('how a file is written is said by its ending, in any case; others have no writer', () => {
  expect(writerFor('A.JSON')).toBe(writerFor('a.json'));
  expect(writerFor('a.json')).not.toBe(writerFor('a.csv'));
  expect(writerFor('a.csv')).not.toBe(writerFor('a.safetensors'));
  expect(writerFor('a.csv.gz')).toBeUndefined();
  expect(writerFor('.json/a')).toBeUndefined();
});

test.each(['states.safetensors', 'states.json'])('what %s holds reads back as it was', (file) => {
  const { specs, load } = readTensors(written(file, some), file);
  expect([...specs.keys()]).toEqual(some.map(({ name }) => name));
  for (const { name, dtype, shape, data } of some) {
    const read = load([name]).get(name)!;
    expect(read).toMatchObject({ dtype, shape });
    expect([...read.data]).toEqual([...data]);
  }
});

test('a safetensors file has its data on an 8-byte boundary, behind spaces', () => {
  for (const name of ['a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef', 'abcdefg', 'abcdefgh']) {
    const file = written('x.safetensors', [{ ...output, name, ...tensor([1, 1, 1], [1]) }]);
    const header = `{"${name}":{"dtype":"F32","shape":[1,1,1],"data_offsets":[0,4]}}`;
    const padded = header.padEnd(8 * Math.ceil(header.length / 8));
    expect(file.readBigUInt64LE()).toBe(BigInt(padded.length));
    expect(file.subarray(8).toString('latin1')).toBe(`${padded}\0\0\x80?`);
  }
});

test('a JSON file has a tensor a line', () => {
  expect(written('x.json', some).toString()).toBe(`{
"output": { "dtype": "float32", "shape": [2,1,2], "data": [1, 0.10000000149011612, -2, "NaN"] },
"layer \\"0\\"/gate": { "dtype": "float64", "shape": [1,3], "data": [0.1, "Infinity", "-Infinity"] },
"h_n": { "dtype": "float32", "shape": [4,1,0], "data": [] }
}
`);
});

test('a CSV has a line a value, with its place: of a state its layer and direction, of a gate those of the tensor', () => {
  const tensors: readonly SavedTensor[] = [
    { ...output, ...tensor([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]) },
    {
      name: 'h_n',
      axes: ['state', 'batch', 'unit'],
      places: bidirectional,
      ...tensor([4, 1, 1], [1, 2, 3, 4]),
    },
    {
      name: 'c_n',
      axes: ['state', 'unit'],
      places: [
        { layer: 0, direction: 'forward' },
        { layer: 1, direction: 'forward' },
      ],
      ...tensor([2, 2], [1, 2, 3, 4]),
    },
    {
      name: 'gate',
      axes: ['step', 'unit'],
      places: [{ layer: 1, direction: 'reverse' }],
      ...tensor([1, 2], [0.5, -0.5]),
    },
    { ...output, name: 'nothing', ...tensor([0, 2, 2], []) },
  ];
  expect(written('x.csv', tensors).toString()).toBe(`name,layer,direction,step,batch,unit,value
output,,,0,0,0,1
output,,,0,0,1,2
output,,,0,1,0,3
output,,,0,1,1,4
output,,,1,0,0,5
output,,,1,0,1,6
output,,,1,1,0,7
output,,,1,1,1,8
h_n,0,forward,,0,0,1
h_n,0,reverse,,0,0,2
h_n,1,forward,,0,0,3
h_n,1,reverse,,0,0,4
c_n,0,forward,,0,0,1
c_n,0,forward,,0,1,2
c_n,1,forward,,0,0,3
c_n,1,forward,,0,1,4
gate,1,reverse,0,0,0,0.5
gate,1,reverse,0,0,1,-0.5
`);
});

test('a CSV has numbers that are not finite as pandas, R and numpy read them, each with its sign', () => {
  const values = [1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -0.25];
  const [, ...lines] = written('states.csv', [{ ...output, ...tensor([5, 1, 1], values) }])
    .toString()
    .trimEnd()
    .split('\n');
  expect(lines.map((line) => line.split(',')[6])).toEqual(['1.5', 'inf', '-inf', 'NaN', '-0.25']);
});

test('what fills a piece, or none, has no piece more', () => {
  const values = { ...output, axes: ['unit'] } as const;
  const full = { ...values, ...tensor([2 ** 16], new Float32Array(2 ** 16)) };
  const none = { ...values, name: 'none', ...tensor([0], []) };
  expect(pieces('x.safetensors', [none])).toHaveLength(2);
  expect(pieces('x.csv', [full, none])).toHaveLength(2);
  expect(JSON.parse(written('x.json', [full, none]).toString())).toMatchObject({
    output: { shape: [2 ** 16] },
    none: { data: [] },
  });
});

test('a large tensor comes in pieces, and is the same as in one', () => {
  const count = 2 ** 16 + 3;
  const large = [
    {
      ...output,
      axes: ['unit'],
      ...tensor(
        [count],
        Uint32Array.from({ length: count }, (_, i) => i),
      ),
    },
  ] as const;

  expect(pieces('x.json', large).length).toBe(6);
  const json = JSON.parse(written('x.json', large).toString());
  expect(json.output.data).toHaveLength(count);
  expect(json.output.data.every((value: number, i: number) => value === i)).toBe(true);

  expect(pieces('x.csv', large).length).toBe(3);
  const lines = written('x.csv', large).toString().split('\n');
  expect(lines).toHaveLength(count + 2);
  expect(lines.slice(1, -1).every((line, i) => line === `output,,,,0,${i},${i}`)).toBe(true);
  expect(lines[count + 1]).toBe('');
});

test('a very large tensor of a safetensors file too', () => {
  const data = new Float32Array(2 ** 22 + 2).fill(1);
  data.set([2, 3, 4], 2 ** 22 - 1);
  const file = pieces('x.safetensors', [
    { ...output, axes: ['unit'], dtype: 'F32', shape: [data.length], data },
  ]);
  expect(file.map((piece) => piece.length).slice(2)).toEqual([4 * 2 ** 22, 8]);
  const bytes = Buffer.concat(file.slice(2).map((piece) => Buffer.from(piece)));
  expect(Buffer.compare(bytes, Buffer.from(data.buffer))).toBe(0);
});

test('zeros keep their sign', () => {
  const zeros: readonly SavedTensor[] = [{ ...output, ...tensor([1, 1, 2], [0, -0]) }];
  for (const file of ['x.safetensors', 'x.json'])
    expect([...readTensors(written(file, zeros), file).load(['output']).get('output')!.data]).toEqual([
      0, -0,
    ]);
  expect(written('x.csv', zeros).toString()).toContain('output,,,0,0,0,0\noutput,,,0,0,1,-0\n');
});
