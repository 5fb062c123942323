import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { tanhApprox } from '../../src/bounds/tanh-approx.js';
import { readTensors } from '../../src/index.js';
import { ROOT } from '../cli.js';

test('tanh.approx is that of the GPU in every bit', () => {
  const name = 'tanh-approx.safetensors';
  const file = readTensors(fs.readFileSync(path.join(ROOT, 'test', 'data', 'gpu', name)), name);
  const [x, y] = ['x', 'y'].map((tensor) => file.load([tensor]).get(tensor)!.data);
  expect(x).toHaveLength(10_000);
  expect([...x].filter((value, i) => tanhApprox(value) !== y[i])).toEqual([]);
  expect([0, -0, Number.POSITIVE_INFINITY, -20, Number.NaN].map(tanhApprox)).toEqual([
    0,
    -0,
    1,
    -1,
    Number.NaN,
  ]);
});
