import { expect, test } from 'vitest';
import { explain } from '../../src/compare/conditioning.js';

const ALLOWANCE = 0.01;
const margin = { share: 0.1, allowance: () => ALLOWANCE, bound: Number.POSITIVE_INFINITY };
const values = (all: readonly number[]) => Float64Array.from(all);

test('rounding never explains what is larger than an output can be', () => {
  const outputs = (value: number) => ({ output: values([value]), h_n: values([value]) });
  // The runs have parted as far as anybody could ask.
  const runs = { steps: 1, batch: 1, directions: 1, actual: outputs(-1), rounded: [outputs(1)] };
  const unexplained = (expected: number, bound: number) => {
    const reference = { name: 'output', dtype: 'F32', rows: 1, batch: 1, units: 1 } as const;
    const data = values([expected]);
    return explain({ ...reference, data }, runs, Uint8Array.of(1), { ...margin, bound }).unexplained;
  };
  for (const sign of [1, -1]) {
    expect(unexplained(sign * (1 + ALLOWANCE / 2), 1)).toBeUndefined();
    expect(unexplained(sign * (1 + 2 * ALLOWANCE), 1)).toMatchObject({ row: 0 });
    expect(unexplained(sign * (1 + 2 * ALLOWANCE), 2)).toBeUndefined();
    expect(unexplained(sign * Number.POSITIVE_INFINITY, 1)).toMatchObject({ row: 0 });
  }
});

// The last states of two layers of an LSTM; the output is the upper one's.
const states = (h: readonly [number, number], c: readonly [number, number]) => ({
  output: values([h[1]]),
  h_n: values(h),
  c_n: values(c),
});

test('a last state is explained where the runs part in h or in c of its own layer', () => {
  const unexplained = (name: 'h_n' | 'c_n', layer: number, rounded: ReturnType<typeof states>) => {
    const runs = { steps: 1, batch: 1, directions: 1, actual: states([0, 0], [0, 0]), rounded: [rounded] };
    const reference = { name, dtype: 'F32', rows: 2, batch: 1, units: 1, data: values([1, 1]) } as const;
    const fails = Uint8Array.from([0, 1], (row) => Number(row === layer));
    return explain(reference, runs, fails, margin).unexplained;
  };
  for (const name of ['h_n', 'c_n'] as const) {
    for (const layer of [0, 1]) {
      const apart = [1 - layer, layer] as const;
      const elsewhere = [layer, 1 - layer] as const;
      expect(unexplained(name, layer, states(apart, [0, 0]))).toBeUndefined();
      expect(unexplained(name, layer, states([0, 0], apart))).toBeUndefined();
      expect(unexplained(name, layer, states(elsewhere, elsewhere))).toMatchObject({ row: layer });
    }
  }
});
