import fc from 'fast-check';
import { expect, test } from 'vitest';
import { relu } from '../../src/engine/cells/activations.js';
import { forwardPass } from '../../src/engine/forward.js';
import { traceName } from '../../src/kinds.js';
import type { Module } from '../../src/module/parameters.js';
import { oracle } from './oracle.js';
import { anyNetwork, networkOf, sequenceOf } from './random-network.js';

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);
}

test('the forward pass agrees with the equations, for every kind and option', async () => {
  await fc.assert(
    fc.asyncProperty(anyNetwork(), async ({ network, sequence }) => {
      const outputs = await forwardPass(network, sequence);
      const expected = oracle(network, sequence);
      // relu states grow with the layers.
      const size = Math.max(1, ...expected.output.map(Math.abs), ...expected.h_n.map(Math.abs));
      expect(largestDifference(outputs.output, expected.output)).toBeLessThan(1e-13 * size);
      expect(largestDifference(outputs.h_n, expected.h_n)).toBeLessThan(1e-13 * size);
      if (network.module.kind === 'LSTM')
        expect(largestDifference(outputs.c_n!, expected.c_n)).toBeLessThan(1e-13);
      else expect(outputs.c_n).toBeUndefined();
    }),
    { numRuns: 400 },
  );
});

test('float32 stays near float64 and holds nothing but float32 values', async () => {
  await fc.assert(
    fc.asyncProperty(anyNetwork(), async ({ network, sequence }) => {
      const single = await forwardPass(network, sequence, { compute: 'float32' });
      const double = await forwardPass(network, sequence);
      const size = Math.max(1, ...double.output.map(Math.abs));
      expect(largestDifference(single.output, double.output)).toBeLessThan(2e-5 * size);
      for (const value of single.output) expect(Math.fround(value)).toBe(value);
    }),
    { numRuns: 100 },
  );
});

test('a trace has every state and gate of every step, and changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(anyNetwork(), async ({ network, sequence }) => {
      const { trace, ...outputs } = await forwardPass(network, sequence, { trace: true });
      expect(outputs).toEqual(await forwardPass(network, sequence).then(({ trace: _, ...rest }) => rest));
      const expected = oracle(network, sequence);
      const size = Math.max(1, ...expected.output.map(Math.abs), ...expected.h_n.map(Math.abs));
      const names = trace!.flatMap(({ layer, direction, parts }) =>
        Object.entries(parts).map(([part, values]) => {
          const name = traceName(layer, direction, part);
          expect(largestDifference(values, expected.trace[name])).toBeLessThan(1e-13 * size);
          return name;
        }),
      );
      expect(names).toEqual(Object.keys(expected.trace));
    }),
    { numRuns: 300 },
  );
});

test('a trace that no memory holds is refused before anything is allocated', async () => {
  const network = networkOf({ ...LARGE, input_size: 1, hidden_size: 1 }, 1);
  const sequence = { steps: 1e9, batch: 1, input: new Float64Array(0) };
  await expect(forwardPass(network, sequence, { trace: true })).rejects.toThrow(
    'states and gates of 1000000000 steps × 1 take 89.4 GiB, and 4 are the most',
  );
});

const LARGE: Module = {
  kind: 'LSTM',
  cell: false,
  nonlinearity: 'tanh',
  prefix: '',
  input_size: 96,
  hidden_size: 128,
  proj_size: 0,
  num_layers: 1,
  bidirectional: true,
  bias: true,
};

test('a sequence that takes several chunks gives the same as step by step, in both directions', async () => {
  const network = networkOf(LARGE, 3);
  const sequence = sequenceOf(LARGE, 700, 1, 5);
  const seen: number[] = [];
  const outputs = await forwardPass(network, sequence, {
    onProgress: async (done) => {
      seen.push(done);
    },
  });
  expect(seen.length).toBeGreaterThan(4);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(seen[seen.length - 1]).toBe(1);
  expect(largestDifference(outputs.output, oracle(network, sequence).output)).toBeLessThan(1e-13);
});

test('storing as another dtype puts every state on its grid', async () => {
  const network = networkOf({ ...LARGE, input_size: 3, hidden_size: 5 }, 3);
  const sequence = sequenceOf(network.module, 6, 2, 5);
  const { output } = await forwardPass(network, sequence, { compute: 'float32', storage: { dtype: 'BF16' } });
  for (const value of output) {
    const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
    expect(bits & 0xffff).toBe(0);
  }
  const { output: exact } = await forwardPass(network, sequence);
  expect(largestDifference(output, exact)).toBeGreaterThan(1e-5);
  expect(largestDifference(output, exact)).toBeLessThan(2e-2);
});

test('relu keeps NaN, and what is beyond a length never counts', async () => {
  expect(relu(Number.NaN)).toBeNaN();
  expect(relu(-1)).toBe(0);
  const network = networkOf({ ...LARGE, input_size: 2, hidden_size: 3 }, 1);
  const sequence = { ...sequenceOf(network.module, 4, 2, 1), lengths: [2, 4] };
  const spoilt = sequence.input.slice();
  for (let t = 2; t < 4; t++) spoilt.fill(Number.NaN, t * 4, t * 4 + 2);
  const clean = await forwardPass(network, sequence);
  expect(await forwardPass(network, { ...sequence, input: spoilt })).toEqual(clean);
});
