import { expect, test } from 'vitest';
import { readTensors } from '../../src/formats/read-tensors.js';
import { raw, safetensorsBytes } from '../write.js';

const text = (content: string) => new TextEncoder().encode(content);

test('a file is read by its format, as its ending or its first bytes say', () => {
  const one = { dtype: 'F32', shape: [2] };
  const files = {
    'x.safetensors': safetensorsBytes({ a: raw([2], [1, 2]) }, { format: 'pt' }),
    'no ending': safetensorsBytes({ a: raw([2], [1, 2]) }),
    'x.json': text('{"a": {"dtype": "float32", "shape": [2], "data": [1, 2]}}'),
    json: text('{"a": [1, 2]}'),
    'x.txt': text("{'a': tensor([1., 2.])}"),
  };
  for (const [name, bytes] of Object.entries(files)) {
    const { specs, load } = readTensors(bytes, name);
    expect([...specs.keys()]).toEqual(['a']);
    expect(specs.get('a')).toMatchObject(one);
    expect(load(['a']).get('a')).toMatchObject(one);
    expect([...load(['a']).get('a')!.data]).toEqual([1, 2]);
  }
});

test('what is wrong with a file is said with its name, also where a tensor is asked for later', () => {
  const bytes = safetensorsBytes({
    a: raw([2], [1, 2]),
    b: { dtype: 'BOOL', shape: [1], bytes: text('\x01') },
  });
  expect(() => readTensors(bytes.subarray(0, -1), 'mine.safetensors')).toThrow(
    'mine.safetensors: found 8 bytes of tensor data, expected 9',
  );
  expect(() => readTensors(text('[[1], 2]'), 'mine.json')).toThrow('mine.json: entry [1]');
  expect(() => readTensors(text(''), 'mine')).toThrow('mine: is empty');
  const { load } = readTensors(bytes, 'mine.safetensors');
  expect(() => load(['b'])).toThrow('mine.safetensors: b: found dtype BOOL');
});
